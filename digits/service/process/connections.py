"""Connections: how many there may be, how long one may be silent, and their last word when the server stops."""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from digits.service.errors import OverloadedError
from digits.service.problems import MEDIA_TYPE, PROBLEMS

# For requests to come in over connections that were accepted last.
_LAST_REQUESTS_SECONDS = 0.2


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's connection, with bounds that it lacks.

    uvicorn waits for ever for the first request and for the end of a request's headers, takes connections until the
    process may open no more files, and at its end cuts off requests that the kernel has taken and nobody has read yet.

    Args:
        args: as uvicorn gives them.
        header_seconds: longest time from a connection's or a request's first byte to the end of its headers.
        max_connections: how many a process holds; one more is answered with a problem and closed.
        kwargs: as uvicorn gives them.
    """

    def __init__(self, *args: Any, header_seconds: float, max_connections: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_seconds = header_seconds
        self._max_connections = max_connections
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when a client has connected."""
        if len(self.connections) >= self._max_connections:
            transport.write(_refusal(self._max_connections))
            transport.close()
            return
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended."""
        if self.transport is None:
            return  # It was refused.
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called when something has come in."""
        if self.transport is not None:
            super().data_received(data)

    def eof_received(self) -> None:
        """Called when the client sends nothing more."""
        if self.transport is not None:
            super().eof_received()

    def on_message_begin(self) -> None:
        """Called at a request's first byte."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """Called when a request's headers are complete."""
        self._forget_deadline()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Called by the server, once, when it stops."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(_LAST_REQUESTS_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(self._header_seconds, self.transport.close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _refusal(most: int) -> bytes:
    """An answer to whoever connects too much, as bytes: there is no request yet that the application could answer."""
    problem = PROBLEMS[OverloadedError]
    detail = f"{most:,} connections are open, and no more are taken at a time. Try again in a moment."
    body = json.dumps(problem.body(detail)).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        f"Retry-After: {problem.retry_after}",
        "Connection: close",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
