"""The lines of ruled and squared paper, and the boxes of forms, off the page: the digits that they cross stay whole."""

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.vision.boxes import without_boxes
from digits.vision.foreground import Foreground, Gray

# Ink is compared with the strongest around it, as far as this share of the page, if that is not fainter than this share
# of the strongest of all.
_AROUND, _FAINTEST = 0.04, 0.35
# Lines are looked for on a copy of so many pixels on the longer side, which leaves them a pixel or two thick.
_SIDE = 400
# A line is a chain of runs of this share of the page's width or height, so that it may rise, fall and bend a little.
_RUN = 0.08
# Rules across reach over this share of the page, and lines down, which a 1 may look like, from edge to edge.
_ACROSS, _DOWN = 0.5, 0.9
# What lies on a line may hide this share of it in one place; bars of digits in a row cover less of it than this.
_GAP, _COVERED = 0.4, 0.9
# A rule is thinner than this share of the page's longer side.
_THICKEST = 0.02


def writing_mask(found: Foreground) -> Gray:
    """The mask of all ink, weak ink too, without the lines of the paper and the boxes on it.

    Returns:
        uint8 array of shape (height, width), 1 where ink is.
    """
    mask = without_boxes((found.strength >= _weak_around(found)).astype(np.uint8))
    writing = _without_lines(mask, across=True)
    if writing is mask:
        return mask
    # Lines down belong to squares, whose lines across have been found.
    writing = _without_lines(writing, across=False)
    # What is fainter than a line runs along both of its sides.
    faint = found.strength < found.weak
    writing[(cv2.dilate(mask - writing, np.ones((7, 7), np.uint8)) > 0) & faint] = 0
    return writing


def _weak_around(found: Foreground) -> Gray:
    """The least strength of ink that goes on with a stroke: on one page there may be several pens.

    Returns:
        uint8 array of shape (height, width).
    """
    height, width = found.strength.shape
    small = _pool(found.strength, max(1, -(-max(height, width) // _SIDE)))
    reach = round(_AROUND * max(small.shape)) | 1
    around = cv2.blur(cv2.dilate(small, np.ones((reach, reach), np.uint8)), (reach, reach))
    share = found.weak / found.level
    least = max(share * _FAINTEST * found.level, 5.0 * found.noise, 4.0)
    weak = np.minimum(np.maximum(share * around.astype(np.float32), least), found.weak)
    return np.asarray(cv2.resize(np.rint(weak).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR))


def _without_lines(mask: Gray, *, across: bool) -> Gray:
    budget.check()
    turned = mask if across else np.ascontiguousarray(mask.T)
    factor = max(1, -(-max(mask.shape) // _SIDE))
    small = _pool(turned, factor)
    reach = max(8, round(_RUN * small.shape[1]))
    thick = cv2.dilate(small, np.ones((3, 1), np.uint8))
    runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, reach), np.uint8))
    # Without the strokes that it meets, which may join it to another, a line is in pieces, in the same rows.
    strokes = cv2.morphologyEx(runs, cv2.MORPH_OPEN, np.ones((round(_THICKEST * _SIDE), 1), np.uint8))
    # At the least one, on a page as narrow as a strip: what is empty makes OpenCV crash.
    gap = max(1, round(_GAP * small.shape[1]))
    lines = cv2.copyMakeBorder(cv2.subtract(runs, strokes), 0, 0, gap, gap, cv2.BORDER_CONSTANT, value=0)
    lines = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))[:, gap:-gap]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(lines, dtype=np.uint8), connectivity=8)
    left = turned
    least = (_ACROSS if across else _DOWN) * small.shape[1]
    for label in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= least).tolist():
        x, y, length, high, _ = stats[label].tolist()
        line = labels[y : y + high, x : x + length] == label
        covered = (line & (runs[y : y + high, x : x + length] > 0)).any(axis=0).mean()
        if label and covered >= _COVERED and (way := _way(line)) is not None:
            places = (np.arange(turned.shape[1]) + 0.5) / factor - 0.5 - x
            middle = (np.polyval(way, places) + y + 0.5) * factor
            left = _without_line(turned, left, middle, factor)
    if left is turned:
        return mask
    return left if across else np.ascontiguousarray(left.T)


def _way(line: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
    """The way of a line from left to right, as a polynomial's coefficients; None if it is no thin line."""
    depth = line.sum(axis=0)
    typical = float(np.median(depth))
    thin = np.flatnonzero(depth <= typical + 1.0)
    # By two pixels it was thickened.
    if typical - 2.0 > _THICKEST * _SIDE or thin.size < 0.4 * depth.size:
        return None
    middle = (line * np.arange(line.shape[0])[:, None]).sum(axis=0)[thin] / depth[thin]
    way = np.asarray(np.polyfit(thin, middle, 2), dtype=np.float64)
    return way if np.median(np.abs(np.polyval(way, thin) - middle)) <= 1.0 else None


def _without_line(mask: Gray, left: Gray, middle: npt.NDArray[np.float64], factor: int) -> Gray:
    """`left` without a line; `mask` is what is looked at, `middle` the line's row in each column."""
    # All that is looked at lies so near to the line; the rest of the page stays as it is.
    near = 8 * factor + 16
    top, bottom = max(0, int(middle.min()) - near), min(mask.shape[0], int(middle.max()) + near)
    if top >= bottom:
        return left
    mask = mask[top:bottom]
    rows = np.arange(top, bottom)[:, None] + 0.5
    inked = (mask & (np.abs(rows - middle) <= 2.0 * factor + 2.0)).sum(axis=0)
    typical = max(1, round(float(np.median(inked[inked > 0])))) if inked.any() else 1
    # What reaches farther up and down than the line is a stroke that crosses it.
    strokes = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((typical + 2 + typical // 3, 1), np.uint8))
    band = np.abs(rows - middle) <= 0.5 * typical + factor + 1.0
    left = left.copy()
    left[top:bottom][band & (strokes == 0)] = 0
    return left


def _pool(mask: Gray, factor: int) -> Gray:
    """The mask reduced by a whole number; a pixel is set where any of its own is."""
    height, width = mask.shape
    padded = np.pad(mask, ((0, -height % factor), (0, -width % factor)))
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
    return np.asarray(blocks.max(axis=(1, 3)), dtype=np.uint8)
