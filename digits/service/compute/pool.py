"""The compute processes of a worker."""

import logging
import shlex
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from digits import budget
from digits.budget import MemoryBound
from digits.errors import ProcessStartError
from digits.images.apart.launch import find_python
from digits.recognizer import Recognizer
from digits.service.compute.process import Process, UnfitError, command_of
from digits.service.process.heap import own_bytes

_log = logging.getLogger("digits")

# After a process that did not fit, none is started for so many seconds.
_PAUSE_SECONDS = 60.0
# Whoever waits for a process looks so often whether its own time is over.
_LOOK_SECONDS = 0.05

Result = TypeVar("Result")


class ComputeProcesses:
    """Computes in processes, of which there are as many as there have been jobs at a time, up to a bound.

    The first job that needs another process waits for its start. Where none can be started, the thread that asks
    computes by itself: answers are the same, and small requests wait for longer.

    Args:
        memory: bounds what all of them take at the same time, for files and for decoding.
        most: processes at a time. Jobs beyond wait for one.
        is_used: whether there are any.

    Attributes:
        is_used: whether there are any: not where the system has no such processes.
    """

    def __init__(self, memory: MemoryBound, most: int = 2, *, is_used: bool = True) -> None:
        self._memory, self._most = memory, most
        self._python = find_python() if is_used else None
        self.is_used = self._python is not None
        self._idle: list[Process] = []
        self._busy: set[Process] = set()
        self._starting = 0
        self._changed = threading.Condition()
        self._unfit_until = 0.0
        self._could_start = True

    def run(self, function: Callable[..., Result], recognizer: Recognizer, *arguments: Any) -> Result:
        """Calls a function of `digits.service.compute.jobs` within the current budget, in a process where there is one.

        Args:
            function: what to compute; its first argument is `recognizer`, the others are `arguments`.
            recognizer: the model and the limits.
            arguments: they and the result are pickled.

        Raises:
            WorkerDiedError: the process has ended.
            ComputationStoppedError, ComputeTimeError, ProcessorBusyError: as `digits.budget.check`.
            Exception: what the function raises.
        """
        while (process := self._take()) is not None:
            try:
                # The process has a copy.
                with budget.memory(lambda: _size_of(arguments)):
                    result: Result = process.run(function, recognizer, arguments, self._memory)
                return result
            except UnfitError as error:
                self._note_unfit(error)
            finally:
                self._give_back(process)
        return function(recognizer, *arguments)

    def memory_bytes(self) -> int:
        """Returns the memory of all processes, without what they share with each other, such as libraries."""
        with self._changed:
            processes = [*self._idle, *self._busy]
        return sum(own_bytes(process.pid) for process in processes)

    def close(self) -> None:
        """Ends all processes; a job that is still computed gets an error."""
        with self._changed:
            self._python = None
            idle, self._idle = self._idle, []
            # Their threads still hold the pipes, and close them.
            for process in self._busy:
                process.kill()
        for process in idle:
            process.close()

    def _take(self) -> Process | None:
        """Returns a process for a job; None if there is none, and none can be started."""
        with self._changed:
            while not self._idle and len(self._busy) + self._starting >= self._most:
                budget.check()
                self._changed.wait(_LOOK_SECONDS)
            while self._idle:
                process = self._idle.pop()
                if process.is_fit:
                    self._busy.add(process)
                    return process
                # Such as one that the system has ended, for want of memory.
                process.close()
            if self._python is None or time.monotonic() < self._unfit_until:
                return None
            self._starting += 1
        started = None
        try:
            started = self._start(self._python)
        finally:
            with self._changed:
                self._starting -= 1
                if started is not None:
                    self._busy.add(started)
                    if self._python is None:
                        started.kill()
        return started

    def _start(self, python: str) -> Process | None:
        try:
            process = Process(python)
        except (OSError, ProcessStartError) as error:
            if self._could_start:
                _log.warning("No compute process can be started (%s): the worker itself reads images for now", error)
            self._could_start = False
            return None
        self._could_start = True
        return process

    def _give_back(self, process: Process) -> None:
        with self._changed:
            self._busy.discard(process)
            self._changed.notify()
            if process.is_fit and self._python is not None:
                self._idle.append(process)
                return
        process.close()

    def _note_unfit(self, error: UnfitError) -> None:
        self._unfit_until = time.monotonic() + _PAUSE_SECONDS
        if self._python is not None:
            command = shlex.join(command_of(self._python))
            _log.error(
                "A compute process ended %s before it was ready: the worker itself reads images for the next %g "
                "seconds. This shows why: %s < /dev/null",
                error, _PAUSE_SECONDS, command,
            )  # fmt: skip


def _size_of(arguments: Iterable[Any]) -> int:
    """Returns how many bytes are among arguments and in lists among them."""
    return sum(
        len(argument) if isinstance(argument, bytes) else _size_of(argument) if isinstance(argument, list) else 0
        for argument in arguments
    )
