"""Finds ink beside a line that is in none of its digits and signs, and as dark and as large as one."""

from collections.abc import Collection, Sequence

import numpy as np

from digits.arrays import Gray
from digits.numbers.segments.layout import Line
from digits.numbers.signs.marks import Box
from digits.vision.components import Components
from digits.vision.foreground import Foreground

# Ink is as dark as the line's if it has this share of its strength.
_DARK = 0.5
# It is looked for so far from what stands on the line, in heights of its digits, and no farther above and below.
_FAR = 0.8
# So much of it is no speck: its longer side, in heights of a digit, and its area, in squares of that.
_LONG, _AREA = 0.35, 0.03
# What is so flat, in heights of a digit, and so many times as wide, is a line of the paper.
_FLAT, _TIMES_WIDER = 0.2, 3.0
# The line's strength is the median over so many of its strokes at the most.
_COMPARED = 20


def leaves_ink(
    foreground: Foreground, parts: Components, taken: Collection[int], line: Line, boxes: Sequence[Box]
) -> bool:
    """Whether something beside a line is as dark as what was read on it, as large as a digit, and in no line.

    Such ink may be a digit that was lost: in a pattern of the paper, at the picture's edge, or across a shadow's.

    Args:
        foreground: of the page.
        parts: its strokes.
        taken: those that are in lines.
        line: one of these lines.
        boxes: of its digits and signs, at least one.
    """
    around, height, far = Box.around(boxes), line.height, _FAR * line.height
    near = (
        (parts.right > around.left - far)
        & (parts.left < around.right + far)
        & (parts.bottom > around.top)
        & (parts.top < around.bottom)
        & (np.maximum(parts.right - parts.left, parts.bottom - parts.top) >= _LONG * height)
        & ~parts.apart
    )
    others = [i for i in np.flatnonzero(near).tolist() if i not in taken]
    if not others:
        return False
    dark = _DARK * float(np.median([_strength(foreground, parts, i) for i in line.members[:_COMPARED]]))
    return any(_is_writing(_dark_ink(foreground, parts, i, dark, boxes, far), height) for i in others)


def _strength(foreground: Foreground, parts: Components, i: int) -> float:
    """The median strength of a stroke's pixels."""
    where, mask = parts.cut([i], 0)
    return float(np.median(foreground.strength[where][mask > 0]))


def _dark_ink(foreground: Foreground, parts: Components, i: int, dark: float, boxes: Sequence[Box], far: float) -> Gray:
    """Where a stroke is dark, of what lies beside one of a line's boxes; uint8, 1 there."""
    (rows, columns), mask = parts.cut([i], 0)
    beside = np.zeros(mask.shape, np.bool_)
    for box in boxes:
        top, bottom = round(box.top) - rows.start, round(box.bottom) - rows.start
        left, right = round(box.left - far) - columns.start, round(box.right + far) - columns.start
        beside[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return ((mask > 0) & beside & (foreground.strength[rows, columns] >= dark)).astype(np.uint8)


def _is_writing(ink: Gray, height: float) -> bool:
    """Whether ink is as large as a digit or a sign of some height, and no line of the paper."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size or int(ink.sum()) < _AREA * height**2:
        return False
    high, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    is_flat = high <= _FLAT * height and wide >= _TIMES_WIDER * high
    return max(high, wide) >= _LONG * height and not is_flat
