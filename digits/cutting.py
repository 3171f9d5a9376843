"""Where digits that touch may be cut apart: many cuts, of which a network chooses later."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.ink import Gray

# Height of a digit while cuts are looked for, in pixels: enough for the shape of strokes.
_HEIGHT = 40
# A cut through more ink than this, in heights of a digit, goes along a stroke, not across.
_MAX_INK = 1.2
# Cuts nearer than this, in heights of a digit, are the same cut; what is cut off is at least as wide.
_APART = 0.07
# Nobody writes more digits in one stroke than this can part.
_MOST = 60
# What a pixel without ink costs beside one with, and a step aside of what a pixel costs: cuts are nearly straight.
_WAY, _ASIDE = 0.3, 0.4


@dataclass(frozen=True)
class Cut:
    """A way from top to bottom through a stroke.

    Args:
        columns: int array of shape (height,): in each row, the first column right of the cut.
        ink: how much ink it goes through, in heights of a digit.
    """

    columns: npt.NDArray[np.int64]
    ink: float


def find_cuts(mask: Gray, height: float) -> list[Cut]:
    """The ways through a stroke that cross the least ink, from left to right.

    A cut goes down row by row and a column aside at the most (dynamic programming, as seam carving does: Avidan and
    Shamir, SIGGRAPH 2007). For each place at half the height, the best way through it is found; those that are better
    than the ways beside them are cuts.

    Args:
        mask: uint8 of shape (height, width), 1 where the stroke is.
        height: of a digit, in pixels of the mask.
    """
    scale = _HEIGHT / height
    size = (max(3, round(mask.shape[1] * scale)), max(3, round(mask.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    cost = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=method), dtype=np.float32) + _WAY
    middle = size[1] // 2
    above, steps_above = _cheapest(cost[: middle + 1])
    below, steps_below = _cheapest(cost[middle:][::-1])
    through = above + below - cost[middle]
    found = []
    for x in _low_places(through, round(_APART * _HEIGHT), _MOST):
        way = np.concatenate([_follow(steps_above, x), _follow(steps_below, x)[::-1][1:]])
        ink = float((cost[np.arange(size[1]), way] - _WAY).sum()) / _HEIGHT
        if ink <= _MAX_INK:
            found.append((way, ink))
    rows = (np.arange(mask.shape[0]) + 0.5) * size[1] / mask.shape[0] - 0.5
    cuts: list[Cut] = []
    for way, ink in found:
        columns = np.rint(np.interp(rows, np.arange(size[1]), way + 0.5) * mask.shape[1] / size[0]).astype(np.int64)
        # Ways may meet, and never cross.
        cuts.append(Cut(np.maximum(columns, cuts[-1].columns) if cuts else columns, ink))
    return cuts


def _cheapest(cost: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
    """The cost of the cheapest way from the first row to each place of the last, and the steps that lead there."""
    width = cost.shape[1]
    best = cost[0].copy()
    steps = np.zeros(cost.shape, np.int8)
    padded = np.full(width + 2, np.inf, np.float32)
    for row in range(1, len(cost)):
        padded[1:-1] = best
        options = np.stack([padded[:-2] + _ASIDE * cost[row], padded[1:-1], padded[2:] + _ASIDE * cost[row]])
        chosen = options.argmin(axis=0)
        steps[row] = chosen - 1
        best = options[chosen, np.arange(width)] + cost[row]
    return best, steps


def _follow(steps: npt.NDArray[np.int8], x: int) -> npt.NDArray[np.int64]:
    """The columns of the cheapest way to place `x` of the last row."""
    way = np.empty(len(steps), np.int64)
    for row in range(len(steps) - 1, -1, -1):
        way[row] = x
        x += int(steps[row, x])
    return way


def _low_places(through: npt.NDArray[np.float32], apart: int, most: int) -> list[int]:
    """The lowest places of a profile, so far apart from each other and from the ends, in order."""
    free = np.ones(len(through), dtype=np.bool_)
    free[: apart + 1] = free[-apart - 1 :] = False
    places: list[int] = []
    for x in np.argsort(through, kind="stable").tolist():
        if free[x] and len(places) < most:
            places.append(x)
            free[max(0, x - apart) : x + apart + 1] = False
    return sorted(places)
