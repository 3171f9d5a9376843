"""What is seen of each request: its id, its numbers, its line in the log, and headers for browsers."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digits.service.errors import NotReadyError
from digits.service.problems import error_response, fault_response
from digits.service.request_context import (
    CURRENT,
    REQUEST_ID_HEADER,
    RequestContext,
    has_body,
    request_id_of,
    route_path,
)

if TYPE_CHECKING:
    from digits.service.state import Service

_log = logging.getLogger("digits")
_access_log = logging.getLogger("digits.access")

_REQUEST_ID = REQUEST_ID_HEADER.lower().encode()

# An answer is data, not a page: a browser is told to treat it so, and to show it in nobody's frame.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_OF_ITS_OWN = frozenset(name for name, _ in _HEADERS)


class AccessLog:
    """ASGI middleware around all others of ours.

    Args:
        app: what is watched.
        service: is told.
    """

    def __init__(self, app: ASGIApp, service: "Service") -> None:
        self.app = app
        self.service = service
        self.metrics = service.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on, and notes what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        exchange = RequestContext(request_id_of(scope["headers"]))
        token = CURRENT.set(exchange)
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._with_ours(message.get("headers", ()), scope, exchange)
            await send(message)

        metrics = self.metrics
        if metrics:
            metrics.in_flight.inc()
        try:
            await self.app(scope, receive, send_on)
        except asyncio.CancelledError:
            if status or not self.service.draining:
                raise
            # The server waits no longer; who has been sending since before it was told to stop is told so.
            _log.warning("Request %s had not come in whole when the server stopped", exchange.request_id)
            stopping = NotReadyError("The server stopped before the request had come in whole. Send it again.")
            await error_response(stopping)(scope, receive, send_on)
        except Exception:
            _log.exception("Request %s failed", exchange.request_id)
            if status:
                # Half of an answer was sent: only the end of the connection can say that the rest will not come.
                raise
            await fault_response()(scope, receive, send_on)
        finally:
            seconds = time.perf_counter() - start
            if metrics:
                metrics.in_flight.dec()
                metrics.request(scope["method"], route_path(scope), status, seconds, exchange.size)
                if exchange.problem:
                    metrics.problem(exchange.problem)
            if _access_log.isEnabledFor(logging.INFO):
                _log_access(scope, exchange, status, seconds)
            CURRENT.reset(token)

    def _with_ours(
        self, headers: list[tuple[bytes, bytes]], scope: Scope, exchange: RequestContext
    ) -> list[tuple[bytes, bytes]]:
        named = {name for name, _ in headers} & _OF_ITS_OWN
        ours = [*headers, *(one for one in _HEADERS if one[0] not in named)]
        ours.append((_REQUEST_ID, exchange.request_id.encode()))
        # Clients that kept their connection would find it closed under their next request; and the rest of a body that
        # was not taken whole would be read for nothing, however long it is.
        if self.service.draining or (not exchange.is_read and has_body(scope)):
            ours.append((b"connection", b"close"))
        return ours


def _log_access(scope: Scope, exchange: RequestContext, status: int, seconds: float) -> None:
    client = scope.get("client")
    # As it came, in which nothing can forge a line.
    path = scope.get("raw_path", b"").decode("ascii", "backslashreplace") or scope["path"]
    fields = {
        "request_id": exchange.request_id,
        "client": client[0] if client else None,
        "key": exchange.client,
        "method": scope["method"],
        "path": path,
        "status": status,
        "duration_ms": round(seconds * 1000.0, 3),
        "size": exchange.size,
        "problem": exchange.problem,
    }
    _access_log.info(
        "%s %s %s %s %.1f ms %s",
        fields["client"] or "-",
        scope["method"],
        path,
        status,
        seconds * 1000.0,
        exchange.request_id,
        extra=fields,
    )
