"""One request and its answer, as logs, metrics and problems see it."""

import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Scope

REQUEST_ID_HEADER = "X-Request-ID"

# What may be taken over from a client: nothing that could forge a line of the log.
_SAFE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


@dataclass(slots=True)
class RequestContext:
    """What is noted while a request is answered.

    Args:
        request_id: tells it from all others.
        size: bytes of the body that came in; None if none was asked for.
        problem: the name of the problem that it was answered with.
        client: the name of the API key that it came with.
        is_read: whether all of its body was taken.
    """

    request_id: str
    size: int | None = None
    problem: str | None = None
    client: str | None = None
    is_read: bool = False


CURRENT: ContextVar[RequestContext | None] = ContextVar("exchange", default=None)


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id that the client gave in `X-Request-ID`, if it is one that a log can hold; else a new one."""
    for name, value in headers:
        if name == b"x-request-id":
            if _SAFE_ID.fullmatch(value):
                return value.decode("ascii")
            break
    return secrets.token_hex(8)


def route_path(scope: Scope) -> str:
    """The path of a request below the one under which the application stands."""
    path: str = scope["path"]
    root = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(root + "/") else path


def has_body(scope: Scope) -> bool:
    """Whether a request comes with a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")
        for name, value in scope["headers"]
    )
