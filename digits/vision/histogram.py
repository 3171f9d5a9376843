"""Order statistics of gray values from a histogram, which take a tenth of the time of sorting."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray

# How many pixels have each of the 256 values.
Counts = npt.NDArray[np.int64]


def histogram(gray: Gray) -> Counts:
    """Counts how many pixels have each of the 256 values."""
    return np.asarray(cv2.calcHist([gray], [0], None, [256], [0.0, 256.0]), dtype=np.int64).ravel()


def quantile(counts: Counts, share: float) -> int:
    """The value under or at which a share of the pixels lies."""
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum()))


def mean_of_top(counts: Counts, top: int) -> float:
    """The mean of the `top` largest values."""
    falling = counts[::-1]
    taken = np.clip(top - (np.cumsum(falling) - falling), 0, falling)
    return float(taken @ np.arange(255, -1, -1)) / float(taken.sum())
