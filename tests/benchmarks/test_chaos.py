"""Short runs of `python -m benchmarks.faults.chaos`: nothing is lost that could be kept."""

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from benchmarks.faults.chaos import drain, kill, table
from benchmarks.faults.reloading import reload
from benchmarks.support.client import Connection, UnansweredError
from benchmarks.support.operating import Options, code_at_end
from benchmarks.support.servers import Running


@pytest.mark.parametrize(("heeds", "workers"), [(True, 1), (False, 1), (True, 2), (False, 2)])
def test_a_server_that_is_told_to_stop_answers_what_it_has_taken(heeds: bool, workers: int) -> None:
    drained = drain(Options(rounds=1, clients=4, workers=workers, seconds=0.3), heeds=heeds, drain_seconds=0.5)
    assert drained.lost == 0
    assert drained.code == 0
    assert drained.not_ready is not None
    assert drained.ended >= 0.5
    if heeds:
        assert not drained.others
    else:
        assert drained.answered > 0
        assert set(drained.others) <= {"refused", "unsent"}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_at_once_loses_nothing(number: signal.Signals, workers: int) -> None:
    options = Options(rounds=1, clients=6, workers=workers, seconds=0.3)
    drained = drain(options, heeds=False, drain_seconds=0.0, to_all=number)
    assert drained.lost == 0
    assert drained.code == 0
    assert drained.answered > 0
    assert set(drained.others) <= {"refused", "unsent"}


def test_a_server_that_does_not_end_says_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def waits_for_ever() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-X", "faulthandler", "-c", "import threading; threading.Event().wait()"]
        with (tmp_path / "log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    with waits_for_ever() as process:
        # Until it waits, it does not handle the signal that has it say where it is.
        deadline = time.monotonic() + 20.0
        while "State:\tS" not in Path(f"/proc/{process.pid}/status").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.3)
        assert code_at_end(Running("", process, 0.0, tmp_path / "log"), 0.2) == -signal.SIGABRT
    said = capsys.readouterr().err
    assert "did not end within 0.2 s. It ran for 0.0" in said
    assert "in wait" in said


def test_a_killed_worker_takes_no_more_with_it_than_it_was_answering() -> None:
    (killed,) = kill(Options(rounds=1, clients=4, workers=2, seconds=0.3))
    assert killed.lost <= killed.connections
    assert killed.restored < 30.0


def test_a_model_is_replaced_between_two_requests_or_stays_if_the_new_file_is_broken() -> None:
    reloaded = reload(Options(rounds=6, clients=4, workers=2, seconds=0.1))
    assert (reloaded.replaced, reloaded.kept) == (4, 2)
    assert reloaded.answers > 10
    assert (reloaded.lost, reloaded.foreign, reloaded.stale) == (0, 0, 0)


def answering(answers: list[bytes | None]) -> tuple[tuple[str, int], threading.Thread]:
    """A server that gives each connection one of these answers; for None it resets the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            for answer in answers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    if answer is None:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    else:
                        connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    host, port = listener.getsockname()
    return (host, port), thread


def test_the_client_tells_apart_how_a_request_was_lost() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    address, thread = answering([b"HTTP/1.1 100 Continue\r\n\r\n" + whole, b"", whole[:-1], b"HTTP/1.1 200", None])
    outcomes = []
    for _ in range(5):
        with Connection(address, 10.0) as connection:
            try:
                outcomes.append(connection.exchange(b"GET / HTTP/1.1\r\n\r\n").body.decode())
            except UnansweredError as error:
                outcomes.append(error.loss)
    thread.join()
    assert outcomes == ["ok", "closed", "cut off", "cut off", "reset"]
    with pytest.raises(UnansweredError, match="no connection could be made"):
        Connection(address, 1.0).connect()


def test_a_table_has_a_line_for_each_row() -> None:
    assert table([{"a": "1", "b": "2"}]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
