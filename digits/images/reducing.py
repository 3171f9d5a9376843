"""Makes large images smaller before anything copies them."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from PIL import ExifTags, Image

from digits.images.codecs.heif import decode_strips
from digits.images.codecs.jpeg2000 import load_jpeg2000
from digits.images.codecs.png_strips import png_strips, strip_rows
from digits.images.screening.screened import Canvas, Screened

# One digit is looked for on this many pixels of the longer side.
ENOUGH_SIDE = 800

# An image with twice as many pixels on the longer side, or more, is reduced by a whole number while it is decoded, to
# no fewer than these. They are fewer than `ENOUGH_SIDE`, so that common photos of 1440 pixels are decoded at half their
# size, which takes half the time. Digits of 40 pixels and more in such photos are read as well.
LEAST_SIDE = 720

# The modes whose samples have more than 8 bits. Their range is unknown, so it is read from the data.
DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})

# Rows of the reduced image that are made at a time.
_STRIP_ROWS = 64


def load_reduced(image: Image.Image, screened: Screened, enough: int) -> Image.Image:
    """Decodes an opened image, reduced by a whole number if it is large.

    Args:
        image: opened and not loaded.
        screened: its file.
        enough: an image with twice as many pixels on the longer side, or more, is reduced to no fewer than these.

    Returns:
        The loaded image with its EXIF orientation, not yet turned.
    """
    canvas = screened.canvas
    longer_side = max((canvas.width, canvas.height) if canvas else image.size)
    factor = max(1, longer_side // enough)
    if factor > 1 and image.format == "WEBP":
        loaded = _decode_webp_reduced(image, screened.data, factor)
    else:
        # A JPEG file can be decoded at a half, a quarter or an eighth of its size; a HEIF file may hold a smaller copy.
        smaller = (max(1, image.width // factor), max(1, image.height // factor))
        is_smaller = factor > 1 and image.draft(None, smaller) is not None
        if factor > 1 and image.format == "HEIF" and not is_smaller:
            # Without a whole copy, it takes less than half of the memory.
            strips = decode_strips(screened.data, image.tell(), _STRIP_ROWS * factor)
            loaded = _with_orientation_of(image, _reduce_strips(image, strips, factor))
        elif factor > 1 and (rows := strip_rows(image, factor)):
            loaded = _reduce_strips(image, png_strips(image, screened.data, rows), factor)
            # The method of PNG files would decode the pixels, behind which it looks for more.
            _set_orientation(loaded, Image.Image.getexif(image))
        else:
            if image.format == "JPEG2000":
                load_jpeg2000(image, screened, factor)
            else:
                image.load()
            loaded = _reduce(image, enough)
    return _place(loaded, canvas, factor) if canvas else loaded


def _reduce(image: Image.Image, enough: int) -> Image.Image:
    factor = max(image.size) // enough
    if factor < 2:
        return image
    if image.mode in DEEP_MODES:
        size = (max(1, image.width // factor), max(1, image.height // factor))
        reduced = image.resize(size, Image.Resampling.NEAREST)
    else:
        reduced = _reduce_strips(image, _strips(image, _STRIP_ROWS * factor), factor)
    return _with_orientation_of(image, reduced)


def _decode_webp_reduced(image: Image.Image, data: bytes, factor: int) -> Image.Image:
    """Decodes and reduces a still WebP file with OpenCV, which takes half of Pillow's memory.

    Raises:
        ValueError: OpenCV cannot read it.
    """
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (image.height, image.width):
        raise ValueError("its pixels cannot be read")
    size = (-(-image.width // factor), -(-image.height // factor))
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    to_rgb = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return _with_orientation_of(image, Image.fromarray(cv2.cvtColor(pixels, to_rgb)))


def _place(frame: Image.Image, canvas: Canvas, factor: int) -> Image.Image:
    """Puts a frame that was reduced by a factor on a transparent canvas that is reduced likewise."""
    placed = Image.new("RGBA", (-(-canvas.width // factor), -(-canvas.height // factor)))
    placed.paste(frame.convert("RGBA"), (canvas.left // factor, canvas.top // factor))
    return _with_orientation_of(frame, placed)


def _with_orientation_of(image: Image.Image, reduced: Image.Image) -> Image.Image:
    """Copies the EXIF orientation, which reducing loses, to the reduced image."""
    _set_orientation(reduced, image.getexif())
    return reduced


def _set_orientation(image: Image.Image, exif: Image.Exif) -> None:
    if orientation := exif.get(ExifTags.Base.Orientation):
        image.getexif()[ExifTags.Base.Orientation] = orientation


def _strips(image: Image.Image, rows: int) -> Iterator[Image.Image]:
    """Cuts a loaded image into strips, each of which is converted for itself, so that no whole copy is made."""
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        # Cropping loses which color is transparent.
        strip.info = image.info
        yield strip


def _reduce_strips(image: Image.Image, strips: Iterable[Image.Image], factor: int) -> Image.Image:
    """Reduces each side by a whole factor.

    Args:
        image: of which only the header is looked at.
        strips: of its mode; rows that are a multiple of the factor, but for the last one.
        factor: by which each side is reduced.
    """
    mode = image.mode
    if mode in ("1", "P", "PA"):
        mode = "L" if mode == "1" else "RGBA" if image.has_transparency_data else "RGB"
    reduced = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    top = 0
    for strip in strips:
        smaller = (strip if strip.mode == mode else strip.convert(mode)).reduce(factor)
        reduced.paste(smaller, (0, top))
        top += smaller.height
    reduced.info = image.info
    return reduced
