"""Why this digit: which pixels spoke for the answer.

A place of the 28x28 image is changed, and the network asked again: where its answer becomes weaker, what was there
spoke for the digit. It is occlusion (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks",
ECCV 2014) with two kinds of patches, since on a digit the empty places matter as well: the gap at its top makes a 4
no 9. Ink is taken away where there is ink, and put where there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.vision.normalize import SIDE

Classify = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float64]]

# The patch is round and has a soft edge, so that it looks like a pen's or an eraser's touch: a network that never
# saw square holes would answer to their corners. In pixels.
_PATCH_RADIUS = 2.0
# Images that go through the network at a time.
_BATCH = 196
# Probabilities are kept this far from 0 and 1 before odds are taken.
_TINY = 1e-9


@dataclass(frozen=True)
class Explanation:
    """Which pixels spoke for a digit.

    Args:
        digit: that it is about, 0..9.
        evidence: float64 of shape (28, 28): how much the log-odds of the digit fall, in nats, when the place around a
            pixel is changed. Positive where what is there speaks for the digit, negative where it speaks against it.
    """

    digit: int
    evidence: npt.NDArray[np.float64]

    @property
    def relative(self) -> npt.NDArray[np.float64]:
        """The evidence as a share of its largest value, -1..1; zeros if there is none."""
        largest = float(np.abs(self.evidence).max())
        return self.evidence / largest if largest > 0.0 else np.zeros_like(self.evidence)


def explain(image: npt.NDArray[np.uint8], digit: int, classify: Classify) -> Explanation:
    """Finds which pixels spoke for a digit.

    Args:
        image: uint8 of shape (28, 28), white ink on black, as the network saw it.
        digit: for which evidence is sought, 0..9.
        classify: gives probabilities of shape (n, 10) for images of shape (n, 28, 28).
    """
    patches = _patches()
    ink = image.astype(np.float64)
    # Where the place around a pixel holds ink, it is taken away; elsewhere ink is put there.
    inked = np.tensordot(patches, ink, axes=2) / patches.sum(axis=(1, 2)) >= 255.0 * 0.25
    targets = np.where(inked, 0.0, 255.0)[:, None, None]
    changed = np.rint(ink + patches * (targets - ink)).astype(np.uint8)
    before = _log_odds(classify(image[np.newaxis]), digit)[0]
    after = np.concatenate(
        [_log_odds(classify(changed[i : i + _BATCH]), digit) for i in range(0, len(changed), _BATCH)]
    )
    return Explanation(digit, (before - after).reshape(SIDE, SIDE))


def _patches() -> npt.NDArray[np.float64]:
    """How much each patch changes each pixel, 0..1: of shape (784, 28, 28), one centered on each pixel."""
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
