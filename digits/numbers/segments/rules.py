"""Frees digits that stand on a rule, hang on it or cross it from the rule: the line under a number or a sum.

All of them are one connected stroke, which is taken for a digit, or for digits that touch. Once the rule is a stroke of
its own, it is left out of the line as every rule is.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Gray
from digits.numbers.segments.lattice import Where
from digits.numbers.segments.layout import Line
from digits.numbers.segments.pieces import with_pieces
from digits.vision.components import Components
from digits.vision.foreground import Foreground
from digits.vision.masks import label_components
from digits.vision.reduction import pool

# A rule is so long at least, in heights of the line's digits and as a share of its stroke's width; and at most so
# thick, in heights of a digit.
_LONG, _MOST_OF, _THICK = 1.2, 0.6, 0.16
# It is looked for on a copy of at most so many pixels a row, at so many slopes up to the steepest.
_SIDE, _SLOPES, _STEEPEST = 200, 17, 0.16
# It has gaps of at most so many heights of a digit.
_GAP = 0.05
# Where ink at a rule is no thicker than this, in thicknesses of the rule and in pixels, there is only the rule: over so
# much of it at least. There it is no farther from a parabola than this share of a digit's height, on average.
_ONLY_RULE, _SOFT, _FREE, _STRAIGHT = 1.4, 1.0, 0.3, 0.02
# What is left of its stroke is writing if it is at least so high, and a digit if it is at least as high as the second.
# In heights of a digit.
_WRITING, _DIGIT = 0.2, 0.5
# Of a digit, this share is above the rule that it stands on. In heights of a digit, the rule reaches so far beyond what
# stands on it at either end, and at both together; and so far beyond a digit alone. It goes on so far from where it
# meets them.
_ABOVE, _BEYOND, _BEYOND_ONE, _MEETS = 0.94, (-0.1, 0.08), (0.1, 0.3), 0.06
_SQUARE = np.ones((3, 3), np.uint8)


def free_from_rules(parts: Components, lines: Sequence[Line], foreground: Foreground) -> Components | None:
    """Cuts digits off the rules that they touch.

    Args:
        parts: the strokes of the page.
        lines: that are written on it.
        foreground: the page's ink.

    Returns:
        The strokes, and after them what was cut off, each piece a stroke of its own. None if there is nothing to cut
        off.
    """
    pieces: list[tuple[int, Where, Flags]] = []
    for line in lines:
        for i in line.members:
            if parts.right[i] - parts.left[i] >= _LONG * line.height:
                pieces += [(i, *piece) for piece in _pieces(*parts.cut([i], 0), line.height)]
    if not pieces:
        return None
    freed = with_pieces(parts, foreground, pieces)
    # A rule that is short beside its digits would be taken for a sign.
    freed.apart[[i for i, _, _ in pieces]] = True
    return freed


def _pieces(where: Where, mask: Gray, height: float) -> Iterator[tuple[Where, Flags]]:
    """What a stroke holds besides a rule: rows and columns of the page, and where in them it is.

    Nothing if it holds no rule, or nothing else.
    """
    rule = rule_in(mask, height)
    if rule is None:
        return
    labels, stats = label_components(((mask > 0) & ~rule).view(np.uint8))
    stats[0] = 0
    written = np.flatnonzero(stats[:, cv2.CC_STAT_HEIGHT] >= max(3.0, _WRITING * height))
    digits = np.flatnonzero(stats[:, cv2.CC_STAT_HEIGHT] >= _DIGIT * height)
    columns = np.flatnonzero(rule.any(axis=0))
    if not digits.size or np.ptp(columns) < _LONG * height:
        return
    # A digit's own bar may be as long, or the bars of some that touch; digits stand on a rule.
    course = np.interp(np.arange(mask.shape[1]), columns, rule.argmax(axis=0)[columns])
    is_above = np.arange(len(mask))[:, None] < course
    above = np.bincount(labels[is_above], minlength=len(stats))[digits] / stats[digits, cv2.CC_STAT_AREA]
    left, _, wide, _, _ = stats[written].T
    beyond = left.min() - columns[0], columns[-1] + 1 - (left + wide).max()
    # The straight feet of digits that touch begin where their strokes meet them.
    met = np.flatnonzero((np.isin(labels, written) & (cv2.dilate(rule.view(np.uint8), _SQUARE) > 0)).any(axis=0))
    least, both = _BEYOND if digits.size > 1 else _BEYOND_ONE
    if (
        above.min() < _ABOVE
        or min(beyond) < least * height
        or sum(beyond) < both * height
        or (met.size and min(met[0] - columns[0], columns[-1] - met[-1]) < _MEETS * height)
    ):
        return
    for k in written.tolist():
        x, y, width, high, _ = stats[k].tolist()
        rows, across = slice(y, y + high), slice(x, x + width)
        top, start = where[0].start + y, where[1].start + x
        yield (slice(top, top + high), slice(start, start + width)), labels[rows, across] == k


def rule_in(mask: Gray, height: float, thickest: float = _THICK) -> Flags | None:
    """Finds the rule in a stroke: a long straight line, or one that bows a little, as thick everywhere.

    What stands on it, or hangs on it, keeps its own foot; what crosses it stays whole.

    Args:
        mask: uint8 of shape (rows, columns), 1 where the stroke is.
        height: of the line's digits, in pixels.
        thickest: how thick it is at the most, in heights of a digit.

    Returns:
        Where the rule is, of the mask's shape; None if there is none.
    """
    budget.spend(mask.size)
    place = _find_line(mask, height)
    if place is None:
        return None
    budget.spend(3 * mask.size)
    rule = _rule_along(mask, place, height, thickest)
    return rule if rule is not None and rule.any() else None


def _find_line(mask: Gray, height: float) -> tuple[float, float, int, int] | None:
    """The straight line that goes over the most ink of a stroke.

    Returns:
        The row in which it begins at the left of the mask, by how much it falls for each pixel to the right, and its
        first column and the one after the last; None if none is long enough.
    """
    factor = max(1, -(-mask.shape[1] // _SIDE))
    small = pool(mask, factor)
    rows, columns = np.nonzero(small)
    slopes = np.linspace(-_STEEPEST, _STEEPEST, _SLOPES)
    shift = round(_STEEPEST * small.shape[1]) + 1
    counts = [
        np.bincount(np.rint(rows - slope * columns).astype(np.int64) + shift, minlength=small.shape[0] + 2 * shift)
        for slope in slopes
    ]
    best = int(np.argmax([count.max() for count in counts]))
    row, slope = float(counts[best].argmax() - shift), float(slopes[best])
    every = np.arange(small.shape[1])
    at = np.rint(row + slope * every).astype(np.int64)
    inked = np.zeros(small.shape[1], np.bool_)
    for off in (-1, 0, 1):
        is_inside = (at + off >= 0) & (at + off < small.shape[0])
        inked |= is_inside & (small[np.clip(at + off, 0, small.shape[0] - 1), every] > 0)
    gap = max(1, round(_GAP * height / factor))
    at = np.flatnonzero(inked)
    ends = np.concatenate([[0], np.flatnonzero(np.diff(at) > gap) + 1, [at.size]])
    longest = int(np.diff(ends).argmax())
    start, end = int(at[ends[longest]]), int(at[ends[longest + 1] - 1]) + 1
    if (end - start) * factor < max(_LONG * height, _MOST_OF * mask.shape[1]):
        return None
    return (row + 0.5) * factor, slope, start * factor, min(mask.shape[1], end * factor)


def _rule_along(mask: Gray, place: tuple[float, float, int, int], height: float, thickest: float) -> Flags | None:
    """Where a rule runs along a line, of the mask's shape; None if what runs there is no rule."""
    row, slope, start, end = place
    field, every = mask[:, start:end] > 0, np.arange(end - start)
    middle = np.clip(np.rint(row + slope * (every + start) - 0.5), 0, len(mask) - 1).astype(np.int64)
    above, below = _run(field[::-1], len(mask) - 1 - middle), _run(field, middle)
    top, bottom = middle - above + 1, middle + below - 1
    thick = (bottom - top + 1).astype(np.float64)
    inked = np.flatnonzero((above > 0) & (below > 0))
    if not inked.size:
        return None
    thickness = float(np.quantile(thick[inked], 0.25))
    only = inked[thick[inked] <= _ONLY_RULE * thickness + _SOFT]
    if thickness > thickest * height or only.size < _FREE * every.size:
        return None
    middles = (top + bottom)[only] / 2.0
    bow = np.polyfit(only, middles, 2)
    if np.abs(np.polyval(bow, only) - middles).mean() > max(1.0, _STRAIGHT * height):
        return None
    course = np.interp(every, only, middles)
    rows = np.arange(len(mask))[:, None]
    band = np.abs(rows - course) <= thickness / 2.0 + 1.0
    farthest = 0.5 * _ONLY_RULE * thickness + _SOFT
    upper, lower = course - top > farthest, bottom - course > farthest
    # What stands on a rule, or hangs on it, keeps its own foot, which may lie in the rule; what crosses it stays whole.
    own = np.clip(thick - thickness, 1.0, thickness)
    band &= ~(upper & ~lower) | (rows > bottom - own)
    band &= ~(lower & ~upper) | (rows < top + own)
    band &= ~(upper & lower)
    rule = np.zeros(mask.shape, np.bool_)
    rule[:, start:end] = band & field
    return rule


def _run(field: Flags, middle: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many pixels are inked from a row on downwards, in each column."""
    beyond = (np.arange(len(field))[:, None] >= middle) & ~field
    return np.where(beyond.any(axis=0), beyond.argmax(axis=0), len(field)) - middle
