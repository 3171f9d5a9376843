"""Decodes JPEG files with OpenCV: the same pixels as by Pillow, in less time and memory."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.uint8]

# The second bytes of the marker before the pixels, and of the one behind them.
_PIXELS, _END = 0xDA, 0xD9
# Whether a byte behind 0xFF makes a marker that does not belong among the pixels: not stuffing, filling and restarts.
_IS_MARKER = np.ones(256, np.bool_)
_IS_MARKER[[0x00, 0xFF, *range(0xD0, 0xD8)]] = False
# So many bytes are looked at together, and no file with more bytes for each pixel.
_PIECE, _MOST_BYTES = 256 * 1024, 4

# How an image is read at a part of its size, in gray. OpenCV has names for reduced images in BGR, but none for RGB.
_FLAGS: Mapping[int, int] = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}

# What turns an image upright, by its EXIF orientation.
_TURNS: Mapping[int, Callable[[Array], cv2.typing.MatLike]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.rotate(cv2.transpose(pixels), cv2.ROTATE_180),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def decode_jpeg(image: Image.Image, data: bytes, enough: int) -> Array | None:
    """Decodes an image at its size if that is small, else at a half, a quarter or an eighth of it.

    Args:
        image: opened from the file and not loaded.
        data: the file.
        enough: an image with twice as many pixels on the longer side, or more, is reduced to no fewer than these.

    Returns:
        uint8 of shape (height, width) if it is gray, else (height, width, 3) in RGB order, not yet turned upright. None
        if it is no JPEG image in gray or RGB, if it comes in several passes or is to be reduced further, or if OpenCV
        cannot decode it: Pillow then says what is wrong with it.
    """
    if image.format not in ("JPEG", "MPO") or image.mode not in ("L", "RGB") or image.tell():
        return None
    # OpenCV passes over a file that is cut off, and over markers among the pixels, which are damage; Pillow does not.
    start = _start_of_pixels(data)
    if start is None or len(data) - start > _MOST_BYTES * image.width * image.height:
        return None
    if _first_marker(data, start) != _END:
        return None
    longer = max(image.size)
    scale = max(scale for scale in _FLAGS if scale <= max(1, longer // enough))
    if -(-longer // scale) >= 2 * enough:
        return None
    flag = _FLAGS[scale] | cv2.IMREAD_IGNORE_ORIENTATION | (cv2.IMREAD_COLOR_RGB if image.mode == "RGB" else 0)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flag)
    except cv2.error:
        return None
    if pixels is None or pixels.shape[:2] != (-(-image.height // scale), -(-image.width // scale)):
        return None
    return np.asarray(pixels, dtype=np.uint8)


def _start_of_pixels(data: bytes) -> int | None:
    """Returns the offset behind the marker before the pixels; None if what comes before is more than segments.

    The same two bytes may stand inside a segment, such as EXIF data.
    """
    at = 2
    while at + 1 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _PIXELS:
            return at + 2
        # Any number of 0xFF may fill the space before a marker.
        at += 1 if marker == 0xFF else 2 + max(2, int.from_bytes(data[at + 2 : at + 4]))
    return None


def _first_marker(data: bytes, start: int) -> int | None:
    """Returns the second byte of the first marker from an offset on that does not belong among pixels, or None."""
    samples = np.frombuffer(data, dtype=np.uint8)
    for at in range(start, len(data), _PIECE):
        piece = samples[at : at + _PIECE + 1]
        following = piece[1:][np.flatnonzero(piece[:-1] == 0xFF)]
        markers = following[_IS_MARKER[following]]
        if markers.size:
            return int(markers[0])
    return None


def turn_upright(pixels: Array, orientation: int | None) -> Array:
    """Turns pixels as their EXIF orientation says; one that is missing or unknown changes nothing."""
    turn = _TURNS.get(orientation or 1)
    return pixels if turn is None else np.asarray(turn(pixels), dtype=np.uint8)
