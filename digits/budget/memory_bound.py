"""The memory that the images may take that are decoded at the same time.

What decoding takes is known from a file's header. Threads that decode at the same time share a bound, and wait for one
another before they take any.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from digits.budget.work import check
from digits.errors import MemoryBusyError, TooManyPixelsError

# What decodes an image that takes less memory than this need not wait, nor be counted.
_SMALL_BYTES = 2**20
# Whoever waits for memory looks so often, in seconds, whether its own time is over.
_LOOK_SECONDS = 0.05


# Bytes of the body of the request whose images are decoded.
_OWN: ContextVar[int] = ContextVar("own", default=0)


class MemoryBound:
    """Bounds the memory of images that are decoded at the same time. Threads share it.

    An image always goes on if no other image and no other request holds any memory, however much it needs; and if no
    other image does, and it needs no more than `USUAL_BYTES`. What a thread has taken already, such as for the process
    that draws the pages of a PDF file, keeps other threads waiting, and not the thread itself. Nor does what its own
    request holds.

    Args:
        most_bytes: of all images together.
        wait_seconds: how long an image waits until enough is free.
        most_each: of one image; one that needs more is refused. None for no such bound.

    Attributes:
        held_bytes: what is held besides images and leaves less room for them, such as the bodies of requests; any
            thread may set it.
    """

    # Most images take no more than this; a photo of 12 megapixels takes less in most formats. Whoever holds memory for
    # something else leaves so much.
    USUAL_BYTES = 64 * 2**20

    def __init__(self, most_bytes: int, wait_seconds: float, most_each: int | None = None) -> None:
        self.most_bytes = most_bytes
        self.most_each = most_each
        self.taken_bytes = self.held_bytes = 0
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._taken_by: Counter[int] = Counter()

    @contextlib.contextmanager
    def taken(self, size: int, wait_seconds: float = 0.0) -> Iterator[None]:
        """Waits until there is memory for an image, and counts it inside.

        Args:
            size: the memory that the image takes, in bytes.
            wait_seconds: how long it waits, if that is longer than images wait by themselves.

        Raises:
            TooManyPixelsError: the image alone needs more than one may.
            MemoryBusyError: other images take it for too long.
            ComputeTimeError, ProcessorBusyError, ComputationStoppedError: as `check`.
        """
        if self.most_each is not None and size > self.most_each:
            raise TooManyPixelsError(
                f"Decoding this image takes {size:,} bytes of memory, more than the {self.most_each:,} allowed. "
                "Scale it down, or save it as PNG or as a JPEG file that is not progressive."
            )
        end = time.monotonic() + max(wait_seconds, self._wait_seconds)
        thread = threading.get_ident()
        with self._changed:
            while (others := self._others(thread, size)) + self._taken_by[thread] + size > self.most_bytes and others:
                check()
                if time.monotonic() >= end:
                    raise MemoryBusyError(
                        f"Decoding this image takes {size:,} bytes, and other images and requests take {others:,} of "
                        f"the {self.most_bytes:,} that there are. Try again in a moment."
                    )
                self._changed.wait(_LOOK_SECONDS)
            self._count(thread, size)
        try:
            yield
        finally:
            with self._changed:
                self._count(thread, -size)
                self._changed.notify_all()

    def _others(self, thread: int, size: int) -> int:
        """Returns what other threads have taken, and what is held besides for other requests than its own.

        Of what is held for others, nothing counts for a usual image if no other thread has taken any: else requests
        that only hold their bodies would wait for each other.
        """
        others = self.taken_bytes - self._taken_by[thread]
        if not others and self._taken_by[thread] + size <= self.USUAL_BYTES:
            return 0
        return others + max(0, self.held_bytes - _OWN.get())

    def _count(self, thread: int, size: int) -> None:
        self.taken_bytes += size
        self._taken_by[thread] += size
        if not self._taken_by[thread]:
            del self._taken_by[thread]


_MEMORY: ContextVar[MemoryBound | None] = ContextVar("memory", default=None)


@contextlib.contextmanager
def bounded_memory(bound: MemoryBound | None, own_bytes: int = 0) -> Iterator[None]:
    """Has all images that are decoded inside keep to a bound.

    Args:
        bound: None for no bound.
        own_bytes: how much of `MemoryBound.held_bytes` is held for these images; it keeps none of them waiting.
    """
    token, own = _MEMORY.set(bound), _OWN.set(own_bytes)
    try:
        yield
    finally:
        _MEMORY.reset(token)
        _OWN.reset(own)


@contextlib.contextmanager
def memory(estimate: Callable[[], int], wait_seconds: float = 0.0) -> Iterator[None]:
    """Waits until an image may be decoded or read, and counts its memory inside. Without a bound it does nothing.

    Args:
        estimate: returns the memory that it takes, in bytes.
        wait_seconds: as for `MemoryBound.taken`.

    Raises:
        TooManyPixelsError, MemoryBusyError: as `MemoryBound.taken`.
        ComputeTimeError, ProcessorBusyError, ComputationStoppedError: as `check`.
    """
    bound = _MEMORY.get()
    size = 0 if bound is None else estimate()
    if bound is None or size < _SMALL_BYTES:
        yield
        return
    with bound.taken(size, wait_seconds):
        yield
