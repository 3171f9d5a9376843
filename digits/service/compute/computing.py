"""What a compute process does: takes jobs, computes within their time, and answers."""

import contextlib
import logging
import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from digits.budget import Budget, MemoryBound, bounded_memory, limited
from digits.errors import DigitsError
from digits.recognizer import Recognizer
from digits.service.compute.messages import Ask, Done, Failed, Job, Logged, Model, Ready, Release, receive, send
from digits.service.errors import as_unavailable
from digits.service.process.decoders import one_thread_for_each_image, silence_decoders
from digits.service.process.heap import HeapTrimmer, keep_heap_small

# Freed memory that a process keeps, in bytes. There are several, and what they read takes longer than asking for more.
_KEPT = 4 * 1024 * 1024


def answer_jobs(from_worker: int, to_worker: int) -> None:
    """Answers jobs until the worker closes the pipe, or is gone.

    Args:
        from_worker: descriptor from which messages are read.
        to_worker: descriptor to which they are written.
    """
    keep_heap_small(_KEPT)
    one_thread_for_each_image()
    silence_decoders()
    worker = _Worker(from_worker, to_worker)
    logging.basicConfig(handlers=[_LogOfWorker(worker)], format="%(message)s", level=logging.INFO)
    with contextlib.suppress(EOFError, BrokenPipeError):
        _Process(worker).run()


class _Worker:
    """The other end of the pipes; the arguments are those of `answer_jobs`."""

    def __init__(self, from_worker: int, to_worker: int) -> None:
        self._from_worker, self._to_worker = from_worker, to_worker

    def send(self, message: object) -> None:
        send(lambda content: os.write(self._to_worker, content), message)

    def receive(self) -> object:
        return receive(lambda size: os.read(self._from_worker, size))


class _Process:
    """Answers the messages of a worker."""

    def __init__(self, worker: _Worker) -> None:
        self._worker = worker
        self._memory = _MemoryOfWorker(worker)
        self._trimmer = HeapTrimmer(_KEPT)
        self._recognizer: Recognizer | None = None
        self._budget: Budget | None = None

    def run(self) -> None:
        """Answers them until there are no more.

        Raises:
            EOFError: the worker has closed its pipe.
        """
        # The worker sends it when nobody waits for the answer any more.
        signal.signal(signal.SIGUSR1, self._stop)
        self._worker.send(Ready())
        while True:
            self._answer(self._worker.receive())
            self._trimmer.trim()

    def _answer(self, message: object) -> None:
        if isinstance(message, Model):
            self._worker.send(_outcome(lambda: self._load(message)))
        elif isinstance(message, Job):
            self._worker.send(_outcome(lambda: self._compute(message)))

    def _load(self, model: Model) -> None:
        # One is enough: the worker has two for a moment only, while one replaces the other.
        self._recognizer = None
        recognizer = Recognizer(model.artifact, model.limits)
        recognizer.warm_up()
        self._recognizer = recognizer

    def _compute(self, job: Job) -> Any:
        self._budget = Budget(job.seconds, job.total_seconds)
        try:
            with limited(self._budget), bounded_memory(self._memory):
                return job.function(self._recognizer, *job.arguments)
        finally:
            self._budget = None

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self._budget is not None:
            self._budget.stop()


def _outcome(compute: Callable[[], Any]) -> Done | Failed:
    try:
        return Done(compute())
    except DigitsError as error:
        return Failed(error.with_traceback(None))
    except Exception as error:  # noqa: BLE001 - the worker raises it
        # Its cause, which may be what says so, would not arrive.
        if (unavailable := as_unavailable(error)) is not None:
            return Failed(unavailable)
        trace = traceback.format_exc()
        try:
            pickle.loads(pickle.dumps(error.with_traceback(None)))  # noqa: S301 - of this very process
        except Exception:  # noqa: BLE001 - such as one whose class does not say how it is made anew
            error = RuntimeError(f"{type(error).__name__}: {error}")
        return Failed(error.with_traceback(None), trace)


class _MemoryOfWorker(MemoryBound):
    """The bound on memory that all processes of a worker share: it is asked for all that is taken."""

    def __init__(self, worker: _Worker) -> None:
        super().__init__(0, 0.0)
        self._worker = worker

    @contextlib.contextmanager
    def taken(self, size: int, wait_seconds: float = 0.0) -> Iterator[None]:
        """Does what the bound of the worker does, and raises what it raises."""
        self._worker.send(Ask(size, wait_seconds))
        answer = self._worker.receive()
        if isinstance(answer, Failed):
            raise answer.error
        try:
            yield
        finally:
            self._worker.send(Release())


class _LogOfWorker(logging.Handler):
    """Has the worker write the log, in its form and to its place."""

    def __init__(self, worker: _Worker) -> None:
        super().__init__()
        self._worker = worker

    def emit(self, record: logging.LogRecord) -> None:
        """Sends a line."""
        self._worker.send(Logged(record.name, record.levelno, self.format(record)))
