"""A server that ends answers whoever had connected."""

import asyncio
import functools
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from digits.service.process.connection_room import ConnectionRoom
from digits.service.process.connections import PatientProtocol
from digits.service.process.shutdown import DrainingServer

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def run_and_stop(loop: str, act: Callable[[DrainingServer, tuple[str, int]], Awaitable[None]]) -> None:
    """Runs a server, acts, and ends it."""

    async def run() -> None:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        await act(server, listener.getsockname())
        await server.shutdown([listener])

    protocol = functools.partial(PatientProtocol, header_seconds=10.0, room=ConnectionRoom(10))
    config = uvicorn.Config(PlainTextResponse("here"), http=protocol, lifespan="off", loop=loop)  # type: ignore[arg-type]
    server = DrainingServer(config)
    listener = socket.create_server(("127.0.0.1", 0))
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(run())


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
            assert client.recv(65_536).endswith(b"here")


@loops
def test_nobody_connects_to_a_server_that_has_ended(loop: str) -> None:
    addresses = []

    async def note(_server: DrainingServer, address: tuple[str, int]) -> None:
        addresses.append(address)

    run_and_stop(loop, note)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(addresses[0], timeout=10)
