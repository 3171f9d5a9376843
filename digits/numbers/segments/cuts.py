"""Finds cuts between digits that touch: many cuts, of which the decoding chooses later."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Gray

Floats = npt.NDArray[np.float32]

# Height of a digit while cuts are looked for, in pixels: enough for the shape of strokes.
_HEIGHT = 40
# A cut through more ink than this, in heights of a digit, goes along a stroke, not across.
_MAX_INK = 1.0
# Cuts with less ink between them than this, in squares of a digit's height, are the same cut.
_SAME = 0.016
# Nobody writes more digits in one stroke than so many cuts can part. In one that is wider, in heights of a digit, cuts
# are looked for less closely: time and memory would grow with its width.
_MOST = 60
# What a pixel without ink costs beside one with, and a step aside of what a pixel costs: cuts are nearly straight.
_WAY, _ASIDE = 0.2, 1.0
# Cuts are looked for through each place at these shares of the height.
_LEVELS = (0.15, 0.33, 0.5, 0.67, 0.85)


@dataclass(frozen=True)
class Cut:
    """A way from top to bottom through a stroke.

    Args:
        columns: float array of shape (height,): where in each row the cut runs, in pixels from the mask's left edge.
        ink: how much ink it goes through, in heights of a digit.
    """

    columns: Floats
    ink: float


def find_cuts(mask: Gray, height: float) -> list[Cut]:
    """Finds the ways through a stroke that cross the least ink, from left to right.

    A cut goes down row by row and a column aside at the most (dynamic programming, as seam carving does: Avidan and
    Shamir, SIGGRAPH 2007). Of the best ways through each place at some heights, those that go through little ink are
    cuts, if they part the ink otherwise than better ones do. Cuts may cross.

    Args:
        mask: uint8 of shape (height, width), 1 where the stroke is.
        height: of a digit, in pixels of the mask.
    """
    budget.check()
    # Of a digit, in pixels of the field where cuts are looked for.
    high = min(float(_HEIGHT), _HEIGHT * _MOST * height / mask.shape[1])
    scale = high / height
    size = (max(3, round(mask.shape[1] * scale)), max(3, round(mask.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    ink = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=method), dtype=np.float32)
    steps_above = _cheapest(ink + np.float32(_WAY))
    steps_below = _cheapest((ink + np.float32(_WAY))[::-1])[::-1]
    ways = np.concatenate(
        [
            np.concatenate([_follow(steps_above[: row + 1]), _follow(steps_below[row:][::-1])[:, ::-1][:, 1:]], axis=1)
            for row in sorted({round(level * (size[1] - 1)) for level in _LEVELS})
        ]
    )
    rows = np.arange(size[1])
    crossed = ink[rows, ways].sum(axis=1) / high
    # How much ink lies left of a way in each row.
    left = (np.cumsum(ink, axis=1) - 0.5 * ink)[rows, ways] / high**2
    total = float(ink.sum()) / high**2
    kept: list[int] = []
    for i in np.argsort(crossed, kind="stable").tolist():
        if crossed[i] > _MAX_INK or len(kept) >= _MOST:
            break
        part = float(left[i].sum())
        if min(part, total - part) < _SAME:
            continue
        if not kept or np.abs(left[kept] - left[i]).sum(axis=1).min() >= _SAME:
            kept.append(i)
    kept.sort(key=lambda i: float(left[i].sum()))
    places = (np.arange(mask.shape[0]) + 0.5) * size[1] / mask.shape[0] - 0.5
    return [
        Cut(
            np.asarray(np.interp(places, rows, (ways[i] + 0.5) * mask.shape[1] / size[0]), dtype=np.float32),
            float(crossed[i]),
        )
        for i in kept
    ]


def _cheapest(cost: Floats) -> npt.NDArray[np.int8]:
    """The step, -1, 0 or 1, that leads to each place on the cheapest way from the first row to it; of cost's shape."""
    height, width = cost.shape
    best = cost[0]
    steps = np.zeros(cost.shape, np.int8)
    padded = np.full(width + 2, np.inf, np.float32)
    for row in range(1, height):
        padded[1:-1] = best
        aside = np.float32(_ASIDE) * cost[row]
        options = np.stack([padded[:-2] + aside, padded[1:-1], padded[2:] + aside])
        steps[row] = options.argmin(axis=0) - 1
        best = options.min(axis=0) + cost[row]
    return steps


def _follow(steps: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """The columns of the cheapest way to each place of the last row, from the first row on; of shape (w, h)."""
    height, width = steps.shape
    ways = np.empty((width, height), np.int64)
    at = np.arange(width)
    for row in range(height - 1, -1, -1):
        ways[:, row] = at
        at = at + steps[row, at]
    return ways
