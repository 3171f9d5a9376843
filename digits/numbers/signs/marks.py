"""Finds the small strokes beside the digits of a line that are signs or parts of signs, and leaves specks out.

A point, a comma, the dots of a colon and those of a division sign are smaller than all else that is written, and no
larger than dirt. Where they stand tells them apart.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digits.numbers.segments.lattice import Where
from digits.vision.components import Components

# In heights of the line's digits: the least and most size of a mark, and the least in pixels.
_SMALLEST, _LARGEST, _FEWEST_PIXELS = 0.05, 0.4, 2
# Its mean strength, as a share of that of the digits: dirt is faint. A point has more of a stroke's weak edge than a
# digit has. So many strokes of digits are compared with.
_FAINTEST, _COMPARED = 0.55, 40
# A mark is at most so far from what stands beside it, and in height so far beyond it.
_FAR, _ABOVE, _BELOW = 1.3, 0.1, 0.4
# A point stands at most so far above the base line. Marks of a colon lie so far above one another at the least, and are
# that much askew at the most: people who write at a slant set them at a slant, too.
_OVER_BASE, _APART, _ASKEW = 0.3, 0.15, 0.35
# The upper dot of a colon lies at least so far below the upper ends of digits, which are as high as the second.
_UPPER, _TALL = 0.15, 0.6
# The second dot of a colon may be this faint, beside one that is not: at most so many times as large, and so many times
# its size away.
_FAINTEST_DOT, _TIMES_LARGER, _AWAY = 0.4, 2.0, (1.2, 12.0)
# On a page with more small strokes, those with the most ink are looked at.
_MOST = 300


@dataclass(frozen=True)
class Box:
    """A rectangle on the page, in pixels, the right and bottom edge exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, where: Where) -> "Box":
        """The box of some rows and columns."""
        rows, columns = where
        return cls(columns.start, rows.start, columns.stop, rows.stop)

    @classmethod
    def around(cls, boxes: Sequence["Box"]) -> "Box":
        """The box around boxes, of which there is at least one."""
        return cls(
            min(box.left for box in boxes),
            min(box.top for box in boxes),
            max(box.right for box in boxes),
            max(box.bottom for box in boxes),
        )

    @property
    def where(self) -> Where:
        """Its rows and columns."""
        return slice(round(self.top), round(self.bottom)), slice(round(self.left), round(self.right))

    @property
    def x(self) -> float:
        """Its middle from left to right."""
        return (self.left + self.right) / 2.0

    @property
    def y(self) -> float:
        """Its middle from top to bottom."""
        return (self.top + self.bottom) / 2.0


@dataclass(frozen=True)
class Mark:
    """Small strokes that are one sign, or belong to one.

    Args:
        members: indices of the page's strokes.
        box: around them.
    """

    members: tuple[int, ...]
    box: Box


def box_of_stroke(parts: Components, i: int) -> Box:
    """The box of one of a page's strokes."""
    return Box(float(parts.left[i]), float(parts.top[i]), float(parts.right[i]), float(parts.bottom[i]))


def find_small_strokes(parts: Components, taken: Collection[int]) -> list[int]:
    """The strokes of a page that are in no line and dark enough to be written, at most some hundreds.

    Args:
        parts: the strokes.
        taken: those that are in lines.
    """
    free = np.setdiff1d(np.flatnonzero(~parts.apart & ~parts.touches), np.fromiter(taken, np.int64))
    free = free[np.argsort(-parts.ink[free], kind="stable")[:_MOST]]
    if not (free.size and taken):
        return []
    usual = float(np.median([_strength(parts, i) for i in sorted(taken)[:_COMPARED]]))
    shares = {i: _strength(parts, i) / usual for i in free.tolist()}
    dark = [i for i, share in shares.items() if share >= _FAINTEST]
    faint = (i for i, share in shares.items() if _FAINTEST_DOT <= share < _FAINTEST)
    return dark + [i for i in faint if any(_may_be_colon(parts, i, j) for j in dark)]


def _may_be_colon(parts: Components, i: int, j: int) -> bool:
    """Whether two strokes are about as large as one another, and lie above one another."""
    one, other = box_of_stroke(parts, i), box_of_stroke(parts, j)
    sizes = [max(box.right - box.left, box.bottom - box.top) for box in (one, other)]
    across, down = abs(one.x - other.x), abs(one.y - other.y)
    is_near = _AWAY[0] * max(sizes) <= down <= _AWAY[1] * max(sizes)
    return is_near and across <= _ASKEW * down and max(sizes) <= _TIMES_LARGER * min(sizes)


def _strength(parts: Components, i: int) -> float:
    """The mean strength of a stroke."""
    return float(parts.ink[i]) / max(1, cv2.countNonZero(parts.cut([i], 0)[1]))


def find_marks(
    parts: Components, small: Sequence[int], boxes: Sequence[Box], points: Sequence[bool], height: float
) -> tuple[list[Mark], dict[int, list[int]]]:
    """Finds the marks of a line.

    Args:
        parts: the strokes of the page.
        small: those that `find_small_strokes` gives.
        boxes: of the digits and signs of the line, from left to right.
        points: of each of these, whether it may be a point or a comma.
        height: of the line's digits, in pixels.

    Returns:
        Marks that are signs of their own; and for some of the boxes, by index, the small strokes that belong to them:
        the dots of a division sign, or that above a point or a comma.
    """
    singles: list[tuple[int, Box]] = []
    belonging: dict[int, list[int]] = {}
    for i in _near_and_small(parts, small, boxes, height):
        box = box_of_stroke(parts, i)
        bar = next((k for k, other in enumerate(boxes) if _is_bar_with(other, box, height)), None)
        lower = next((k for k in range(len(boxes)) if points[k] and _is_over_point(box, k, boxes, height)), None)
        if bar is not None:
            belonging.setdefault(bar, []).append(i)
        elif lower is not None:
            belonging.setdefault(lower, []).append(i)
        elif _is_between(box, boxes, height):
            singles.append((i, box))
    # Dots on one side of a bar alone are no division sign.
    for k in [k for k, members in belonging.items() if not (points[k] or _on_both_sides(parts, members, boxes[k]))]:
        del belonging[k]
    marks: list[Mark] = []
    for i, box in sorted(singles, key=lambda single: single[1].x):
        before = marks[-1] if marks else None
        if before and len(before.members) == 1 and _are_of_colon(before.box, box, height):
            marks[-1] = Mark((*before.members, i), Box.around([before.box, box]))
        else:
            marks.append(Mark((i,), box))
    return [mark for mark in marks if len(mark.members) > 1 or _on_base_line(mark.box, boxes, height)], belonging


def _near_and_small(parts: Components, small: Sequence[int], boxes: Sequence[Box], height: float) -> list[int]:
    """Those small strokes that have a mark's size and lie no farther from the line than any mark may."""
    strokes = np.asarray(small, dtype=np.int64)
    left, right, top, bottom = (edge[strokes] for edge in (parts.left, parts.right, parts.top, parts.bottom))
    longer, around = np.maximum(right - left, bottom - top), Box.around(boxes)
    fits = (longer >= max(_SMALLEST * height, _FEWEST_PIXELS)) & (longer <= _LARGEST * height)
    beside = (right >= around.left) & (left <= around.right)
    level = (bottom >= around.top - height) & (top <= around.bottom + height)
    chosen: list[int] = strokes[fits & beside & level].tolist()
    return chosen


def _is_bar_with(bar: Box, dot: Box, height: float) -> bool:
    """Whether a dot lies above or below a bar that lies flat."""
    flat = bar.bottom - bar.top <= 0.35 * height and bar.right - bar.left >= 0.25 * height
    away = max(bar.top - dot.bottom, dot.top - bar.bottom)
    return flat and bar.left <= dot.x <= bar.right and 0.0 <= away <= 0.45 * height


def _on_both_sides(parts: Components, members: Sequence[int], bar: Box) -> bool:
    middles = [(parts.top[i] + parts.bottom[i]) / 2.0 for i in members]
    return min(middles) < bar.y < max(middles)


def _are_of_colon(first: Box, second: Box, height: float) -> bool:
    """Whether two marks lie above one another."""
    across, down = abs(first.x - second.x), abs(first.y - second.y)
    return across <= _ASKEW * height and down >= max(_APART * height, across)


def _is_over_point(dot: Box, k: int, boxes: Sequence[Box], height: float) -> bool:
    """Whether a dot stands above a point or a comma, one of the boxes of a line, as in a colon or a semicolon."""
    # What stands as high as the digits' upper ends is of the line above.
    highest = float(np.median([box.top for box in boxes if box.bottom - box.top >= _TALL * height] or [np.inf]))
    return highest + _UPPER * height <= dot.y and dot.bottom <= boxes[k].top and _are_of_colon(dot, boxes[k], height)


def _beside(mark: Box, boxes: Sequence[Box]) -> tuple[Box, Box] | None:
    """What stands to the left and to the right of a mark."""
    left = [box for box in boxes if box.x < mark.x]
    right = [box for box in boxes if box.x > mark.x]
    if not left or not right:
        return None
    return max(left, key=lambda box: box.right), min(right, key=lambda box: box.left)


def _is_between(mark: Box, boxes: Sequence[Box], height: float) -> bool:
    """Whether a mark lies between two things of the line, about within their height."""
    beside = _beside(mark, boxes)
    if beside is None:
        return False
    left, right = beside
    near = mark.left - left.right <= _FAR * height and right.left - mark.right <= _FAR * height
    apart = mark.left >= left.x and mark.right <= right.x
    top, bottom = min(left.top, right.top) - _ABOVE * height, max(left.bottom, right.bottom) + _BELOW * height
    return near and apart and top <= mark.y <= bottom


def _on_base_line(mark: Box, boxes: Sequence[Box], height: float) -> bool:
    beside = _beside(mark, boxes)
    if beside is None:
        return False
    tall = [box.bottom for box in beside if box.bottom - box.top >= _TALL * height]
    return bool(tall) and mark.bottom >= float(np.mean(tall)) - _OVER_BASE * height
