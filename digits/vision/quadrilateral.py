"""The four-sided figure that a stroke draws: a box of a form, as a camera sees it from the side."""

import cv2
import numpy as np

from digits.arrays import Floats, Gray
from digits.vision.reduction import median_of_few

# So much of a side lies nearly on a straight line: as near as this share of the figure's height, and no more pixels.
_ON_SIDE, _NEAR, _NEAREST = 0.5, 0.03, 2.0
# What is so near to a corner, as a share of a side, may belong to the side next to it.
_CORNER = 0.05
# Lines across rise or fall by so much at the most, and sides lean so much, in pixels for each pixel.
_STEEPEST, _MOST_LEAN = 0.3, 0.6
# One of two opposite sides is at least so long beside the other.
_AS_LONG = 0.6
# In its middle, a side bends by less than this share of the stroke's height or width: seen at such places of it, at
# each of which the median over so much of it counts. A figure that is so many times as wide as high is wide.
_BEND, _LOOKED_AT, _PIECE, _WIDE = 0.03, (0.2, 0.42, 0.64), 1.0 / 6.0, 2.0
# The figure takes up so much of the stroke's width and height.
_OF_WIDTH, _OF_HEIGHT = 0.9, 0.75
# Sides are looked for along so many lines across.
_ACROSS = 64
# A line along them is looked for at so many slopes at the most, by no more than twice so many rows or columns.
_MOST_SLOPES, _MOST_ROWS = 151, 100


def corners_of(stroke: Gray) -> Floats | None:
    """Finds the corners of a stroke that runs along the four sides of a figure, and may go on inside and outside of it.

    Args:
        stroke: uint8 of shape (height, width), 1 where the stroke is, which reaches all sides of the array.

    Returns:
        (x, y) of shape (4, 2), clockwise from the upper left one, in pixels; on the outer edges of the lines. None if
        the sides are not straight, or no box seen from the side has such sides.
    """
    height, width = stroke.shape
    # Most strokes are no such figure, and this tells at once. Of a wide one that is turned, a side is all corner.
    if width <= _WIDE * height and not _looks_straight(stroke):
        return None
    near = max(_NEAREST, _NEAR * height)
    upper = _line_along(stroke.T, near, _STEEPEST)
    lower = _line_along(stroke[::-1].T, near, _STEEPEST) if upper is not None else None
    if upper is None or lower is None:
        return None
    lower = np.array([-lower[0], height - lower[1]])
    if max(abs(upper[0]), abs(lower[0])) > _STEEPEST:
        return None
    ends = np.array([0.0, width, width, 0.0])
    tops, feet = np.polyval(upper, ends), np.polyval(lower, ends)
    if (feet - tops).min() < 1.0:
        return None
    # Between the lines across, sides are looked for as if these were level.
    between = np.stack([ends, np.array([tops[0], tops[1], feet[2], feet[3]])], axis=1)
    level = upright_from(between, width, _ACROSS)
    leveled = np.asarray(cv2.warpPerspective(stroke, level, (width, _ACROSS), flags=cv2.INTER_NEAREST), dtype=np.uint8)
    lean = 1.5 * _MOST_LEAN * height / _ACROSS
    left, right = (_line_along(field, near, lean) for field in (leveled, leveled[:, ::-1]))
    if left is None or right is None:
        return None
    places = np.array([0.0, _ACROSS])
    starts, stops = np.polyval(left, places), width - np.polyval(right, places)
    found = np.array([[starts[0], 0.0], [stops[0], 0.0], [stops[1], _ACROSS], [starts[1], _ACROSS]])
    corners = cv2.perspectiveTransform(found[np.newaxis], np.linalg.inv(level))[0].astype(np.float64)
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*sides.T)
    lean = np.abs(sides[1::2, 0]) / np.maximum(np.abs(sides[1::2, 1]), 1.0)
    is_even = all(min(lengths[k::2]) >= _AS_LONG * max(lengths[k::2]) for k in (0, 1))
    is_whole = bool((np.ptp(corners, axis=0) >= (_OF_WIDTH * width, _OF_HEIGHT * height)).all())
    return corners if is_even and is_whole and lean.max() <= _MOST_LEAN else None


def _looks_straight(stroke: Gray) -> bool:
    """Whether three sides of a stroke or more are straight in their middle."""
    height, width = stroke.shape
    straight = 0
    for k, field in enumerate((stroke, stroke[::-1], stroke.T, stroke.T[::-1])):
        first, piece = field.argmax(axis=0), 1 + int(_PIECE * field.shape[1])
        left, middle, right = (median_of_few(first[round(at * first.size) :][:piece]) for at in _LOOKED_AT)
        straight += abs(middle - (left + right) / 2.0) <= max(1.0, _BEND * (height, width)[k // 2])
        if straight < k:
            return False
    return True


def upright_from(corners: Floats, width: int, height: int, margin: int = 0) -> Floats:
    """How a camera's view of a rectangle becomes upright: the matrix of the perspective, of shape (3, 3).

    Args:
        corners: (x, y) of shape (4, 2), clockwise from the upper left one.
        width: of the upright rectangle, in pixels.
        height: of it, in pixels.
        margin: how many pixels are around it.
    """
    upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) + np.float32(margin)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), upright), dtype=np.float64)


def _line_along(field: Gray, near: float, steepest: float) -> Floats | None:
    """The straight line along the first ink of most rows: the column for each row, as a slope and a column at row 0.

    Args:
        field: uint8 of shape (height, width), 1 where ink is.
        near: how far the first ink of a row is from the line at the most, in pixels.
        steepest: the line's slope at the most.

    Returns:
        None if there is no such line.
    """
    rows = np.flatnonzero(field.any(axis=1))
    edge = round(_CORNER * rows.size) + 1
    rows = rows[edge:-edge]
    if not rows.size:
        return None
    first = field[rows].argmax(axis=1).astype(np.float64)
    some = slice(None, None, max(1, rows.size // _MOST_ROWS))
    # Along which line are most? Those that are less than twice as far apart as they may be fall into one of two places.
    slopes = np.linspace(-steepest, steepest, min(_MOST_SLOPES, round(steepest * np.ptp(rows) / near) * 2 + 3))
    places = np.floor((first[some] - slopes[:, np.newaxis] * rows[some]) / near).astype(np.int64)
    places -= places.min()
    size = int(places.max()) + 2
    counts = np.bincount((places + size * np.arange(slopes.size)[:, np.newaxis]).ravel(), minlength=size * slopes.size)
    best = int((counts[:-1] + counts[1:]).argmax())
    on_side = np.abs(places[best // size] - best % size - 0.5) < 1.0
    if on_side.mean() < _ON_SIDE / 2.0:
        return None
    line = np.asarray(np.polyfit(rows[some][on_side], first[some][on_side], 1), dtype=np.float64)
    for _ in range(2):
        on_side = np.abs(first - np.polyval(line, rows)) <= near
        if on_side.mean() < _ON_SIDE:
            return None
        line = np.asarray(np.polyfit(rows[on_side], first[on_side], 1), dtype=np.float64)
    return line
