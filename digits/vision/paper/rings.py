"""The rings that are drawn around writing, off the page: what they hold stays, even where it touches them."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.masks import LabeledMask, Labels, label_components
from digits.vision.paper.enclosing import holds_another, hollow_strokes

# A ring is at least so many pixels wide and high, and no more of its box is ink than this share.
_LEAST, _MOST_INK = 24, 0.5
# Of a page with more strokes that are broad or hold others, so many with the largest boxes are looked at.
_MOST = 40
# What a ring holds is so high at least, as a share of the ring's height. A 0 is not broad: in a ring that is so many
# times as wide as high, less is enough.
_HOLDS, _BROAD, _HOLDS_LITTLE = 0.25, 1.2, 0.12
# A stroke alone in a ring may be the slash of a 0 if it is so narrow beside its length. In a broad ring it is none if
# it is also no longer than this share of the ring's height.
_SLASH, _LOW = 0.3, 0.5
# Where all writing touches the ring, it holds several strokes that are so high, as a share of its height; or one, and
# is so many times as wide as high.
# A stroke that holds no other one is looked at if it is so many times as wide as high.
_TALL, _WIDE, _LEAST_WIDE = 0.35, 1.4, 1.1
# In a ring that is thicker than the first, as a share of its height, writing is so thick beside its line.
_THIN, _AS_THICK = 0.06, 0.4
# What touches a ring and fills so much of its width and height is a mesh of lines, and no writing.
_MESH = 0.85
# Its inside is a hole of its stroke, so high beside it; or all of the stroke's box, if the ring is open.
_HOLE = 0.3
# The ring is looked for from the middle of that, in so many directions, at so many places in each.
_DIRECTIONS, _PLACES = (180, 360), (64, 320)
# It lies between these shares of half the box; around a hole, from the last one on.
_INNERMOST, _OUTERMOST, _AROUND = 0.3, 1.6, 0.97
# A first look takes fewer directions and fits, and lets the ring be so many times as far off its way.
_FEW, _FEW_FITS, _ROUGHLY = 72, 4, 1.3
# A ring runs around along a smooth way, the sum of so many waves. The way is fitted so often to the edges next to it,
# of which those that are farther away count less, from such a share of the distance from the middle on.
_WAVES, _FITS, _SOFTENED = 6, 8, 0.01
# Seen from the middle, the ring's edge is no farther from that way than the first share in so many of the directions,
# and no farther than the last one on average. After the first fit, half as many tell that there is no ring.
_OFF, _COVERED, _MEAN_OFF = 0.07, 0.8, 0.017
# Its line is at most so thick, as a share of its shorter side. Where ink is no thicker than so many times that and some
# pixels, there is only the ring: along so much of it at least. Ink outside touches no more of it than that.
_THICK, _ONLY_RING, _SOFT, _LEAST_ONLY, _MOST_OUTSIDE = 0.16, 1.4, 1.0, 0.6, 0.17
# Digits beside a ring that touch it make its stroke so many times as high as the ring, and so much wider, in heights of
# the ring, at the most: squares of paper around a box go on beyond that.
_HIGHER, _ASIDE = 1.3, 2.5
# Ink is the ring's up to so many pixels outside of its way, whose direction at a place shows over this share of it.
_EDGE, _AHEAD = 1.5, 1.0 / 60.0
# What touches the ring is writing if it reaches so far from it, as a share of the ring's height; or farther than it is
# thick, and is not so many times as long. Else it is a piece of the ring, such as the end of its line beside the
# beginning.
_INTO, _ALONG = 0.12, 3.0

Box = tuple[int, int, int, int]


def without_rings(page: LabeledMask) -> LabeledMask:
    """Takes the rings around writing off a page's ink; the page itself if there are none.

    A ring is closed, or nearly, and holds strokes that are smaller than it is.
    """
    labels, components = page.components
    stats = np.asarray(components, dtype=np.int64)
    left, top, wide, high, _ = stats.T
    mask = page.mask
    looked_at = 0
    for i in hollow_strokes(page, _LEAST, _MOST_INK):
        budget.spend(len(stats))
        if not (wide[i] >= _LEAST_WIDE * high[i] or holds_another(stats, i, _HOLDS_LITTLE)):
            continue
        looked_at += 1
        if looked_at > _MOST:
            break
        where = slice(top[i], top[i] + high[i]), slice(left[i], left[i] + wide[i])
        budget.spend(int(wide[i] * high[i]))
        own = (labels[where] == i).astype(np.uint8)
        if (ring := _ring_of(own, page.mask[where] - own)) is not None:
            mask = mask.copy() if mask is page.mask else mask
            mask[where][ring] = 0
    return page if mask is page.mask else LabeledMask(mask)


def _ring_of(own: Gray, others: Gray) -> Flags | None:
    """Where the ring of a stroke is; None if it is no ring around writing.

    Args:
        own: uint8 of shape (height, width), 1 where the stroke is, which reaches all sides.
        others: of the same shape, 1 where other ink is.
    """
    # Most strokes are no rings, and a few directions tell. A small one needs no more than so many for its length.
    boxes = _insides(own)
    rough = [_way_around(own, box, _FEW, _ROUGHLY * _MEAN_OFF) for box in boxes]
    likely = sorted((around[0], box) for around, box in zip(rough, boxes, strict=True) if around is not None)
    directions = int(np.clip(2 * sum(own.shape), *_DIRECTIONS))
    ways = (_way_around(own, box, directions) for _, box in likely)
    if (found := next((around for around in ways if around is not None), None)) is None:
        return None
    _, way = found
    inside = np.asarray(cv2.fillPoly(np.zeros_like(own), [np.rint(way).astype(np.int32)], 1), dtype=np.uint8)
    _, _, width, height = cv2.boundingRect(inside)
    if own.shape[0] > _HIGHER * height or own.shape[1] > width + _ASIDE * height:
        return None
    line = _line_along(own, way)
    if line is None or line.thickness > _THICK * min(width, height):
        return None
    depth = _depth(inside)
    ring = (depth >= -_EDGE) & (depth <= line.depths[_nearest_place(line.places, own.shape)])
    labels, stats = label_components(((own > 0) & ~ring).view(np.uint8))
    is_writing = _are_written(labels, stats, np.abs(depth), line.thickness, height)
    kept = is_writing[labels]
    touching, free = (kept & (depth > 0.0)).view(np.uint8), ((others > 0) & (inside > 0)).view(np.uint8)
    # A 0 that is written over squares holds pieces of their lines, much thinner than it is.
    if (
        line.thickness > _THIN * height
        and 2.0 * _depth(free).max(initial=0.0) < _AS_THICK * line.thickness
        and free.any()
    ):
        free = np.zeros_like(free)
    return (own > 0) & ~kept if _holds_writing(touching, free, width, height) else None


def _are_written(labels: Labels, stats: npt.NDArray[np.int32], away: Floats, thickness: float, height: int) -> Flags:
    """Which pieces that a ring leaves of its stroke are writing, and no pieces of the ring; the ground is none.

    Args:
        labels: of the pieces.
        stats: of them, as OpenCV describes components.
        away: how far each pixel is from the ring's edge.
        thickness: of the ring's line, in pixels.
        height: of the ring, in pixels.
    """
    reach = np.zeros(len(stats))
    np.maximum.at(reach, labels.ravel(), away.ravel())
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    are_written = reach >= thickness + max(2.0, _INTO * height)
    are_written |= (reach >= 2.0 * thickness + 2.0) & (long < _ALONG * reach)
    are_written[0] = False
    return are_written


def _insides(own: Gray) -> list[Box]:
    """The boxes that a ring's inside may fill: that of the stroke's largest hole, and the stroke's own."""
    height, width = own.shape
    _, stats = label_components(1 - own, connectivity=4)
    left, top, wide, high, areas = np.asarray(stats, dtype=np.int64)[1:].T
    is_hole = (left > 0) & (top > 0) & (left + wide < width) & (top + high < height) & (high >= _HOLE * height)
    largest = [int(np.where(is_hole, areas, 0).argmax())] if is_hole.any() else []
    return [*((int(left[k]), int(top[k]), int(wide[k]), int(high[k])) for k in largest), (0, 0, width, height)]


def _way_around(own: Gray, box: Box, seen_in: int, most_off: float = _MEAN_OFF) -> tuple[float, Floats] | None:
    """Looks for a ring around a box.

    Args:
        own: uint8 of shape (height, width), 1 where the stroke is.
        box: which the ring's inside fills.
        seen_in: in how many directions it is looked for.
        most_off: how far its edge may be from a smooth way, as a mean share of the distance from the middle.

    Returns:
        How far it is; and the outer edge of the ring, (x, y) of shape (directions, 2), in pixels. None if the stroke is
        no ring around the box.
    """
    left, top, wide, high = box
    angles = np.arange(seen_in) * (2.0 * np.pi / seen_in)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (wide / 2.0, high / 2.0)
    middle = np.array([left + (wide - 1) / 2.0, top + (high - 1) / 2.0])
    count = int(np.clip((_OUTERMOST - _INNERMOST) / 2.0 * max(wide, high), *_PLACES))
    budget.spend(count * seen_in)
    shares, every = np.linspace(_INNERMOST, _OUTERMOST, count)[:, None], np.arange(seen_in)
    seen = _at(own, middle + shares[..., None] * directions)
    outwards = np.pad(seen[1:], ((0, 1), (0, 0)))
    edges, starts = seen & ~outwards, ~seen & outwards
    is_seen = edges.any(axis=0)
    orders = np.arange(1, _WAVES + 1)[:, None] * angles
    waves = np.concatenate([np.ones((1, seen_in)), np.cos(orders), np.sin(orders)]).T
    # The outer edge in each direction; at first the outermost one, or the first around a hole.
    first, outermost = (edges & (shares >= _AROUND)).argmax(axis=0), count - 1 - edges[::-1].argmax(axis=0)
    radii = shares[np.where((first > 0) & (box[3] < len(own)), first, outermost), 0]
    off = np.zeros(seen_in)
    fits = _FITS if seen_in > _FEW else _FEW_FITS
    for k in range(fits):
        weights = np.where(is_seen, 1.0 / (np.abs(off) + _SOFTENED), 0.0)[:, None]
        smooth = waves @ np.linalg.solve(
            (waves * weights).T @ waves + 1e-6 * np.eye(waves.shape[1]), waves.T @ (weights[:, 0] * radii)
        )
        at = _nearest_edge(edges, shares - smooth)
        radii = shares[at, 0]
        if k >= fits // 2:
            # Where something touches it from outside, its inner edge tells where its outer one is.
            across = _across(directions, smooth)
            inner = np.where(starts & (np.arange(count)[:, None] < at), shares, 0.0).max(axis=0)
            thick = float(np.median(((radii - inner) * across)[is_seen])) / across
            other = shares[_nearest_edge(starts, shares + thick - smooth), 0] + thick
            radii = np.where(np.abs(other - smooth) < np.abs(radii - smooth), other, radii)
        off = (radii - smooth) / np.maximum(smooth, _INNERMOST)
        near = is_seen & (np.abs(off) <= _OFF)
        if near.mean() < (_COVERED if k == fits - 1 else _COVERED / 2.0):
            return None
    mean_off = float(np.minimum(np.abs(off), 2.0 * _OFF).mean())
    if mean_off > most_off or smooth.min() <= 2.0 * _INNERMOST:
        return None
    radii = smooth * (1.0 + np.interp(every, every[near], off[near], period=seen_in))
    return mean_off, np.asarray(middle + radii[:, None] * directions, dtype=np.float64)


def _at(own: Gray, places: Floats) -> Flags:
    """Whether ink is at some places, (x, y) of shape (..., 2); beyond the border there is none."""
    maps = places.astype(np.float32, copy=False)
    return np.asarray(cv2.remap(own, maps[..., 0], maps[..., 1], cv2.INTER_NEAREST)) > 0


def _nearest_edge(are_edges: Flags, away: Floats) -> npt.NDArray[np.int64]:
    """Which of the edges in each column is nearest, by how far away each place is."""
    return np.where(are_edges, np.abs(away), np.inf).argmin(axis=0)


def _across(directions: Floats, radii: Floats) -> Floats:
    """How many pixels a step outwards, as a share of a direction, leads away from a way around the middle."""
    way = radii[:, None] * directions
    ahead = np.roll(way, -1, axis=0) - np.roll(way, 1, axis=0)
    outwards = np.stack([ahead[:, 1], -ahead[:, 0]], axis=1) / np.maximum(np.hypot(*ahead.T), 1e-6)[:, None]
    return np.maximum((directions * outwards).sum(axis=1), 1e-3)


@dataclass(frozen=True)
class _RingLine:
    """The line of a ring.

    Args:
        places: along its outer edge, a pixel apart, (x, y) of shape (n, 2).
        depths: how deep from there the ring's own ink reaches inwards at each place, in pixels; below 0 where a stroke
            crosses the ring, which stays whole.
        thickness: of the line, in pixels.
    """

    places: Floats
    depths: Floats
    thickness: float


def _line_along(own: Gray, way: Floats) -> _RingLine | None:
    """Finds the line of a ring along its outer edge; None if there is more than a line along much of it."""
    closed = np.concatenate([way, way[:1]])
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    steps = np.arange(0.0, lengths[-1], 1.0)
    places = np.stack([np.interp(steps, lengths, closed[:, k]) for k in (0, 1)], axis=1)
    reach = max(3, round(_AHEAD * lengths[-1]))
    ahead = np.roll(places, -reach, axis=0) - np.roll(places, reach, axis=0)
    # The way goes clockwise, since rows are counted downwards.
    inwards = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) / np.maximum(np.hypot(*ahead.T), 1e-6)[:, None]
    # A line that is thicker is no ring's, and of ink deeper than two lines it does not matter how deep it is.
    deepest = 3 + round(2.0 * _THICK * min(own.shape))
    budget.spend(len(places) * deepest)
    # In single precision: around a ring as large as the page, these are millions of places.
    depths = np.arange(-3, deepest + 1, dtype=np.float32)[:, None, None]
    seen = _at(own, places.astype(np.float32) + depths * inwards.astype(np.float32))
    outside, inside = seen[:2].any(axis=0), seen[3:]
    first = inside.argmax(axis=0)
    ends = (~inside & (np.arange(deepest + 1)[:, None] > first)).argmax(axis=0).astype(np.float64)
    ends[ends == 0.0] = deepest
    thickness = max(1.0, float(np.median(ends)) - 0.5)
    only = ends <= _ONLY_RING * thickness + _SOFT
    if only.mean() < _LEAST_ONLY or outside.mean() > _MOST_OUTSIDE:
        return None
    # What touches the ring from inside keeps its own foot, which may lie in the ring.
    own_depths = np.where(only, ends + 1.0, np.clip(ends - thickness, 0.0, thickness))
    return _RingLine(places, np.where(outside & ~only, -2.0 * _EDGE, own_depths), thickness)


def _depth(inside: Gray) -> Floats:
    """How far each pixel lies inside of an area's edge, in pixels; below 0 outside."""
    padded = np.pad(inside, 1)
    within = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5), dtype=np.float64)
    beyond = np.asarray(cv2.distanceTransform(1 - padded, cv2.DIST_L2, 5), dtype=np.float64)
    return (within - beyond)[1:-1, 1:-1]


def _nearest_place(places: Floats, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """For each pixel of a field, the index of the nearest of some places."""
    x, y = (np.clip(np.rint(places[:, k]), 0, shape[1 - k] - 1).astype(np.int64) for k in (0, 1))
    free = np.ones(shape, np.uint8)
    free[y, x] = 0
    _, labels = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_labels = np.zeros(int(labels.max()) + 1, np.int64)
    of_labels[labels[y, x]] = np.arange(len(places))
    return of_labels[labels]


def _holds_writing(touching: Gray, free: Gray, width: int, height: int) -> bool:
    """Whether a ring holds writing, and is not the outline of a digit, such as a 0 with a slash.

    Args:
        touching: uint8, 1 where writing is inside that touches the ring.
        free: of the same shape, 1 where other writing is inside.
        width: of the ring, in pixels.
        height: of the ring, in pixels.
    """
    _, stats = label_components(touching)
    wide, high = stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT]
    if ((wide >= _MESH * width) & (high >= _MESH * height)).any():
        return False
    outlines, _ = cv2.findContours(free, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    is_broad = width >= _BROAD * height
    least, low = (_HOLDS_LITTLE * height, _LOW * height) if is_broad else (_HOLDS * height, 0.0)
    held = [outline for outline in outlines if cv2.boundingRect(outline)[3] >= least]
    sizes = [cv2.minAreaRect(outline)[1] for outline in held]
    if len(held) > 1 or any(min(size) >= _SLASH * max(size) or max(size) <= low for size in sizes):
        return True
    tall = int((high >= _TALL * height).sum()) + len(held)
    return tall > 1 or (tall > 0 and width >= _WIDE * height)
