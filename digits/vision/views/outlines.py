"""Fills in digits that are drawn as outlines: hollow letters, edge images."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray
from digits.vision.views.copy import Copy
from digits.vision.views.forms import STRONG

# What is said of a constant was measured on bad pictures of five kinds that the first view leaves in doubt, 97 digits
# and 382 other things: with this view 62 digits are accepted, without it 37, none wrongly, and 8 other things.
# The ink is seen with so many pixels on its longer side: with 48, 57 are accepted; with 144, 65.
# Gaps of this many pixels in an outline are closed: with 9, 57 are accepted; with 3, 63, but pens leave gaps.
_SIDE, _GAP = 96, 5
# A crowd of outlines takes time and is no digit: with 6, or without a bound, the same digits are read.
_MOST_OUTLINES = 24
# What outlines enclose is at least this share of what they cover themselves. This saves a look at what is filled in
# hardly anywhere: with 0, 65 are accepted; with 0.5, 61.
_LEAST_FILLED = 0.15


def filled_outlines(copy: Copy) -> Gray | None:
    """The ink with what its outlines enclose.

    Around a stroke that is drawn as an outline, ink encloses the ground; around a loop of such a digit, ink encloses
    ground, in which ink encloses ground again, and that stays empty.

    Returns:
        uint8 of shape (height, width), cut to the ink with a margin; None if the ink encloses nothing.
    """
    seen = copy.against_border
    if seen is None:
        return None
    x, y, width, height = cv2.boundingRect((seen > STRONG).astype(np.uint8))
    if not width:
        return None
    scale = _SIDE / max(width, height)
    size = max(1, round(scale * width)), max(1, round(scale * height))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    ink = np.pad(cv2.resize(seen[y : y + height, x : x + width], size, interpolation=method), 2 * _GAP)
    closed = np.asarray(
        cv2.morphologyEx(ink, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_GAP, _GAP)))
    )
    is_strong = (closed > STRONG).astype(np.uint8)
    outlines, tree = cv2.findContours(is_strong, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    if not 1 < len(outlines) <= _MOST_OUTLINES:
        return None
    depths = _depths(np.asarray(tree, dtype=np.int32)[0, :, 3])
    inside = np.zeros_like(closed)
    # Borders between ink and ground lie in each other: 0 is that around all ink, 1 that of ground inside, and so on.
    for depth, value in ((1, 255), (3, 0)):
        borders = [outline for outline, its_depth in zip(outlines, depths, strict=True) if its_depth == depth]
        cv2.drawContours(inside, borders, -1, value, cv2.FILLED)
    filled = np.maximum(closed, inside)
    added = np.count_nonzero(filled > STRONG) - np.count_nonzero(is_strong)
    return filled if added >= _LEAST_FILLED * np.count_nonzero(is_strong) else None


def _depths(parents: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Returns in how many others each border lies, of the number of the one around it; -1 if there is none."""
    depths = np.zeros(len(parents), np.int64)
    around = parents.copy()
    while (is_inside := around >= 0).any():
        depths += is_inside
        around = np.where(is_inside, parents[around], -1)
    return depths
