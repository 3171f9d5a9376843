"""Frees digits from what is too large for writing and runs through them: the edge of a shadow, or a drawn ring.

A digit and a long line through it are one connected stroke, which as a whole is no writing, and would be left out with
the digit in it. The gap that it leaves in its line tells where the digit is.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from digits import budget
from digits.numbers.segments.cuts import is_solid
from digits.numbers.segments.lattice import Where
from digits.numbers.segments.layout import Line
from digits.numbers.segments.pieces import with_pieces
from digits.vision.components import Components
from digits.vision.foreground import Foreground

# In heights of the line's digits: how high at the least a stroke is of which only a piece may be writing; how far a
# line goes on beyond its ends; how wide a gap is into which a digit fits; and how much is seen above and below it.
_LONG, _BEYOND, _GAP, _AROUND = 1.5, 1.2, 0.35, 0.15
# A piece that may be a digit, or two, is at least so high, and so wide at the least and the most, in heights of the
# line's digits. It has at least this share of their ink: more than a line that does nothing but cross the gap.
_HIGH, _WIDE, _INK = 0.6, (0.25, 2.0), 0.6
# Of more strokes that are in no line, those with the most ink are looked at. What has so many times the ink of a digit
# is a table or a shadow, and not an edge or a ring.
_MOST, _MOST_INK = 20, 15.0


def free_crossed(parts: Components, lines: Sequence[Line], foreground: Foreground) -> Components | None:
    """Cuts pieces of long strokes, which fill a gap of a line, out of them.

    Args:
        parts: the strokes of the page.
        lines: that are written on it.
        foreground: the page's ink.

    Returns:
        The strokes, and such pieces as strokes of their own after them; None if there are none.
    """
    taken = {i for line in lines for i in line.members}
    left_out = [i for i in np.argsort(-parts.ink, kind="stable").tolist() if i not in taken][:_MOST]
    freed = parts
    for line in lines:
        long = [i for i in left_out if parts.bottom[i] - parts.top[i] >= _LONG * line.height]
        digits = [i for i in line.members if parts.bottom[i] - parts.top[i] >= _HIGH * line.height]
        if long and len(digits) >= 2:
            usual = float(np.median(parts.ink[digits]))
            thin = [i for i in long if parts.ink[i] <= _MOST_INK * usual]
            for i, where in itertools.product(thin, _gaps(parts, digits, line.height)):
                freed = _with_piece(freed, foreground, i, where, line.height, _INK * usual)
    return None if freed is parts else freed


def _gaps(parts: Components, digits: Sequence[int], height: float) -> Iterator[Where]:
    """The rows and columns between neighbors on a line, and beyond its ends, in which there is room for a digit."""
    boxes = sorted(parts.box([i]) for i in digits)
    page_height, page_width = parts.labels.shape
    beyond, around = round(_BEYOND * height), round(_AROUND * height)
    (first_left, first_top, _, first_bottom), (_, last_top, last_right, last_bottom) = boxes[0], boxes[-1]
    before, after = max(0, first_left - beyond), min(page_width, last_right + beyond)
    boxes = [(before, first_top, before, first_bottom), *boxes, (after, last_top, after, last_bottom)]
    for (_, top, start, bottom), (end, next_top, _, next_bottom) in itertools.pairwise(boxes):
        if end - start >= _GAP * height:
            highest, lowest = min(top, next_top) - around, max(bottom, next_bottom) + around
            yield slice(max(0, highest), min(page_height, lowest)), slice(start, end)


def _with_piece(
    parts: Components, foreground: Foreground, i: int, where: Where, height: float, least: float
) -> Components:
    """Makes what of a stroke lies in a gap a stroke of its own, if it may be a digit.

    Args:
        parts: the strokes of the page.
        foreground: the page's ink.
        i: the stroke, by its index.
        where: the gap.
        height: of the line's digits, in pixels.
        least: the least ink of a digit.
    """
    left, top, right, bottom = parts.box([i])
    rows, columns = where
    if right <= columns.start or left >= columns.stop or bottom <= rows.start or top >= rows.stop:
        return parts
    budget.spend((rows.stop - rows.start) * (columns.stop - columns.start))
    mask = parts.labels[where] == parts.ids[i]
    ink = float(foreground.strength[where][mask].sum())
    inked_rows, inked_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if ink < least or np.ptp(inked_rows) < _HIGH * height:
        return parts
    if not _WIDE[0] * height <= np.ptp(inked_columns) <= _WIDE[1] * height or is_solid(mask.view(np.uint8), height):
        return parts
    return with_pieces(parts, foreground, [(i, where, mask)])
