"""Takes the lines of ruled and squared paper off a picture. The strokes that they cross stay whole."""

from dataclasses import dataclass

import cv2
import numpy as np

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.boxes import Rectangle, without_boxes, without_combs
from digits.vision.foreground import Foreground
from digits.vision.masks import fill_gaps, label_components
from digits.vision.reduction import at_least, median_of_few, pool

# On a page, ink is compared with the strongest within this share of the page, if that has this share of the strongest.
_AROUND, _FAINTEST = 0.04, 0.35
# What the paper of a page is like is looked for on a copy of at most so many pixels on the longer side.
_PAGE_SIDE = 400
# A line is a chain of runs of this share of the picture's width or height, so that it may rise, fall and bend a little.
_RUN = 0.08
# The copy on which lines are looked for is thickened by so many pixels.
_THICKENED = 2.0
# Lines of a picture that has less than this many pixels along them are not looked for.
_SHORTEST = 40
# Around a single digit, two lines or more of this share of the picture's length are ruling.
_LONG = 0.6
# A line reaches from edge to edge over this share of the picture's length. Another has this share of it covered by ink.
_EDGE_TO_EDGE = 0.95
# The side of a frame is at least so long, as a share of the picture's length, if there is no other side like it.
_SIDE_OF_FRAME = 0.85
# Two lines are parallel if their slopes differ by less than this, and alike if both ends differ by less than this share
# of the picture's length.
_PARALLEL, _ALIKE = 0.04, 0.06
# One line alone is ruling if it reaches from edge to edge, and the rest keeps this share of its length from its ends.
_CLEAR = 0.04
# It was no ruling but the digit if less than this share of the ink, or of the picture, is left without it.
_LEAST_INK_LEFT, _LEAST_AREA_LEFT = 0.08, 0.002


@dataclass(frozen=True)
class _Search:
    """Which long thin chains of runs count as lines.

    Args:
        side: lines are looked for on a copy of at most so many pixels on the longer side, where they are thin.
        least_span: share of the picture's length that a line reaches over at the least.
        least_covered: share of a line's columns that hold ink at the least: bars of digits in a row have gaps.
        thickest: the most pixels of a line's thickness on that copy. Each of several values is tried.
        most_bend: share of its length by which a line may leave the straight at the most.
        most_hidden: share of the picture's length over which writing may hide a line in one place.
        typical: a line is as thick as this quantile of its columns; strokes along it make the others thicker.
    """

    side: int
    least_span: float
    least_covered: float
    thickest: tuple[int, ...]
    most_bend: float
    most_hidden: float
    typical: float


# Rules across a page reach over half of it. Lines down, which a 1 may look like, reach from edge to edge.
_PAGE_ACROSS = _Search(_PAGE_SIDE, 0.5, 0.9, (8,), 1.0, 0.4, 0.5)
_PAGE_DOWN = _Search(_PAGE_SIDE, 0.9, 0.9, (8,), 1.0, 0.4, 0.5)
_DIGIT = _Search(200, _LONG, 0.9, (5, 9, 16), 0.03, 0.6, 0.3)


@dataclass(frozen=True)
class _Line:
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
        return self.end - self.start >= _EDGE_TO_EDGE * self.visible

    @property
    def slope(self) -> float:
        """How many pixels it falls for each pixel to the right."""
        return float(self.middle[-1] - self.middle[0]) / self.middle.size


def digit_mask(foreground: Foreground) -> Gray:
    """Finds the ink of a picture of a single digit, without the lines of the paper.

    Two or more lines in one direction are ruling, or two sides of a frame. A line alone may be the bar of a 7, unless
    it runs from edge to edge and the rest lies in between. Where little is left without the lines, all ink stays.

    Returns:
        uint8 of shape (height, width), 1 where ink is, weak ink too.
    """
    mask = at_least(foreground.strength, foreground.weak)
    masks = mask, _turn(mask)
    across, down = (
        _like_ruling(_find_lines(turned, _DIGIT)) if turned.shape[1] >= _SHORTEST else [] for turned in masks
    )
    across, down = _without_short_single(across, down), _without_short_single(down, across)
    writing = mask
    for turned, lines in zip(masks, (across, down), strict=True):
        if not lines:
            continue
        rest = writing if turned is mask else _turn(writing)
        for line in lines:
            rest = _without_line(turned, rest, line.middle, _DIGIT)
        if len(lines) > 1 or _is_clear_of_ends(rest):
            writing = rest if turned is mask else _turn(rest)
    if writing is mask:
        return mask
    least = max(_LEAST_INK_LEFT * cv2.countNonZero(mask), _LEAST_AREA_LEFT * mask.size)
    return _without_edges_of_lines(foreground, mask, writing) if cv2.countNonZero(writing) >= least else mask


def _without_short_single(lines: list[_Line], others: list[_Line]) -> list[_Line]:
    """The lines, unless there is only one and it may be a stroke.

    It is none if it runs from edge to edge, or all but, where `others` are two sides of the same frame.
    """
    if len(lines) > 1 or not lines or lines[0].reaches_edges:
        return lines
    return lines if len(others) > 1 and lines[0].end - lines[0].start >= _SIDE_OF_FRAME else []


def _like_ruling(lines: list[_Line]) -> list[_Line]:
    """The lines, without those that rather are strokes of a digit.

    Rules are parallel. A line that does not reach from edge to edge is unbroken, and nearly as long, or begins and
    ends where another one does, as two sides of a frame.
    """
    if not lines:
        return []
    slope = float(np.median([line.slope for line in lines]))
    lines = [line for line in lines if abs(line.slope - slope) <= _PARALLEL]
    return [
        line
        for line in lines
        if line.reaches_edges
        or (
            line.covered >= _EDGE_TO_EDGE
            and (
                line.end - line.start >= _SIDE_OF_FRAME
                or sum(max(abs(line.start - other.start), abs(line.end - other.end)) <= _ALIKE for other in lines) > 1
            )
        )
    ]


def page_mask(foreground: Foreground) -> tuple[Gray, list[Rectangle]]:
    """Finds the ink of a page, without the lines of the paper and the boxes of forms.

    Returns:
        uint8 of shape (height, width), 1 where ink is, weak ink too; and the boxes, as of `without_boxes`.
    """
    mask, boxes = without_boxes((foreground.strength >= _weak_around(foreground)).astype(np.uint8))
    writing = _without_lines(mask := without_combs(mask), _PAGE_ACROSS)
    if writing is mask:
        return mask, boxes
    # Lines down belong to squares, whose lines across have been found.
    turned = _turn(writing)
    without_down = _without_lines(turned, _PAGE_DOWN)
    writing = writing if without_down is turned else _turn(without_down)
    return _without_edges_of_lines(foreground, mask, writing), boxes


def _turn(mask: Gray) -> Gray:
    """The mask with rows and columns exchanged."""
    return np.ascontiguousarray(mask.T)


def _without_edges_of_lines(foreground: Foreground, mask: Gray, writing: Gray) -> Gray:
    """`writing` without the faint pixels that run along both sides of the lines taken off `mask`."""
    beside = cv2.dilate(mask - writing, np.ones((7, 7), np.uint8)) > 0
    writing[beside & (foreground.strength < foreground.weak)] = 0
    return writing


def _weak_around(foreground: Foreground) -> Gray:
    """The least strength of ink that goes on with a stroke, at each pixel: a page may hold several pens.

    Returns:
        uint8 of shape (height, width).
    """
    height, width = foreground.strength.shape
    small = pool(foreground.strength, _factor(foreground.strength, _PAGE_SIDE))
    reach = round(_AROUND * max(small.shape)) | 1
    around = cv2.blur(cv2.dilate(small, np.ones((reach, reach), np.uint8)), (reach, reach))
    share = foreground.weak / foreground.level
    least = max(share * _FAINTEST * foreground.level, 5.0 * foreground.noise, 4.0)
    weak = np.minimum(np.maximum(share * around.astype(np.float32), least), foreground.weak)
    return np.asarray(cv2.resize(np.rint(weak).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR))


def _factor(mask: Gray, side: int) -> int:
    """By how much a mask is reduced to have at most `side` pixels on its longer side."""
    return max(1, -(-max(mask.shape) // side))


def _without_lines(mask: Gray, search: _Search) -> Gray:
    """The mask without all lines across that a search finds; the mask itself if it finds none."""
    writing = mask
    for line in _find_lines(mask, search):
        writing = _without_line(mask, writing, line.middle, search)
    return writing


def _find_lines(mask: Gray, search: _Search) -> list[_Line]:
    """The lines that run across a mask, from left to right."""
    budget.check()
    factor = _factor(mask, search.side)
    small = pool(mask, factor)
    width = small.shape[1]
    least = search.least_span * width
    thick = cv2.dilate(small, np.ones((3, 1), np.uint8))
    along = np.ones((1, max(8, round(_RUN * width))), np.uint8)
    runs = np.asarray(cv2.morphologyEx(thick, cv2.MORPH_OPEN, along), dtype=np.uint8)
    # Most pictures have no line, and this tells at once.
    if cv2.countNonZero(cv2.reduce(runs, 0, cv2.REDUCE_MAX)) < search.least_covered * least:
        return []
    places = (np.arange(mask.shape[1]) + 0.5) / factor - 0.5
    lines: list[_Line] = []
    # Where the copy is small, what is thick is no line.
    for thickest in [most for most in search.thickest if most <= max(search.thickest[0], 0.1 * max(small.shape))]:
        for path, start, end, covered in _find_paths(runs, thickest, search):
            middle = np.asarray((np.polyval(path, places) + 0.5) * factor, dtype=np.float64)
            visible = float(((middle >= 0.0) & (middle <= mask.shape[0])).mean())
            line = _Line(middle, start, end, covered, visible)
            if all(np.abs(other.middle - line.middle).mean() > 3.0 * factor for other in lines):
                lines.append(line)
    return lines


def _find_paths(runs: Gray, thickest: int, search: _Search) -> list[tuple[Floats, float, float, float]]:
    """Finds chains of runs.

    Args:
        runs: uint8 of shape (height, width), 1 where ink runs across.
        thickest: what is thicker than this is a stroke that a chain meets, in pixels.
        search: which chains count.

    Returns:
        For each, the coefficients of a parabola, row over column; where it begins and ends, as shares of the width;
        and the share of its columns that hold ink.
    """
    width = runs.shape[1]
    # Without the strokes that it meets, which may join it to another, a line is in pieces, in the same rows.
    strokes = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((thickest, 1), np.uint8))
    gap = max(1, round(search.most_hidden * width))
    rest = np.asarray(cv2.subtract(runs, strokes), dtype=np.uint8)
    # What is left of most pictures reaches over less than a line, and this tells at once.
    if cv2.boundingRect(rest)[2] < search.least_span * width:
        return []
    joined = fill_gaps(rest, gap)
    if gap % 2 == 0:
        # An even closing by OpenCV, with which the shares above were chosen, moves to the right by a pixel.
        joined[:, 1:] = joined[:, :-1].copy()
        joined[:, 0] = 0
    labels, stats = label_components(joined)
    paths = []
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= search.least_span * width).tolist():
        x, y, length, high, _ = stats[label].tolist()
        chain = labels[y : y + high, x : x + length] == label
        covered = float((chain & (runs[y : y + high, x : x + length] > 0)).any(axis=0).mean())
        if label and covered >= search.least_covered and (path := _path(chain, search, thickest)) is not None:
            # From the chain's corner to the picture's.
            a, b, c = path
            paths.append(
                (np.array([a, b - 2.0 * a * x, a * x * x - b * x + c + y]), x / width, (x + length) / width, covered)
            )
    return paths


def _path(chain: Flags, search: _Search, thickest: int) -> Floats | None:
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


def _is_clear_of_ends(rest: Gray) -> bool:
    """Whether what is left without a line keeps away from both of its ends: a digit cropped to its box would not."""
    x, _, width, _ = cv2.boundingRect(rest)
    clear = _CLEAR * rest.shape[1]
    return bool(width) and x >= clear and x + width <= rest.shape[1] - clear


def _without_line(mask: Gray, writing: Gray, middle: Floats, search: _Search) -> Gray:
    """Takes a line off `writing`, and leaves the strokes that cross it.

    Args:
        mask: all ink; tells how thick the line is and which strokes cross it.
        writing: the ink that is left so far, of the same shape.
        middle: the row in which the line's middle lies in each column.
        search: by which the line was found.
    """
    # The line was found on a reduced copy, which bounds its exactness.
    factor = _factor(mask, search.side)
    # All that is looked at lies so near to the line; the rest of the picture stays as it is.
    near = 8 * factor + 16
    top, bottom = max(0, int(middle.min()) - near), min(mask.shape[0], int(middle.max()) + near)
    if top >= bottom:
        return writing
    mask = mask[top:bottom]
    rows = np.arange(top, bottom)[:, None] + 0.5
    inked = (mask & (np.abs(rows - middle) <= 2.0 * factor + 2.0)).sum(axis=0)
    typical = max(1, round(float(np.quantile(inked[inked > 0], search.typical)))) if inked.any() else 1
    # What reaches farther up and down than the line is a stroke that crosses it.
    strokes = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((typical + 2 + typical // 3, 1), np.uint8))
    band = np.abs(rows - middle) <= 0.5 * typical + factor + 1.0
    writing = writing.copy()
    writing[top:bottom][band & (strokes == 0)] = 0
    return writing
