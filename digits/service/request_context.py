"""What logs, metrics and problems know of the request that is being answered."""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Scope

REQUEST_ID_HEADER = "X-Request-ID"

# In the scope of a request for which the connection has asked the queue whether there will be a turn.
EXPECTED = "digits.expected"

# How long what a client still sends is read and thrown away after the last answer of a connection.
LINGER_SECONDS = 2.0

# A request id that a client chose may hold these characters alone: none of them can forge a line of the log.
_SAFE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """What is noted while a request is answered.

    Args:
        request_id: identifies the request.
        size: bytes of the body received so far; None if nobody has read it.
        problem: name of the problem that it was answered with.
        client: name of the API key that it came with.
        is_read: whether the whole body has been received.
        warnings: what was passed over in it, a sentence each.
    """

    request_id: str
    size: int | None = None
    problem: str | None = None
    client: str | None = None
    is_read: bool = False
    warnings: tuple[str, ...] = ()


CURRENT: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def noted(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Notes what was passed over in the present request, so that a problem says it, too; returns it.

    Args:
        warnings: a sentence each.
    """
    if warnings and (context := CURRENT.get()):
        context.warnings += warnings
    return warnings


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Returns the id that the client gave in `X-Request-ID` if it is safe to log, else a new random one."""
    for name, value in headers:
        if name == b"x-request-id":
            if _SAFE_ID.fullmatch(value):
                return value.decode("ascii")
            break
    return secrets.token_hex(8)


def route_path(scope: Scope) -> str:
    """Returns the path of a request without the prefix under which the application is mounted."""
    path: str = scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(root + "/") else path


def has_body(scope: Scope) -> bool:
    """Returns whether a request has a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")
        for name, value in scope["headers"]
    )
