"""Draws a line of a page as one small picture, straight and of one size, for the network that reads whole lines."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.numbers.segments.windows import Stroke, reduce_field
from digits.vision.components import Components
from digits.vision.reduction import median_of_few

Pixels = npt.NDArray[np.uint8]

# Rows of the picture, and height of a digit in it, in pixels. Digits stand in the middle.
ROWS, HEIGHT = 44, 20
# Empty columns on both sides, in pixels, and the widest gap that is kept, in heights of a digit.
_MARGIN, _WIDEST_GAP = 8, 1.5
# Strokes at least so high, in heights of a digit, tell where the line runs.
_TALL = 0.5
# A line may rise or fall by so much at the most, in pixels for each pixel to the right.
_STEEPEST = 0.8
# The slope of a line is the median over pairs of so many strokes at the most.
_MOST_PAIRED = 60
# Small strokes on a line: their least and greatest size, how far they may be from the rest, and how far above and below
# the stroke beside them, in heights of a digit; and their least size in pixels.
_SMALLEST, _LARGEST, _FAR, _ABOVE, _BELOW, _FEWEST_PIXELS = 0.05, 0.5, 1.3, 0.1, 0.4, 2.0


@dataclass(frozen=True)
class LineImage:
    """A line, drawn.

    Args:
        pixels: uint8 of shape (ROWS, width), white ink on black.
        strokes: indices of the page's strokes on it, from left to right.
        shifts: what has to be added to a column of the picture, for each stroke, to come to the page's at this scale:
            wide gaps are narrowed.
        scale: size of the picture's pixels beside the page's.
    """

    pixels: Pixels
    strokes: tuple[int, ...]
    shifts: tuple[int, ...]
    scale: float


def draw_line_image(parts: Components, members: Sequence[int], small: Sequence[int], height: float) -> LineImage:
    """Draws a line.

    Args:
        parts: the strokes of the page.
        members: those in the line, at least one.
        small: those of the page that may be points, commas and dots; of these the ones on the line are drawn.
        height: of the line's digits, in pixels.
    """
    scale = HEIGHT / height
    strokes = sorted([*members, *small_on_line(parts, members, small, height)], key=lambda i: int(parts.left[i]))
    middle, slope = _course(parts, members, height)
    placed: list[Stroke] = []
    shifts: list[int] = []
    furthest = 0
    for i in strokes:
        (rows, columns), mask = parts.cut([i], 0)
        budget.spend(mask.size)
        down = round(middle + slope * (columns.start + columns.stop) / 2.0)
        stroke = reduce_field(mask, rows.start - down, columns.start, scale)
        if not placed:
            shifts.append(stroke.left - _MARGIN)
            furthest = stroke.left
        else:
            shifts.append(shifts[-1] + max(0, stroke.left - furthest - round(_WIDEST_GAP * HEIGHT)))
        furthest = max(furthest, stroke.left + stroke.ink.shape[1])
        placed.append(stroke)
    width = _MARGIN + max(
        stroke.left - shift + stroke.ink.shape[1] for stroke, shift in zip(placed, shifts, strict=True)
    )
    canvas = np.zeros((ROWS, width), np.float32)
    for stroke, shift in zip(placed, shifts, strict=True):
        top, left = stroke.top + ROWS // 2, stroke.left - shift
        first, last = max(0, -top), min(stroke.ink.shape[0], ROWS - top)
        if last > first:
            canvas[top + first : top + last, left : left + stroke.ink.shape[1]] += stroke.ink[first:last]
    pixels = np.rint(np.minimum(canvas, 1.0) * 255.0).astype(np.uint8)
    return LineImage(pixels, tuple(strokes), tuple(shifts), scale)


def small_on_line(parts: Components, members: Sequence[int], small: Sequence[int], height: float) -> list[int]:
    """Those small strokes that lie within the reach of a line; arguments are those of `draw_line_image`."""
    if not small:
        return []
    chosen, own = np.asarray(small, dtype=np.int64), _tall(parts, members, height)
    size = np.maximum((parts.right - parts.left)[chosen], (parts.bottom - parts.top)[chosen])
    fits = (size >= max(_FEWEST_PIXELS, _SMALLEST * height)) & (size <= _LARGEST * height)
    x = (parts.left[chosen] + parts.right[chosen]) / 2.0
    y = (parts.top[chosen] + parts.bottom[chosen]) / 2.0
    middles = (parts.left[own] + parts.right[own]) / 2.0
    on_line = []
    for k in np.flatnonzero(fits).tolist():
        away = np.maximum(np.maximum(parts.left[own] - x[k], x[k] - parts.right[own]), 0.0)
        beside = int(own[np.argmin(np.abs(middles - x[k]))])
        level = parts.top[beside] - _ABOVE * height <= y[k] <= parts.bottom[beside] + _BELOW * height
        if level and away.min() <= _FAR * height:
            on_line.append(int(chosen[k]))
    return on_line


def _tall(parts: Components, members: Sequence[int], height: float) -> npt.NDArray[np.int64]:
    """The strokes that are as high as digits, or all if none is."""
    chosen = np.asarray(members, dtype=np.int64)
    tall = chosen[(parts.bottom - parts.top)[chosen] >= _TALL * height]
    return tall if tall.size else chosen


def _course(parts: Components, members: Sequence[int], height: float) -> tuple[float, float]:
    """Where the middle of a line runs: the row at column 0, and how much it falls for each pixel to the right."""
    chosen = _tall(parts, members, height)
    x = (parts.left[chosen] + parts.right[chosen]) / 2.0
    y = (parts.top[chosen] + parts.bottom[chosen]) / 2.0
    some = np.linspace(0, chosen.size - 1, min(chosen.size, _MOST_PAIRED)).astype(np.int64)
    first, second = np.triu_indices(some.size, 1)
    first, second = some[first], some[second]
    apart = x[second] - x[first]
    far = np.abs(apart) >= height
    slope = 0.0
    if far.any():
        slope = float(np.clip(median_of_few((y[second] - y[first])[far] / apart[far]), -_STEEPEST, _STEEPEST))
    return median_of_few(y - slope * x), slope
