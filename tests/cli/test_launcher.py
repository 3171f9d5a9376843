import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import pytest

from digits.app.calls import API_URL_VARIABLE
from digits.cli.launcher import services
from tests.conftest import BIN, Server, free_port, run_python
from tests.model_files import with_card


def start(folder: Path, api_port: int, app_port: int) -> Server:
    command = [str(BIN / "digits"), "run", "--api-port", str(api_port), "--app-port", str(app_port)]
    return Server(command, folder, f"http://127.0.0.1:{api_port}")


def wait_until_printed(server: Server, last_line: str) -> None:
    for _ in range(600):
        if last_line in server.output():
            return
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.1)
    raise AssertionError(server.output())


def processes_on(port: int) -> list[str]:
    """Command lines that mention the port, as the servers' do."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(port) in command.split():
            found.append(command)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_run_serves_both_prints_the_addresses_last_and_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    api_port, app_port = free_port(), free_port()
    server = start(tmp_path, api_port, app_port)
    try:
        app_line = f"app: http://127.0.0.1:{app_port}"
        # Before any request of this test, of which the API would print a line.
        last_line = f"Open http://127.0.0.1:{app_port} in a browser. Ctrl-C stops the app and the API."
        wait_until_printed(server, last_line)
        lines = server.output().rstrip().splitlines()
        assert lines[-3:] == [f"API: http://127.0.0.1:{api_port}", app_line, last_line]
        # They are the first line, too, and no list of settings stands between.
        assert lines[0] == f"Starting the API at http://127.0.0.1:{api_port} and the app at {app_line[5:]} ..."
        assert "DIGITS_" not in server.output()
        assert httpx.get(f"http://127.0.0.1:{app_port}").status_code == 200
        os.kill(server.process.pid, number)
        assert server.process.wait(20) == 0
    finally:
        server.stop()
    assert "Traceback" not in server.output()
    for port in (api_port, app_port):
        if Path("/proc").is_dir():
            assert processes_on(port) == []
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(("busy", "option"), [("API", "API_PORT"), ("app", "APP_PORT")])
def test_a_port_in_use_gets_one_line_that_says_how_to_choose_another(tmp_path: Path, busy: str, option: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        ports = (port, free_port()) if busy == "API" else (free_port(), port)
        server = start(tmp_path, *ports)
        assert server.process.wait(20) == 1
    example = rf"Choose another, for example: make run {option}=(\d+)"
    said = re.match(rf"digits: Port {port}, for the {busy}, is in use\. {example}", server.output())
    assert said, server.output()
    assert int(said[1]) > port
    assert len(server.output().splitlines()) == 1


def test_one_port_for_both_is_refused(tmp_path: Path) -> None:
    port = free_port()
    server = start(tmp_path, port, port)
    assert server.process.wait(20) == 1
    assert server.output().startswith(f"digits: API and app cannot share port {port}.")


def test_the_app_starts_alone_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    port = free_port()
    server = Server([str(BIN / "digits"), "app", "--port", str(port)], tmp_path, f"http://127.0.0.1:{port}")
    try:
        wait_until_printed(server, f"Open http://127.0.0.1:{port} in a browser. Ctrl-C stops the app.")
        os.kill(server.process.pid, signal.SIGINT)
        assert server.process.wait(20) == 0
    finally:
        server.stop()
    assert processes_on(port) == []


def test_ctrl_c_says_what_is_waited_for_and_a_second_one_ends_it(tmp_path: Path) -> None:
    api_port, app_port = free_port(), free_port()
    server = start(tmp_path, api_port, app_port)
    try:
        wait_until_printed(server, "Ctrl-C stops the app and the API.")
        with socket.create_connection(("127.0.0.1", api_port)) as client:
            head = "POST /predict/ HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n"
            client.sendall(head.encode())
            # The API has it once it answers a later one.
            assert httpx.get(f"http://127.0.0.1:{api_port}/health/live").status_code == 200
            os.kill(server.process.pid, signal.SIGINT)
            wait_until_printed(server, "requests that have begun are answered first, for 10 seconds at the most.")
            assert "Waiting for 1 request to be answered" in server.output()
            os.kill(server.process.pid, signal.SIGINT)
            # Sooner than the ten seconds are over.
            assert server.process.wait(6) == 0
    finally:
        server.stop()
    assert processes_on(api_port) == processes_on(app_port) == []


def test_the_app_says_how_to_choose_another_port(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        done = run_python(["-m", "digits", "app", "--port", str(port)], tmp_path)
    assert done.returncode == 1
    beginning = f"digits: Port {port}, for the app, is in use. Choose another, for example: digits app --port "
    assert done.stderr.startswith(beginning)


def test_if_one_server_cannot_start_the_other_is_stopped(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    command = [str(BIN / "digits"), "run", "--api-port", str(ports[0]), "--app-port", str(ports[1])]
    server = Server(command, tmp_path, f"http://127.0.0.1:{ports[0]}", {"DIGITS_MODEL": "nowhere.keras"})
    assert server.process.wait(60) == 1
    assert "There is no model file nowhere.keras. Name one that exists" in server.output()
    assert "digits: the API ended with code" in server.output()
    assert processes_on(ports[1]) == []


def test_the_app_is_told_where_the_api_listens() -> None:
    api, app = services(8100, 8600)
    assert app.environment == {API_URL_VARIABLE: api.address}
    assert api.address == "http://127.0.0.1:8100"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no signal for reloading")
def test_the_api_reads_a_model_that_was_trained_meanwhile(tmp_path: Path) -> None:
    api_port, app_port = free_port(), free_port()
    server = start(tmp_path, api_port, app_port)
    try:
        wait_until_printed(server, f"app: http://127.0.0.1:{app_port}")
        model = with_card(tmp_path, recipe="trained meanwhile")
        (tmp_path / "models").mkdir()
        model.replace(tmp_path / "models" / "mnist_model.keras")
        wait_until_printed(server, "The model file has changed: the API reads it again.")
        wait_until_printed(server, "Reload replaced")
        card = httpx.get(f"http://127.0.0.1:{api_port}/model").json()["card"]
        assert card["recipe"] == "trained meanwhile"
    finally:
        server.stop()
