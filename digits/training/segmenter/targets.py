"""Labels the candidates of a written number for training: whoever wrote it knows whose ink each pixel is."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.numbers.segments.lattice import Candidate, Chain
from digits.numbers.segments.windows import Floats, ReducedLine, reduce_field
from digits.numbers.window_network import NOTHING_WHOLE, SIGN
from digits.vision.foreground import Foreground

# How far blur spreads ink around that of its owner, in pixels.
_SPREAD = 3
# From `WHOLE` on, the ink that a candidate shares with a digit (intersection over union) makes it that digit; below
# `NOT_WHOLE` it is nothing whole. What lies between is too close to call: its class is `UNCLEAR`.
WHOLE, NOT_WHOLE = 0.84, 0.7
UNCLEAR = -1


@dataclass(frozen=True)
class SegmentTargets:
    """How much ink candidates share with what was written.

    Args:
        overlaps: intersection over union of each candidate's ink with that of each digit and sign, float64 of shape
            (n, m), in reading order.
        labels: the digits, and None for signs; of length m.
    """

    overlaps: npt.NDArray[np.float64]
    labels: tuple[int | None, ...]

    def classes(self) -> npt.NDArray[np.int64]:
        """The class of each candidate: a digit, `SIGN`, `NOTHING_WHOLE` or `UNCLEAR`; of shape (n,)."""
        if not self.labels:
            return np.full(len(self.overlaps), NOTHING_WHOLE)
        nearest = self.overlaps.argmax(axis=1)
        most = self.overlaps.max(axis=1)
        classes = np.array([SIGN if label is None else label for label in self.labels])[nearest]
        return np.where(most >= WHOLE, classes, np.where(most < NOT_WHOLE, NOTHING_WHOLE, UNCLEAR))


def owners_of_ink(owners: npt.NDArray[np.int16], foreground: Foreground) -> npt.NDArray[np.int16]:
    """Extends the owners of a written number to the soft edges of the ink.

    Args:
        owners: index of the digit or sign that has the ink of each pixel, of shape (height, width); -1 for none.
        foreground: of the picture of the number.

    Returns:
        The same with the foreground's margin around it.
    """
    size = 2 * _SPREAD + 1
    spread = cv2.dilate((owners + 1).astype(np.uint16), np.ones((size, size), np.uint8)).astype(np.int16) - 1
    return np.pad(np.where(owners >= 0, owners, spread), foreground.margin, constant_values=-1).astype(np.int16)


def targets_of(
    line: ReducedLine, candidates: list[Candidate], owners: npt.NDArray[np.int16], labels: tuple[int | None, ...]
) -> SegmentTargets:
    """Compares the candidates of a line with what was written.

    Args:
        line: of the candidates.
        candidates: of the line.
        owners: as `owners_of_ink` gives them.
        labels: of each owner.

    Returns:
        The targets for the digits and signs that the line has any ink of.
    """
    present = _present(line.chain, owners)
    sizes = line.amounts([stroke.ink[np.newaxis] for stroke in line.strokes], candidates)[0]
    inks: list[Floats] = []
    for (rows, columns), mask, stroke in zip(line.chain.where, line.chain.masks, line.strokes, strict=True):
        here = np.where(mask > 0, owners[rows, columns], -1)
        owners_here = set(np.unique(here).tolist())
        ink = np.zeros((len(present), *stroke.ink.shape), np.float32)
        for j, owner in enumerate(present):
            if owner in owners_here:
                ink[j] = reduce_field((here == owner).astype(np.float32), rows.start, columns.start, line.scale).ink
        inks.append(ink)
    if not present:
        return SegmentTargets(np.zeros((len(candidates), 0)), ())
    totals = np.sum([ink.sum(axis=(1, 2)) for ink in inks], axis=0)
    shared = line.amounts(inks, candidates).T
    overlaps = shared / np.maximum(sizes[:, np.newaxis] + totals - shared, 1e-6)
    return SegmentTargets(overlaps, tuple(labels[owner] for owner in present))


def _present(chain: Chain, owners: npt.NDArray[np.int16]) -> list[int]:
    owners_present: set[int] = set()
    for (rows, columns), mask in zip(chain.where, chain.masks, strict=True):
        owners_present.update(np.unique(owners[rows, columns][mask > 0]).tolist())
    return sorted(owners_present - {-1})
