"""Decodes JPEG 2000 files, smaller than they are where that is enough, which takes a fraction of the time and memory.

While Pillow decodes one, no other thread of the process runs Python, and nothing can stop it: files that take more than
some milliseconds are decoded in a process of their own.
"""

import contextlib
import io
import math
from pathlib import Path

from PIL import Image, ImageFile

from digits.images.apart.launch import find_python
from digits.images.apart.process import Process, Program
from digits.images.codecs.jpeg2000_program import halve
from digits.images.screening.jpeg2000.codestream import most_samples
from digits.images.screening.screened import Screened, broken

# Whatever is in a file of no more samples and bytes, its decoder takes less than 10 milliseconds of the processor.
_QUICK_SAMPLES, _QUICK_BYTES = 32_768, 65_536

# Processor time of the process, in seconds. The dearest files take less than a second and a half.
DECODE_SECONDS = 10.0
# Bytes that the process takes besides the pixels.
PROCESS_BYTES = 16 * 1024 * 1024
_PROGRAM = Program(
    Path(__file__).with_name("jpeg2000_program.py"),
    files="JPEG 2000",
    memory_bytes=192 * 1024 * 1024,
    cpu_seconds=20,
    failed=lambda: broken("decoding it fails, or needs too much memory"),
    too_slow="Decoding the JPEG 2000 file takes more than the {} allowed. Save it anew, as PNG, and use that.",
)
# Bytes of a sample, by mode.
_SAMPLE_BYTES = {"I;16": 2}


def halvings_of(image: Image.Image, screened: Screened, factor: int) -> int:
    """Returns how often width and height of a JPEG 2000 file are halved while it is decoded.

    Args:
        image: opened and not loaded.
        screened: its file.
        factor: by which the picture may be reduced. One of more than `most_samples` is reduced further.
    """
    most = most_samples(screened.data)
    samples, halvings = _samples_of(image), 0
    while halvings < screened.halvings and (2 << halvings <= factor or samples >> 2 * halvings > most):
        halvings += 1
    return halvings


def is_decoded_apart(image: Image.Image, screened: Screened) -> bool:
    """Returns whether an opened JPEG 2000 image is decoded in a process of its own; arguments as for `halvings_of`."""
    is_quick = _samples_of(image) <= _QUICK_SAMPLES and len(screened.data) <= _QUICK_BYTES
    return not is_quick and find_python() is not None


def load_jpeg2000(image: Image.Image, screened: Screened, factor: int) -> None:
    """Decodes an opened JPEG 2000 image, perhaps smaller; arguments as for `halvings_of`.

    Raises:
        BrokenImageError: it is damaged, or takes too much memory.
        ComputeTimeError, ProcessorBusyError, ComputationStoppedError: its time is over.
        MissingInstallError: the process cannot work here.
        ProcessStartError: the system starts no more processes.
        OSError: it opens no more files; or Pillow, which decodes small files, cannot decode it.
    """
    halvings = halvings_of(image, screened, factor)
    if isinstance(image, ImageFile.ImageFile):
        halve(image, halvings)
        if is_decoded_apart(image, screened):
            # What is loaded now are the pixels.
            image.fp = io.BytesIO(_decode_apart(screened.data, halvings, image))
            image.tile = [ImageFile._Tile("raw", (0, 0, *image.size), 0, (image.mode, 0, 1))]
    image.load()


def _decode_apart(data: bytes, halvings: int, image: Image.Image) -> bytearray:
    """Returns the pixels of a file, of the size and mode of an image, from a process of its own.

    Raises:
        BrokenImageError, ComputeTimeError, ProcessorBusyError, ComputationStoppedError, MissingInstallError,
            ProcessStartError, OSError: as for `load_jpeg2000`.
    """
    with contextlib.closing(Process(_PROGRAM, data, halvings)) as process:
        answer = process.read_line(DECODE_SECONDS)
        kind, _, told = answer.partition(" ")
        if kind == "broken":
            raise broken(told)
        if answer != f"pixels {image.mode} {image.width} {image.height}":
            raise _PROGRAM.failed()
        size = image.width * image.height * len(image.getbands()) * _SAMPLE_BYTES.get(image.mode, 1)
        return process.read(size, DECODE_SECONDS)


def _samples_of(image: Image.Image) -> int:
    return math.prod(image.size) * len(image.getbands())
