"""Rounds the strokes of pictures of few pixels, such as pixel art, which may have been enlarged into blocks."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Flags, Gray, Pixels
from digits.vision.views.copy import Copy, against_border

# A picture of few pixels has at most so many on the longer side.
_MOST_PIXELS = 24
# Each pixel is drawn with up to so many on a side, as far as the picture has not more than so many then.
_MOST_TIMES, _ROUNDED_SIDE = 8, 100
# Over how many pixels of the picture edges are smoothed, and over which share of full ink they rise again.
_SMOOTH, _EDGE = 0.5, 0.1
# What is rounded has a margin of so many pixels.
_MARGIN = 2


def without_blocks(pixels: Pixels) -> Pixels:
    """Returns a picture that was enlarged without smoothing as it was before, each block as one pixel.

    So is a block of which the picture's border shows only a part.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3). Without blocks it is returned as it is.
    """
    edges, side = [], 0
    for axis in (0, 1):
        edges.append(np.flatnonzero(_differs(pixels, axis)) + 1)
        side = int(np.gcd.reduce(np.diff(edges[axis]), initial=side))
        # Most pictures have no blocks, which their rows tell.
        if side == 1 or not edges[axis].size:
            return pixels
    if side == 0:
        return pixels
    rows, columns = (_middles(int(edge[0]), side, size) for edge, size in zip(edges, pixels.shape[:2], strict=True))
    return np.ascontiguousarray(pixels[rows[:, None], columns[None, :]])


def _middles(edge: int, side: int, size: int) -> npt.NDArray[np.int64]:
    """Returns a pixel in the middle of each block along an axis, or that of its visible part which is next to it.

    Args:
        edge: where a block begins, in pixels, like the others.
        side: of a block.
        size: of the picture.
    """
    first = edge % side
    count = (first > 0) + -(-(size - first) // side)
    middles = first - side * (first > 0) + side // 2 + side * np.arange(count)
    return np.clip(middles, 0, size - 1)


def _differs(pixels: Pixels, axis: int) -> Flags:
    """Whether each row (axis 0) or column (axis 1) but the last differs from the next one."""
    lines = pixels if axis == 0 else pixels.swapaxes(0, 1)
    return np.asarray((lines[1:] != lines[:-1]).reshape(len(lines) - 1, -1).any(axis=1))


def rounded(copy: Copy) -> Gray | None:
    """The ink of a picture of few pixels, its strokes rounded; None if it has many, and is not made of blocks."""
    pixels = without_blocks(copy.original)
    if max(pixels.shape[:2]) > _MOST_PIXELS:
        return None
    ink = against_border(Copy(pixels).gray)
    if ink is None:
        return None
    times = max(2, min(_MOST_TIMES, _ROUNDED_SIDE // max(ink.shape)))
    large = cv2.resize(np.pad(ink, _MARGIN), None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    smooth = cv2.GaussianBlur(large.astype(np.float32), (0, 0), _SMOOTH * times)
    strength = np.clip((smooth / 255.0 - 0.5) / _EDGE + 0.5, 0.0, 1.0) * 255.0
    return np.asarray(strength, dtype=np.uint8)
