"""Finds which pixels speak for an answer, by occlusion.

The method changes one place of the 28x28 image at a time and classifies the image again. Where the answer becomes
weaker, the place spoke for the digit. Occlusion comes from Zeiler and Fergus, "Visualizing and Understanding
Convolutional Networks", ECCV 2014. They cover every place with one patch. On a digit, empty places matter as well: the
gap at the top of a 4 tells it from a 9. So the patch removes ink where there is ink, and adds ink where there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE

Classify = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float64]]

# In pixels. The patch is round with a soft edge, like the touch of a pen or an eraser: the network was never trained on
# square holes and would react to their corners.
_PATCH_RADIUS = 2.0
# How many images are classified at a time.
_BATCH = 196
# Probabilities are clipped to this distance from 0 and 1, so that their log-odds are finite.
_TINY = 1e-9


@dataclass(frozen=True)
class Explanation:
    """Which pixels speak for a digit.

    Args:
        digit: the digit, 0..9.
        evidence: float64 of shape (28, 28): by how many nats the log-odds of the digit fall when the place around each
            pixel is changed. A positive value speaks for the digit, a negative one against it.
    """

    digit: int
    evidence: npt.NDArray[np.float64]


def explain(image: npt.NDArray[np.uint8], digit: int, classify: Classify) -> Explanation:
    """Finds which pixels of an image speak for a digit.

    Args:
        image: the network's input, uint8 of shape (28, 28), white ink on black.
        digit: the digit to explain, 0..9.
        classify: returns probabilities of shape (n, 10) for images of shape (n, 28, 28).
    """
    patches = _patches()
    ink = image.astype(np.float64)
    # A place counts as ink from a quarter of full strength on.
    inked = np.tensordot(patches, ink, axes=2) / patches.sum(axis=(1, 2)) >= 255.0 * 0.25
    targets = np.where(inked, 0.0, 255.0)[:, None, None]
    changed = np.rint(ink + patches * (targets - ink)).astype(np.uint8)
    before = _log_odds(classify(image[np.newaxis]), digit)[0]
    after = np.concatenate(
        [_log_odds(classify(changed[i : i + _BATCH]), digit) for i in range(0, len(changed), _BATCH)]
    )
    return Explanation(digit, (before - after).reshape(SIDE, SIDE))


def _patches() -> npt.NDArray[np.float64]:
    """Returns weights of shape (784, 28, 28), 0..1: how much the patch centered on each pixel changes every pixel."""
    at = np.arange(SIDE, dtype=np.float64)
    rows, columns = np.meshgrid(at, at, indexing="ij")
    distance = np.hypot(
        rows.reshape(-1, 1, 1) - rows[np.newaxis],
        columns.reshape(-1, 1, 1) - columns[np.newaxis],
    )
    return np.clip(_PATCH_RADIUS + 0.5 - distance, 0.0, 1.0)


def _log_odds(probabilities: npt.NDArray[np.float64], digit: int) -> npt.NDArray[np.float64]:
    chosen = np.clip(probabilities[:, digit], _TINY, 1.0 - _TINY)
    return np.asarray(np.log(chosen) - np.log1p(-chosen), dtype=np.float64)
