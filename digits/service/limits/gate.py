"""What a new connection meets while images wait for too long: it is refused before a request is made of its bytes."""

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any, Protocol

from digits.service.limits.refusal import EarlyRefusal
from digits.service.process.connection_room import is_short_of_files

# A connection on which nothing has come for so many seconds is handed over, to be bounded as any other.
_HAND_OVER_SECONDS = 0.25
# What a refused client still sends waits for so many seconds, in which most clients see the answer and stop.
_PAUSE_SECONDS = 0.005
# The first bytes of a connection come here, and after a refusal what nobody reads. The head of a request is shorter.
_FIRST_BYTES = memoryview(bytearray(16 * 1024))
_SCRATCH = memoryview(bytearray(256 * 1024))
# How many times as much as `_SCRATCH` holds is thrown away before other connections have their turn.
_MOST_TURNS = 64


class Successor(Protocol):
    """A protocol that goes on with a connection, and that uvicorn can stop."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Called with the connection."""

    def data_received(self, data: bytes) -> None:
        """Called with bytes that have arrived."""

    def shutdown(self) -> None:
        """Called when the server stops."""


class Gate(asyncio.BufferedProtocol):
    """Refuses a large image by the first bytes of a connection, and hands any other connection over.

    The protocol that parses requests takes some times longer for a refusal than this one. Under overload there are so
    many of them that the difference is felt by those who are answered.

    Args:
        early: makes the refusals.
        make_successor: makes the protocol that goes on with a connection that is not refused.
        connections: those of the server; it stops them when it ends.
        linger_seconds: how long what a refused client still sends is read and thrown away.
    """

    def __init__(
        self,
        early: EarlyRefusal,
        make_successor: Callable[[], Successor],
        connections: set[Any],
        linger_seconds: float,
    ) -> None:
        self._early = early
        self._make_successor = make_successor
        self._connections = connections
        self._linger_seconds = linger_seconds
        self._loop = asyncio.get_running_loop()
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when a client has connected."""
        self._transport = transport
        self._connections.add(self)
        self._deadline = self._loop.call_later(_HAND_OVER_SECONDS, self._hand_over)
        if is_short_of_files(transport):
            # Refused connections are not counted, and stay open for a moment. Those that are handed over are counted.
            self._hand_over()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended."""
        self._deadline.cancel()
        self._connections.discard(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Returns a place for bytes: no more are taken from the system than are looked at."""
        return _SCRATCH if self._is_refused else _FIRST_BYTES

    def buffer_updated(self, nbytes: int) -> None:
        """Called when bytes have arrived."""
        if self._is_refused:
            return
        data = bytes(_FIRST_BYTES[:nbytes])
        answer = self._early.answer_to(data, self._transport.get_extra_info("peername"))
        if answer is None:
            self._hand_over(data)
            return
        self._is_refused = True
        self._deadline.cancel()
        self._transport.write(answer)
        if self._transport.is_closing():
            # The client has left in the meantime.
            return
        self._transport.pause_reading()
        self._deadline = self._loop.call_later(_PAUSE_SECONDS, self._discard)

    def eof_received(self) -> bool:
        """Called when the client will send nothing more: a connection without a request, or a refused one, is closed.

        Returns:
            Whether the connection stays open.
        """
        return False

    def shutdown(self) -> None:
        """Called by the server once, when it stops: a client that has connected may have sent its request."""
        if self._is_refused:
            self._transport.close()
        else:
            self._hand_over().shutdown()

    def _hand_over(self, data: bytes = b"") -> Successor:
        self._deadline.cancel()
        self._connections.discard(self)
        successor = self._make_successor()
        self._transport.set_protocol(successor)  # type: ignore[arg-type] # it is one of asyncio's
        successor.connection_made(self._transport)
        if data:
            successor.data_received(data)
        return successor

    def _discard(self) -> None:
        """Throws away what the client still sends, and closes when the client has."""
        if self._transport.is_closing():
            return
        if discard_received(self._transport.get_extra_info("socket").fileno()):
            self._transport.close()
            return
        # This client may wait for the end.
        if self._transport.can_write_eof():
            self._transport.write_eof()
        if self._transport.is_closing():
            return
        self._deadline = self._loop.call_later(self._linger_seconds, self._transport.close)
        self._transport.resume_reading()


def discard_received(descriptor: int) -> bool:
    """Throws away what a connection has received, on Linux without copying it; returns whether the client has ended it.

    Args:
        descriptor: of the socket, which does not block.
    """
    if sys.platform != "linux":
        return False
    twin = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
    try:
        for _ in range(_MOST_TURNS):
            if not twin.recv_into(_SCRATCH, 0, socket.MSG_TRUNC):
                return True
    except OSError as error:
        # Nothing more has come so far, or the connection is broken.
        return not isinstance(error, BlockingIOError)
    finally:
        # The descriptor belongs to the transport.
        twin.detach()
    return False
