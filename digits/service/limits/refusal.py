"""Refuses large images as soon as their headers are there, while the queue is too long for them.

Under overload most requests are refused. Each refusal takes time from those that are answered, so that it must be
cheap: no task is made for it, and its body is not read.
"""

import json
import logging
from collections.abc import Collection, Iterable

from starlette.types import Scope

from digits.service.errors import OverloadedError
from digits.service.limits.queue import ComputeQueue
from digits.service.metrics import Metrics
from digits.service.middleware.access import HEADERS, log_access
from digits.service.problems import MEDIA_TYPE, PROBLEMS
from digits.service.request_context import REQUEST_ID_HEADER, RequestContext, request_id_of

_access_log = logging.getLogger("digits.access")


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

    def answer(self, method: str, path: str, headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> bytes | None:
        """Returns the answer to a request that is refused, and counts and logs it; None if it is not refused.

        Args:
            method: of the request.
            path: without the prefix under which the application is mounted.
            headers: names in lower case and values.
            scope: as for ASGI, for the log.
        """
        if not self._queue.is_full or method != "POST" or path not in self._paths:
            return None
        length = next((value for name, value in headers if name == b"content-length"), b"")
        if length.isdigit() and int(length[:20]) <= self._small_bytes:
            return None
        context = RequestContext(request_id_of(headers), problem=self._problem.name)
        details = self._problem.details(self._queue.refusal)
        details.request_id = context.request_id
        body = json.dumps(details.model_dump(exclude_unset=True), separators=(",", ":")).encode()
        if self._metrics:
            self._metrics.request(method, path, self._problem.status, 0.0, None)
            self._metrics.problem(self._problem.name)
        if _access_log.isEnabledFor(logging.INFO):
            log_access({**scope, "method": method, "raw_path": path.encode()}, context, self._problem.status, 0.0)
        name, identity = REQUEST_ID_HEADER.lower().encode(), context.request_id.encode()
        return self._head + b"%s: %s\r\ncontent-length: %d\r\n\r\n" % (name, identity, len(body)) + body
