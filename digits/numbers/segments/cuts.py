"""Finds cuts between digits that touch: many cuts, of which the decoding chooses later."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Gray
from digits.vision.masks import label_components

Floats = npt.NDArray[np.float32]

# Height of a digit while cuts are looked for, in pixels: enough for the shape of strokes.
_HEIGHT = 40
# A cut through more ink than this, in heights of a digit, goes along a stroke, not across.
_MAX_INK = 1.0
# Cuts with less ink between them than this, in squares of a digit's height, are the same cut.
# Cuts along the middle of wide ink part it otherwise than others by more than the second.
_SAME, _SAME_BETWEEN = 0.016, 0.035
# Nobody writes more digits in one stroke than so many cuts can part. In one that is wider, in heights of a digit, cuts
# are looked for less closely: time and memory would grow with its width.
_MOST = 60
# Work of looking for the cuts of a stroke, in pixels of crops, as `digits.budget.spend` counts it; and for each pixel
# of the field where they are looked for.
_WORK, _WORK_OF_PIXEL = 10_000, 10
# What is so thick that a circle of this radius, in heights of a digit, fits into it is no stroke of a pen, but a stamp
# or a blot; the boldest pens write strokes half as thick.
_SOLID = 0.3
# What a pixel without ink costs beside one with, and a step aside of what a pixel costs: cuts are nearly straight,
# but for those along slanted strokes.
_WAY, _ASIDE, _ASIDE_BETWEEN = 0.2, 1.0, 0.5
# At least this share of the ink is of single strokes, half as thick as this at the most, in heights of a digit. What is
# so many times as thick may be two strokes; they run beside one another over so many heights of a digit.
# In what is higher than this, there are no digits to part.
_SINGLE, _BOLD, _THICK, _LONG_SEAM, _TALLEST = 0.3, 0.08, 1.2, 0.25, 1.7
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
    cuts, if they part the ink otherwise than better ones do. Where ink is as wide as two strokes, cuts go along its
    middle, too. Cuts may cross. A solid blot has none.

    Args:
        mask: uint8 of shape (height, width), 1 where the stroke is.
        height: of a digit, in pixels of the mask.
    """
    # Of a digit, in pixels of the field where cuts are looked for.
    high = min(float(_HEIGHT), _HEIGHT * _MOST * height / mask.shape[1])
    scale = high / height
    size = (max(3, round(mask.shape[1] * scale)), max(3, round(mask.shape[0] * scale)))
    budget.spend(_WORK + _WORK_OF_PIXEL * size[0] * size[1])
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    ink = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=method), dtype=np.float32)
    if is_solid((ink >= 0.5).astype(np.uint8), high):
        return []
    levels = sorted({round(level * (size[1] - 1)) for level in _LEVELS})
    ways = _ways_through(ink + np.float32(_WAY), levels, _ASIDE)
    usual = len(ways)
    seam = _seams(ink, high) if size[1] <= _TALLEST * high else None
    if seam is not None:
        budget.spend(_WORK_OF_PIXEL * ink.size)
        between = np.where(seam, np.float32(0.0), ink) + np.float32(_WAY)
        ways = np.concatenate([ways, _ways_through(between, levels, _ASIDE_BETWEEN)])
    rows = np.arange(size[1])
    crossed = ink[rows, ways].sum(axis=1) / high
    # How much ink lies left of a way in each row, and in all of them.
    left = (np.cumsum(ink, axis=1) - 0.5 * ink)[rows, ways] / high**2
    parts, total = left.sum(axis=1), float(ink.sum()) / high**2
    may_be_cut = (crossed <= _MAX_INK) & (np.minimum(parts, total - parts) >= _SAME)
    kept: list[int] = []
    # Those along the middle of wide ink come last.
    for i in np.lexsort((crossed, np.arange(len(ways)) >= usual)).tolist():
        if len(kept) >= _MOST:
            break
        same = _SAME if i < usual else _SAME_BETWEEN
        if may_be_cut[i] and (i < usual or np.abs(left[kept] - left[i]).sum(axis=1).min(initial=1.0) >= same):
            kept.append(i)
            # Whatever parts the ink alike is worse.
            may_be_cut &= np.abs(left - left[i]).sum(axis=1) >= same
    kept.sort(key=lambda i: float(left[i].sum()))
    places = (np.arange(mask.shape[0]) + 0.5) * size[1] / mask.shape[0] - 0.5
    return [
        Cut(
            np.asarray(np.interp(places, rows, (ways[i] + 0.5) * mask.shape[1] / size[0]), dtype=np.float32),
            float(crossed[i]),
        )
        for i in kept
    ]


def _seams(ink: Floats, height: float) -> npt.NDArray[np.bool_] | None:
    """The middles of what is as wide as two strokes beside one another; None if hardly any ink is.

    Where digits touch all along a stroke, the cheapest way leaves the ink at once, and never comes between both.
    """
    inked = (ink >= 0.5).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(inked, cv2.DIST_L2, 3))
    square = np.ones((3, 3), np.uint8)
    ridge = (depth >= np.asarray(cv2.dilate(depth, square)) - 0.5) & (inked > 0)
    if not ridge.any():
        return None
    usual = min(float(np.quantile(depth[ridge], _SINGLE)), _BOLD * height)
    labels, stats = label_components((ridge & (depth >= _THICK * usual)).astype(np.uint8), connectivity=8)
    high, wide = stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_WIDTH]
    is_long = (high >= _LONG_SEAM * height) & (high >= wide)
    # The ground is no seam.
    is_long[0] = False
    return is_long[labels] if is_long.any() else None


def is_solid(mask: Gray, height: float) -> bool:
    """Whether a stroke is too thick for a pen's, somewhere.

    Args:
        mask: uint8 of shape (h, w), 1 where it is.
        height: of a digit, in pixels of the mask.
    """
    return float(cv2.distanceTransform(mask, cv2.DIST_L2, 3).max()) > _SOLID * height


def _ways_through(cost: Floats, levels: Sequence[int], aside: float) -> npt.NDArray[np.int64]:
    """The cheapest way from the first row to the last through each place of some rows.

    Args:
        cost: of each place, of shape (h, w).
        levels: the rows, rising.
        aside: what a step aside costs, of what a pixel costs.

    Returns:
        The columns of each way, of shape (len(levels) * w, h), those through the first of the rows first.
    """
    height, width = cost.shape
    # The steps from above to each place, and from below to each; both are found at once.
    steps = _cheapest(np.stack([cost, cost[::-1]], axis=1), aside)
    above, below = steps[:, 0], steps[::-1, 1]
    ways = np.empty((len(levels), width, height), np.int64)
    at = np.tile(np.arange(width), (len(levels), 1))
    for row in range(levels[-1], -1, -1):
        # The ways through this row and those below it have come so far.
        first = bisect_left(levels, row)
        ways[first:, :, row] = at[first:]
        at[first:] += above[row][at[first:]]
    at = np.tile(np.arange(width), (len(levels), 1))
    for row in range(levels[0], height):
        end = bisect_right(levels, row)
        ways[:end, :, row] = at[:end]
        at[:end] += below[row][at[:end]]
    return ways.reshape(-1, height)


def _cheapest(cost: Floats, aside: float) -> npt.NDArray[np.int8]:
    """The step, -1, 0 or 1, that leads to each place on the cheapest way from the first row to it.

    Args:
        cost: of each place, of shape (h, n, w), for n fields.
        aside: as of `_ways_through`.

    Returns:
        Of the same shape.
    """
    height, fields, width = cost.shape
    best, more = cost[0], np.float32(aside) * cost
    steps = np.zeros(cost.shape, np.int8)
    padded = np.full((fields, width + 2), np.inf, np.float32)
    options = np.empty((3, fields, width), np.float32)
    for row in range(1, height):
        padded[:, 1:-1] = best
        np.add(padded[:, :-2], more[row], out=options[0])
        options[1] = best
        np.add(padded[:, 2:], more[row], out=options[2])
        steps[row] = options.argmin(axis=0) - 1
        best = options.min(axis=0) + cost[row]
    return steps
