"""uvicorn's server and its worker, made to answer whoever had connected before they end."""

import asyncio
import contextlib
import os
import socket

import uvicorn
from uvicorn.supervisors.multiprocess import Process


class DrainingServer(uvicorn.Server):
    """A server that takes the connections that wait for it before it stops listening.

    A client has connected as soon as the kernel says so, and may have sent its request; where the socket is closed
    before anyone has taken the connection, the kernel resets it.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, answers what was taken, and ends.

        Args:
            sockets: that its supervisor has handed it.
        """
        # The loop's own objects do not accept.
        kept = [socket.socket(fileno=os.dup(one.fileno())) for server in self.servers for one in server.sockets]
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        waiting = [connection for listener in kept for connection in _accept_rest(listener)]
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg] # as uvicorn calls it
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


class DrainingWorker(Process):
    """A worker process that runs such a server."""

    @property
    def server(self) -> uvicorn.Server:
        """The server, made when it is first asked for, which is in the process of its own."""
        if self._server is None:
            self._server = DrainingServer(self.config)
        return self._server


def _accept_rest(listener: socket.socket) -> list[socket.socket]:
    """The connections that wait at a listening socket, which is then closed."""
    connections = []
    listener.setblocking(False)
    # Next to nothing passes between the look that finds no more and the end of listening.
    with listener, contextlib.suppress(OSError):
        while True:
            connections.append(listener.accept()[0])
    for connection in connections:
        connection.setblocking(False)
    return connections
