"""Connections: how many a worker holds, how long one may be silent, and what happens to them when the server stops."""

import asyncio
from typing import Any

from digits.service.errors import OverloadedError
from digits.service.problems import MEDIA_TYPE, PROBLEMS
from digits.service.process.uvicorn_internals import HttpToolsProtocol

# How long the server waits for requests over the connections that it accepted last.
_LAST_REQUESTS_SECONDS = 0.2


class PatientProtocol(HttpToolsProtocol):
    """A connection of uvicorn with bounds that it lacks.

    By itself uvicorn waits without limit for the first request and for the end of a request's headers, takes
    connections until the process may open no more files, and when it stops cuts off requests that have arrived and
    that it has not read yet.

    Args:
        args: passed on to uvicorn.
        header_seconds: longest time from the start of a connection or a request to the end of its headers.
        max_connections: most connections of a process; one more is answered with a problem and closed.
        kwargs: passed on to uvicorn.
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
            return  # The connection was refused.
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called when bytes have arrived."""
        if self.transport is not None:
            super().data_received(data)

    def eof_received(self) -> None:
        """Called when the client will send nothing more."""
        if self.transport is not None:
            super().eof_received()

    def on_message_begin(self) -> None:
        """Called at the first byte of a request."""
        super().on_message_begin()
        if self._deadline is None:
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """Called when the headers of a request are complete."""
        self._forget_deadline()
        super().on_headers_complete()

    def shutdown(self) -> None:
        """Called by the server once, when it stops."""
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
    """Returns the answer to one connection too many, as bytes: the application answers requests, and there is none."""
    problem = PROBLEMS[OverloadedError]
    detail = f"{most:,} connections are open, and no more are taken at a time. Try again in a moment."
    body = problem.details(detail).model_dump_json(exclude_unset=True).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        f"Retry-After: {problem.retry_after}",
        "Connection: close",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
