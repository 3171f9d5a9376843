"""Connections that have a last word when the server stops."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# For requests to come in over connections that were accepted last.
_LAST_REQUESTS_SECONDS = 0.2


class PatientProtocol(HttpToolsProtocol):
    """Reads what is under way over a connection before it ends one that has no request.

    uvicorn's own ends it at once: a request that the kernel has taken, and nobody has read yet, would be lost.
    """

    def shutdown(self) -> None:
        """Called by the server, once, when it stops."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(_LAST_REQUESTS_SECONDS, super().shutdown)
        else:
            super().shutdown()
