"""The files that connections take are asked for at the start."""

import subprocess
import sys

import pytest

from digits.errors import SettingError
from digits.service.process.connection_room import allow_connections

resource = pytest.importorskip("resource")


def test_a_limit_that_may_be_raised_is_raised() -> None:
    code = (
        "import resource; from digits.service.process.connection_room import allow_connections;"
        "most = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, most)); allow_connections(500);"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(shown.stdout) == 564


def test_connections_for_which_files_may_not_be_opened_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    allow_connections(192)
    with pytest.raises(SettingError, match=r"open 256 files\. Set DIGITS_MAX_CONNECTIONS to 192 or less, or have 964"):
        allow_connections(900)


def test_no_limit_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    allow_connections(1_000_000)
