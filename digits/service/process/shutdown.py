"""A server that answers every client that had connected before it stops."""

import asyncio
import contextlib
import socket

import uvicorn

from digits.service.process.uvicorn_internals import Worker, listening_sockets, make_protocol


class DrainingServer(uvicorn.Server):
    """A server that takes the connections that wait for it before it stops listening.

    A client is connected as soon as the kernel says so, and may have sent its request. If the socket were closed
    before the server had accepted the connection, the kernel would reset it.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, answers the requests that were taken, and ends.

        Args:
            sockets: those that the supervisor has handed over.
        """
        # The event loop's own socket objects cannot accept.
        listeners = listening_sockets(self)
        for server in self.servers:
            server.close()
        for handed in sockets or []:
            handed.close()
        waiting = [connection for listener in listeners for connection in _accept_waiting(listener)]
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(lambda: make_protocol(self), connection)
        await super().shutdown(sockets)


class DrainingWorker(Worker):
    """A worker process that runs a `DrainingServer`."""

    server_class = DrainingServer


def _accept_waiting(listener: socket.socket) -> list[socket.socket]:
    """Returns the connections that wait at a listening socket, and closes the socket."""
    connections = []
    listener.setblocking(False)
    # Hardly any time passes between the attempt that finds no more and the end of listening.
    with listener, contextlib.suppress(OSError):
        while True:
            connections.append(listener.accept()[0])
    for connection in connections:
        connection.setblocking(False)
    return connections
