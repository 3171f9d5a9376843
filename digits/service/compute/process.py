"""A compute process, as its worker sees it."""

import contextlib
import logging
import os
import select
import signal
import subprocess
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from digits import budget
from digits.budget import Budget, MemoryBound
from digits.errors import DigitsError, WorkerDiedError
from digits.images.apart.launch import clock_of, start
from digits.recognizer import Recognizer
from digits.service.compute.messages import (
    Ask,
    Done,
    Failed,
    Job,
    Logged,
    Model,
    Ready,
    Release,
    receive,
    send,
    uncopied,
)

_log = logging.getLogger("digits")

_CHILD = Path(__file__).with_name("child.py")
# How often a worker looks whether its process still may compute, in milliseconds.
_LOOK_MS = 50
# The process checks its own time. One that goes on for so many seconds more, by whatever clock, is ended.
_GRACE_SECONDS = 2.0
# What the start of a process may take of the processor, in seconds: some twenty times what it does.
_START_SECONDS = 10.0
# Threads of decoders count for the process, and not for its time.
_CPU_TIMES = 2


class UnfitError(Exception):
    """The process ended before it had loaded what it needs: it fits neither this system nor this install."""


class Process:
    """A process that computes one job at a time. It ends with `close`, or when nobody holds the object any more.

    Args:
        python: path of the Python that it runs.

    Raises:
        ProcessStartError: the system starts no more processes for a moment.
        OSError: it opens no more files, or Python cannot be run.
    """

    def __init__(self, python: str) -> None:
        with contextlib.ExitStack() as held:
            self._process = start(command_of(python), (), held)
            if self._process.stdin is None or self._process.stdout is None:
                raise AssertionError("both are pipes")
            self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
            # Else one that does not read would keep the thread that writes.
            os.set_blocking(self._to, False)
            self.close = weakref.finalize(self, held.pop_all().close)
        self.pid = self._process.pid
        self._clock = clock_of(self.pid)
        self._digest = ""
        self._is_ready = self._is_busy = self._is_killed = False
        self._budget = Budget(0.0)
        self._stop_end = float("inf")
        self._cpu_end = self._wall_end = float("inf")

    @property
    def is_fit(self) -> bool:
        """Whether it may be given another job."""
        return self.close.alive and not self._is_busy and self._process.poll() is None

    def kill(self) -> None:
        """Ends the process, whose job gets an error; any thread may call it, and another one closes it."""
        self._is_killed = True
        self._process.kill()

    def run(
        self, function: Callable[..., Any], recognizer: Recognizer, arguments: Sequence[Any], memory: MemoryBound
    ) -> Any:
        """Has the process call a function, within the current budget.

        Args:
            function: one of `digits.service.compute.jobs`.
            recognizer: its first argument, which the process makes anew from its model.
            arguments: the others.
            memory: what the process takes for decoding counts here.

        Returns:
            What the function returns.

        Raises:
            UnfitError: the process has ended without a job.
            WorkerDiedError: it has ended with this job.
            ComputationStoppedError, ComputeTimeError, ProcessorBusyError: as `budget.check`.
            Exception: what the function raises.
        """
        self._is_busy = True
        self._budget = budget.current() or Budget(float("inf"))
        self._stop_end = float("inf")
        # Its start, and loading a model, are no part of the job.
        self._allow(_START_SECONDS)
        try:
            outcome = self._outcome(function, recognizer, arguments, memory)
        except (EOFError, BrokenPipeError):
            raise self._death() from None
        self._is_busy = False
        if isinstance(outcome, Done):
            return outcome.result
        if outcome.trace:
            outcome.error.add_note(f"In a compute process:\n{outcome.trace}")
        raise outcome.error

    def _outcome(
        self, function: Callable[..., Any], recognizer: Recognizer, arguments: Sequence[Any], memory: MemoryBound
    ) -> Done | Failed:
        if not self._is_ready:
            self._receive(Ready, memory)
            self._is_ready = True
        if self._digest != recognizer.digest:
            # Where loading fails, the process has no model any more.
            self._digest = ""
            self._send(Model(recognizer.artifact, recognizer.limits))
            if isinstance(loaded := self._receive(Done | Failed, memory), Failed):
                return loaded
            self._digest = recognizer.digest
        if self._budget.is_stopped:
            return Failed(self._budget.unwanted())
        self._allow(self._budget.total_seconds)
        wrapped = [_wrapped(argument) for argument in arguments]
        self._send(Job(function, wrapped, self._budget.seconds, self._budget.total_seconds))
        return self._receive(Done | Failed, memory)

    def _allow(self, seconds: float) -> None:
        """Sets the time by which the process is ended, for what may take so many seconds of the processor."""
        self._cpu_end = self._clock() + _CPU_TIMES * seconds + _GRACE_SECONDS
        self._wall_end = time.monotonic() + budget.wall_seconds(seconds) + _GRACE_SECONDS

    def _receive(self, kind: Any, memory: MemoryBound) -> Any:
        """Returns the next message of a kind; does what others ask for."""
        with contextlib.ExitStack() as taken:
            each: list[contextlib.ExitStack] = []
            while not isinstance(message := receive(self._read), kind):
                if isinstance(message, Ask):
                    own = taken.enter_context(contextlib.ExitStack())
                    # The process checks its time. Here, that of an image of a batch is not known.
                    self._budget.start()
                    try:
                        own.enter_context(memory.taken(message.size, message.wait_seconds))
                    except DigitsError as error:
                        self._send(Failed(error.with_traceback(None)))
                    else:
                        each.append(own)
                        self._send(Done())
                elif isinstance(message, Release):
                    each.pop().close()
                elif isinstance(message, Logged):
                    logging.getLogger(message.logger).log(message.level, "%s", message.text)
            return message

    def _send(self, message: object) -> None:
        send(self._write, message)

    def _read(self, size: int) -> bytes:
        self._wait(self._from, select.POLLIN)
        return os.read(self._from, size)

    def _write(self, content: memoryview) -> int:
        self._wait(self._to, select.POLLOUT)
        try:
            return os.write(self._to, content)
        except BlockingIOError:
            return 0

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(_LOOK_MS):
            self._look()

    def _look(self) -> None:
        """Ends the process if it may compute no longer, and does not end its job itself."""
        now = time.monotonic()
        if self._budget.is_stopped:
            self._stop_end = min(self._stop_end, now + _GRACE_SECONDS)
            if self._is_ready:
                # Again and again: before its job has arrived, the process does not heed it.
                self._process.send_signal(signal.SIGUSR1)
        if now > self._stop_end:
            self.close()
            raise self._budget.unwanted()
        if self._clock() > self._cpu_end:
            self.close()
            raise self._budget.too_slow()
        if now > self._wall_end:
            self.close()
            raise self._budget.too_busy()

    def _death(self) -> UnfitError | WorkerDiedError:
        """Returns the error of a process that has closed its pipes."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        self.close()
        code = self._process.returncode
        ended = f"by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"with exit code {code}"
        if not self._is_ready:
            return UnfitError(ended)
        if not self._is_killed:
            _log.error("Compute process %d ended %s while it read an image; another takes its place", self.pid, ended)
        return WorkerDiedError("The process that read this image has ended. Try again in a moment.")


def command_of(python: str) -> list[str]:
    """Returns the command that starts a compute process."""
    return [python, "-P", str(_CHILD)]


def _wrapped(argument: Any) -> Any:
    """Returns an argument whose bytes, or list of bytes, are sent without a copy."""
    if isinstance(argument, bytes):
        return uncopied(argument)
    return [_wrapped(item) for item in argument] if isinstance(argument, list) else argument
