"""Connected components, gaps and growth of masks, in a part of the time that OpenCV takes for them by default."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray

Labels = npt.NDArray[np.int32] | npt.NDArray[np.uint16]

# OpenCV is faster with narrower ellipses, and with lines that are no longer than this.
_WIDE_ELLIPSE, _LONG_LINE = 15, 100
# OpenCV's statistics of labels of 16 bits take a third of the time that those of 32 bits take. It counts no more
# components with them, and fails at the next one.
_MOST_SHORT_LABELS = 65_534


@dataclass(frozen=True)
class LabeledMask:
    """A mask whose components are labeled once, when they are first asked for, however many ask.

    Args:
        mask: uint8 of shape (height, width), 1 where ink is, else 0; it must not change.
    """

    mask: Gray

    @cached_property
    def components(self) -> tuple[Labels, npt.NDArray[np.int32]]:
        """What `label_components` gives for the mask: labels of its shape, and boxes of shape (labels, 5)."""
        return label_components(self.mask)


def label_components(mask: Gray, connectivity: Literal[4, 8] = 8) -> tuple[Labels, npt.NDArray[np.int32]]:
    """Labels the connected components of a mask.

    Args:
        mask: uint8 of shape (height, width), 1 where components are, else 0.
        connectivity: whether pixels that touch at a corner alone are connected (8) or not (4).

    Returns:
        The label of each pixel, of the mask's shape, 0 on the ground; and left, top, width, height and area of each
        label in pixels, of shape (labels, 5), in the order of OpenCV's CC_STAT constants.
    """
    if mask.size <= 2 * _MOST_SHORT_LABELS or _count_runs(mask) <= _MOST_SHORT_LABELS:
        _, short, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity, ltype=cv2.CV_16U)
        return np.asarray(short, dtype=np.uint16), np.asarray(stats, dtype=np.int32)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    return np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def has_more_components(mask: Gray, most: int) -> bool:
    """Returns whether a mask has more components than a number, without taking memory for each of them.

    Args:
        mask: uint8 of shape (height, width), 1 where components are, else 0.
        most: the number.
    """
    return _count_runs(mask) > most and cv2.connectedComponents(mask)[0] - 1 > most


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
    inked = np.flatnonzero(mask.max(axis=1))
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


def keep_long_runs(mask: Gray, across: int, down: int) -> Gray:
    """Keeps what a straight line fits into, and nothing else: an opening whose cost does not grow with its length.

    Beyond the border everything counts as inked, as for OpenCV's openings, whose result is the same.

    Args:
        mask: uint8 of shape (height, width), 0 or 1.
        across: the line's width in pixels.
        down: its height in pixels; one of the two is 1.
    """
    if max(across, down) <= _LONG_LINE:
        return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((down, across), np.uint8)), dtype=np.uint8)
    # Running counts: of pixels without ink under the line, and of the places around each pixel where it fits.
    gaps = _count_around(1 - mask, across, down)
    fits = (gaps == 0).view(np.uint8)
    return (_count_around(fits, across, down) > 0).view(np.uint8)


def _count_around(mask: Gray, across: int, down: int) -> npt.NDArray[np.uint16]:
    # The count is at most the line's length: an image has fewer pixels on a side than 16 bits count.
    counts = cv2.boxFilter(mask, cv2.CV_16U, (across, down), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(counts, dtype=np.uint16)


def dilate_by_ellipse(gray: Gray, window: int) -> Gray:
    """Gives each pixel the largest value within an ellipse around it.

    OpenCV compares all pixels of an ellipse, whose number grows with the square of its width. This compares rows of
    rising lengths, each of which is made of the one before: of 47 pixels, it takes an eighth of the time.

    Args:
        gray: uint8 of shape (height, width).
        window: the ellipse's width and height in pixels, odd.
    """
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window))
    if window < _WIDE_ELLIPSE:
        return np.asarray(cv2.dilate(gray, ellipse), dtype=np.uint8)
    height, width = gray.shape
    radius, reach = window // 2, 0
    rows = cv2.copyMakeBorder(gray, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
    largest = np.zeros_like(gray)
    for up, length in enumerate(ellipse[: radius + 1].sum(axis=1).tolist()):
        # Each pixel of `rows` is the largest of those from `reach` to its left to `reach` to its right.
        while reach < length // 2:
            step = min(length // 2 - reach, 2 * reach + 1)
            wider = cv2.max(rows[:, : -2 * step], rows[:, 2 * step :])
            rows = cv2.max(wider, rows[:, step:-step]) if step > reach else wider
            reach += step
        row = rows[:, radius - reach : radius - reach + width]
        for top in {up, window - 1 - up}:
            cv2.max(largest, row[top : top + height], dst=largest)
    return largest
