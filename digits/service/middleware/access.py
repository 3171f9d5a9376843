"""Access log: gives each request its id, counts it, logs it, and adds the headers that all answers have."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.service.errors import NotReadyError
from digits.service.metrics import Metrics
from digits.service.request_context import (
    CURRENT,
    LINGER_SECONDS,
    REQUEST_ID_HEADER,
    RequestContext,
    has_body,
    request_id_of,
    route_path,
)
from digits.service.responses import error_response, fault_response

_log = logging.getLogger("digits")
_access_log = logging.getLogger("digits.access")

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()

# An answer is data: browsers must not take it for a page, nor show it in a frame.
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_HEADER_NAMES = frozenset(name for name, _ in HEADERS)


class AccessLog:
    """ASGI middleware around all others of Digits.

    Args:
        app: the application to watch.
        metrics: counts the requests; None if none are kept.
        is_draining: tells whether the server is about to stop.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics | None, is_draining: Callable[[], bool]) -> None:
        self.app = app
        self.metrics = metrics
        self.is_draining = is_draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, then counts and logs it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        context = RequestContext(request_id_of(scope["headers"]))
        token = CURRENT.set(context)
        status = 0
        lingers = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, lingers
            if message["type"] == "http.response.start":
                status = message["status"]
                lingers = not context.is_read and has_body(scope) and not self.is_draining()
                message["headers"] = self._with_headers(message.get("headers", ()), lingers, context)
            elif lingers and not message.get("more_body", False):
                # The answer is whole, but the server must not close the connection yet.
                message = {**message, "more_body": True}
            await send(message)

        metrics = self.metrics
        if metrics:
            metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_with_headers)
        except asyncio.CancelledError:
            if status or not self.is_draining():
                raise
            # The grace period is over, and this client is still sending its body.
            _log.warning("Request %s had not come in whole when the server stopped", context.request_id)
            stopping = NotReadyError("The server stopped before the request had come in whole. Send it again.")
            await error_response(stopping)(scope, receive, send_with_headers)
        except Exception:
            _log.exception("Request %s failed", context.request_id)
            if status:
                # A part of the answer is sent: only closing the connection tells the client that the rest is missing.
                raise
            await fault_response()(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - start
            if metrics:
                metrics.in_flight.dec()
                metrics.request(scope["method"], route_path(scope), status, seconds, context.size)
                if context.problem:
                    metrics.problem(context.problem)
            if _access_log.isEnabledFor(logging.INFO):
                log_access(scope, context, status, seconds)
            CURRENT.reset(token)
        if lingers:
            await _discard_body(receive)
            await send({"type": "http.response.body", "body": b""})

    def _with_headers(
        self, headers: list[tuple[bytes, bytes]], closes: bool, context: RequestContext
    ) -> list[tuple[bytes, bytes]]:
        named = {name for name, _ in headers} & _HEADER_NAMES
        extended = [*headers, *(header for header in HEADERS if header[0] not in named)]
        extended.append((_REQUEST_ID, context.request_id.encode()))
        # A server that is about to stop tells clients not to reuse the connection. If the body was not read to its
        # end, closing the connection saves reading the rest for nothing.
        if closes or self.is_draining():
            extended.append((b"connection", b"close"))
        return extended


async def _discard_body(receive: Receive) -> None:
    """Reads what a client still sends, until it ends or closes the connection, for at most `LINGER_SECONDS`.

    A connection that is closed while bytes wait to be read is reset, and a reset can destroy the answer before the
    client has seen it (RFC 9112, section 9.6).
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass


def _printable(text: str) -> str:
    """Returns a text that cannot forge a line of the log or control a terminal: proxies pass on what clients claim."""
    return text if text.isprintable() else text.encode("unicode_escape", "surrogatepass").decode("ascii")


def log_access(scope: Scope, context: RequestContext, status: int, seconds: float) -> None:
    """Writes the line of a request to the log."""
    client = scope.get("client")
    # Still percent-encoded, so that no path can forge a line of the log.
    path = scope.get("raw_path", b"").decode("ascii", "backslashreplace") or scope["path"]
    fields = {
        "request_id": context.request_id,
        "client": _printable(client[0]) if client else None,
        "key": context.client,
        "method": scope["method"],
        "path": path,
        "status": status,
        "duration_ms": round(seconds * 1000.0, 3),
        "size": context.size,
        "problem": context.problem,
    }
    _access_log.info(
        "%s %s %s %s %.1f ms %s",
        fields["client"] or "-",
        scope["method"],
        path,
        status,
        seconds * 1000.0,
        context.request_id,
        extra=fields,
    )
