"""Opens PDF files in a process of its own, which draws their pages one after the other.

A broken file can crash the library that draws, or keep it busy without end. The process has limits on memory and time,
and is killed when it takes longer, or when the request's own time is over. What it takes of the processor counts in the
request's time.
"""

import contextlib
import ctypes
import math
import os
import selectors
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.errors import (
    BrokenImageError,
    ComputeTimeError,
    EncryptedFileError,
    ProcessorBusyError,
    TooManyFramesError,
)

# Pages are drawn at so many dots per inch, as most scanners do, but with no more pixels than this.
DOTS_PER_INCH = 200
PAGE_PIXELS = 8_000_000
# Most pixels on one side of a page, however narrow it is.
_MOST_SIDE = 20_000
_POINTS_PER_INCH = 72

# What the process may take: memory, processor time to open the file or to draw a page (by the clock on the wall,
# four times as long), and processor time for all pages. A page of 49 megapixels in a JPEG file takes 171 MiB.
MEMORY_BYTES = 192 * 1024 * 1024
# What a process and its page are counted as where memory is bounded: a scanned page of 9 megapixels takes 102 MiB.
_COUNTED_BYTES = 112 * 1024 * 1024
RENDER_SECONDS = 10.0
_CPU_SECONDS = 120

_RENDERER = Path(__file__).with_name("renderer.py")
# The process needs no secret that may stand in other variables.
_VARIABLES = ("HOME", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")
# How often the time is checked, in seconds; and bytes that are read at a time.
_CHECK_SECONDS, _CHUNK = 0.05, 1024 * 1024
_LONGEST_LINE = 200
# Why nothing was drawn, if the process has ended.
_FAILED = "drawing it fails, or needs too much memory"


class PdfDocument:
    """A PDF file, opened in a process that ends with `close`, or when nobody holds the object any more.

    Args:
        data: the file.
        most_pages: the most pages that it may have.
        most_pixels: the most pixels of a page; a larger page is drawn smaller.

    Attributes:
        sizes: (width, height) in pixels of each page at `DOTS_PER_INCH`, or smaller if the page is large.

    Raises:
        EncryptedFileError: it needs a password.
        TooManyFramesError: it has more than `most_pages`.
        BrokenImageError: it is damaged, or needs too much memory.
        ComputeTimeError: it takes too long.
        MemoryBusyError: other images take the memory that `digits.budget.bounded_memory` allows.
    """

    def __init__(self, data: bytes, most_pages: int, most_pixels: int) -> None:
        self._process = _Process(data, most_pages)
        try:
            count = self._count_pages(most_pages)
            most = min(PAGE_PIXELS, most_pixels)
            self.sizes = tuple(_size(self._process.read_line(RENDER_SECONDS), most) for _ in range(count))
        except BaseException:
            self.close()
            raise

    def _count_pages(self, most_pages: int) -> int:
        answer = self._process.read_line(RENDER_SECONDS)
        if answer == "encrypted":
            raise EncryptedFileError(
                "The PDF file is encrypted and needs a password. Save it without one and send that, or send pictures "
                "of its pages."
            )
        kind, _, number = answer.partition(" ")
        count = int(number) if kind == "pages" and number.isdecimal() else 0
        if count < 1:
            raise _damaged("its pages cannot be found")
        if count > most_pages:
            raise TooManyFramesError(
                f"The PDF file has {count:,} pages, more than the {most_pages:,} allowed. Split it and send the pages "
                "that show digits."
            )
        return count

    def draw(self, page: int, width: int, height: int) -> npt.NDArray[np.uint8]:
        """Draws a page at the given size in pixels.

        Args:
            page: from 1.
            width: of the drawing.
            height: of the drawing.

        Returns:
            uint8 of shape (height, width, 3), RGB.

        Raises:
            BrokenImageError: the page is damaged, or needs too much memory.
            ComputeTimeError: it takes too long.
        """
        self._process.write_line(f"{page - 1} {width} {height}")
        if self._process.read_line(RENDER_SECONDS) != "pixels":
            raise _damaged(f"page {page} cannot be drawn")
        pixels = self._process.read(3 * width * height, RENDER_SECONDS)
        return np.frombuffer(pixels, dtype=np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        """Ends the process."""
        self._process.end()


class _Process:
    """The process that draws, and the pipes to it."""

    def __init__(self, data: bytes, most_pages: int) -> None:
        with contextlib.ExitStack() as started, _file_of(data) as file:
            started.enter_context(budget.memory(lambda: _COUNTED_BYTES))
            # Before the process: what may fail for want of files must not leave one behind.
            self._selector = started.enter_context(selectors.DefaultSelector())
            arguments = (file.fileno(), most_pages, MEMORY_BYTES, _CPU_SECONDS)
            process = subprocess.Popen(
                [sys.executable, "-P", str(_RENDERER), *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(file.fileno(),),
                env={name: os.environ[name] for name in _VARIABLES if name in os.environ},
                bufsize=0,
            )
            held = started.pop_all()
        self._process, self._received = process, bytearray()
        self._clock = _clock_of(process.pid)
        self._counted = self._clock()
        if process.stdout is not None:
            self._selector.register(process.stdout, selectors.EVENT_READ)
        self.end = weakref.finalize(self, _end, process, held)

    def _count_time(self) -> None:
        """Counts what the process has taken of the processor since the last call in the time of the request."""
        now = self._clock()
        budget.add_time(now - self._counted)
        self._counted = now

    def write_line(self, line: str) -> None:
        """Sends a line to the process; one that has just died is noticed when its answer is read.

        Raises:
            BrokenImageError: it has ended.
        """
        if self._process.stdin is None or not self.end.alive:
            raise _damaged(_FAILED)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line.encode() + b"\n")

    def read_line(self, seconds: float) -> str:
        """Returns the next line of the process, which may take so many seconds of the processor."""
        own, at = self._budget(seconds), -1
        while (at := self._received.find(b"\n")) < 0 and len(self._received) < _LONGEST_LINE:
            self._receive(own)
        line = bytes(self._received[: max(at, 0)])
        del self._received[: at + 1]
        return line.decode("ascii", "replace")

    def read(self, size: int, seconds: float) -> bytearray:
        """Returns the next `size` bytes of the process, which may take so many seconds of the processor."""
        own = self._budget(seconds)
        while len(self._received) < size:
            self._receive(own)
        content = self._received[:size]
        del self._received[:size]
        return content

    def _budget(self, seconds: float) -> budget.Budget:
        """Returns a started budget of the process; what it took before counts no more."""
        self._counted = self._clock()
        own = budget.Budget(seconds, clock=self._clock)
        own.start()
        return own

    def _receive(self, own: budget.Budget) -> None:
        """Waits for more bytes of the process.

        Args:
            own: budget of the process, which holds where there is no request, too.

        Raises:
            BrokenImageError: it has ended.
            ComputeTimeError, ProcessorBusyError: the time of the process, or of the request, is over.
        """
        try:
            is_waiting = True
            while is_waiting:
                is_waiting = not self._selector.select(_CHECK_SECONDS)
                self._count_time()
                budget.check()
                _check_drawing(own)
            stdout = self._process.stdout
            chunk = os.read(stdout.fileno(), _CHUNK) if stdout is not None and not stdout.closed else b""
        except BaseException:
            self.end()
            raise
        if not chunk:
            self.end()
            raise _damaged(_FAILED)
        self._received += chunk


def _check_drawing(own: budget.Budget) -> None:
    """Ends the drawing if its own time is over.

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
    raise ComputeTimeError(
        f"Drawing the PDF file takes more than the {most} allowed. Save it anew, or send pictures of its pages."
    )


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
    file = os.fdopen(os.memfd_create("digits.pdf"), "r+b") if in_memory else tempfile.TemporaryFile()  # noqa: SIM115
    file.write(data)
    file.flush()
    return file


def _size(line: str, most_pixels: int) -> tuple[int, int]:
    """Returns the size (width, height) in pixels in which to draw a page, whose size in points a line holds."""
    try:
        width, height = map(float, line.split())
    except ValueError:
        width = height = 0.0
    if not (0.0 < width < math.inf and 0.0 < height < math.inf):
        raise _damaged("a page has no size")
    scale = min(
        DOTS_PER_INCH / _POINTS_PER_INCH,
        math.sqrt(most_pixels / width / height),
        min(_MOST_SIDE, most_pixels) / max(width, height),
    )
    return max(1, math.floor(width * scale + 0.5)), max(1, math.floor(height * scale + 0.5))


def _damaged(reason: str) -> BrokenImageError:
    return BrokenImageError(
        f"The PDF file cannot be drawn ({reason}). Save it anew and send that, or send pictures of its pages."
    )
