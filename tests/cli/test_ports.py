"""Servers say why they cannot listen at a port, and what to do."""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from digits.cli.ports import check_port
from digits.errors import SettingError
from tests.conftest import free_port, run_python, serve


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which this process listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", ""])
def test_a_free_port_passes(host: str) -> None:
    check_port(host, free_port(), "the API", "digits serve --port {port}")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_server_says_at_once_what_to_do_about_a_port_in_use(tmp_path: Path, taken: int, workers: str) -> None:
    done = run_python(["-m", "digits", "serve", "--port", str(taken), "--workers", workers], tmp_path)
    assert done.returncode == 1
    # The settings, or a log of a start that cannot succeed, would hide the message.
    assert done.stdout == ""
    said = re.fullmatch(
        rf"digits: Port {taken}, for the API, is in use\. Choose another, for example: digits serve --port (\d+)"
        r"(\. To see what holds it: (.*))?\n",
        done.stderr,
    )
    assert said, done.stderr
    with socket.socket() as proposed:
        proposed.bind(("127.0.0.1", int(said[1])))
    assert (said[3] is None) == (not any(map(shutil.which, ("lsof", "ss", "netstat"))))


def test_a_server_of_digits_that_holds_the_port_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    server = serve(tmp_path)
    try:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(SettingError) as raised:
            check_port("127.0.0.1", port, "the API", "digits serve --port {port}")
    finally:
        server.stop()
    holder = f"Or stop the server of Digits that holds it: process {server.process.pid}, started in {tmp_path}."
    assert str(raised.value).endswith(holder)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine_is_not_taken_for_a_port_in_use(host: str) -> None:
    with pytest.raises(SettingError, match=rf"The API cannot listen at {re.escape(host)}, port \d+ \(.+\)\. Choose "):
        check_port(host, free_port(), "the API", "digits serve --port {port}")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the administrator may listen at any port")
def test_a_port_that_needs_rights_says_so() -> None:
    with pytest.raises(SettingError, match=r"cannot listen at 127\.0\.0\.1, port 1 "):
        check_port("127.0.0.1", 1, "the API", "digits serve --port {port}")


def test_the_last_port_has_no_next_one() -> None:
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", 65_535))
        except OSError:
            pytest.skip("another program uses it")
        listener.listen()
        with pytest.raises(SettingError, match="--port 65534"):
            check_port("127.0.0.1", 65_535, "the API", "digits serve --port {port}")


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
def test_what_cannot_be_the_name_of_a_machine_is_refused(host: str) -> None:
    with pytest.raises(SettingError, match="is no name of a machine"):
        check_port(host, 8000, "the API", "--port {port}")
