"""A server that answers every client that had connected before it stops."""

import asyncio
import contextlib
import ctypes
import logging
import socket
import struct
import sys
from types import FrameType

import uvicorn

from digits.service.process.runtime import is_whole_stop
from digits.service.process.signals import END_SECONDS, end_after
from digits.service.process.uvicorn_internals import Worker, application_state, listening_sockets, make_protocol

_log = logging.getLogger("digits")

# A worker that gets a signal by itself waits so long for its supervisor's word that all stop.
_WORD_SECONDS, _LOOK_SECONDS = 1.0, 0.02

# A client whose first packet came before the last moment is connected when its answer to the server's has come.
_HANDSHAKE_SECONDS = 0.2
# Of Linux' headers: the option of a socket, and the program, which is one for the Berkeley Packet Filter. It loads the
# byte of the TCP header that holds the flags, and drops the packet if SYN is among them.
_ATTACH_FILTER = 26
_FLAGS_AT, _SYN = 13, 0x02
_LOAD_BYTE, _JUMP_IF_ANY, _RETURN = 0x30, 0x45, 0x06
_DROP_SYN = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (_LOAD_BYTE, 0, 0, _FLAGS_AT),
        (_JUMP_IF_ANY, 0, 1, _SYN),
        (_RETURN, 0, 0, 0),
        (_RETURN, 0, 0, 0xFFFFFFFF),
    )
)


class DrainingServer(uvicorn.Server):
    """A server that takes the connections that wait for it before it stops listening.

    A client is connected as soon as the kernel says so, and may have sent its request. If the socket were closed
    before the server had accepted the connection, the kernel would reset it. On Linux, when all workers stop, the
    kernel is told to begin no more connections first: their clients try again, and are refused, or come to the next
    server. Elsewhere, and when one of several workers stops, hardly any time passes between the attempt to accept that
    finds no more and the end of listening.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called when the server is to stop: at a signal, or when the drain after one is over.

        From then on the process ends in any case: if it hangs, it prints where each of its threads is and ends with
        exit code 1.
        """
        grace = self.config.timeout_graceful_shutdown
        if grace is not None and not self.should_exit:
            end_after(grace + END_SECONDS)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, answers the requests that were taken, and ends.

        Args:
            sockets: those that the supervisor has handed over.
        """
        drain = getattr(application_state(self.config), "drain", None)
        if drain is not None:
            # Not every stop begins with a drain. From now on answers say that the connection ends.
            drain()
        await _word_of_whole_stop()
        # The event loop's own socket objects cannot accept.
        listeners = listening_sockets(self)
        for server in self.servers:
            server.close()
        for handed in sockets or []:
            handed.close()
        if is_whole_stop() and all(begin_no_more(listener) for listener in listeners):
            await self._take_waiting(listeners)
            await asyncio.sleep(_HANDSHAKE_SECONDS)
        await self._take_waiting(listeners, close=True)
        if count := len(self.server_state.tasks):
            grace = self.config.timeout_graceful_shutdown
            _log.info(
                "Waiting for %d request%s to be answered%s",
                count,
                "s" * (count > 1),
                "" if grace is None else f", for {grace:g} seconds at the most",
            )
        await super().shutdown(sockets)

    async def _take_waiting(self, listeners: list[socket.socket], *, close: bool = False) -> None:
        """Takes the connections that wait at listening sockets, and then closes these if `close`."""
        waiting = [connection for listener in listeners for connection in _accept_waiting(listener, close=close)]
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(lambda: make_protocol(self), connection)


async def _word_of_whole_stop() -> None:
    """Waits a moment for the supervisor's word that all workers stop.

    A signal to all processes of a service, as from a terminal or from systemd, may reach a worker first. If the workers
    stopped as if others went on, the kernel would connect clients for as long as the supervisor keeps the socket open,
    and then reset them.
    """
    end = asyncio.get_running_loop().time() + _WORD_SECONDS
    while not is_whole_stop() and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(_LOOK_SECONDS)


class DrainingWorker(Worker):
    """A worker process that runs a `DrainingServer`."""

    server_class = DrainingServer


def begin_no_more(listener: socket.socket) -> bool:
    """Has the kernel drop the packets that begin a connection to a listening socket, of whatever process.

    Connections that were begun before come to be. Clients send the packet again after a second.

    Returns:
        Whether the system can do so.
    """
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    program = ctypes.create_string_buffer(_DROP_SYN, len(_DROP_SYN))
    # The number of instructions, and where they are.
    fields = struct.pack("@HP", len(_DROP_SYN) // 8, ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, fields)
    except OSError:
        return False
    return True


def _accept_waiting(listener: socket.socket, *, close: bool) -> list[socket.socket]:
    """Returns the connections that wait at a listening socket, and closes the socket if `close`."""
    connections = []
    listener.setblocking(False)
    with listener if close else contextlib.nullcontext(), contextlib.suppress(OSError):
        while True:
            connections.append(listener.accept()[0])
    for connection in connections:
        connection.setblocking(False)
    return connections
