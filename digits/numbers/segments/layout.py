"""Finds the lines of a page: which strokes are written in which line, from left to right.

A line is a chain of neighbors, each within reach of the next, so that lines may rise, fall and bend. Strokes that are
no writing, such as rules, edges and specks, are left out.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.numbers.segments.blobs import Blob, align, slopes_through_signs
from digits.vision.components import Components
from digits.vision.paper.boxes import Rectangle

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# In heights of the digits: what is smaller is a speck, what is larger is no digit, what is at least so high can stand
# alone; the rest are strokes of what is next to them, or signs.
_SPECK = 0.15
_HUGE = 2.6
_ALONE = 0.5
# A stroke as wide as this and as flat as that is a rule.
_RULE_WIDTH, _RULE_DEPTH = 2.2, 0.22
# A stroke so many times as wide as it is high is a rule, whatever the digits' height.
_FLAT = 8.0
# Such a stroke, of at most so many pixels, is a rule even where nothing else tells how high digits are. No line has
# digits less high: else a thin stroke, brought to the size of digits, would grow without a bound.
_FEW_PIXELS = 6
# Neighbors on a line: this far down or up at the most if they are near, and this if they are farther apart than that.
_STEP, _FAR_STEP, _NEAR = 0.75, 0.45, 1.2
_FARTHEST = 12.0
# Writing of another size than most of a page is at least so high, in pixels.
_SMALLEST_RUN = 10
# Frames are as high as one another up to this factor.
_AS_HIGH = 1.3
# More strokes than this, and those with the least ink are not looked at.
_MAX_STROKES = 1_500
# So many strokes are compared with their neighbors at a time: what is made for all pairs at once takes memory. And so
# many pairs are looked at before those are left out whose strokes have found their neighbors.
_COMPARED, _PAIRS = 64, 2_048


@dataclass(frozen=True)
class Line:
    """One line of writing.

    Args:
        members: indices of the strokes in it, from left to right.
        height: of its digits, in pixels, at least 6.
    """

    members: list[int]
    height: float


def find_lines(parts: Components, boxes: Sequence[Rectangle] = ()) -> list[Line]:
    """Finds the lines of a page, from top to bottom; none if nothing on it can be a digit.

    Args:
        parts: the strokes of the page.
        boxes: of forms: left, top, width and height of each, in pixels. What is in boxes side by side is on one line.
    """
    chosen, huge = _writing(parts)
    if not chosen.size:
        return []
    chains, left_over, slope = _lay_out(parts, chosen, boxes)
    # A page may have writing of another size, such as a heading. One thing alone is no writing of a size: it is a blot,
    # or a drawing.
    for others in (left_over, _without_frames(parts, huge, chosen)):
        if others.size > 1:
            chains += [chain for chain in _lay_out(parts, others, boxes)[0] if _is_run(chain)]
    lines = []
    for chain in sorted(chains, key=lambda chain: float(np.mean([blob.row_y - slope * blob.x for blob in chain]))):
        members = [i for blob in chain for i in blob.members]
        line_height = _typical_height(parts, np.array(members))
        members = [i for i in members if not _cut_off(parts, i, line_height)]
        if members:
            members.sort(key=lambda i: float(parts.left[i] + parts.right[i]))
            lines.append(Line(members, max(line_height, float(_FEW_PIXELS))))
    return lines


def _lay_out(parts: Components, chosen: Indices, boxes: Sequence[Rectangle]) -> tuple[list[list[Blob]], Indices, float]:
    """Strokes as lines of one size of writing.

    Returns:
        The lines; the strokes that are in none; and how much the lines fall, in pixels for each pixel to the right.
    """
    height = _typical_height(parts, chosen)
    blobs = [Blob(parts, members) for members in _stacked(parts, chosen, height)]
    for box in boxes:
        align(blobs, box)
    alone = [blob for blob in blobs if blob.high >= _ALONE * height]
    small = [blob for blob in blobs if blob.high < _ALONE * height]
    chains, slope = _chain(alone, slopes_through_signs(alone, small))
    left_over = _attach(small, chains)
    return chains, np.array([i for blob in left_over for i in blob.members], dtype=np.int64), slope


def _without_frames(parts: Components, huge: Indices, others: Indices) -> Indices:
    """Huge strokes that are no frames: nothing is in their box, and they are as high as none in which there is."""
    inside = (
        (parts.left[others] >= parts.left[huge][:, None])
        & (parts.right[others] <= parts.right[huge][:, None])
        & (parts.top[others] >= parts.top[huge][:, None])
        & (parts.bottom[others] <= parts.bottom[huge][:, None])
    ).any(axis=1)
    high = (parts.bottom - parts.top)[huge].astype(float)
    alike = np.abs(np.log(high[:, None] / high[inside])) < np.log(_AS_HIGH)
    return huge[~alike.any(axis=1)]


def _is_run(chain: list[Blob]) -> bool:
    """Whether these are several things of a size beside one another, none of them flat or tiny."""
    if len(chain) < 2:
        return False
    high = np.array([blob.high for blob in chain])
    gaps = [right.left - left.right for left, right in itertools.pairwise(sorted(chain, key=lambda blob: blob.x))]
    return bool(
        high.min() >= _SMALLEST_RUN
        and high.max() <= 2.0 * high.min()
        and max(gaps) <= 2.0 * high.max()
        and all(blob.right - blob.left <= 1.5 * blob.high for blob in chain)
    )


def _typical_height(parts: Components, chosen: Indices) -> float:
    """The median height, in which a stroke counts as much as it has ink; rules count little."""
    # Of these strokes alone: a page may have many more, and this is asked for each of its lines.
    high, wide = parts.bottom[chosen] - parts.top[chosen], parts.right[chosen] - parts.left[chosen]
    # Under a short number a rule may have more ink than all digits.
    ink = parts.ink[chosen] * np.where(wide > _FLAT * high, 0.01, 1.0)
    order = np.argsort(high)
    total = np.cumsum(ink[order])
    return float(high[order][np.searchsorted(total, 0.5 * total[-1])])


def _writing(parts: Components) -> tuple[Indices, Indices]:
    """The strokes that may be of digits, no specks, rules, edges or frames; and those that are too large for it."""
    high, wide = parts.bottom - parts.top, parts.right - parts.left
    chosen = np.flatnonzero(~parts.apart)
    chosen = chosen[np.argsort(-parts.ink[chosen], kind="stable")[:_MAX_STROKES]]
    if not chosen.size:
        return chosen, chosen
    height = _typical_height(parts, chosen)
    longer = np.maximum(high, wide)[chosen]
    rules = np.array([is_rule(parts, i, height) for i in chosen.tolist()])
    seen = (longer >= _SPECK * height) & ~rules
    huge = high[chosen] > _HUGE * height
    return chosen[seen & ~huge], chosen[seen & huge & ~parts.touches[chosen]]


def is_rule(parts: Components, i: int, height: float) -> bool:
    """Whether a stroke is long and thin all the way, even if it rises or falls; digits have some height in pixels."""
    wide = int(parts.right[i] - parts.left[i])
    if wide < _RULE_WIDTH * height:
        return False
    high = int(parts.bottom[i] - parts.top[i])
    if high <= _FEW_PIXELS and wide > _FLAT * high:
        return True
    _, mask = parts.cut([i], 0)
    inked = mask.any(axis=0)
    depth = mask.shape[0] - mask[::-1].argmax(axis=0) - mask.argmax(axis=0)
    return float(np.median(depth[inked])) < _RULE_DEPTH * height


def _cut_off(parts: Components, i: int, height: float) -> bool:
    """Whether a stroke is what the picture's border left of something."""
    return bool(parts.touches[i]) and parts.bottom[i] - parts.top[i] < 0.6 * height


def _stacked(parts: Components, chosen: Indices, height: float) -> list[list[int]]:
    """Strokes that lie close above one another, together."""
    left, right = parts.left[chosen].astype(float), parts.right[chosen].astype(float)
    top, bottom = parts.top[chosen].astype(float), parts.bottom[chosen].astype(float)
    pairs = []
    for rows, columns in _neighbors(left, right, 0.0):
        own = rows[:, None]
        overlap = np.minimum(right[own], right[columns]) - np.maximum(left[own], left[columns])
        narrower = np.minimum((right - left)[own], (right - left)[columns])
        down = np.maximum(top[own], top[columns]) - np.minimum(bottom[own], bottom[columns])
        both = np.maximum(bottom[own], bottom[columns]) - np.minimum(top[own], top[columns])
        joined = (overlap >= 0.5 * narrower) & (down <= 0.2 * height) & (both <= 1.4 * height) & (own < columns)
        first, second = np.nonzero(joined)
        pairs.append(np.stack([rows[first], columns[second]], axis=1))
    joined_pairs = np.concatenate(pairs)
    parent = list(range(chosen.size))
    for i, j in joined_pairs[np.lexsort((joined_pairs[:, 1], joined_pairs[:, 0]))].tolist():
        parent[_root(parent, j)] = _root(parent, i)
    groups: dict[int, list[int]] = {}
    for i, stroke in enumerate(chosen.tolist()):
        groups.setdefault(_root(parent, i), []).append(stroke)
    return [groups[root] for root in sorted(groups)]


def _root(parent: list[int], i: int) -> int:
    """Returns what stands for the group of an element, and shortens the way there."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


def _neighbors(left: Floats, right: Floats, reach: float) -> Iterator[tuple[Indices, Indices]]:
    """Yields elements, some at a time, and all elements that are no farther from them in one direction than `reach`.

    Args:
        left: the left, or the upper, edge of each element, in pixels.
        right: the right, or the lower, edge of each, likewise.
        reach: in pixels; 0 for elements that overlap or touch.
    """
    order = np.argsort(left, kind="stable")
    for start in range(0, order.size, _COMPARED):
        rows = order[start : start + _COMPARED]
        near = (left <= right[rows].max() + reach) & (right >= left[rows].min() - reach)
        yield rows, np.flatnonzero(near)


def _chain(blobs: list[Blob], through_signs: list[float]) -> tuple[list[list[Blob]], float]:
    """Neighbors linked to lines, and how much the lines fall from left to right, as a slope.

    Args:
        blobs: what can stand alone, at least one.
        through_signs: how much lines fall between neighbors that have a sign between them.
    """
    links = _links(blobs, 0.0)
    near = [
        (i, j) for i, j in links if blobs[j].left - blobs[i].right < _NEAR * max(blobs[i].row_high, blobs[j].row_high)
    ]
    slopes = [(blobs[j].row_y - blobs[i].row_y) / (blobs[j].x - blobs[i].x) for i, j in near] + through_signs
    slope = float(np.clip(np.median(slopes), -0.8, 0.8)) if slopes else 0.0
    after = dict(_links(blobs, slope))
    with_left = set(after.values())
    starts = [i for i in range(len(blobs)) if i not in with_left]
    chains = []
    for start in starts:
        chain = [start]
        while chain[-1] in after:
            chain.append(after[chain[-1]])
        chains.append([blobs[i] for i in chain])
    return chains, slope


def _links(blobs: list[Blob], slope: float) -> list[tuple[int, int]]:
    """Pairs (left, right) of neighbors on a line; each blob is in one pair on either side at the most.

    Args:
        blobs: at least one.
        slope: how much lines fall, in pixels for each pixel to the right.
    """
    x, y = np.array([blob.x for blob in blobs]), np.array([blob.row_y for blob in blobs])
    left, right = np.array([blob.left for blob in blobs]), np.array([blob.right for blob in blobs])
    high = np.array([blob.row_high for blob in blobs])
    foot = y + high / 2
    highest, widest = float(high.max()), float((right - left).max())
    aside = _FARTHEST * highest
    down = (_STEP + 0.5) * highest + abs(slope) * (aside + widest)
    # On a page of many lines, strokes have fewer neighbors above and below them than beside them.
    has_rows = np.ptp(y) * aside > (right.max() - left.min()) * down
    pairs_of_rows, cost_of_rows = [], []
    for rows, columns in _neighbors(y, y, down) if has_rows else _neighbors(left, right, aside):
        own = rows[:, None]
        larger = np.maximum(high[own], high[columns])
        across = x[columns] - x[own]
        fall = slope * across
        # Digits of different heights stand on the same line, or are written around the same middle.
        step = np.minimum(np.abs(y[columns] - y[own] - fall), np.abs(foot[columns] - foot[own] - fall)) / larger
        gap = np.maximum(left[columns] - right[own], 0.0) / larger
        allowed = np.where(gap < _NEAR, _STEP, _FAR_STEP)
        first, second = np.nonzero((across > 0.0) & (step <= allowed) & (gap <= _FARTHEST))
        pairs_of_rows.append(np.stack([rows[first], columns[second]], axis=1))
        cost_of_rows.append((gap + 2.0 * step + 0.2 * across / larger)[first, second])
    pairs = np.concatenate(pairs_of_rows)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], np.concatenate(cost_of_rows)))]
    has_right, has_left = np.zeros(len(blobs), np.bool_), np.zeros(len(blobs), np.bool_)
    linked = []
    for start in range(0, len(pairs), _PAIRS):
        some = pairs[start : start + _PAIRS]
        for i, j in some[~(has_right[some[:, 0]] | has_left[some[:, 1]])].tolist():
            if not (has_right[i] or has_left[j]):
                has_right[i] = has_left[j] = True
                linked.append((i, j))
    return linked


def _attach(rest: list[Blob], chains: list[list[Blob]]) -> list[Blob]:
    """Puts each small thing into the line of its nearest neighbor, if it lies within the height of that.

    Returns:
        Those that it does not.
    """
    mains = [(blob, chain) for chain in chains for blob in chain]
    if not mains:
        return rest
    left, right = np.array([blob.left for blob, _ in mains]), np.array([blob.right for blob, _ in mains])
    top, bottom = np.array([blob.top for blob, _ in mains]), np.array([blob.bottom for blob, _ in mains])
    high = np.array([blob.high for blob, _ in mains])
    left_over = []
    for small in rest:
        across = np.maximum(np.maximum(small.left - right, left - small.right), 0.0) / high
        down = np.maximum(np.maximum(small.top - bottom, top - small.bottom), 0.0) / high
        cost = np.where((down < 0.25) & (across < 2.0), across + 3.0 * down, np.inf)
        nearest = int(np.argmin(cost))
        if np.isfinite(cost[nearest]):
            mains[nearest][1].append(small)
        else:
            left_over.append(small)
    return left_over
