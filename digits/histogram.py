"""Order statistics of gray values, from a histogram of shape (256,): they take a tenth of the time of sorting.

For tiny pictures, sorting is faster.
"""

import math

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray

# int64 of shape (256,): how many pixels have each value.
Counts = npt.NDArray[np.int64]

_FALLING = np.arange(255, -1, -1)


def histogram(gray: Gray, mask: Gray | None = None) -> Counts:
    """Counts how many pixels, or how many of those in a mask, have each of the 256 values.

    Args:
        gray: uint8 of shape (height, width).
        mask: uint8 of the same shape, not 0 where pixels count; None if all do.
    """
    return np.asarray(cv2.calcHist([gray], [0], mask, [256], [0.0, 256.0]), dtype=np.int64).ravel()


def quantile(counts: Counts, share: float) -> int:
    """Returns the lowest value, 0..255, under or at which a share (0..1) of the pixels lies."""
    below = counts.cumsum()
    return int(below.searchsorted(share * below[-1]))


def find_quantile(gray: Gray, share: float) -> int:
    """Does what `quantile(histogram(gray), share)` does, for some 10,000 pixels in three fifths of the time.

    A histogram of a picture of which most pixels have one value is slow: each count waits for the one before it.
    """
    low, high, least = 0, 255, share * gray.size
    while low < high:
        middle = (low + high) // 2
        _, above = cv2.threshold(gray, middle, 1, cv2.THRESH_BINARY)
        if gray.size - cv2.countNonZero(above) >= least:
            high = middle
        else:
            low = middle + 1
    return low


def sort_values(gray: Gray) -> Gray:
    """Returns the values of a picture in rising order, uint8 of shape (height * width,)."""
    # Of 8 bits, the stable sort counts values, and takes a fourth of the time of the others.
    return np.sort(gray, axis=None, kind="stable")


def quantile_of_sorted(rising: Gray, share: float) -> int:
    """Does what `quantile` does, for values in rising order, uint8 of shape (n,), and a share above 0."""
    return int(rising[max(0, math.ceil(share * rising.size) - 1)])


def interpolated_quantile(counts: Counts, share: float) -> float:
    """Returns what `np.quantile` returns for the pixels: where a quantile lies between two values, one in between."""
    below = counts.cumsum()
    at = share * float(below[-1] - 1)
    low, high = np.searchsorted(below, (int(at), min(int(at) + 1, int(below[-1]) - 1)), side="right").tolist()
    return float(np.interp(at - int(at), (0.0, 1.0), (low, high)))


def mean_of_top(counts: Counts, top: int) -> float:
    """Returns the mean of the `top` largest values, 0..255; `top` is at least 1."""
    falling = counts[::-1]
    taken = np.minimum(np.maximum(top - (falling.cumsum() - falling), 0), falling)
    return float(taken @ _FALLING) / float(taken.sum())
