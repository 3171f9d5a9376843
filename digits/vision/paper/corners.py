"""The corners around the places of forms, off the page: four right angles stand around each digit."""

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Gray
from digits.vision.masks import LabeledMask, Labels
from digits.vision.reduction import quantile_of

# A corner is at least so many pixels wide and high, at most so high beside the highest tenth of the page's strokes, and
# covers such a share of its box. It is at most so many times as long as wide.
_LEAST, _HIGH, _FILLED, _LONG = 6, 0.45, (0.1, 0.6), 1.6
# Two sides of its box are covered by so much, and so much of it lies at them.
_COVERED, _AT_SIDES = 0.75, 0.85
# There are so many upper ones at least, and lower ones, as wide and as high as one another up to this factor or one
# pixel. Of what is so high beside the highest tenth, so much lies within them.
_FEWEST, _ALIKE, _WRITTEN, _AROUND = 4, 1.25, 0.5, 0.9
# Of a page with more strokes of such a size, none are looked for.
_MOST = 800
# One that touches a digit lies at most so many pixels from its place among the others, and this share of it is ink.
# Where there are more corners than so many of one kind, those are not looked for.
_OFF, _INKED, _MOST_BESIDE = 3, 0.9, 60

Stats = npt.NDArray[np.int64]
Place = tuple[int, int]


def without_corners(page: LabeledMask) -> LabeledMask:
    """Takes the corners around the places of digits off a page's ink; the digits that they touch stay.

    Returns:
        The page itself if there are none.
    """
    labels, components = page.components
    mask, stats = page.mask, np.asarray(components, dtype=np.int64)
    kinds = _find_corners(labels, stats)
    if not kinds:
        return page
    removed = np.zeros(len(stats), np.bool_)
    removed[list(kinds)] = True
    rest = np.where(removed[labels], 0, mask).astype(np.uint8)
    for kind in set(kinds.values()):
        corners = [i for i, other in kinds.items() if other == kind]
        # The one of most ink is whole.
        shape = _stroke(labels, stats, max(corners, key=lambda i: int(stats[i, cv2.CC_STAT_AREA])))
        places = [(int(stats[i, cv2.CC_STAT_TOP]), int(stats[i, cv2.CC_STAT_LEFT])) for i in corners]
        for place in _places_between(mask, shape, places):
            _clear(rest, shape, place)
    return LabeledMask(rest)


def _find_corners(labels: Labels, stats: Stats) -> dict[int, int]:
    """Which components are corners, and of which kind: 0 or 1 if it is an upper one, 2 or 3 if it is a lower one."""
    _, _, wide, high, areas = stats.T
    places = np.flatnonzero(np.maximum(wide, high) >= _LEAST)
    places = places[places > 0]
    if not 2 * _FEWEST < places.size <= _MOST:
        return {}
    tall = quantile_of(high[places], 0.9)
    shorter, longer = np.minimum(wide, high), np.maximum(wide, high)
    possible = (shorter >= _LEAST) & (longer <= _LONG * shorter) & (high <= _HIGH * tall)
    filled = areas / np.maximum(1, wide * high)
    possible &= (filled >= _FILLED[0]) & (filled <= _FILLED[1])
    found = places[possible[places]]
    if found.size < 2 * _FEWEST:
        return {}
    alike = np.ones((found.size, found.size), np.bool_)
    for size in (wide[found], high[found]):
        alike &= np.abs(size[:, np.newaxis] - size) <= np.maximum(1.0, (_ALIKE - 1.0) * size)
    kinds = {}
    for i in found[alike[alike.sum(axis=1).argmax()]].tolist():
        if (kind := _kind(_stroke(labels, stats, i))) is not None:
            kinds[i] = kind
    upper, lower = (stats[[i for i, kind in kinds.items() if kind // 2 == row]] for row in (0, 1))
    if min(len(upper), len(lower)) < _FEWEST:
        return {}
    written = places[high[places] >= _WRITTEN * tall]
    return kinds if _share_within(stats[written], upper, lower) >= _AROUND else {}


def _stroke(labels: Labels, stats: Stats, i: int) -> Flags:
    left, top, wide, high, _ = stats[i].tolist()
    return np.asarray(labels[top : top + high, left : left + wide] == i)


def _kind(stroke: Flags) -> int | None:
    """Which kind of corner a stroke is: 0 to 3 from the upper left to the lower right; None if none."""
    height, width = stroke.shape
    thick = max(1, round(1.2 * float(stroke.sum()) / (height + width)))
    top, foot, left, right = (
        side.any(axis=0).mean() >= _COVERED
        for side in (stroke[:thick], stroke[-thick:], stroke[:, :thick].T, stroke[:, -thick:].T)
    )
    if top == foot or left == right:
        return None
    inner = stroke[thick:] if top else stroke[:-thick]
    inner = inner[:, thick:] if left else inner[:, :-thick]
    return None if inner.sum() > (1.0 - _AT_SIDES) * stroke.sum() else 2 * int(foot) + int(right)


def _share_within(written: Stats, upper: Stats, lower: Stats) -> float:
    """The share of some strokes that lies between the upper corners and the lower ones."""
    middles = written[:, :2] + written[:, 2:4] / 2.0
    ends = np.concatenate([upper, lower])
    start, end = ends[:, cv2.CC_STAT_LEFT].min(), (ends[:, cv2.CC_STAT_LEFT] + ends[:, cv2.CC_STAT_WIDTH]).max()
    inside = (middles[:, 0] >= start) & (middles[:, 0] <= end)
    inside &= (middles[:, 1] >= upper[:, cv2.CC_STAT_TOP].min()) & (middles[:, 1] <= lower[:, cv2.CC_STAT_TOP].max())
    return float(inside.mean())


def _places_between(mask: Gray, shape: Flags, places: list[Place]) -> list[Place]:
    """Where other corners of one kind are, which touch something: at the distance that the others keep in their row."""
    height, width = shape.shape
    if len(places) > _MOST_BESIDE:
        return []
    steps = []
    for row, column in places:
        beside = [(x - column, y - row) for y, x in places if x > column + width // 2 and abs(y - row) <= height // 2]
        steps += [min(beside)] if beside else []
    if len(steps) < _FEWEST - 1:
        return []
    across, down = np.median(np.array(steps), axis=0).tolist()
    found: list[Place] = []
    waiting = list(places)
    # Those that touch something are fewer than the others.
    while waiting and len(found) < len(places):
        budget.spend(shape.size)
        row, column = waiting.pop()
        for side in (-1, 1):
            y, x = round(row + side * down), round(column + side * across)
            if any(abs(y - other[0]) <= height // 2 and abs(x - other[1]) <= width // 2 for other in places + found):
                continue
            if (place := _best_place(mask, shape, y, x)) is not None:
                found.append(place)
                waiting.append(place)
    return found


def _best_place(mask: Gray, shape: Flags, row: int, column: int) -> Place | None:
    """Where near a place a shape is inked; None if it is nowhere."""
    height, width = shape.shape
    best, place = _INKED, None
    for y in range(max(0, row - _OFF), min(mask.shape[0] - height, row + _OFF) + 1):
        for x in range(max(0, column - _OFF), min(mask.shape[1] - width, column + _OFF) + 1):
            inked = float(mask[y : y + height, x : x + width][shape].mean())
            if inked >= best:
                best, place = inked, (y, x)
    return place


def _clear(rest: Gray, shape: Flags, place: Place) -> None:
    """Takes a shape off a mask, but for what is thicker than it."""
    thick = round(1.2 * float(shape.sum()) / sum(shape.shape)) + 2
    (row, column), (height, width) = place, shape.shape
    top, left = max(0, row - thick), max(0, column - thick)
    around = rest[top : row + height + thick, left : column + width + thick]
    strokes = cv2.dilate(
        cv2.morphologyEx(around, cv2.MORPH_OPEN, np.ones((thick, thick), np.uint8)), np.ones((3, 3), np.uint8)
    )
    soft = np.zeros_like(around)
    soft[row - top : row - top + height, column - left : column - left + width] = shape
    around[(cv2.dilate(soft, np.ones((3, 3), np.uint8)) > 0) & (strokes == 0)] = 0
