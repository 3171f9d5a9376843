"""Looks for long thin lines across a picture: the lines of ruled and squared paper, and the sides of frames."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.masks import fill_gaps, label_components
from digits.vision.reduction import median_of_few, pool

# What the paper of a page is like is looked for on a copy of at most so many pixels on the longer side.
PAGE_SIDE = 400
# A line is a chain of runs of this share of the picture's width or height, so that it may rise, fall and bend a little.
_RUN = 0.08
# The copy on which lines are looked for is thickened by so many pixels.
_THICKENED = 2.0
# On it, a line may always be so thick, in pixels; a thicker one, up to a tenth of the copy's longer side.
_THIN = 5
# A line reaches from edge to edge over this share of the picture's length. Another has this share of it covered by ink.
EDGE_TO_EDGE = 0.95
# Lines are parallel if their slopes differ from the typical one by no more than this.
_PARALLEL = 0.04
# Distances of neighboring rules differ by this share at the most. Where one is missing among others, ink covers so much
# of its place, which may be so many pixels of the copy off.
_AS_FAR, _MISSING_COVERED, _OFF = 0.12, 0.6, 1.5
# Lines are compared with one another at so many columns.
_COMPARED = 33
# A line that falls less is level, in pixels for each pixel to the right.
_LEVEL = 0.08
# So many parallel lines at least are those of a paper that lies askew.
_FEWEST_ASKEW = 2
# So many of the lines of a paper lie at equal distances, as a share.
_MOST_FIT = 0.6


@dataclass(frozen=True)
class Search:
    """Which long thin chains of runs count as lines.

    Args:
        side: lines are looked for on a copy of at most so many pixels on the longer side, where they are thin.
        least_span: share of the picture's length that a line reaches over at the least.
        least_covered: share of a line's columns that hold ink at the least: bars of digits in a row have gaps.
        thickest: the most pixels of a line's thickness on that copy. Each of several values is tried.
        thick_span: least_span of what is found with all but the first of them.
        most_bend: share of its length by which a line may leave the straight at the most.
        most_hidden: share of the picture's length over which writing may hide a line in one place.
        typical: a line is as thick as this quantile of its columns; strokes along it make the others thicker.
        falls: lines that fall by about so many pixels for each to the right are looked for, too, if they are parallel.
    """

    side: int
    least_span: float
    least_covered: float
    thickest: tuple[int, ...]
    thick_span: float
    most_bend: float
    most_hidden: float
    typical: float
    falls: tuple[float, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line from left to right, in pixels of the mask.

    Args:
        middle: float64 of shape (width,), the row in which its middle lies in each column of the mask.
        start, end: where it begins and ends, as shares of the mask's width.
        covered: share of its columns that hold ink.
        visible: share of the mask's columns in which its middle lies in the mask.
    """

    middle: Floats
    start: float
    end: float
    covered: float
    visible: float

    @property
    def reaches_edges(self) -> bool:
        """Whether it runs from edge to edge."""
        return self.end - self.start >= EDGE_TO_EDGE * self.visible

    @property
    def slope(self) -> float:
        """How many pixels it falls for each pixel to the right."""
        return float(self.middle[-1] - self.middle[0]) / self.middle.size


def find_lines(mask: Gray, search: Search) -> list[Line]:
    """The lines that run across a mask, from left to right."""
    budget.check()
    factor = factor_of(mask, search.side)
    small = pool(mask, factor)
    lines: list[Line] = []
    for fall in (0.0, *search.falls):
        # Paper lies in one way: where several lines are about level, none lies askew.
        if sum(abs(line.slope) <= _LEVEL for line in lines) > _FEWEST_ASKEW:
            break
        sheared, shifts = _sheared(small, fall)
        found = _lines_of_copy(sheared, shifts, mask, factor, search)
        # Paper that lies askew has several lines, all parallel. A line alone that rises or falls may be a stroke.
        if fall and len(parallel_lines(found)) < _FEWEST_ASKEW:
            continue
        lines += [line for line in found if _is_new(line, lines, factor)]
    if search.falls and len(lines) >= _FEWEST_ASKEW:
        lines += _missing(lines, small, factor)
    return lines


def _sheared(small: Gray, fall: float) -> tuple[Gray, Floats]:
    """Shifts columns so that what falls by so many pixels for each to the right lies level.

    Returns:
        The shifted copy, which is higher; and how far below its place on `small` each column lies, in pixels.
    """
    height, width = small.shape
    if not fall:
        return small, np.zeros(width)
    shifts = np.rint(-fall * (np.arange(width) - (width - 1) / 2.0))
    more = int(np.abs(shifts).max())
    if not more:
        return small, shifts
    sheared = np.zeros((height + 2 * more, width), np.uint8)
    # Columns that are shifted alike are copied together.
    edges = [0, *(np.flatnonzero(np.diff(shifts)) + 1).tolist(), width]
    for left, right in itertools.pairwise(edges):
        top = more + int(shifts[left])
        sheared[top : top + height, left:right] = small[:, left:right]
    return sheared, shifts + more


def _lines_of_copy(sheared: Gray, shifts: Floats, mask: Gray, factor: int, search: Search) -> list[Line]:
    """The lines that run across a reduced copy of a mask, whose columns were shifted down by so many pixels."""
    width, longer = sheared.shape[1], max(sheared.shape)
    least = search.least_covered * search.least_span * width
    _, top, inked, height = cv2.boundingRect(sheared)
    if inked < least:
        return []
    # The rows that hold ink, with two around them for what makes it thicker, are all that is looked at.
    top, bottom = max(0, top - 2), top + height + 2
    sheared = sheared[top:bottom]
    thick = cv2.dilate(sheared, np.ones((3, 1), np.uint8))
    along = np.ones((1, max(8, round(_RUN * width))), np.uint8)
    runs = np.asarray(cv2.morphologyEx(thick, cv2.MORPH_OPEN, along), dtype=np.uint8)
    # Most pictures have no line, and this tells at once.
    if cv2.countNonZero(cv2.reduce(runs, 0, cv2.REDUCE_MAX)) < least:
        return []
    # Where the copy is small, what is thick is no line.
    thicknesses = [most for most in search.thickest if most <= max(_THIN, 0.1 * longer)] or [_THIN]
    # What is thicker than the thickest line is thicker than all of them: most pictures have nothing else.
    thinner = {thicknesses[-1]: _without_strokes(runs, thicknesses[-1])}
    if _reach(thinner[thicknesses[-1]]) < min(search.least_span, search.thick_span) * width:
        return []
    places = (np.arange(mask.shape[1]) + 0.5) / factor - 0.5
    down = np.interp(places, np.arange(width), shifts) if shifts.any() else 0.0
    lines: list[Line] = []
    for thickest in thicknesses:
        span = search.least_span if thickest == thicknesses[0] else search.thick_span
        rest = thinner[thickest] if thickest in thinner else _without_strokes(runs, thickest)
        for path, start, end, covered in _find_paths(runs, rest, thickest, span, search):
            middle = np.asarray((np.polyval(path, places) + top - down + 0.5) * factor, dtype=np.float64)
            visible = float(((middle >= 0.0) & (middle <= mask.shape[0])).mean())
            line = Line(middle, start, end, covered, visible)
            if _is_new(line, lines, factor):
                lines.append(line)
    return lines


def _is_new(line: Line, lines: list[Line], factor: int) -> bool:
    """Whether a line is none of some others, by where it lies at a few columns."""
    if not lines:
        return True
    some = np.linspace(0, line.middle.size - 1, _COMPARED).astype(np.int64)
    others = np.array([other.middle for other in lines])[:, some]
    return bool(np.abs(others - line.middle[some]).mean(axis=1).min() > 3.0 * factor)


def parallel_lines(lines: list[Line]) -> list[Line]:
    """Those lines that fall about as much as the typical one."""
    if not lines:
        return []
    slopes = np.array([line.slope for line in lines])
    return [lines[k] for k in np.flatnonzero(np.abs(slopes - np.median(slopes)) <= _PARALLEL).tolist()]


def _missing(lines: list[Line], small: Gray, factor: int) -> list[Line]:
    """The lines that are missing among others at equal distances, because writing or the border hides too much of them.

    Args:
        lines: that were found, at least two.
        small: the copy on which they were found.
        factor: by which it was reduced.
    """
    parallel = parallel_lines(lines)
    if len(parallel) < _FEWEST_ASKEW:
        return []
    middles = np.array([line.middle for line in parallel]).mean(axis=1)
    order = np.argsort(middles, kind="stable")
    rules, places = [parallel[k] for k in order.tolist()], middles[order]
    pitch = float(np.median(np.diff(places)))
    if pitch < 4.0 * factor:
        return []
    # A stroke along the rules may have been taken for one: those count that fit most others.
    offsets = (places[:, np.newaxis] - places) / pitch
    fits = np.abs(offsets - np.rint(offsets)) <= _AS_FAR
    kept = np.flatnonzero(fits[int(fits.sum(axis=1).argmax())])
    rules = [rules[k] for k in kept.tolist()]
    # Lines whose distances have no common measure are not the rules of a paper.
    if len(rules) < max(_FEWEST_ASKEW, _MOST_FIT * len(places)):
        return []
    counts = np.rint(np.diff(places[kept]) / pitch)
    # A line may lie as many pixels beside its place.
    inked = np.asarray(cv2.dilate(small, np.ones((2 * round(_OFF) + 1, 1), np.uint8)), dtype=np.uint8)
    missing: list[Line] = []
    for before, after, count in zip(rules[:-1], rules[1:], counts.astype(int).tolist(), strict=True):
        for k in range(1, count):
            middle = before.middle + (after.middle - before.middle) * (k / count)
            missing += _seen(middle, inked, factor)
    for edge, way in ((rules[0], -pitch), (rules[-1], pitch)):
        middle = edge.middle + way
        while seen := _seen(middle, inked, factor):
            missing += seen
            middle = middle + way
    return missing


def _seen(middle: Floats, inked: Gray, factor: int) -> list[Line]:
    """The line that is looked for at a place, if enough of it is there."""
    columns = np.arange(inked.shape[1])
    rows = np.interp((columns + 0.5) * factor, np.arange(middle.size) + 0.5, middle) / factor - 0.5
    inside = (rows >= 0.0) & (rows <= inked.shape[0] - 1.0)
    # Of less than this much of a line, a stroke may cover most.
    if inside.mean() < _RUN:
        return []
    hits = inked[np.clip(np.rint(rows), 0, inked.shape[0] - 1).astype(np.int64), columns] > 0
    covered = float(hits[inside].mean())
    if covered < _MISSING_COVERED:
        return []
    visible = float(inside.mean())
    return [
        Line(
            middle,
            float(np.argmax(inside)) / columns.size,
            1.0 - float(np.argmax(inside[::-1])) / columns.size,
            covered,
            visible,
        )
    ]


def _find_paths(
    runs: Gray, rest: Gray, thickest: int, span: float, search: Search
) -> list[tuple[Floats, float, float, float]]:
    """Finds chains of runs.

    Args:
        runs: uint8 of shape (height, width), 1 where ink runs across.
        rest: of the same shape, what is no thicker than the thickest line.
        thickest: what is thicker than this is a stroke that a chain meets, in pixels.
        span: share of the width that a chain reaches over at the least.
        search: which chains count.

    Returns:
        For each, the coefficients of a parabola, row over column; where it begins and ends, as shares of the width;
        and the share of its columns that hold ink.
    """
    width = runs.shape[1]
    gap = max(1, round(search.most_hidden * width))
    if _reach(rest) < span * width:
        return []
    joined = fill_gaps(rest, gap)
    if gap % 2 == 0:
        # An even closing by OpenCV, with which the shares above were chosen, moves to the right by a pixel.
        joined[:, 1:] = joined[:, :-1].copy()
        joined[:, 0] = 0
    labels, stats = label_components(joined)
    paths = []
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= span * width).tolist():
        if label == 0:
            continue
        x, y, length, high, _ = stats[label].tolist()
        chain = labels[y : y + high, x : x + length] == label
        covered = float((chain & (runs[y : y + high, x : x + length] > 0)).any(axis=0).mean())
        if covered >= search.least_covered and (path := _path(chain, search, thickest)) is not None:
            # From the chain's corner to the picture's.
            a, b, c = path
            paths.append(
                (np.array([a, b - 2.0 * a * x, a * x * x - b * x + c + y]), x / width, (x + length) / width, covered)
            )
    return paths


def _without_strokes(runs: Gray, thickest: int) -> Gray:
    """Takes off what is thicker than a line: without it, which may join two lines, each is in pieces in its rows."""
    strokes = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((thickest, 1), np.uint8))
    return np.asarray(cv2.subtract(runs, strokes), dtype=np.uint8)


def _reach(mask: Gray) -> int:
    """Returns how many columns a mask reaches over."""
    return int(cv2.boundingRect(mask)[2])


def _path(chain: Flags, search: Search, thickest: int) -> Floats | None:
    """Fits a parabola to a chain of runs.

    Returns:
        The three coefficients of row over column; None if it is too thick, too bent or too ragged for a line.
    """
    depth = np.add.reduce(chain, axis=0, dtype=np.int64)
    typical = median_of_few(depth)
    thin = np.flatnonzero(depth <= typical + 1.0)
    if typical - _THICKENED > thickest or thin.size < 0.4 * depth.size:
        return None
    middle = (chain * np.arange(chain.shape[0])[:, None]).sum(axis=0)[thin] / depth[thin]
    path = np.asarray(np.polyfit(thin, middle, 2), dtype=np.float64)
    if median_of_few(np.abs(np.polyval(path, thin) - middle)) > 1.0:
        return None
    # The arrow of a parabola over its chord is a quarter of the curvature's coefficient times the chord's square.
    return path if abs(path[0]) * depth.size / 4.0 <= search.most_bend else None


def factor_of(mask: Gray, side: int) -> int:
    """By how much a mask is reduced to have at most `side` pixels on its longer side."""
    return max(1, -(-max(mask.shape) // side))
