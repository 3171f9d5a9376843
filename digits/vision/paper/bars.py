"""The bars between places of digits, off the page: those of a gray frame, and those that boxes have left."""

import cv2
import numpy as np

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.masks import LabeledMask, Labels, label_components
from digits.vision.paper.enclosing import Integers
from digits.vision.reduction import median_of_few

# Bars are at least so many, and at most so many, as high as the writing up to this share, at most so wide as a share of
# it, and at most so strong as a share of the writing. They may be in pieces.
_FEWEST, _MOST, _AS_HIGH, _WIDE, _FAINT = 3, 200, 0.9, 0.25, 0.7
# They stand at equal distances and begin and end on straight lines, up to these shares of a distance and of a height.
# They reach beyond so much of what is written between them.
_ASKEW, _UNEVEN, _BEYOND = 0.12, 0.12, 0.8
# Of a page with more strokes, none are looked for. What is written is at least so high beside the highest.
_MOST_STROKES, _WRITTEN = 400, 0.5
# A line between two places is at least so many pixels high and at most so wide, as a share of its height, and has ink
# over so much of it. Such lines are level, up to a share of their height and for each pixel between them; there are so
# many at least, no nearer to one another than a share of their height.
_DIVIDER_HIGH, _DIVIDER_WIDE, _DIVIDER_FILLED, _DIVIDERS_LEVEL, _DIVIDERS_TILT = 16, 0.2, 0.6, 0.06, 0.05
_FEWEST_DIVIDERS, _DIVIDERS_APART = 3, 0.25
# What is so high beside them is written between them: of that, this share keeps such a distance from both their ends.
_DIVIDED, _MOST_WRITTEN, _INSET = 0.3, 0.8, 0.05
# At both of their ends a line was taken off, no farther than this share of their height, over so much of the row.
_FRAME_NEAR, _FRAME_COVERED = 0.12, 0.4
# Of a page with more lines that may be dividers, the highest are looked at.
_MOST_DIVIDERS = 500


def without_bars(strength: Gray, page: LabeledMask) -> LabeledMask:
    """Takes faint bars between the places of digits off a page's ink; the page itself if there are none.

    Args:
        strength: of the page's foreground, uint8 of shape (height, width).
        page: its ink, of the same shape.
    """
    labels, components = page.components
    stats = np.asarray(components, dtype=np.int64)
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    places = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= 2)
    places = places[places > 0]
    if not 2 * _FEWEST <= places.size <= _MOST_STROKES:
        return page
    tall = median_of_few(high[places[high[places] >= _WRITTEN * high[places].max()]])
    narrow = places[(wide[places] <= max(3.0, _WIDE * tall)) & (high[places] <= 1.5 * tall)]
    large = places[high[places] >= _WRITTEN * tall]
    if not _FEWEST <= narrow.size <= _MOST:
        return page
    of_strokes = {i: _strength_of(strength, labels, stats, i) for i in {*narrow.tolist(), *large.tolist()}}
    strong = np.quantile([of_strokes[i] for i in large.tolist()], 0.75)
    faint = np.array([i for i in narrow.tolist() if of_strokes[i] <= _FAINT * strong], dtype=np.int64)
    written = np.array([i for i in large.tolist() if of_strokes[i] > _FAINT * strong], dtype=np.int64)
    if faint.size < _FEWEST or not written.size:
        return page
    bars = _bars(stats[faint], stats[written])
    if not bars.any():
        return page
    removed = np.zeros(len(stats), np.bool_)
    removed[faint[bars]] = True
    return LabeledMask(np.where(removed[labels], 0, page.mask).astype(np.uint8))


def _strength_of(strength: Gray, labels: Labels, stats: Integers, i: int) -> float:
    """The mean strength of a stroke."""
    left, top, wide, high, _ = stats[i].tolist()
    budget.spend(wide * high)
    where = slice(top, top + high), slice(left, left + wide)
    return float(strength[where][labels[where] == i].mean())


def _bars(faint: Integers, written: Integers) -> Flags:
    """Which faint narrow strokes are bars, or pieces of some, that part the places of what is written."""
    are_bars = np.zeros(len(faint), np.bool_)
    tall = median_of_few(written[:, cv2.CC_STAT_HEIGHT])
    middles = faint[:, cv2.CC_STAT_LEFT] + faint[:, cv2.CC_STAT_WIDTH] / 2.0
    order = np.argsort(middles, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(middles[order]) > _WIDE * tall) + 1)
    ends = np.array(
        [(faint[group, 1].min(), (faint[group, 1] + faint[group, 3]).max(), middles[group].mean()) for group in groups]
    )
    high = np.flatnonzero(ends[:, 1] - ends[:, 0] >= _AS_HIGH * tall)
    if high.size < _FEWEST:
        return are_bars
    tops, feet, x = ends[high].T
    steps = np.diff(x)
    pitch = median_of_few(steps)
    off = np.abs(steps / pitch - np.rint(steps / pitch))
    uneven = max(np.abs(end - np.polyval(np.polyfit(x, end, 1), x)).max() for end in (tops, feet))
    if steps.min() < tall / 4.0 or off.max() > _ASKEW or uneven > _UNEVEN * tall:
        return are_bars
    left, top, wide, down, _ = written.T
    between = (left + wide / 2.0 > x[0]) & (left + wide / 2.0 < x[-1])
    # A 1 does not reach beyond its neighbors at both of its ends.
    beyond = (top >= np.interp(left, x, tops)) & (top + down <= np.interp(left, x, feet))
    if between.sum() < _FEWEST - 1 or beyond[between].mean() < _BEYOND:
        return are_bars
    are_bars[np.concatenate([groups[k] for k in high.tolist()])] = True
    return are_bars


def without_dividers(mask: Gray, removed: Flags) -> Gray:
    """Takes off the lines between the places of digits that are left of boxes whose other sides are dashed or faint.

    They are alike, level, reach beyond the digits between them at both ends, and end where lines were taken off.

    Args:
        mask: uint8 array of shape (height, width), 1 where ink is.
        removed: bool of the same shape, where the lines were that have been taken off already.
    """
    if not removed.any():
        return mask
    labels, stats = label_components(mask)
    # In the order of OpenCV's CC_STAT constants. What is less high is neither a line nor a digit between lines.
    components = np.asarray(stats, dtype=np.int64)
    places = np.flatnonzero(components[:, cv2.CC_STAT_HEIGHT] >= _DIVIDED * _DIVIDER_HIGH)
    places = places[places > 0]
    places = places[np.argsort(components[places, cv2.CC_STAT_LEFT], kind="stable")]
    components = components[places]
    left, top, wide, high, areas = components.T
    is_straight = (
        (high >= _DIVIDER_HIGH) & (wide <= np.maximum(3, _DIVIDER_WIDE * high)) & (areas >= _DIVIDER_FILLED * high)
    )
    found = np.flatnonzero(is_straight)
    found = np.sort(found[np.argsort(-high[found], kind="stable")[:_MOST_DIVIDERS]])
    rest = mask
    while found.size >= _FEWEST_DIVIDERS:
        budget.check()
        i = found[0]
        aside = left[found] - left[i]
        askew = _DIVIDERS_LEVEL * high[i] + _DIVIDERS_TILT * aside
        alike = (np.abs(top[found] - top[i]) <= askew) & (np.abs(top[found] + high[found] - top[i] - high[i]) <= askew)
        row = found[alike]
        found = found[~alike]
        if _are_dividers(row, components, removed):
            rest = mask.copy() if rest is mask else rest
            for k in row.tolist():
                where = slice(top[k], top[k] + high[k]), slice(left[k], left[k] + wide[k])
                rest[where][labels[where] == places[k]] = 0
    return rest


def _are_dividers(row: Integers, components: Integers, removed: Flags) -> bool:
    """Whether strokes in a row part places of digits.

    Args:
        row: indices of the strokes, from left to right.
        components: of the page, from left to right, as OpenCV describes each.
        removed: where lines have been taken off.
    """
    left, top, wide, high, _ = components.T
    if row.size < _FEWEST_DIVIDERS:
        return False
    tall, first, last = float(np.median(high[row])), row[0], row[-1]
    if (np.diff(left[row]) < _DIVIDERS_APART * tall).any():
        return False
    # Only what lies between the first and the last can be written between them.
    start, end = np.searchsorted(left, (left[first], left[last]))
    between = np.setdiff1d(np.arange(start, end), row)
    middles = left[between] + wide[between] / 2.0
    upper = np.interp(middles, left[row], top[row])
    lower = np.interp(middles, left[row], top[row] + high[row])
    written = (high[between] >= _DIVIDED * tall) & (top[between] < lower) & (top[between] + high[between] > upper)
    inset = _INSET * tall
    inside = (top[between] >= upper + inset) & (top[between] + high[between] <= lower - inset)
    if written.sum() < 2 or inside[written].mean() < _MOST_WRITTEN:
        return False
    columns = np.arange(left[first], left[last])
    reach = max(2, round(_FRAME_NEAR * tall))
    ends = np.interp(columns, left[row], top[row]), np.interp(columns, left[row], top[row] + high[row])
    return all(_covered(removed, columns, end, reach) >= _FRAME_COVERED for end in ends)


def _covered(removed: Flags, columns: Integers, rows: Floats, reach: int) -> float:
    """The share of some columns in which a line was taken off within so many pixels of a row."""
    near = np.rint(rows).astype(np.int64)[:, np.newaxis] + np.arange(-reach, reach + 1)
    return float(removed[np.clip(near, 0, removed.shape[0] - 1), columns[:, np.newaxis]].any(axis=1).mean())
