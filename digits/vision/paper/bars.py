"""The bars between the light places of a gray frame, off the page: they are fainter than the writing."""

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Gray
from digits.vision.masks import LabeledMask, Labels
from digits.vision.reduction import median_of_few

# Bars are at least so many, and at most so many, as high as the writing up to this share, at most so wide as a share of
# it, and at most so strong as a share of the writing. They may be in pieces.
_FEWEST, _MOST, _AS_HIGH, _WIDE, _FAINT = 3, 200, 0.9, 0.25, 0.7
# They stand at equal distances and begin and end on straight lines, up to these shares of a distance and of a height.
# They reach beyond so much of what is written between them.
_ASKEW, _UNEVEN, _BEYOND = 0.12, 0.12, 0.8
# Of a page with more strokes, none are looked for. What is written is at least so high beside the highest.
_MOST_STROKES, _WRITTEN = 400, 0.5

Stats = npt.NDArray[np.int64]


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


def _strength_of(strength: Gray, labels: Labels, stats: Stats, i: int) -> float:
    """The mean strength of a stroke."""
    left, top, wide, high, _ = stats[i].tolist()
    budget.spend(wide * high)
    where = slice(top, top + high), slice(left, left + wide)
    return float(strength[where][labels[where] == i].mean())


def _bars(faint: Stats, written: Stats) -> Flags:
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
