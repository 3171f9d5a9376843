"""Connections: how many a worker holds, how long one may be silent, and what happens to them when the server stops."""

import asyncio
import functools
import re
from http import HTTPStatus
from typing import Any

from digits.service.errors import OverloadedError
from digits.service.limits.gate import Gate
from digits.service.limits.refusal import EarlyRefusal
from digits.service.problems import MEDIA_TYPE, PROBLEMS, blank_details
from digits.service.process.connection_room import ConnectionRoom, Place, is_short_of_files
from digits.service.process.uvicorn_internals import HttpToolsProtocol, application_state, is_trusted_proxy
from digits.service.request_context import EXPECTED, LINGER_SECONDS
from digits.service.schemas import ProblemDetails

# A path before all others, such as /ml.
PREFIX = re.compile(r"(/[\w.~-]+)+", re.ASCII)
# Bytes of a request's head. Browsers and proxies allow from 8 to 64 kB.
_MAX_HEAD = 32 * 1024
_TOO_LONG = f"The headers of the request have more than the {_MAX_HEAD:,} bytes allowed. Send fewer or shorter ones."
# Connections that were taken for health checks alone send their headers within so many seconds.
_HEALTH_HEADER_SECONDS = 1.0
_HEALTH = re.compile(rb"/health/(live|ready)/?$")
# How long the server waits, when it stops, for a request that is on its way; and for the first one over a connection,
# since that was made: on a busy machine, a client may come to send it so much later.
_LAST_REQUESTS_SECONDS, _FIRST_REQUEST_SECONDS = 0.2, 1.0


def make_connection(header_seconds: float, room: ConnectionRoom, **kwargs: Any) -> asyncio.BaseProtocol:
    """Returns the protocol of a new connection: one that refuses large images at once, while they wait for too long.

    Args:
        header_seconds: as for `PatientProtocol`.
        room: as for `PatientProtocol`.
        kwargs: from uvicorn, by these names.
    """
    make = functools.partial(PatientProtocol, header_seconds=header_seconds, room=room, **kwargs)
    early: EarlyRefusal | None = getattr(application_state(kwargs["config"]), "early_refusal", None)
    if early is None or not early.is_on:
        return make()
    return Gate(early, make, kwargs["server_state"].connections, LINGER_SECONDS)


class PatientProtocol(HttpToolsProtocol):
    """A connection of uvicorn with bounds that it lacks.

    By itself uvicorn waits without limit for the first request and for the end of a request's headers, takes
    connections until the process may open no more files, and when it stops cuts off requests that have arrived and
    that it has not read yet.

    Args:
        args: passed on to uvicorn.
        header_seconds: longest time from the start of a connection or a request to the end of its headers.
        room: counts the connections of the process; one more is answered with a problem and closed.
        kwargs: passed on to uvicorn.
    """

    def __init__(self, *args: Any, header_seconds: float, room: ConnectionRoom, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_seconds = header_seconds
        self._room = room
        self._place = Place.NONE
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_refused = False
        self._made = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when a client has connected."""
        self._made = self.loop.time()
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._place = self._room.take(self._address, is_short_of_files=is_short_of_files(transport))
        if self._place is Place.NONE:
            transport.write(_refusal(self._room.why_full(self._address)))
            transport.close()
            return
        super().connection_made(transport)
        if self._place is Place.FOR_HEALTH:
            self._deadline = self.loop.call_later(_HEALTH_HEADER_SECONDS, self._refuse_for_room)
        else:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection has ended."""
        self._room.leave(self._address, self._place)
        if self.transport is None:
            return  # The connection was refused.
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called when bytes have arrived."""
        if self.transport is None or self._is_ended():
            return
        super().data_received(data)
        if self._is_ended():
            return
        # Headers whose end has not come yet: the parser keeps them all.
        self._head_bytes = self._head_bytes + len(data) if self._deadline is not None else 0
        if self._head_bytes > _MAX_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LONG)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Called when the client will send nothing more.

        Returns:
            Whether the connection stays open: as long as the client waits for the answer to a whole request.
        """
        if self.transport is None or self._is_refused:
            return False
        super().eof_received()
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete:
            return False
        cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        """Called at the first byte of a request."""
        super().on_message_begin()
        if self._deadline is None and not self._is_ended():
            self._expect_headers()

    def on_headers_complete(self) -> None:
        """Called when the headers of a request are complete."""
        if self._is_ended():
            return
        self._forget_deadline()
        if sum(len(name) + len(value) + 4 for name, value in self.headers) > _MAX_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LONG)
            return
        hosts = sum(name == b"host" for name, _ in self.headers)
        # HTTP/1.1 asks for exactly one (RFC 9112, section 3.2).
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._refuse(HTTPStatus.BAD_REQUEST, f"The request has {hosts} Host headers; HTTP/1.1 needs one.")
            return
        if self._place is Place.FOR_HEALTH and not _HEALTH.search(self.url.partition(b"?")[0]):
            self._refuse_for_room()
            return
        configured, prefix = self.root_path, self._forwarded_prefix()
        if self._is_refused_early(configured if prefix is None else prefix):
            return
        if prefix is not None:
            self.scope["root_path"] = self.root_path = prefix
        try:
            super().on_headers_complete()
        finally:
            self.root_path = configured
        if self._place is Place.FOR_HEALTH and self.cycle is not None:
            # It makes room for the next one.
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Called when what has arrived is no HTTP."""
        if not self._is_ended():
            self._end_with(_answer(HTTPStatus.BAD_REQUEST, blank_details(HTTPStatus.BAD_REQUEST, msg)))

    def shutdown(self) -> None:
        """Called by the server once, when it stops."""
        if self.cycle is None:
            wait = self._made + _FIRST_REQUEST_SECONDS - self.loop.time()
            self.loop.call_later(max(wait, _LAST_REQUESTS_SECONDS), super().shutdown)
        elif self.cycle.response_complete:
            self.loop.call_later(_LAST_REQUESTS_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def on_body(self, body: bytes) -> None:
        """Called when a part of a request's body has arrived."""
        if not self._is_ended():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Called when a request is complete."""
        if not self._is_ended():
            super().on_message_complete()

    def _forwarded_prefix(self) -> str | None:
        """Returns the path that a trusted proxy has taken off (`X-Forwarded-Prefix`); None if there is none."""
        for name, value in self.headers:
            if name == b"x-forwarded-prefix":
                prefix = value.decode("latin-1").rstrip("/")
                trusted = is_trusted_proxy(self.config, self.client[0] if self.client else None)
                return prefix if trusted and PREFIX.fullmatch(prefix) else None
        return None

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answers a request that the application does not get, and closes the connection."""
        self._end_with(_answer(status, blank_details(status, detail)))

    def _is_refused_early(self, prefix: str) -> bool:
        """Answers a request for which there is no turn, before a task is made for it; returns whether it did."""
        early: EarlyRefusal | None = getattr(application_state(self.config), "early_refusal", None)
        # An answer before this one may not have been sent yet.
        if early is None or (self.cycle is not None and not self.cycle.response_complete):
            return False
        path = self.url.partition(b"?")[0].decode("ascii", "replace").removeprefix(prefix)
        answer = early.answer(self.parser.get_method().decode("ascii"), path, self.headers, dict(self.scope))
        if answer is None:
            self.scope[EXPECTED] = True  # type: ignore[literal-required] # servers may add keys of their own
            return False
        self._end_with(answer)
        return True

    def _refuse_for_room(self) -> None:
        """Answers that there is no room for this connection, and closes it."""
        self._end_with(_refusal(self._room.why_full(self._address)))

    def _end_with(self, answer: bytes) -> None:
        """Sends the last answer of the connection, and closes it when the client has, or after `LINGER_SECONDS`.

        Until then it throws away what the client sends: a connection that is closed while bytes wait to be read is
        reset, and a reset can destroy the answer before the client has seen it (RFC 9112, section 9.6).
        """
        self._forget_deadline()
        self._is_refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            # A request before this one: what it still sends must not follow the end.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.pipeline.clear()
        self.transport.write(answer)
        if self._place is Place.FOR_HEALTH:
            # It makes room for the next one at once.
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _is_ended(self) -> bool:
        """Returns whether the last answer of the connection has been given."""
        return self._is_refused or self.transport.is_closing()

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(self._header_seconds, self.transport.close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@functools.lru_cache(maxsize=8)
def _refusal(detail: str) -> bytes:
    """Returns the answer to one connection too many."""
    problem = PROBLEMS[OverloadedError]
    retry = f"Retry-After: {problem.retry_after}"
    return _answer(HTTPStatus.SERVICE_UNAVAILABLE, problem.details(detail), retry)


def _answer(status: HTTPStatus, details: ProblemDetails, *headers: str) -> bytes:
    """Returns an answer as bytes, for clients whose request does not reach the application."""
    body = details.model_dump_json(exclude_unset=True).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {MEDIA_TYPE}",
        f"Content-Length: {len(body)}",
        *headers,
        "Connection: close",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
