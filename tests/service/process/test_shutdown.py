"""A server that ends answers whoever had connected."""

import asyncio
import functools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.recognizer import shipped_model
from digits.service.process import shutdown
from digits.service.process.connection_room import ConnectionRoom
from digits.service.process.connections import PatientProtocol
from digits.service.process.shutdown import DrainingServer, begin_no_more
from tests.conftest import free_port

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def run_and_stop(
    loop: str,
    act: Callable[[DrainingServer, tuple[str, int]], Awaitable[None]],
    app: ASGIApp = PlainTextResponse("here"),
) -> None:
    """Runs a server, acts, and ends it."""

    async def run() -> None:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        await act(server, listener.getsockname())
        await server.shutdown([listener])

    protocol = functools.partial(PatientProtocol, header_seconds=10.0, room=ConnectionRoom(100))
    config = uvicorn.Config(app, http=protocol, lifespan="off", loop=loop)  # type: ignore[arg-type]
    server = DrainingServer(config)
    listener = socket.create_server(("127.0.0.1", 0))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


def answer(client: socket.socket) -> bytes:
    """The answer to a request, up to its body or the end of the connection."""
    received = b""
    while not received.endswith(b"here") and (data := client.recv(65_536)):
        received += data
    return received


loops = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


@loops
def test_who_has_connected_and_was_not_taken_yet_is_answered(loop: str) -> None:
    clients = []

    async def connect(_server: DrainingServer, address: tuple[str, int]) -> None:
        # Nothing is awaited: the server has no chance to take them.
        for _ in range(3):
            clients.append(socket.create_connection(address, timeout=10))
            clients[-1].sendall(REQUEST)

    run_and_stop(loop, connect)
    for client in clients:
        with client:
            assert answer(client).endswith(b"here")


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_log_says_how_many_requests_the_end_waits_for(count: int, caplog: pytest.LogCaptureFixture) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.5)
        await PlainTextResponse("here")(scope, receive, send)

    clients = list[socket.socket]()

    async def act(server: DrainingServer, address: tuple[str, int]) -> None:
        # One more has connected, and asks for nothing.
        for number in range(count + 1):
            clients.append(socket.create_connection(address))
            if number < count:
                clients[-1].sendall(REQUEST)
        while len(server.server_state.tasks) < count:
            await asyncio.sleep(0.01)

    caplog.set_level("INFO", "digits")
    run_and_stop("asyncio", act, slow)
    answers = list[bytes]()
    for client in clients:
        with client:
            answers.append(answer(client)[-4:])
    assert answers == [b"here"] * count + [b""]
    said = [record.getMessage() for record in caplog.records if record.name == "digits"]
    assert said == ([f"Waiting for {count} request{'s' * (count > 1)} to be answered"] if count else [])


@loops
def test_nobody_connects_to_a_server_that_has_ended(loop: str) -> None:
    addresses = []

    async def note(_server: DrainingServer, address: tuple[str, int]) -> None:
        addresses.append(address)

    run_and_stop(loop, note)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(addresses[0], timeout=10)


linux = pytest.mark.skipif(sys.platform != "linux", reason="other kernels have no such filter")


@linux
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connections_that_were_begun_before_the_end_are_there_and_no_others(
    family: socket.AddressFamily, host: str
) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        address = listener.getsockname()[:2]
        with socket.create_connection(address, timeout=10) as client:
            assert begin_no_more(listener)
            with pytest.raises(TimeoutError):
                socket.create_connection(address, timeout=0.3)
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(b"here")
                assert client.recv(10) == b"here"
            listener.settimeout(0.0)
            with pytest.raises(BlockingIOError):
                listener.accept()


@linux
@loops
def test_whoever_connects_while_the_server_stops_is_answered_or_not_connected(loop: str) -> None:
    """Clients connect one after the other, without a pause, from before the stop to after it."""
    outcomes: list[str] = []
    ended = threading.Event()

    def ask(address: tuple[str, int]) -> str:
        try:
            client = socket.create_connection(address, timeout=0.05)
        except OSError:
            return "not connected"
        with client:
            client.settimeout(10)
            try:
                client.sendall(REQUEST)
                return "answered" if answer(client).endswith(b"here") else "lost"
            except OSError:
                return "lost"

    def keep_asking(address: tuple[str, int]) -> None:
        while not ended.is_set():
            outcomes.append(ask(address))

    threads: list[threading.Thread] = []

    async def start(_server: DrainingServer, address: tuple[str, int]) -> None:
        threads.extend(threading.Thread(target=keep_asking, args=(address,)) for _ in range(4))
        for thread in threads:
            thread.start()
        while "answered" not in outcomes:
            await asyncio.sleep(0.01)

    try:
        run_and_stop(loop, start)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert set(outcomes) == {"answered", "not connected"}


def test_who_connects_last_has_time_to_send_a_first_request() -> None:
    answers: list[bytes] = []

    def ask_late(client: socket.socket) -> None:
        with client:
            time.sleep(0.5)
            client.sendall(REQUEST)
            answers.append(answer(client))

    async def connect(_server: DrainingServer, address: tuple[str, int]) -> None:
        threading.Thread(target=ask_late, args=(socket.create_connection(address, timeout=10),)).start()

    run_and_stop("asyncio", connect)
    assert answers[0].endswith(b"here")


def test_a_worker_that_gets_a_signal_goes_on_until_it_knows_whether_all_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor, which gets the same signal, says so a moment later."""
    said = threading.Event()
    answers: list[bytes] = []
    monkeypatch.setattr(shutdown, "is_whole_stop", said.is_set)

    def come_late(address: tuple[str, int]) -> None:
        time.sleep(0.3)
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(REQUEST)
            answers.append(answer(client))
        said.set()

    async def start(_server: DrainingServer, address: tuple[str, int]) -> None:
        threading.Thread(target=come_late, args=(address,)).start()

    run_and_stop("asyncio", start)
    assert said.is_set()
    assert answers[0].endswith(b"here")


def test_a_worker_that_stops_alone_waits_only_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutdown, "is_whole_stop", lambda: False)

    async def nothing(_server: DrainingServer, _address: tuple[str, int]) -> None:
        pass

    start = time.monotonic()
    run_and_stop("asyncio", nothing)
    assert 1.0 <= time.monotonic() - start < 10.0


_HANGING = """
import asyncio, sys, time
from digits.service.process import shutdown
import uvicorn

async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    print("started", flush=True)
    await receive()
    time.sleep(60)

shutdown.END_SECONDS = 0.5
shutdown.DrainingServer(uvicorn.Config(app, port=0, lifespan="on", timeout_graceful_shutdown=1)).run()
"""


def test_a_server_that_hangs_while_it_stops_ends_and_says_where_it_was() -> None:
    command = [sys.executable, "-c", _HANGING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        # A moment later it handles signals and listens.
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Timeout (0:00:01.500000)!" in errors
    assert "in app" in errors


_HANGING_IN_THE_DRAIN = """
import sys, time
from digits.service import state
from digits.service.process import server, signals

signals.END_SECONDS = 0.5
state.ServiceState.drain = lambda self: time.sleep(60)
server.serve("127.0.0.1", int(sys.argv[1]), 1, brief=True)
"""


def test_a_service_of_one_process_that_hangs_in_its_drain_ends_and_says_where_it_was(tmp_path: Path) -> None:
    port = free_port()
    settings = {"DIGITS_DRAIN_SECONDS": "1", "DIGITS_SHUTDOWN_SECONDS": "1", "XDG_RUNTIME_DIR": str(tmp_path)}
    environment = os.environ | settings | {"DIGITS_MODEL": str(shipped_model())}
    command = [sys.executable, "-c", _HANGING_IN_THE_DRAIN, str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        deadline = time.monotonic() + 60.0
        while not is_live(port):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    # Drain and stop may take a second each.
    assert time.monotonic() - start >= 2.4
    assert "Timeout (0:00:02.500000)!" in errors
    assert "in _start_drain" in errors


def is_live(port: int) -> bool:
    """Whether a service answers at a port."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    except httpx.TransportError:
        return False
