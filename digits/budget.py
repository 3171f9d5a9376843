"""The time, the work and the memory that reading one image may take.

Native code in a thread cannot be interrupted, so that whoever computes checks its budget before each step that may take
long: `check()`. The budget stands in a context variable: the code between the one who sets it and the one who checks it
need not know of it. Without a budget, as on the command line, a check does nothing.

Time is that of the processor: on a busy machine a picture costs what it costs on an idle one. The clock is that of the
thread that computes, which counts native code that runs in it, and neither waiting nor other threads. What a process of
its own takes, such as the one that draws PDF pages, is added with `add_time`. The decoders of AVIF and HEIF start
threads that are not counted; their work is bounded by the pixels of an image. The clock on the wall has a bound, too,
far above: whatever waits for the processor for so long is ended for another reason.

Work is counted in pixels of the crops that are looked at: thousands of strokes, each as large as the page, are as many
pages. What a network looks at counts as some thousands more. Work is bounded wherever pages are read, so that the same
picture gets the same answer on every machine.

The memory that decoding takes is known from a file's header. Threads that decode at the same time share a bound, and
wait for one another before they take any.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from digits.errors import (
    ComputationStoppedError,
    ComputeTimeError,
    CrowdedImageError,
    MemoryBusyError,
    ProcessorBusyError,
    TooManyPixelsError,
)

# What `check` raises when the time is over, whoever took it.
TIME_OVER = ComputeTimeError, ProcessorBusyError

# By the clock on the wall, an image may take so many times as long as it may take of the processor, and so many seconds
# in any case: a busy machine may stand still for one of them.
_WALL_TIMES, _LEAST_WALL_SECONDS = 4, 10.0


def wall_seconds(seconds: float) -> float:
    """Returns how long an image may take by the clock on the wall, in seconds.

    Args:
        seconds: that it may take of the processor.
    """
    return max(_WALL_TIMES * seconds, _LEAST_WALL_SECONDS)


class Budget:
    """The time for one image, from `start` on. The thread that starts it computes; any thread may stop it.

    Args:
        seconds: most processor time for each image. By the clock on the wall it may take `wall_seconds(seconds)`.
        total_seconds: most processor time for all images that share the budget; `seconds` if None.
        clock: returns the processor time of the present thread in seconds.
        wall_clock: returns the present time in seconds, from any start.
    """

    def __init__(
        self,
        seconds: float,
        total_seconds: float | None = None,
        clock: Callable[[], float] = time.thread_time,
        wall_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self._clock, self._wall_clock = clock, wall_clock
        self._total = seconds if total_seconds is None else total_seconds
        self._end = self._wall_end = float("inf")
        self._deadline = self._wall_deadline = float("inf")
        self._started = self._stopped = False

    def start(self) -> None:
        """Starts the time of an image; the first call starts the time of all images, too."""
        now, wall_now = self._clock(), self._wall_clock()
        if not self._started:
            self._started = True
            self._end, self._wall_end = now + self._total, wall_now + wall_seconds(self._total)
        self._deadline = min(now + self.seconds, self._end)
        self._wall_deadline = min(wall_now + wall_seconds(self.seconds), self._wall_end)

    def add_time(self, seconds: float) -> None:
        """Counts processor time that another process has taken for the computation."""
        self._deadline -= seconds
        self._end -= seconds

    def stop(self) -> None:
        """Makes the next check end the computation: nobody needs its result any more."""
        self._stopped = True

    def check(self) -> None:
        """Ends the computation if the time is over.

        Raises:
            ComputeTimeError: the processor time is over.
            ProcessorBusyError: the time by the clock on the wall is over, and that of the processor is not.
            ComputationStoppedError: `stop` was called.
        """
        if self._stopped:
            raise ComputationStoppedError("Nobody waits for this answer any more.")
        if self._clock() > self._deadline:
            raise ComputeTimeError(
                f"Reading this image takes more than the {self.seconds:g} seconds of processor time allowed. Crop it "
                "to the digits that you mean, or scale it down."
            )
        if self._wall_clock() > self._wall_deadline:
            raise ProcessorBusyError(
                f"The server is overloaded: in {wall_seconds(self.seconds):g} seconds, reading this image did not get "
                f"the {self.seconds:g} seconds of processor time that it may take. Try again in a moment."
            )


_CURRENT: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextlib.contextmanager
def limited(budget: Budget) -> Iterator[None]:
    """Starts a budget, which holds for all checks inside."""
    budget.start()
    token = _CURRENT.set(budget)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def check() -> None:
    """Ends the computation if the current budget is used up.

    Raises:
        ComputeTimeError, ProcessorBusyError: its time is over.
        ComputationStoppedError: it was stopped.
    """
    if (budget := _CURRENT.get()) is not None:
        budget.check()


def add_time(seconds: float) -> None:
    """Counts processor time that another process has taken, in seconds, in the current budget."""
    if (budget := _CURRENT.get()) is not None:
        budget.add_time(seconds)


class _Work:
    """The work that is left, and whether more was asked for."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.is_exceeded = False


_WORK: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextlib.contextmanager
def bounded_work(pixels: int) -> Iterator[None]:
    """Bounds the work of all calls of `spend` inside.

    Args:
        pixels: of all crops together, and of what counts as so many.
    """
    token = _WORK.set(_Work(pixels))
    try:
        yield
    finally:
        _WORK.reset(token)


def spend(pixels: int) -> None:
    """Counts the pixels of a crop, or of what counts as so many, before it is looked at, and checks the time.

    Raises:
        CrowdedImageError: the bound is exceeded.
        ComputeTimeError, ProcessorBusyError, ComputationStoppedError: as `check`.
    """
    check()
    if (work := _WORK.get()) is not None:
        if work.is_exceeded or pixels > work.pixels:
            # What is refused is not done, and is not counted.
            work.is_exceeded = True
            raise CrowdedImageError(
                "What is written in this picture takes too much work to read: its strokes are too many, too large or "
                "too entangled. Crop it to the numbers that you mean."
            )
        work.pixels -= pixels


def is_work_left() -> bool:
    """Returns whether the bound on work has not been exceeded; True if there is none."""
    work = _WORK.get()
    return work is None or not work.is_exceeded


def work_left() -> int:
    """Returns how many pixels of work are left of the bound; of a bound that was exceeded, what was not done.

    Without a bound it is 0.
    """
    work = _WORK.get()
    return 0 if work is None else work.pixels


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
