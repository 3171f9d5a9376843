"""The queue in front of the threads that compute: short, so that an answer or a refusal comes soon."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator

import anyio

from digits.budget import MemoryBound
from digits.errors import ComputationStoppedError
from digits.service.errors import OverloadedError

# So many requests may always wait, however long the ones before them take: clients send bursts.
_ALWAYS = 8
# Weight of the latest computation in the running mean of their times.
_WEIGHT = 0.1
# An image that was let in counts as waiting before its body is there, but no longer than so many seconds: whoever does
# not send it keeps nobody out.
_ARRIVAL_SECONDS = 0.1
# Once its body has been read, an image is refused only if the wait has become so much longer than it may be.
_LATE = 1.2


class ComputeQueue:
    """Gives computations their turn, in the order in which they came.

    Whoever would probably have to wait for too long is refused at once, not after the wait: a client that is told so
    can ask elsewhere, and the wait of all others stays short however many ask. The wait is foreseen from the number of
    computations that wait, or will in a moment, and the mean time that the latest ones took.

    Args:
        slots: computations at a time.
        wait_seconds: longest wait that may be foreseen, unless no more than a few wait.
        memory: bounds what the images take that are decoded at the same time; None for no bound.
    """

    def __init__(self, slots: int, wait_seconds: float, memory: MemoryBound | None = None) -> None:
        self.memory = memory
        self.threads = anyio.CapacityLimiter(slots)
        self._slots = slots
        self._wait_seconds = wait_seconds
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        # When those were let in whose bodies are still coming in.
        self._arriving: deque[float] = deque()
        self._mean = 0.0
        self._progress = time.monotonic()

    @property
    def expected_wait(self) -> float:
        """How long one more computation would wait, in seconds."""
        return self._coming * self._mean / self._slots if self._running >= self._slots else 0.0

    @property
    def is_full(self) -> bool:
        """Whether one more computation would wait for too long."""
        return self._is_longer_than(self._wait_seconds)

    @property
    def refusal(self) -> str:
        """What a client is told while the queue is full; a text without quotes and backslashes."""
        return f"{self._coming} requests wait for their turn, and no more are taken. Try again in a moment."

    @property
    def _coming(self) -> int:
        """How many wait, or will as soon as their bodies are there."""
        if self._arriving:
            late = time.monotonic() - _ARRIVAL_SECONDS
            while self._arriving and self._arriving[0] < late:
                self._arriving.popleft()
        return len(self._waiting) + len(self._arriving)

    def _is_longer_than(self, seconds: float) -> bool:
        return self._coming >= _ALWAYS and self.expected_wait > seconds

    def expect(self) -> None:
        """Counts a computation that will ask for its turn in a moment: the body of its request is coming in."""
        self._arriving.append(time.monotonic())

    def check(self) -> None:
        """Refuses a computation that would wait for too long.

        Raises:
            OverloadedError: it would.
        """
        if self.is_full:
            raise OverloadedError(self.refusal)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a slot and holds it.

        Raises:
            OverloadedError: the wait would be too long.
        """
        if self._arriving:
            # The one that came first is the one that is here, nearly always.
            self._arriving.popleft()
        if self._running >= self._slots:
            if self._is_longer_than(_LATE * self._wait_seconds):
                raise OverloadedError(self.refusal)
            await self._wait()
        else:
            if not self._running:
                self._progress = time.monotonic()
            self._running += 1
        start = time.monotonic()
        try:
            yield
        except ComputationStoppedError:
            # It tells nothing of how long computations take.
            start = time.monotonic() - self._mean
            raise
        finally:
            self._progress = time.monotonic()
            self._mean += _WEIGHT * (self._progress - start - self._mean)
            self._release()

    def is_stuck(self, seconds: float) -> bool:
        """Returns whether something is being computed, and nothing has ended for this many seconds."""
        return self._running > 0 and time.monotonic() - self._progress > seconds

    async def _wait(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The slot was handed over in the same moment.
                self._release()
            else:
                # A slot that became free in the same moment may have passed it over already.
                with contextlib.suppress(ValueError):
                    self._waiting.remove(turn)
            raise

    def _release(self) -> None:
        """Hands a slot over to the computation that has waited for longest, or frees it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1
