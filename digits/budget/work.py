"""The time and the work that reading one image may take.

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
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

from digits.errors import (
    ComputationStoppedError,
    ComputeTimeError,
    CrowdedImageError,
    ProcessorBusyError,
)

Item = TypeVar("Item")

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

    Attributes:
        is_stopped: whether nobody needs the result any more.
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
        self.total_seconds = seconds if total_seconds is None else total_seconds
        self._end = self._wall_end = float("inf")
        self._deadline = self._wall_deadline = float("inf")
        self._started = self.is_stopped = False

    def start(self) -> None:
        """Starts the time of an image; the first call starts the time of all images, too."""
        now, wall_now = self._clock(), self._wall_clock()
        if not self._started:
            self._started = True
            self._end, self._wall_end = now + self.total_seconds, wall_now + wall_seconds(self.total_seconds)
        self._deadline = min(now + self.seconds, self._end)
        self._wall_deadline = min(wall_now + wall_seconds(self.seconds), self._wall_end)

    def add_time(self, seconds: float) -> None:
        """Counts processor time that another process has taken for the computation."""
        self._deadline -= seconds
        self._end -= seconds

    def stop(self) -> None:
        """Makes the next check end the computation: nobody needs its result any more."""
        self.is_stopped = True

    def check(self) -> None:
        """Ends the computation if the time is over.

        Raises:
            ComputeTimeError: the processor time is over.
            ProcessorBusyError: the time by the clock on the wall is over, and that of the processor is not.
            ComputationStoppedError: `stop` was called.
        """
        if self.is_stopped:
            raise self.unwanted()
        if self._clock() > self._deadline:
            raise self.too_slow()
        if self._wall_clock() > self._wall_deadline:
            raise self.too_busy()

    def unwanted(self) -> ComputationStoppedError:
        """Returns the error of an image whose answer nobody needs any more."""
        return ComputationStoppedError("Nobody waits for this answer any more.")

    def too_slow(self) -> ComputeTimeError:
        """Returns the error of an image that takes more processor time than it may."""
        return ComputeTimeError(
            f"Reading this image takes more than the {self.seconds:g} seconds of processor time allowed. Crop it "
            "to the digits that you mean, or scale it down."
        )

    def too_busy(self) -> ProcessorBusyError:
        """Returns the error of an image for which others leave too little processor time."""
        return ProcessorBusyError(
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


def current() -> Budget | None:
    """Returns the budget that holds here; None if there is none."""
    return _CURRENT.get()


def each_with_its_time(items: Iterable[Item]) -> Iterator[Item]:
    """Yields items; asking for one starts its time in the current budget."""
    for item in items:
        if (budget := _CURRENT.get()) is not None:
            budget.start()
        yield item


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
