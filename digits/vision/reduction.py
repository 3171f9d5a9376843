"""Reduces pictures, to fewer pixels or to one channel, and few numbers to one of them."""

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray, Pixels

# At this scale, or a larger one, each pixel of the copy stands for little more than one: the mean of the nearest four
# tells it as well as the mean of all that it covers, in a fifth of the time.
_NEARLY_AS_LARGE = 0.7
# All levels of a gray picture.
LEVELS = np.arange(256, dtype=np.float32)


def shrink(image: Pixels, side: int, *, quick: bool = False) -> Pixels:
    """Reduces a picture to at most `side` pixels on its longer side; a smaller one stays as it is.

    Args:
        image: uint8 of shape (height, width) or (height, width, 3).
        side: in pixels.
        quick: whether pixels of a copy that is nearly as large are means of the nearest four.
    """
    height, width = image.shape[:2]
    if not image.size or max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_LINEAR if quick and scale >= _NEARLY_AS_LARGE else cv2.INTER_AREA
    return np.asarray(cv2.resize(image, size, interpolation=method), dtype=np.uint8)


def pool(gray: Gray, factor: int) -> Gray:
    """Reduces an array by a whole number, each pixel to the largest of the block that it stands for."""
    if factor == 1:
        return gray
    largest = cv2.dilate(gray, np.ones((factor, factor), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(largest[::factor, ::factor])


def as_gray(pixels: Pixels) -> Gray:
    """Turns a picture, gray or RGB, into a gray one of shape (height, width)."""
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def at_least(gray: Gray, value: float) -> Gray:
    """The mask, 1 or 0, of what is at least a value of 0..255. NumPy would make every pixel a float to compare it."""
    return (gray >= np.uint8(math.ceil(value))).view(np.uint8)


def mapped(gray: Gray, values: npt.NDArray[np.floating]) -> Gray:
    """Gives each of the 256 levels of a picture another value: far faster than to compute it for each pixel.

    Args:
        gray: uint8 of any shape.
        values: of shape (256,): what becomes of each level, cut to 0..255 and rounded down.
    """
    table = np.minimum(np.maximum(values, 0.0), 255.0).astype(np.uint8)
    return np.asarray(cv2.LUT(gray, table), dtype=np.uint8)


def median_of_few(values: npt.NDArray[Any]) -> float:
    """Returns the median of values of shape (n,), in a tenth of the time that `np.median` takes for a few."""
    rising = np.sort(values)
    return float(rising[(rising.size - 1) // 2] + rising[rising.size // 2]) / 2.0


def quantile_of(values: npt.NDArray[Any], share: float) -> float:
    """Returns a quantile, with linear interpolation; `np.quantile` takes several times as long on few values.

    Args:
        values: of any shape, at least one.
        share: 0..1.
    """
    at = share * (values.size - 1)
    below, above = int(at), min(int(at) + 1, values.size - 1)
    parted = np.partition(values, (below, above), axis=None)
    return float(parted[below]) + (at - below) * (float(parted[above]) - float(parted[below]))
