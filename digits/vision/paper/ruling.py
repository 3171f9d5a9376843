"""Takes the lines of ruled and squared paper off a picture. The strokes that they cross stay whole."""

import cv2
import numpy as np

from digits.arrays import Floats, Gray
from digits.errors import CrowdedImageError
from digits.vision.foreground import Foreground
from digits.vision.masks import LabeledMask, has_more_components, label_components
from digits.vision.paper.bars import without_bars, without_dividers
from digits.vision.paper.boxes import Rectangle, without_boxes
from digits.vision.paper.cells import alone_in_its_cell
from digits.vision.paper.combs import without_combs
from digits.vision.paper.corners import without_corners
from digits.vision.paper.digit_rows import are_digits_in_a_row
from digits.vision.paper.holes import without_holes
from digits.vision.paper.inks import without_form
from digits.vision.paper.line_search import EDGE_TO_EDGE, PAGE_SIDE, Line, Search, factor_of, find_lines, parallel_lines
from digits.vision.paper.rings import without_rings
from digits.vision.reduction import at_least, pool

# On a page, ink is compared with the strongest within this share of the page, if that has this share of the strongest.
_AROUND, _FAINTEST = 0.04, 0.35
# Lines of a picture that has less than this many pixels along them are not looked for.
_SHORTEST = 40
# Around a single digit, two lines or more of this share of the picture's length are ruling.
_LONG = 0.6
# The side of a frame is at least so long, as a share of the picture's length, if there is no other side like it.
_SIDE_OF_FRAME = 0.85
# Two lines are alike if both ends differ by no more than this share of the picture's length.
_ALIKE = 0.06
# One line alone is ruling if it reaches from edge to edge, and the rest keeps this share of its length from its ends.
_CLEAR = 0.04
# It was no ruling but the digit if less than this share of the ink, or of the picture, is left without it.
_LEAST_INK_LEFT, _LEAST_AREA_LEFT = 0.08, 0.002
# A pen that is so many times as strong as the lines of the paper shows where it crosses them: ink is stronger there
# than the lines by this share of the difference, and, by this factor, than their pixels over which the pen has not
# written; at the edges of strokes, by the last share.
_STRONGER, _PEN_SHARE, _ABOVE_LINES, _SOFT_SHARE = 1.6, 0.35, 1.1, 0.2
# Of what is left beside the lines, the pen has written this share at the least.
_LEAST_WRITTEN = 0.1
# A line that is drawn with the pen, under a sum, has this share of its strength, and tells nothing of the lines of the
# paper, which are this share of all that was taken off.
_PENS_OWN, _PAPERS_OWN = 0.7, 0.25
# Ink is stronger where lines cross, over at most so many times their thickness.
_CROSSING = 2.0
# Over this share of the lines of a paper, and of those of boxes, the pen has written at the most.
_MOST_OVER_LINES, _MOST_OVER_BOXES = 0.1, 0.3
# Paper may lie askew by some 15 degrees.
_FALLS = (-0.17, 0.17)
# Most strokes of a page: each takes memory. Written pages have some hundreds, and grain of the paper some thousands.
_MOST_STROKES = 100_000
# Rules across a page reach over half of it. Thick ones, and lines down, which a 1 may look like, reach from edge to
# edge.
_PAGE_ACROSS = Search(PAGE_SIDE, 0.5, 0.9, (8, 16), EDGE_TO_EDGE, 1.0, 0.4, 0.5, _FALLS)
_PAGE_DOWN = Search(PAGE_SIDE, 0.9, 0.9, (8,), 0.9, 1.0, 0.4, 0.5, _FALLS)
_DIGIT = Search(200, _LONG, 0.9, (5, 9, 16), _LONG, 0.03, 0.6, 0.3)


def digit_mask(foreground: Foreground) -> Gray:
    """Finds the ink of a picture of a single digit, without the lines of the paper.

    Of a picture of one cell of a form with something in it, only that is taken for ink.
    Two or more lines in one direction are ruling, or two sides of a frame. A line alone may be the bar of a 7, unless
    it runs from edge to edge and the rest lies in between. Where little is left without the lines, all ink stays.

    Returns:
        uint8 of shape (height, width), 1 where ink is, weak ink too.
    """
    mask = at_least(foreground.strength, foreground.weak)
    if min(mask.shape) >= _SHORTEST:
        mask = alone_in_its_cell(mask)
    masks = mask, _turn(mask)
    across, down = (
        _like_ruling(find_lines(turned, _DIGIT)) if turned.shape[1] >= _SHORTEST else [] for turned in masks
    )
    across, down = _without_short_single(across, down), _without_short_single(down, across)
    writing = mask
    for turned, lines in zip(masks, (across, down), strict=True):
        if not lines:
            continue
        rest = writing if turned is mask else _turn(writing)
        for line in lines:
            rest = _without_line(turned, rest, line.middle, _thickness_of(turned, line.middle, _DIGIT), _DIGIT)
        if len(lines) > 1 or _is_clear_of_ends(rest):
            writing = rest if turned is mask else _turn(rest)
    if writing is mask:
        return mask
    least = max(_LEAST_INK_LEFT * cv2.countNonZero(mask), _LEAST_AREA_LEFT * mask.size)
    return _without_edges_of_lines(foreground, mask, writing) if cv2.countNonZero(writing) >= least else mask


def _without_short_single(lines: list[Line], others: list[Line]) -> list[Line]:
    """The lines, unless there is only one and it may be a stroke.

    It is none if it runs from edge to edge, or all but, where `others` are two sides of the same frame.
    """
    if len(lines) > 1 or not lines or lines[0].reaches_edges:
        return lines
    return lines if len(others) > 1 and lines[0].end - lines[0].start >= _SIDE_OF_FRAME else []


def _like_ruling(lines: list[Line]) -> list[Line]:
    """The lines, without those that rather are strokes of a digit.

    Rules are parallel. A line that does not reach from edge to edge is unbroken, and nearly as long, or begins and
    ends where another one does, as two sides of a frame.
    """
    lines = parallel_lines(lines)
    return [
        line
        for line in lines
        if line.reaches_edges
        or (
            line.covered >= EDGE_TO_EDGE
            and (
                line.end - line.start >= _SIDE_OF_FRAME
                or sum(max(abs(line.start - other.start), abs(line.end - other.end)) <= _ALIKE for other in lines) > 1
            )
        )
    ]


def page_mask(foreground: Foreground) -> tuple[LabeledMask, list[Rectangle]]:
    """Finds the ink of a page, without the lines of the paper and the boxes of forms.

    Returns:
        The ink, weak ink too; and the boxes, as of `without_boxes`.

    Raises:
        CrowdedImageError: it has far more strokes than a written page.
    """
    inked = (foreground.strength >= _weak_around(foreground)).view(np.uint8)
    if has_more_components(inked, _MOST_STROKES):
        raise CrowdedImageError(
            f"This picture has more than {_MOST_STROKES:,} strokes or dots, far more than a page of numbers. Crop it "
            "to the numbers that you mean."
        )
    form = without_form(foreground, inked)
    without, boxes = without_boxes(LabeledMask(form))
    if boxes:
        without = _with_pen_over_boxes(foreground, form, without)
    page = without_combs(without_rings(without))
    mask = page.mask
    writing = _without_lines(mask, _PAGE_ACROSS)
    if writing is not mask:
        # Lines down belong to squares, whose lines across have been found.
        turned = _turn(writing)
        without_down = _without_lines(turned, _PAGE_DOWN)
        writing = writing if without_down is turned else _turn(without_down)
        writing = _without_edges_of_lines(foreground, mask, writing)
    writing = _with_pen_over_lines(foreground, mask, writing)
    writing = without_dividers(writing, inked > writing)
    if writing is not mask:
        # A ring that touches lines of the paper is one stroke with them.
        page = without_rings(LabeledMask(writing))
    page = without_bars(foreground.strength, page)
    return without_holes(without_corners(page)), boxes


def _turn(mask: Gray) -> Gray:
    """The mask with rows and columns exchanged."""
    return np.ascontiguousarray(mask.T)


def _without_edges_of_lines(foreground: Foreground, mask: Gray, writing: Gray) -> Gray:
    """`writing` without the faint pixels that run along both sides of the lines taken off `mask`."""
    beside = cv2.dilate(mask - writing, np.ones((7, 7), np.uint8)) > 0
    writing[beside & (foreground.strength < foreground.weak)] = 0
    return writing


def _with_pen_over_lines(foreground: Foreground, mask: Gray, writing: Gray, most: float = _MOST_OVER_LINES) -> Gray:
    """Gives strokes back what was taken off them with lines that are fainter than the pen; drops what is left of lines.

    Args:
        foreground: of the page.
        mask: all ink, uint8 of shape (height, width).
        writing: without the lines, of the same shape.
        most: the share of the lines, 0..1, over which the pen may have written.
    """
    strength, removed = foreground.strength, mask > writing
    if not removed.any():
        return writing
    labels, _ = label_components(removed.astype(np.uint8))
    means = np.bincount(labels[removed], strength[removed]) / np.maximum(1, np.bincount(labels[removed]))
    of_paper = removed & (means < _PENS_OWN * foreground.level)[labels]
    # Of lines that are all the pen's, only soft edges are fainter.
    of_lines = strength[of_paper if of_paper.sum() >= _PAPERS_OWN * removed.sum() else removed]
    typical, strongest = np.quantile(of_lines, (0.5, 1.0 - most)).tolist()
    if foreground.level < _STRONGER * typical:
        return writing
    least = max(typical + _PEN_SHARE * (foreground.level - typical), _ABOVE_LINES * strongest)
    pen = strength >= least
    # A stroke's edge is softer than its middle.
    near = cv2.dilate((pen & removed).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    soft = strength >= typical + _SOFT_SHARE * (foreground.level - typical)
    whole = np.where(removed & (pen | (near & soft)), 1, writing).astype(np.uint8)
    labels, stats = label_components(whole)
    beside = cv2.dilate(removed.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    on_line = np.bincount(labels[beside], minlength=len(stats)) > 0
    inked = np.bincount(labels[pen & (writing > 0)], minlength=len(stats)) > 0
    # Where lines cross, they are stronger; a stroke that lies on a line is longer than that.
    thickness = 2.0 * float(np.quantile(cv2.distanceTransform(removed.astype(np.uint8), cv2.DIST_C, 3)[removed], 0.9))
    longer = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    of_pen = np.bincount(labels[pen], minlength=len(stats)) > 0
    whole[(on_line & ~inked & ~(of_pen & (longer > _CROSSING * thickness + 2.0)))[labels]] = 0
    # Where so much would be dropped, what was taken off was no lines, but strokes of the pen.
    return whole if cv2.countNonZero(whole) >= _LEAST_WRITTEN * cv2.countNonZero(writing) else mask


def _with_pen_over_boxes(foreground: Foreground, form: Gray, without: LabeledMask) -> LabeledMask:
    """Gives writing back what was taken off it with the lines of boxes, if they are fainter than the pen.

    Args:
        foreground: of the page.
        form: its ink, with the boxes.
        without: its ink without them.
    """
    whole = _with_pen_over_lines(foreground, form, without.mask, _MOST_OVER_BOXES)
    removed, back = form > without.mask, whole > without.mask
    # Where so much comes back, it is lines of another box that is as dark as the pen.
    is_pen = 0 < np.count_nonzero(back) <= _MOST_OVER_BOXES * np.count_nonzero(removed)
    return LabeledMask(whole) if is_pen else without


def _weak_around(foreground: Foreground) -> Gray:
    """The least strength of ink that goes on with a stroke, at each pixel: a page may hold several pens.

    Returns:
        uint8 of shape (height, width).
    """
    height, width = foreground.strength.shape
    small = pool(foreground.strength, factor_of(foreground.strength, PAGE_SIDE))
    reach = round(_AROUND * max(small.shape)) | 1
    around = cv2.blur(cv2.dilate(small, np.ones((reach, reach), np.uint8)), (reach, reach))
    share = foreground.weak / foreground.level
    least = max(share * _FAINTEST * foreground.level, 5.0 * foreground.noise, 4.0)
    weak = np.minimum(np.maximum(share * around.astype(np.float32), least), foreground.weak)
    return np.asarray(cv2.resize(np.rint(weak).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR))


def _without_lines(mask: Gray, search: Search) -> Gray:
    """The mask without all lines across that a search finds; the mask itself if it finds none."""
    lines = find_lines(mask, search)
    if not lines:
        return mask
    writing, thicknesses = mask, [_thickness_of(mask, line.middle, search) for line in lines]
    are_of_digits = are_digits_in_a_row(LabeledMask(mask), lines, thicknesses)
    for line, thick, is_of_digits in zip(lines, thicknesses, are_of_digits, strict=True):
        if not is_of_digits:
            writing = _without_line(mask, writing, line.middle, thick, search)
    return writing


def _is_clear_of_ends(rest: Gray) -> bool:
    """Whether what is left without a line keeps away from both of its ends: a digit cropped to its box would not."""
    x, _, width, _ = cv2.boundingRect(rest)
    clear = _CLEAR * rest.shape[1]
    return bool(width) and x >= clear and x + width <= rest.shape[1] - clear


def _without_line(mask: Gray, writing: Gray, middle: Floats, thick: int, search: Search) -> Gray:
    """Takes a line off `writing`, and leaves the strokes that cross it.

    Args:
        mask: all ink; tells which strokes cross the line.
        writing: the ink that is left so far, of the same shape.
        middle: the row in which the line's middle lies in each column.
        thick: the line's thickness in pixels.
        search: by which the line was found.
    """
    factor = factor_of(mask, search.side)
    top, bottom = _rows_near(mask, middle, search)
    if top >= bottom:
        return writing
    mask = mask[top:bottom]
    rows = np.arange(top, bottom)[:, None] + 0.5
    # What reaches farther up and down than the line is a stroke that crosses it.
    strokes = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((thick + 2 + thick // 3, 1), np.uint8))
    band = np.abs(rows - middle) <= 0.5 * thick + factor + 1.0
    writing = writing.copy()
    writing[top:bottom][band & (strokes == 0)] = 0
    return writing


def _rows_near(mask: Gray, middle: Floats, search: Search) -> tuple[int, int]:
    """The first row of a mask that may belong to a line, and the one after the last."""
    near = 8 * factor_of(mask, search.side) + 16
    return max(0, int(middle.min()) - near), min(mask.shape[0], int(middle.max()) + near)


def _thickness_of(mask: Gray, middle: Floats, search: Search) -> int:
    """How thick a line is in most of its columns, in pixels; 1 at the least."""
    top, bottom = _rows_near(mask, middle, search)
    if top >= bottom:
        return 1
    rows = np.arange(top, bottom)[:, None] + 0.5
    # The line was found on a reduced copy, which bounds its exactness.
    near = np.abs(rows - middle) <= 2.0 * factor_of(mask, search.side) + 2.0
    inked = (mask[top:bottom] & near).sum(axis=0)
    return max(1, round(float(np.quantile(inked[inked > 0], search.typical)))) if inked.any() else 1
