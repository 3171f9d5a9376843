"""Tells bars and feet of digits that stand in a row, as those of 222 or 775, from a line of the paper."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Floats
from digits.vision.masks import LabeledMask, Labels
from digits.vision.paper.line_search import Line

# A row of strokes is no line of the paper, but bars and feet of digits, if this share of it belongs to strokes that are
# at most so wide as a share of their height, and at least so high in thicknesses of the line.
_OF_DIGITS, _WIDE, _HIGH = 0.7, 1.5, 5.0
# What two lines cross over this share of its width is no digit, nor is what fills more than this share of its box.
_ACROSS, _FULL = 0.6, 0.75
# A frame has ink over this share of its height within a strip at each side, which is so wide beside its height. A
# frame, a ring or a grid encloses this share of its box.
_SIDE, _STRIP, _ENCLOSED = 0.9, 0.12, 0.4
# One of some digits takes up at most this share of the row. Some that touch are at most so wide beside their height.
_ONE_OF_SOME, _TOUCHING = 0.6, 4.0
# Digits that touch have their tops or feet on the row, up to so many thicknesses. It reaches beyond the rest of them by
# this share of their height at the most.
_AT_END, _BEYOND = 1.5, 0.4

Stats = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


def are_digits_in_a_row(page: LabeledMask, lines: Sequence[Line], thicknesses: Sequence[int]) -> list[bool]:
    """For each line: whether it is made of bars and feet of digits in a row, and is none of the paper.

    Args:
        page: all ink.
        lines: that were found on it. One from edge to edge is always the paper's.
        thicknesses: of the lines, in pixels.
    """
    labels, stats = page.components
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    every = np.arange(labels.shape[1])
    along = [labels[np.clip(np.rint(line.middle - 0.5), 0, len(labels) - 1).astype(np.int64), every] for line in lines]
    # A page may have very many components, and a line crosses few of them.
    crossed = [np.unique(on_line[on_line > 0], return_counts=True) for on_line in along]
    crossings = np.zeros(len(stats), np.int64)
    for which, columns in crossed:
        crossings[which[columns >= _ACROSS * wide[which]]] += 1
    are_strokes = stats[:, cv2.CC_STAT_AREA] <= _FULL * wide * high
    # What two lines cross from side to side may be a grid, a table or a frame.
    for i in np.flatnonzero(are_strokes & (crossings > 1)).tolist():
        are_strokes[i] = wide[i] <= _TOUCHING * high[i] and not _is_frame(labels, stats, i)
    answers = []
    for line, thick, on_line, (which, columns) in zip(lines, thicknesses, along, crossed, strict=True):
        span = (line.end - line.start) * labels.shape[1]
        tall = (high[which] >= _HIGH * thick) & are_strokes[which]
        are_digits = tall & (wide[which] <= np.minimum(_WIDE * high[which], _ONE_OF_SOME * span))
        # Digits that touch are wider, and reach no farther with their bars and feet than with the rest.
        for n in np.flatnonzero(tall & ~are_digits & (wide[which] <= _TOUCHING * high[which])).tolist():
            i = int(which[n])
            are_digits[n] = _ends_with(labels, stats, i, np.flatnonzero(on_line == i), line.middle, thick)
        answers.append(bool(columns[are_digits].sum() >= _OF_DIGITS * span) and not line.reaches_edges)
    return answers


def _is_frame(labels: Labels, stats: Stats, i: int) -> bool:
    """Whether a component has an upright line on both sides, as a frame, or encloses much of its box, as a ring."""
    left, top, wide, high, _ = stats[i].tolist()
    budget.spend(2 * wide * high)
    own = (labels[top : top + high, left : left + wide] == i).astype(np.uint8)
    strip = max(2, round(_STRIP * high))
    sides = own[:, :strip].any(axis=1).mean(), own[:, -strip:].any(axis=1).mean()
    if min(sides) >= _SIDE:
        return True
    around = cv2.copyMakeBorder(own, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    outside = cv2.floodFill(around, None, (0, 0), 2)[0]
    return bool(outside - (wide + high + 2) * 2 <= (1.0 - _ENCLOSED) * own.size - cv2.countNonZero(own))


def _ends_with(labels: Labels, stats: Stats, i: int, along: Places, middle: Floats, thick: int) -> bool:
    """Whether a component has its top or its foot on a line, and reaches as far to both sides beyond it.

    Args:
        labels: of the components.
        stats: of the components.
        i: the component.
        along: the columns in which it lies on the line.
        middle: the row in which the line's middle lies in each column.
        thick: the line's thickness in pixels.
    """
    left, top, wide, high, _ = stats[i].tolist()
    upper, lower = float(middle[along].min()), float(middle[along].max())
    if top >= upper - _AT_END * thick:
        rows = slice(round(lower + thick), max(round(lower + thick), top + high))
    elif top + high <= lower + _AT_END * thick:
        rows = slice(top, max(top, round(upper - thick)))
    else:
        return False
    if _is_frame(labels, stats, i):
        return False
    others = np.flatnonzero((labels[rows, left : left + wide] == i).any(axis=0)) + left
    beyond = _BEYOND * high
    return bool(others.size) and others[0] - along[0] <= beyond and along[-1] - others[-1] <= beyond
