"""Refuses large images as soon as their headers are there, while the queue is too long for them.

Under overload most requests are refused. Each refusal takes time from those that are answered, so that it must be
cheap: no task is made for it, and its body is not read.
"""

import json
import logging
import re
from collections.abc import Collection, Iterable

from starlette.types import Scope

from digits.service.errors import OverloadedError
from digits.service.limits.queue import ComputeQueue
from digits.service.metrics import Metrics
from digits.service.middleware.access import HEADERS, log_access
from digits.service.problems import MEDIA_TYPE, PROBLEMS
from digits.service.request_context import REQUEST_ID_HEADER, RequestContext, request_id_of

_access_log = logging.getLogger("digits.access")

_METHOD = "POST"
_END = b"\r\n\r\n"
_TARGET = re.compile(rb"POST ([^ ?]{1,100})(?:\?[^ ]*)? HTTP/1\.[01]\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,19})[ \t]*\r\n", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"\r\nx-request-id:[ \t]*([^\r\n]*?)[ \t]*\r\n", re.IGNORECASE)


class EarlyRefusal:
    """Answers requests with large images while the queue is full.

    Args:
        queue: where images wait.
        metrics: counts the refusals; None if none are kept.
        paths: paths of single images.
        small_bytes: bodies of at most so many bytes are never refused here: they may need no turn.
    """

    def __init__(self, queue: ComputeQueue, metrics: Metrics | None, paths: Collection[str], small_bytes: int) -> None:
        self._queue = queue
        self._metrics = metrics
        self._paths = frozenset(paths)
        self._small_bytes = small_bytes
        problem = PROBLEMS[OverloadedError]
        headers = (
            *HEADERS,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"retry-after", str(problem.retry_after).encode()),
            (b"connection", b"close"),
        )
        self._head = b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(b"%s: %s\r\n" % header for header in headers)
        self._problem = problem
        # Made once: to make it for each refusal takes longer than all else. Neither text has a character that JSON
        # would write in another way.
        details = problem.details("{detail}").model_copy(update={"request_id": "{request_id}"})
        body = json.dumps(details.model_dump(exclude_unset=True), separators=(",", ":")).replace("%", "%%")
        self._body = body.replace("{detail}", "%(detail)s").replace("{request_id}", "%(request_id)s")

    @property
    def is_on(self) -> bool:
        """Whether large images are refused now."""
        return self._queue.is_full

    def answer(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> bytes | None:
        """Returns the answer to a request that is refused, and counts and logs it; None if it is not refused.

        A request for which there will be a turn is counted among those that arrive.

        Args:
            method: of the request.
            path: without the prefix under which the application is mounted.
            headers: names in lower case and values.
            scope: as for ASGI, for the log.
        """
        if method != _METHOD or path not in self._paths:
            return None
        length = next((value for name, value in headers if name == b"content-length"), b"")
        if self._is_small(length):
            return None
        if not self._queue.is_full:
            self._queue.expect()
            return None
        return self._refused(path, request_id_of(headers), scope)

    def answer_to(self, data: bytes, client: tuple[str, int] | None) -> bytes | None:
        """Returns the answer to the first bytes of a connection, as `answer` does; None if they have to be parsed.

        Args:
            data: the first bytes that came.
            client: address and port of the client, for the log; None if it has none.
        """
        target = _TARGET.match(data)
        if target is None:
            return None
        path, end = target[1].decode("latin-1"), data.find(_END)
        if path not in self._paths or end < 0 or not self._queue.is_full:
            return None
        head = data[: end + 2]
        length = _LENGTH.search(head)
        if length is not None and self._is_small(length[1]):
            return None
        given = _REQUEST_ID.search(head)
        request_id = request_id_of([(b"x-request-id", given[1])] if given else ())
        return self._refused(path, request_id, {"client": client, "path": path})

    def _is_small(self, length: bytes) -> bool:
        return length.isdigit() and int(length[:20]) <= self._small_bytes

    def _refused(self, path: str, request_id: str, scope: Scope) -> bytes:
        body = (self._body % {"detail": self._queue.refusal, "request_id": request_id}).encode()
        status = self._problem.status
        if self._metrics:
            self._metrics.request(_METHOD, path, status, 0.0, None)
            self._metrics.problem(self._problem.name)
        if _access_log.isEnabledFor(logging.INFO):
            context = RequestContext(request_id, problem=self._problem.name)
            log_access({**scope, "method": _METHOD, "raw_path": path.encode()}, context, status, 0.0)
        name, identity = REQUEST_ID_HEADER.lower().encode(), request_id.encode()
        return self._head + b"%s: %s\r\ncontent-length: %d\r\n\r\n" % (name, identity, len(body)) + body
