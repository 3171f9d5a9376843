"""The time that reading one image may take.

Native code in a thread cannot be interrupted, so that whoever computes checks its budget before each step that may take
long: `check()`. The budget stands in a context variable: the code between the one who sets it and the one who checks it
need not know of it. Without a budget, as on the command line, a check does nothing.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from digits.errors import ComputationStoppedError, ComputeTimeError


class Budget:
    """The time for one image, from `start` on. One thread computes; any thread may stop it.

    Args:
        seconds: longest time for each image.
        total_seconds: longest time for all images that share the budget; `seconds` if None.
    """

    def __init__(self, seconds: float, total_seconds: float | None = None) -> None:
        self.seconds = seconds
        self._total = seconds if total_seconds is None else total_seconds
        self._end: float | None = None
        self._deadline = float("inf")
        self._stopped = False

    def start(self) -> None:
        """Starts the time of an image; the first call starts the time of all images, too."""
        now = time.monotonic()
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
        if time.monotonic() > self._deadline:
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
