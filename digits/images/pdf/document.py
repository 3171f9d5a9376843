"""Opens PDF files in a process of its own, which draws their pages one after the other.

A broken file can crash the library that draws, or keep it busy without end.
"""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import BrokenImageError, EncryptedFileError, TooManyFramesError
from digits.images.apart.process import Process, Program

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

_RENDERER = Program(
    Path(__file__).with_name("renderer.py"),
    files="PDF",
    memory_bytes=MEMORY_BYTES,
    cpu_seconds=_CPU_SECONDS,
    failed=lambda: _damaged("drawing it fails, or needs too much memory"),
    too_slow="Drawing the PDF file takes more than the {} allowed. Save it anew, or use pictures of its pages.",
)


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
        MissingInstallError: the process cannot work here.
        ProcessStartError: the system starts no more processes.
    """

    def __init__(self, data: bytes, most_pages: int, most_pixels: int) -> None:
        self._process = Process(_RENDERER, data, most_pages, counted_bytes=_COUNTED_BYTES)
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
                "The PDF file is encrypted and needs a password. Save it without one and use that, or use pictures "
                "of its pages."
            )
        kind, _, number = answer.partition(" ")
        count = int(number) if kind == "pages" and number.isdecimal() else 0
        if count < 1:
            raise _damaged("its pages cannot be found")
        if count > most_pages:
            raise TooManyFramesError(
                f"The PDF file has {count:,} pages, more than the {most_pages:,} allowed. Split it and use the pages "
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
        self._process.close()


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
        f"The PDF file cannot be drawn ({reason}). Save it anew and use that, or use pictures of its pages."
    )
