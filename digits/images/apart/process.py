"""Runs a program on a file in a process of its own, which can be stopped, and whose crash harms nobody else.

The process has limits on memory and time, and is killed when it takes longer, or when the request's own time is over or
its client has left. What it takes of the processor counts in the request's time. It is a fresh Python, so that it makes
no difference which threads there are, how the present program was started, and whether it can be imported.

Its first line says that it is ready, or that the system lacks something for a moment. A process that ends before, or
says something else, does so whatever the file is: the file is not blamed, and the log says what is wrong.
"""

import contextlib
import logging
import os
import selectors
import shlex
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digits import budget
from digits.errors import (
    BrokenImageError,
    ComputeTimeError,
    MissingInstallError,
    ProcessorBusyError,
    ProcessStartError,
    is_out_of_files,
)
from digits.images.apart.launch import clock_of, file_of, find_python, start

_log = logging.getLogger("digits")

_STARTER = Path(__file__).with_name("starter.py")
# How often the time is checked, in seconds; and bytes that are read at a time.
_CHECK_SECONDS, _CHUNK = 0.05, 1024 * 1024
_LONGEST_LINE = 200
_READY, _LACKS = "ready", "lacks "
# How long a process that has closed its output may take to end, in seconds.
_END_SECONDS = 1.0


@dataclass(frozen=True)
class Program:
    """A program that works on a file.

    Args:
        path: of its module, which `digits.images.apart.starter` runs.
        files: the kind of file, for people, such as "PDF".
        memory_bytes: most memory that its process may take, all of Python included.
        cpu_seconds: most processor time of its process.
        failed: returns the error to raise if the process ends before it has answered.
        too_slow: what to say if an answer takes too long, with `{}` where the time stands that it may take.
    """

    path: Path
    files: str
    memory_bytes: int
    cpu_seconds: int
    failed: Callable[[], BrokenImageError]
    too_slow: str


class Process:
    """A program at work on a file. Its process ends with `close`, or when nobody holds the object any more.

    Args:
        program: what it runs.
        data: the file.
        arguments: of the program.
        counted_bytes: the memory that it counts as where `digits.budget.bounded_memory` holds, until it ends.

    Raises:
        MemoryBusyError: other images take the memory.
        MissingInstallError: there is no Python here that can be run.
        ProcessStartError: the system starts no more processes, or has no room for the file.
        OSError: it opens no more files.
    """

    def __init__(self, program: Program, data: bytes, *arguments: int, counted_bytes: int = 0) -> None:
        self._program, self._received, self._is_ready = program, bytearray(), False
        python = _python_for(program)
        # What is held for the process is let go of with it, and here if anything fails.
        with contextlib.ExitStack() as held, file_of(data) as file:
            held.enter_context(budget.memory(lambda: counted_bytes))
            self._selector = held.enter_context(selectors.DefaultSelector())
            numbers = (file.fileno(), program.memory_bytes, program.cpu_seconds, *arguments)
            command = [*_command(python, program), *map(str, numbers)]
            try:
                self._process = start(command, (file.fileno(),), held)
            except OSError as error:
                if is_out_of_files(error):
                    raise
                raise _unfit(program, f"it cannot be started: {error}") from error
            self._clock = clock_of(self._process.pid)
            self._counted = self._clock()
            if self._process.stdout is not None:
                self._selector.register(self._process.stdout, selectors.EVENT_READ)
            self._end = weakref.finalize(self, held.pop_all().close)

    def close(self) -> None:
        """Ends the process."""
        self._end()

    def write_line(self, line: str) -> None:
        """Sends a line to the process; one that has just died is noticed when its answer is read.

        Raises:
            BrokenImageError: it has ended.
        """
        if self._process.stdin is None or not self._end.alive:
            raise self._program.failed()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode() + b"\n")

    def read_line(self, seconds: float) -> str:
        """Returns the next line of the process, which may take so many seconds of the processor.

        Raises:
            BrokenImageError: it has ended.
            MissingInstallError: it did so, or said something else, before it was ready for any file.
            ProcessStartError: it lacked memory or files before.
            ComputeTimeError, ProcessorBusyError, ComputationStoppedError: its time, or that of the request, is over.
        """
        own = self._budget(seconds)
        if not self._is_ready:
            if (said := self._next_line(own)) != _READY:
                self.close()
                raise self._error_of_first_line(said)
            self._is_ready = True
        return self._next_line(own)

    def _next_line(self, own: budget.Budget) -> str:
        at = -1
        while (at := self._received.find(b"\n")) < 0 and len(self._received) < _LONGEST_LINE:
            self._receive(own)
        line = bytes(self._received[: max(at, 0)])
        del self._received[: at + 1]
        return line.decode("ascii", "replace")

    def read(self, size: int, seconds: float) -> bytearray:
        """Returns the next `size` bytes of the process; seconds and errors as for `read_line`."""
        own = self._budget(seconds)
        while len(self._received) < size:
            self._receive(own)
        if len(self._received) == size:
            # The usual case, without a copy of what may be many megabytes.
            content, self._received = self._received, bytearray()
            return content
        content = self._received[:size]
        del self._received[:size]
        return content

    def _budget(self, seconds: float) -> budget.Budget:
        """Returns a started budget of the process; what it took before counts no more."""
        self._counted = self._clock()
        own = budget.Budget(seconds, clock=self._clock)
        own.start()
        return own

    def _count_time(self) -> None:
        """Counts what the process has taken of the processor since the last call in the time of the request."""
        now = self._clock()
        budget.add_time(now - self._counted)
        self._counted = now

    def _receive(self, own: budget.Budget) -> None:
        """Waits for more bytes of the process; errors as for `read_line`.

        Args:
            own: budget of the process, which holds where there is no request, too.
        """
        try:
            is_waiting = True
            while is_waiting:
                is_waiting = not self._selector.select(_CHECK_SECONDS)
                self._count_time()
                budget.check()
                self._check(own)
            stdout = self._process.stdout
            chunk = os.read(stdout.fileno(), _CHUNK) if stdout is not None and not stdout.closed else b""
        except BaseException:
            self.close()
            raise
        if not chunk:
            error = self._error_of_end()
            self.close()
            raise error
        self._received += chunk

    def _error_of_first_line(self, said: str) -> MissingInstallError | ProcessStartError:
        """Returns the error of a process that has said something else than that it is ready."""
        if not said.startswith(_LACKS):
            return _unfit(self._program, f"it said {said!r}")
        lacking = said.removeprefix(_LACKS)
        _log.error("The process that reads %s files lacks memory or files: %s", self._program.files, lacking)
        return ProcessStartError(
            f"The process that reads {self._program.files} files lacks memory or files. Try again in a moment."
        )

    def _error_of_end(self) -> BrokenImageError | MissingInstallError:
        """Returns the error of a process that has closed its output: is it that of the file, or of this machine?"""
        if self._is_ready:
            return self._program.failed()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        code = self._process.returncode
        if code == -signal.SIGKILL:
            # It had not yet failed by itself: others kill so, such as for want of memory.
            return self._program.failed()
        # Such as of a library with instructions that this processor lacks.
        is_by_signal = code is not None and code < 0
        ended = f"by signal {-code} ({signal.strsignal(-code)})" if is_by_signal else f"with code {code}"
        return _unfit(self._program, f"it ended {ended}")

    def _check(self, own: budget.Budget) -> None:
        """Ends the work if its own time is over.

        Raises:
            ComputeTimeError: it is.
        """
        try:
            own.check()
            return
        except ComputeTimeError:
            most = f"{own.seconds:g} seconds of processor time"
        except ProcessorBusyError:
            most = f"{budget.wall_seconds(own.seconds):g} seconds"
        raise ComputeTimeError(self._program.too_slow.format(most))


def _command(python: str, program: Program) -> list[str]:
    """Returns the command that loads a program; with the arguments of `digits.images.apart.starter` it runs it."""
    return [python, "-P", str(_STARTER), str(program.path)]


def _python_for(program: Program) -> str:
    """Returns the Python that runs a program.

    Raises:
        MissingInstallError: there is none.
    """
    if (python := find_python()) is not None:
        return python
    if os.name != "posix":
        raise MissingInstallError(
            f"{program.files} files are read by a process of their own, which cannot be started on Windows."
        )
    running = sys.executable or "unknown"
    raise _unfit(
        program,
        f"no Python was found: the program that runs ({running}) is none, or gone, and there is none in "
        f"{sys.exec_prefix}/bin",
        "Set sys.executable to the path of one, or start the program anew if its Python has moved.",
    )


def _unfit(program: Program, why: str, what_to_do: str = "Install Digits anew.") -> MissingInstallError:
    """Logs why no file of a kind can be read here, and how to see more; returns an error that names no path."""
    command = shlex.join(_command(find_python() or "python", program))
    _log.error(
        "The process that reads %s files cannot work: %s. %s This shows more: %s",
        program.files, why, what_to_do, command,
    )  # fmt: skip
    return MissingInstallError(
        f"{program.files} files cannot be read here now: a part of Digits does not work. Its log says why."
    )
