"""Connected components and gaps of masks, in a third of the time that OpenCV takes for them by default."""

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray

Labels = npt.NDArray[np.int32] | npt.NDArray[np.uint16]

# OpenCV's statistics of labels of 16 bits take a third of the time that those of 32 bits take.
_MOST_SHORT_LABELS = 65_535


def label_components(mask: Gray, connectivity: Literal[4, 8] = 8) -> tuple[Labels, npt.NDArray[np.int32]]:
    """Labels the connected components of a mask.

    Args:
        mask: uint8 of shape (height, width), 1 where components are, else 0.
        connectivity: whether pixels that touch at a corner alone are connected (8) or not (4).

    Returns:
        The label of each pixel, of the mask's shape, 0 on the ground; and left, top, width, height and area of each
        label in pixels, of shape (labels, 5), in the order of OpenCV's CC_STAT constants.
    """
    if mask.size < 2 * _MOST_SHORT_LABELS or _count_runs(mask) < _MOST_SHORT_LABELS:
        _, short, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity, ltype=cv2.CV_16U)
        return np.asarray(short, dtype=np.uint16), np.asarray(stats, dtype=np.int32)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    return np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def _count_runs(mask: Gray) -> int:
    """The number of runs of 1 in the rows of a mask: no fewer than labels, since each label begins with a run."""
    starts = cv2.subtract(mask[:, 1:], mask[:, :-1])
    return cv2.countNonZero(starts) + cv2.countNonZero(np.ascontiguousarray(mask[:, 0]))


def fill_gaps(mask: Gray, gap: int) -> Gray:
    """Fills gaps of less than a number of pixels in the rows of a mask: a closing whose cost does not grow with them.

    Args:
        mask: uint8 of shape (height, width), 0 or 1.
        gap: in pixels.
    """
    inked = np.flatnonzero(cv2.reduce(mask, 1, cv2.REDUCE_MAX))
    rows = mask[inked]
    at = np.flatnonzero(rows)
    steps, row = np.diff(at), at // mask.shape[1]
    is_gap = (steps > 1) & (steps <= gap) & (row[1:] == row[:-1])
    # The sum of these is 1 in the gaps, and 0 elsewhere.
    change = np.zeros(rows.size, np.int8)
    change[at[:-1][is_gap] + 1] = 1
    change[at[1:][is_gap]] -= 1
    filled = mask.copy()
    filled[inked] |= np.cumsum(change, dtype=np.int8).view(np.uint8).reshape(rows.shape)
    return filled
