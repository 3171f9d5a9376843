"""The combs of forms, off the page: lines to write on, with short ticks that part the places of digits.

The line runs through, or each place has a piece of its own with a tick at one of its ends or at both: a bracket.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Gray
from digits.vision.masks import LabeledMask
from digits.vision.reduction import median_of_few

# A comb is at least so many pixels wide and so many times as wide as high. So much of its line is ink.
_COMB_WIDE, _COMB_FLAT, _COMB_COVERED = 60, 2.5, 0.97
# It rises or falls so much at the most, in pixels for each pixel.
_COMB_STEEPEST = 0.05
# Ticks are so many times as high as the line is thick, at least; a tick counts if it is so high beside those at the
# ends, and is at most so many times as thick as the line.
_TICK_HIGH, _TICK_AS_HIGH, _TICK_THICK = 3.0, 0.75, 2.5
# The fewest ticks; they stand at equal distances, up to this share of one. Writing may hide this share of them, and so
# much of what looks like ticks are some.
_FEWEST, _TICK_ASKEW, _MISSING, _TRUE = 3, 0.15, 0.3, 0.6
# A bracket is at least so many pixels wide, and so many times as wide as its ticks are high. Besides its ticks, so much
# of it may be covered by writing that touches it.
_BRACKET_WIDE, _BRACKET_FLAT, _BRACKET_TOUCHED = 12, 1.2, 0.5
# At least so many brackets in a row are as wide and their ticks as high as one another, up to this factor, and stand
# level, up to this share of their width.
_FEWEST_BRACKETS, _BRACKETS_ALIKE, _LEVEL = 3, 1.25, 0.3
# Of a page with more strokes, the widest are looked at.
_MOST = 500


def without_combs(page: LabeledMask) -> LabeledMask:
    """A page's ink without the lines and ticks of combs, the same object if there are none.

    What is written on them stays, even where it touches them.
    """
    (labels, stats), mask = page.components, page.mask
    # In the order of OpenCV's CC_STAT constants.
    left, top, wide, high, _ = np.asarray(stats, dtype=np.int64).T
    possible = (wide >= _COMB_WIDE) & (wide >= _COMB_FLAT * high) & (high >= 4)
    possible[0] = False
    chosen = np.flatnonzero(possible)
    rest = mask
    for i in chosen[np.argsort(-wide[chosen], kind="stable")[:_MOST]].tolist():
        budget.spend(int(wide[i] * high[i]))
        where = slice(top[i], top[i] + high[i]), slice(left[i], left[i] + wide[i])
        lines = _lines_of_comb((labels[where] == i).astype(np.uint8))
        if lines is not None:
            rest = mask.copy() if rest is mask else rest
            rest[where][lines] = 0
    return _without_brackets(page if rest is mask else LabeledMask(rest))


def _lines_of_comb(stroke: Gray) -> Flags | None:
    """Where a stroke's line and ticks are, if it is a comb."""
    base = _base(stroke)
    if base is None:
        return None
    reach = _reach_above(stroke, base)
    thickness = float(np.median(reach))
    ticks = _ticks(reach, thickness)
    if ticks is None:
        return None
    lines, width = _band_of_line(stroke, base, thickness), stroke.shape[1]
    for first, last in ticks:
        top = int(base[first] - reach[first : last + 1].max())
        inside = slice(max(0, top - 1), int(base[first]) + 1), slice(max(0, first - 1), last + 2)
        beside = stroke[inside[0], max(0, first - 3)] & stroke[inside[0], min(width - 1, last + 3)]
        lines[inside] |= (beside == 0)[:, np.newaxis]
    return lines


def _base(stroke: Gray) -> npt.NDArray[np.int64] | None:
    """The row of the line in each column; None if a stroke has no straight line that reaches from end to end."""
    height, width = stroke.shape
    # The line is what lies lowest in most columns.
    lowest = height - 1 - stroke[::-1].argmax(axis=0).astype(np.float64)
    third = max(1, width // 3)
    slope = (median_of_few(lowest[-third:]) - median_of_few(lowest[:third])) / (width - third)
    if abs(slope) > _COMB_STEEPEST:
        return None
    columns = np.arange(width)
    middle = median_of_few(lowest - slope * columns)
    base = np.clip(np.rint(middle + slope * columns), 0, height - 1).astype(np.int64)
    near = np.stack([stroke[np.clip(base + down, 0, height - 1), columns] for down in (-1, 0, 1)])
    # A thick pen or a rounded line leaves its corners free.
    edge = 1 + width // 40
    inked = np.asarray(near.any(axis=0))[edge:-edge]
    return base if inked.mean() >= _COMB_COVERED else None


def _band_of_line(stroke: Gray, base: npt.NDArray[np.int64], thickness: float) -> Flags:
    """Where a line is, but for where writing crosses it."""
    height, columns = stroke.shape[0], np.arange(stroke.shape[1])
    thick = int(np.ceil(thickness)) + 1
    rows = np.arange(height)[:, np.newaxis]
    lines = np.asarray((rows > base - thick) & (rows <= base + 2))
    # Where writing crosses the line, there is ink above it and below it.
    above, below = (stroke[np.clip(base + down, 0, height - 1), columns] > 0 for down in (-thick - 1, 3))
    lines[:, above & below & (base + 3 < height)] = False
    return lines


def _reach_above(stroke: Gray, base: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many pixels of ink lie above one another in each column, from the line up."""
    # Above the first row there is no ink either.
    is_gap = np.ones((stroke.shape[0] + 1, stroke.shape[1]), np.bool_)
    # The line itself may be a pixel off.
    is_gap[1:] = (stroke == 0) & (np.arange(stroke.shape[0])[:, np.newaxis] < base)
    nearest = stroke.shape[0] - 1 - is_gap[::-1].argmax(axis=0)
    return np.asarray(base - nearest, dtype=np.int64)


def _ticks(reach: npt.NDArray[np.int64], thickness: float) -> list[tuple[int, int]] | None:
    """The first and the last column of each tick; None if there are none at equal distances from end to end."""
    edge = int(3.0 * thickness) + 3
    ends = int(reach[:edge].max()), int(reach[-edge:].max())
    if min(ends) < max(_TICK_HIGH * thickness, _TICK_AS_HIGH * max(ends)):
        return None
    tall = np.flatnonzero(reach >= _TICK_AS_HIGH * min(ends))
    groups = np.split(tall, np.flatnonzero(np.diff(tall) > 1) + 1)
    thin = [(int(group[0]), int(group[-1])) for group in groups if group.size <= _TICK_THICK * thickness + 2.0]
    if len(thin) < _FEWEST:
        return None
    middles = np.array([(first + last) / 2.0 for first, last in thin])
    start, span = middles[0], middles[-1] - middles[0]
    for count in range(len(thin) + 5, _FEWEST - 2, -1):
        pitch = span / count
        places = (middles - start) / pitch
        fits = np.abs(places - np.rint(places)) <= _TICK_ASKEW
        taken = len(set(np.rint(places[fits]).tolist()))
        if pitch > 4.0 * thickness and taken >= (1.0 - _MISSING) * (count + 1) and fits.mean() >= _TRUE:
            return [tick for tick, fit in zip(thin, fits, strict=True) if fit]
    return None


@dataclass(frozen=True)
class _Bracket:
    """A line with a tick at one end or at both.

    Args:
        where: rows and columns of its stroke on the page, which may hold a digit that touches it.
        lines: where in them its line and its ticks are.
        y: row of its line, on the page.
        wide: columns of its line.
        tick: rows of its ticks.
        thick: pixels that a tick is thick at the most.
    """

    where: tuple[slice, slice]
    lines: Flags
    y: float
    wide: int
    tick: int
    thick: int

    def ends_with(self, left: int, top: int, wide: int, high: int) -> bool:
        """Whether a stroke with such a box may be a tick like its own, beside it."""
        columns, x = self.where[1], left + wide / 2.0
        aside = max(columns.start - x, x - columns.stop)
        return (
            wide <= self.thick
            and abs(np.log(high / self.tick)) <= np.log(_BRACKETS_ALIKE)
            and abs(top + high - self.y) <= _LEVEL * self.tick
            and 0.0 <= aside <= _LEVEL * self.wide
        )


def _without_brackets(page: LabeledMask) -> LabeledMask:
    """A page's ink without rows of brackets; what is written on them stays."""
    labels, stats = page.components
    # In the order of OpenCV's CC_STAT constants.
    left, top, wide, high, _ = np.asarray(stats, dtype=np.int64).T
    possible = (wide >= _BRACKET_WIDE) & (high >= 4) & (high <= 4 * wide)
    possible[0] = False
    chosen = np.flatnonzero(possible)
    brackets = []
    for i in chosen[np.argsort(-wide[chosen], kind="stable")[:_MOST]].tolist():
        budget.spend(int(wide[i] * high[i]))
        where = slice(int(top[i]), int(top[i] + high[i])), slice(int(left[i]), int(left[i] + wide[i]))
        if (bracket := _bracket((labels[where] == i).astype(np.uint8), where)) is not None:
            brackets.append(bracket)
    in_rows = _in_rows(brackets)
    if not in_rows:
        return page
    mask = page.mask.copy()
    for bracket in in_rows:
        mask[bracket.where][bracket.lines] = 0
    # Where each has one tick, the last of a row stands alone.
    thin = np.flatnonzero((wide <= max(bracket.thick for bracket in in_rows)) & (high >= 4) & (high > wide))
    for i in thin.tolist():
        if any(bracket.ends_with(int(left[i]), int(top[i]), int(wide[i]), int(high[i])) for bracket in in_rows):
            where = slice(top[i], top[i] + high[i]), slice(left[i], left[i] + wide[i])
            mask[where][labels[where] == i] = 0
    return LabeledMask(mask)


def _in_rows(brackets: list[_Bracket]) -> list[_Bracket]:
    """Those of which there are several alike on a level."""
    if len(brackets) < _FEWEST_BRACKETS:
        return []
    wide, tick, y = (np.array([getattr(one, name) for one in brackets], float) for name in ("wide", "tick", "y"))
    alike = (
        (np.abs(np.log(wide[:, np.newaxis] / wide)) <= np.log(_BRACKETS_ALIKE))
        & (np.abs(np.log(tick[:, np.newaxis] / tick)) <= np.log(_BRACKETS_ALIKE))
        & (np.abs(y[:, np.newaxis] - y) <= _LEVEL * wide)
    )
    return [brackets[i] for i in np.flatnonzero(alike.sum(axis=1) >= _FEWEST_BRACKETS).tolist()]


def _bracket(stroke: Gray, where: tuple[slice, slice]) -> _Bracket | None:
    """The bracket that a stroke is, or that it holds beside writing that touches it."""
    height, width = stroke.shape
    base = _base(stroke)
    if base is None:
        return None
    reach = _reach_above(stroke, base)
    thickness = float(np.median(reach))
    widest = int(_TICK_THICK * thickness + 2.0)
    ends = [_tick_at_end(reach, thickness), _tick_at_end(reach[::-1], thickness)]
    ticks = [end for end in ends if end is not None]
    if not ticks or (len(ticks) == 2 and min(ticks) < _TICK_AS_HIGH * max(ticks)):
        return None
    tick = max(ticks)
    if width < _BRACKET_FLAT * tick:
        return None
    touched = reach[widest : width - widest] > 2.0 * thickness + 1.0
    if touched.size == 0 or touched.mean() > _BRACKET_TOUCHED:
        return None
    lines = _band_of_line(stroke, base, thickness)
    rows = np.arange(height)[:, np.newaxis]
    for columns, end in ((slice(0, widest), ends[0]), (slice(width - widest, width), ends[1])):
        if end is not None:
            tall = reach[columns] >= _TICK_AS_HIGH * end
            lines[:, columns] |= tall & (rows >= base[columns] - end) & (rows <= base[columns])
    # The soft edges of lines are ink, too.
    soft = cv2.dilate(lines.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return _Bracket(where, soft, float(where[0].start + np.median(base)), width, tick, widest)


def _tick_at_end(reach: npt.NDArray[np.int64], thickness: float) -> int | None:
    """How high the tick is that stands at the first column; None if none does."""
    edge = int(_TICK_THICK * thickness + 2.0)
    highest = int(reach[:edge].max())
    if highest < _TICK_HIGH * thickness:
        return None
    # Behind a tick there is the line alone; behind a stroke of a digit there is more of it, or less.
    behind = reach[edge : edge + max(3, edge)]
    return highest if behind.size and int(np.median(behind)) <= 2.0 * thickness + 1.0 else None
