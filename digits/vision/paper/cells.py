"""The cell of a form in which a digit stands: what is around the cell goes, and so do its lines."""

import cv2
import numpy as np

from digits.arrays import Gray
from digits.vision.masks import has_more_components, label_components

# A cell is at least so many pixels wide and high, and that share of the picture's longer side.
_LEAST, _LEAST_SHARE = 16, 0.1
# Its lines are straight: so much of the smallest rectangle around what they enclose is enclosed. Of the inside of a
# round 0 it is 0.79.
_STRAIGHT = 0.93
# What is written in it is so high, as a share of the cell's height, and covers no more of it than that.
_WRITTEN, _MOST_INK = 0.25, 0.6
# Of more enclosed places, only the largest are looked at.
_MOST = 12


def alone_in_its_cell(mask: Gray) -> Gray:
    """Leaves only what is written in a cell of a form, if there is one cell in which something is written.

    The lines of the cell are closed, and the writing does not touch them.

    Args:
        mask: uint8 of shape (height, width), 1 where ink is, else 0.

    Returns:
        The mask of the writing; `mask` itself if nothing stands in a cell, or if something does in several.
    """
    # The lines and the writing are two strokes at least. Most pictures show one, and to label places takes longer.
    if not has_more_components(mask, 1):
        return mask
    # Ink that touches at a corner alone encloses.
    places, stats = label_components(1 - mask, connectivity=4)
    height, width = mask.shape
    left, top, wide, high, _ = np.asarray(stats, dtype=np.int64).T
    least = max(_LEAST, _LEAST_SHARE * max(height, width))
    possible = (
        (np.minimum(wide, high) >= least) & (left > 0) & (top > 0) & (left + wide < width) & (top + high < height)
    )
    possible[0] = False
    found = np.flatnonzero(possible)
    written: list[Gray] = []
    for i in found[np.argsort(-(wide * high)[found], kind="stable")[:_MOST]].tolist():
        where = slice(top[i], top[i] + high[i]), slice(left[i], left[i] + wide[i])
        writing = _writing_in((places[where] == i).astype(np.uint8), mask[where])
        if writing is not None:
            alone = np.zeros_like(mask)
            alone[where] = writing
            written.append(alone)
    return written[0] if len(written) == 1 else mask


def _writing_in(place: Gray, mask: Gray) -> Gray | None:
    """What is written in an enclosed place; None if its sides are not straight, or if nothing is."""
    outlines, _ = cv2.findContours(place, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(outlines, key=cv2.contourArea)
    around = float(np.prod(cv2.minAreaRect(outline)[1]))
    if cv2.contourArea(outline) < _STRAIGHT * around:
        return None
    inside = np.asarray(cv2.drawContours(np.zeros_like(place), [outline], -1, 1, cv2.FILLED), dtype=np.uint8)
    writing = np.asarray(cv2.bitwise_and(mask, inside), dtype=np.uint8)
    _, stats = label_components(writing)
    highest = int(stats[1:, cv2.CC_STAT_HEIGHT].max(initial=0))
    is_written = highest >= _WRITTEN * len(place) and cv2.countNonZero(writing) <= _MOST_INK * inside.sum()
    return writing if is_written else None
