"""Runs a program on a file in a process of its own, which can be stopped, and whose crash harms nobody else.

The process has limits on memory and time, and is killed when it takes longer, or when the request's own time is over or
its client has left. What it takes of the processor counts in the request's time. It is a fresh Python, so that it makes
no difference which threads there are, how the present program was started, and whether it can be imported.
"""

import contextlib
import ctypes
import os
import selectors
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from digits import budget
from digits.errors import BrokenImageError, ComputeTimeError, ProcessorBusyError, ProcessStartError, is_out_of_files

_STARTER = Path(__file__).with_name("starter.py")
# The process needs no secret that may stand in other variables.
_VARIABLES = ("HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")
# How often the time is checked, in seconds; and bytes that are read at a time.
_CHECK_SECONDS, _CHUNK = 0.05, 1024 * 1024
_LONGEST_LINE = 200


@dataclass(frozen=True)
class Program:
    """A program that works on a file.

    Args:
        path: of its module, which `digits.images.apart.starter` runs.
        memory_bytes: most memory that its process may take, all of Python included.
        cpu_seconds: most processor time of its process.
        failed: returns the error to raise if the process ends before it has answered.
        too_slow: what to say if an answer takes too long, with `{}` where the time stands that it may take.
    """

    path: Path
    memory_bytes: int
    cpu_seconds: int
    failed: Callable[[], BrokenImageError]
    too_slow: str


def can_start() -> bool:
    """Returns whether such processes can be started here: not on Windows, nor in a program that embeds Python."""
    return os.name == "posix" and bool(sys.executable)


class Process:
    """A program at work on a file. Its process ends with `close`, or when nobody holds the object any more.

    Args:
        program: what it runs.
        data: the file.
        arguments: of the program.
        counted_bytes: the memory that it counts as where `digits.budget.bounded_memory` holds, until it ends.

    Raises:
        MemoryBusyError: other images take the memory.
        ProcessStartError: the system starts no more processes.
        OSError: it opens no more files.
    """

    def __init__(self, program: Program, data: bytes, *arguments: int, counted_bytes: int = 0) -> None:
        self._program = program
        with contextlib.ExitStack() as started, _file_of(data) as file:
            started.enter_context(budget.memory(lambda: counted_bytes))
            # Before the process: what may fail for want of files must not leave one behind.
            self._selector = started.enter_context(selectors.DefaultSelector())
            process = _start(program, file.fileno(), arguments)
            held = started.pop_all()
        self._process, self._received = process, bytearray()
        self._clock = _clock_of(process.pid)
        self._counted = self._clock()
        if process.stdout is not None:
            self._selector.register(process.stdout, selectors.EVENT_READ)
        self._end = weakref.finalize(self, _end, process, held)

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
            ComputeTimeError, ProcessorBusyError, ComputationStoppedError: its time, or that of the request, is over.
        """
        own, at = self._budget(seconds), -1
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
            self.close()
            raise self._program.failed()
        self._received += chunk

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


def _start(program: Program, descriptor: int, arguments: tuple[int, ...]) -> subprocess.Popen[bytes]:
    """Starts a program on the file of a descriptor.

    Raises:
        ProcessStartError: the system starts no more processes.
        OSError: it opens no more files.
    """
    numbers = (descriptor, program.memory_bytes, program.cpu_seconds, *arguments)
    try:
        # Pipes of our own: where Popen finds no file for its second one, some versions of Python leave the first open.
        with contextlib.ExitStack() as pipes:
            its_input, to_it = map(pipes.enter_context, _pipe())
            from_it, its_output = map(pipes.enter_context, _pipe())
            process = subprocess.Popen(
                [sys.executable, "-P", str(_STARTER), str(program.path), *map(str, numbers)],
                stdin=its_input,
                stdout=its_output,
                stderr=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                env={name: os.environ[name] for name in _VARIABLES if name in os.environ},
            )
            process.stdin, process.stdout = to_it, from_it
            pipes.pop_all()
            its_input.close()
            its_output.close()
        return process
    except OSError as error:
        if is_out_of_files(error):
            raise
        raise ProcessStartError(
            f"No process can be started to read this file ({error.strerror or error}). Try again in a moment."
        ) from error


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Opens a pipe; returns the end to read from and the end to write to."""
    read, write = os.pipe()
    return os.fdopen(read, "rb", 0), os.fdopen(write, "wb", 0)


def _clock_of(pid: int) -> Callable[[], float]:
    """Returns a clock of the processor time of a process, in seconds; where there is none, the clock on the wall.

    The clock stands still once the process has ended.
    """
    find = getattr(ctypes.CDLL(None), "clock_getcpuclockid", None) if os.name == "posix" else None
    clock = ctypes.c_int()
    if find is None or find(pid, ctypes.byref(clock)):
        return time.monotonic
    last = 0.0

    def read() -> float:
        nonlocal last
        with contextlib.suppress(OSError):
            last = time.clock_gettime(clock.value)
        return last

    return read


def _end(process: subprocess.Popen[bytes], held: contextlib.ExitStack) -> None:
    """Ends a process, closes the pipes to it, and lets go of what was held for it, such as its memory."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()
    held.close()


def _file_of(data: bytes) -> IO[bytes]:
    """Returns a file that holds the data and has no name: in memory where the system has such files."""
    in_memory = hasattr(os, "memfd_create")
    file = os.fdopen(os.memfd_create("digits"), "r+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
    file.write(data)
    file.flush()
    return file
