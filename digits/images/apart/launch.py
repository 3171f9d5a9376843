"""Starts a process on a file: which Python runs it, its pipes, its clock, and the file that it reads."""

import contextlib
import ctypes
import errno
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO

from digits.errors import ProcessStartError, PutAsideError, is_out_of_files

_log = logging.getLogger("digits")

# The process needs no secret that may stand in other variables.
_VARIABLES = ("HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR")
# How a Python is called, and not a program that has the word in its name, such as "python-app".
_PYTHON = re.compile(r"(python|pypy)[\d.]*[dtw]*(\.exe)?", re.IGNORECASE)
# What keeps a process from being started for a moment: too many processes, too little memory, a Python that is just
# being written.
_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.ETXTBSY)
_TO_END = {signal.SIGINT, signal.SIGTERM} | ({signal.SIGHUP} if hasattr(signal, "SIGHUP") else set())


def find_python() -> str | None:
    """Returns the Python that the processes run; None where there is none, as on Windows and in some programs.

    A program that embeds Python names itself, or nothing, as the one that runs. Its Python is looked for where that is
    installed.
    """
    if os.name != "posix":
        return None
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    places = [Path(prefix) / "bin" / name for prefix in (sys.exec_prefix, sys.base_exec_prefix)]
    running = Path(sys.executable or "")
    if _PYTHON.fullmatch(running.name) and not hasattr(sys, "frozen"):
        places.insert(0, running)
    # An install that was replaced meanwhile may have taken the one that runs.
    return next((str(place) for place in places if os.access(place, os.X_OK)), None)


def start(command: Sequence[str], descriptors: Collection[int], held: contextlib.ExitStack) -> subprocess.Popen[bytes]:
    """Starts a process that gets descriptors of this one, and has it end with `held`.

    Args:
        command: its program and arguments.
        descriptors: of files that it reads.
        held: ends the process, and closes the pipes to it.

    Raises:
        ProcessStartError: the system starts no more processes for a moment.
        OSError: it opens no more files; or the program cannot be run at all.
    """
    try:
        # Pipes of our own: where Popen finds no file for its second one, some versions of Python leave the first open.
        with contextlib.ExitStack() as pipes:
            its_input, to_it = map(pipes.enter_context, _pipe())
            from_it, its_output = map(pipes.enter_context, _pipe())
            with _without_signals_to_end():
                process = subprocess.Popen(
                    command,
                    stdin=its_input,
                    stdout=its_output,
                    stderr=subprocess.DEVNULL,
                    pass_fds=descriptors,
                    env={name: os.environ[name] for name in _VARIABLES if name in os.environ},
                )
            held.callback(_end, process)
            process.stdin, process.stdout = to_it, from_it
            pipes.pop_all()
            its_input.close()
            its_output.close()
        return process
    except OSError as error:
        if error.errno not in _PASSING:
            raise
        raise ProcessStartError(
            f"No process can be started to read this file ({error.strerror or error}). Try again in a moment."
        ) from error


@contextlib.contextmanager
def _without_signals_to_end() -> Iterator[None]:
    """Blocks the signals that ask to end: in this thread for a moment, and in the processes that it starts for good.

    Ctrl-C and supervisors send them to the whole group. This process decides when it ends, and answers first; those
    that it has started end with it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    """Opens a pipe; returns the end to read from and the end to write to."""
    read, write = os.pipe()
    return os.fdopen(read, "rb", 0), os.fdopen(write, "wb", 0)


def clock_of(pid: int) -> Callable[[], float]:
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


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, and closes the pipes to it."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


@contextlib.contextmanager
def file_of(data: bytes) -> Iterator[IO[bytes]]:
    """Opens a file that holds the data and has no name: in memory where the system has such files.

    Raises:
        PutAsideError: there is no room for it, or no leave to write it.
        OSError: the system opens no more files.
    """
    with _in_memory(data) or _on_disk(data) as file:
        yield file


def _in_memory(data: bytes) -> IO[bytes] | None:
    """Returns a file in memory; None if the system has none, forbids them, or lacks the memory.

    Raises:
        OSError: it opens no more files.
    """
    if not hasattr(os, "memfd_create"):
        return None
    try:
        return _filled(os.fdopen(os.memfd_create("digits"), "r+b", 0), data)
    except OSError as error:
        if is_out_of_files(error):
            raise
        return None


def _on_disk(data: bytes) -> IO[bytes]:
    """Returns a temporary file; errors as for `file_of`."""
    try:
        return _filled(tempfile.TemporaryFile(buffering=0), data)
    except OSError as error:
        if is_out_of_files(error):
            raise
        _log.error("A file cannot be put aside for the process that reads it: %s. Is the disk full?", error)
        raise PutAsideError(
            f"This file cannot be put aside for the process that reads it ({error.strerror or error}). If the disk is "
            "full, make room on it. Try again in a moment."
        ) from error


def _filled(file: IO[bytes], data: bytes) -> IO[bytes]:
    """Returns a file into which data was written, and which has no buffer: that would fail once more on closing."""
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
    except BaseException:
        file.close()
        raise
    return file
