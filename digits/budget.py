"""The time and the work that reading one image may take.

Native code in a thread cannot be interrupted, so that whoever computes checks its budget before each step that may take
long: `check()`. The budget stands in a context variable: the code between the one who sets it and the one who checks it
need not know of it. Without a budget, as on the command line, a check does nothing.

Work is counted in pixels of the crops that are looked at: thousands of strokes, each as large as the page, are as many
pages. It is bounded wherever pages are read, so that the same picture gets the same answer on every machine.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from digits.errors import ComputationStoppedError, ComputeTimeError, CrowdedImageError


class Budget:
    """The time for one image, from `start` on. One thread computes; any thread may stop it.

    Args:
        seconds: longest time for each image.
        total_seconds: longest time for all images that share the budget; `seconds` if None.
        clock: returns the present time in seconds, from any start.
    """

    def __init__(
        self, seconds: float, total_seconds: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._total = seconds if total_seconds is None else total_seconds
        self._end: float | None = None
        self._deadline = float("inf")
        self._stopped = False

    def start(self) -> None:
        """Starts the time of an image; the first call starts the time of all images, too."""
        now = self._clock()
        if self._end is None:
            self._end = now + self._total
        self._deadline = min(now + self.seconds, self._end)

    def stop(self) -> None:
        """Makes the next check end the computation: nobody needs its result any more."""
        self._stopped = True

    def check(self) -> None:
        """Ends the computation if the time is over.

        Raises:
            ComputeTimeError: the time is over.
            ComputationStoppedError: `stop` was called.
        """
        if self._stopped:
            raise ComputationStoppedError("Nobody waits for this answer any more.")
        if self._clock() > self._deadline:
            raise ComputeTimeError(
                f"Reading this image takes more than the {self.seconds:g} seconds allowed. Crop it to the digits that "
                "you mean, or scale it down."
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
        ComputeTimeError: its time is over.
        ComputationStoppedError: it was stopped.
    """
    if (budget := _CURRENT.get()) is not None:
        budget.check()


class _Work:
    """The work that is left."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels


_WORK: ContextVar[_Work | None] = ContextVar("work", default=None)


@contextlib.contextmanager
def bounded_work(pixels: int) -> Iterator[None]:
    """Bounds the work of all calls of `spend` inside.

    Args:
        pixels: of all crops together.
    """
    token = _WORK.set(_Work(pixels))
    try:
        yield
    finally:
        _WORK.reset(token)


def spend(pixels: int) -> None:
    """Counts the pixels of a crop before it is looked at, and checks the time.

    Raises:
        CrowdedImageError: the bound is exceeded.
        ComputeTimeError, ComputationStoppedError: as `check`.
    """
    check()
    if (work := _WORK.get()) is not None:
        work.pixels -= pixels
        if work.pixels < 0:
            raise CrowdedImageError(
                "The strokes in this picture are too many and too large: each is looked at alone, and together they "
                "cover the picture many times. Crop it to the numbers that you mean."
            )
