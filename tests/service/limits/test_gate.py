"""While images wait for too long, large ones are refused by the first bytes of a connection."""

import asyncio
import select
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from digits.service.limits.gate import Gate, discard_received
from digits.service.limits.queue import ComputeQueue
from digits.service.limits.refusal import EarlyRefusal
from digits.service.problems import MEDIA_TYPE

HEAD = b"POST /predict/ HTTP/1.1\r\nHost: a\r\nX-Request-ID: mine-7\r\nContent-Length: 300000\r\n\r\n"
SMALL = HEAD.replace(b"300000", b"5")


class FullQueue(ComputeQueue):
    """A queue for which one more computation would wait for too long."""

    is_full = True


class Successor(asyncio.Protocol):
    """Notes what is handed over to it."""

    def __init__(self, seen: list[bytes], connections: set[Any]) -> None:
        self.seen, self.connections = seen, connections

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.connections.add(self)
        self.seen.append(b"connected")

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.seen.append(data)

    def shutdown(self) -> None:
        self.seen.append(b"shutdown")
        self.transport.close()


# The third argument holds the connections of the server, the fourth what was handed over.
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, set[Any], list[bytes]], Awaitable[None]]


def talk(act: Talk, *, linger_seconds: float = 5.0) -> list[bytes]:
    """Returns what was handed over while a client talked to a gate in front of a full queue."""
    seen: list[bytes] = []

    async def main() -> None:
        early = EarlyRefusal(FullQueue(1, 0.001), None, ("/predict/",), 16_000)
        connections: set[Any] = set()
        server = await asyncio.get_running_loop().create_server(
            lambda: Gate(early, lambda: Successor(seen, connections), connections, linger_seconds), "127.0.0.1"
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            async with asyncio.timeout(30):
                await act(reader, writer, connections, seen)
                writer.close()
                while connections:
                    await asyncio.sleep(0.01)

    asyncio.run(main())
    return seen


def test_a_large_image_is_refused_before_its_body_has_come() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: set[Any], __: list[bytes]) -> None:
        writer.write(HEAD)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close" in answer
        assert b"x-request-id: mine-7" in answer
        assert MEDIA_TYPE.encode() in answer
        assert b'"type":"urn:digits:problem:overloaded"' in answer
        assert b'"request_id":"mine-7"' in answer
        head, body = answer.split(b"\r\n\r\n", 1)
        assert f"content-length: {len(body)}".encode() in head

    assert talk(act) == []


def test_a_client_that_sends_its_whole_body_first_reads_the_refusal() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: set[Any], __: list[bytes]) -> None:
        # More than the buffers of both sides hold.
        writer.write(HEAD.replace(b"300000", b"30000000"))
        for _number in range(30):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")

    assert talk(act) == []


@pytest.mark.parametrize(
    "first",
    [
        SMALL + b"12345",
        HEAD.replace(b"POST", b"GET"),
        HEAD.replace(b"/predict/", b"/model"),
        # The rest of the head is still to come.
        HEAD[:30],
        b"\x16\x03\x01\x02\x00 no HTTP",
    ],
)
def test_any_other_connection_is_handed_over_with_its_first_bytes(first: bytes) -> None:
    async def act(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: set[Any], seen: list[bytes]) -> None:
        writer.write(first)
        while len(seen) < 2:
            await asyncio.sleep(0.01)

    assert talk(act) == [b"connected", first]


def test_a_silent_connection_is_handed_over_to_what_bounds_its_silence() -> None:
    async def act(_reader: asyncio.StreamReader, _: asyncio.StreamWriter, __: set[Any], seen: list[bytes]) -> None:
        while not seen:
            await asyncio.sleep(0.01)

    assert talk(act) == [b"connected"]


def test_a_server_that_stops_hands_over_who_has_connected() -> None:
    async def act(
        reader: asyncio.StreamReader, _: asyncio.StreamWriter, connections: set[Any], __: list[bytes]
    ) -> None:
        while not connections:
            await asyncio.sleep(0.001)
        for connection in list(connections):
            connection.shutdown()
        assert await reader.read() == b""

    assert talk(act)[:2] == [b"connected", b"shutdown"]


async def send_on(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


def test_a_refused_client_that_goes_on_sending_is_cut_off() -> None:
    async def act(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connections: set[Any], _: list[bytes]
    ) -> None:
        writer.write(HEAD)
        await reader.read()
        with pytest.raises(ConnectionError):
            await send_on(writer)
        assert connections == set()

    assert talk(act, linger_seconds=0.1) == []


def wait_for_bytes(connection: socket.socket, count: int) -> None:
    """Waits until the kernel has handed over so many bytes, and leaves them there."""
    connection.settimeout(10.0)
    assert len(connection.recv(count, socket.MSG_PEEK | socket.MSG_WAITALL)) == count
    connection.setblocking(False)


def wait_for_end(connection: socket.socket) -> None:
    """Waits until the client's end of a connection is closed, or the connection broken."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    assert poll.poll(10_000)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems copy what they throw away")
@pytest.mark.parametrize("ends", [True, False])
def test_what_was_received_is_thrown_away_and_the_end_is_seen(ends: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    with accepted, client:
        client.sendall(b"x" * 50_000)
        wait_for_bytes(accepted, 50_000)
        if ends:
            client.close()
            wait_for_end(accepted)
        assert discard_received(accepted.fileno()) is ends
        if not ends:
            with pytest.raises(BlockingIOError):
                accepted.recv(1)
            client.sendall(b"more")
            wait_for_bytes(accepted, 4)
            assert accepted.recv(10) == b"more"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems copy what they throw away")
def test_the_end_of_a_broken_connection_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    with accepted:
        accepted.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        wait_for_end(accepted)
        assert discard_received(accepted.fileno())
