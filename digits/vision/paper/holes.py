"""The holes of a note pad, off the page: a row along one of its edges."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Flags, Floats
from digits.vision.masks import LabeledMask

# Holes are at least so many pixels wide and high, and at least so many in a row. Of a page with more strokes
# of such a size, none are looked for.
_LEAST, _FEWEST, _MOST = 5, 5, 800
# They are as wide, as high and of as much ink as one another up to these factors, or one pixel.
_ALIKE, _AS_MUCH = 1.2, 1.35
# Holes lie within this share of the page's side at one edge, in a straight line up to this share of their size, and at
# equal distances up to this share of one; the first and the last are so many distances from the ends of the edge.
_OUTER, _STRAIGHT, _ASKEW, _FROM_END = 0.2, 0.2, 0.12, 1.3
# They touch the edge, or are round: so much of their box is inked, and it is so many times as long as wide.
_FILLED, _ROUND = 0.68, 1.3

# The order of left, top, width, height and area of a component, of a page that is turned.
_TURNED = [1, 0, 3, 2, 4]

Stats = npt.NDArray[np.int64]


def without_holes(page: LabeledMask) -> LabeledMask:
    """Takes the holes along the edges of a page off its ink; the page itself if there are none."""
    labels, components = page.components
    stats = np.asarray(components, dtype=np.int64)
    larger = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= _LEAST
    larger[0] = False
    places = np.flatnonzero(larger)
    if not _FEWEST < places.size <= _MOST:
        return page
    height, width = page.mask.shape
    of_page = stats[places]
    found = _holes(of_page, height, width) | _holes(of_page[:, _TURNED], width, height)
    if not found.any():
        return page
    removed = np.zeros(len(stats), np.bool_)
    removed[places[found]] = True
    return LabeledMask(np.where(removed[labels], 0, page.mask).astype(np.uint8))


def _holes(stats: Stats, height: int, width: int) -> Flags:
    """Which strokes are holes in a row along the upper or the lower edge, on a page where more is written.

    Args:
        stats: of the page's strokes, as OpenCV describes components.
        height: of the page, in pixels.
        width: of the page, in pixels.
    """
    left, top, wide, high, areas = stats.T
    is_round = (areas >= _FILLED * wide * high) & (np.abs(np.log(wide / high)) <= np.log(_ROUND))
    holes = np.zeros(len(stats), np.bool_)
    for is_near, touches in (
        (top + high <= _OUTER * height, top <= 1),
        (top >= (1.0 - _OUTER) * height, top + high >= height - 1),
    ):
        for possible in (touches, is_round):
            row = np.flatnonzero(is_near & possible)
            row = row[_alike(stats[row])]
            if row.size < _FEWEST or not _is_even_row(stats[row], width):
                continue
            tall = float(np.median(high[row]))
            if (~is_near & (high >= tall)).any():
                holes[row] = True
                # The first or the last may be cut off.
                is_cut = is_near & ((left <= 1) | (left + wide >= width - 1))
                holes |= (
                    is_cut & (high <= _ALIKE * tall) & (wide <= tall) & (np.abs(_off(stats[row], stats)) <= tall / 2.0)
                )
    return holes


def _alike(stats: Stats) -> Flags:
    """Which strokes are of the size that most of them have."""
    if not len(stats):
        return np.zeros(0, np.bool_)
    wide, high, areas = stats[:, 2:].T.astype(np.float64)
    alike = np.abs(np.log(areas[:, np.newaxis] / areas)) <= np.log(_AS_MUCH)
    for size in (wide, high):
        alike &= np.abs(size[:, np.newaxis] - size) <= np.maximum(1.0, (_ALIKE - 1.0) * size)
    return np.asarray(alike[alike.sum(axis=1).argmax()])


def _is_even_row(stats: Stats, width: int) -> bool:
    """Whether strokes stand in a straight line, at equal distances, from one end of the page to the other."""
    x = np.sort(stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH] / 2.0)
    steps = np.diff(x)
    pitch = float(np.median(steps))
    if max(x[0], width - x[-1]) > _FROM_END * pitch or (np.abs(steps - pitch) > _ASKEW * pitch).any():
        return False
    return bool(np.abs(_off(stats, stats)).max() <= _STRAIGHT * float(np.median(stats[:, cv2.CC_STAT_HEIGHT])))


def _off(row: Stats, others: Stats) -> Floats:
    """How far the middles of some strokes lie below the straight line through those of a row, in pixels."""
    (x, y), (across, down) = ((stats[:, :2] + stats[:, 2:4] / 2.0).T for stats in (row, others))
    return np.asarray(down - np.polyval(np.polyfit(x, y, 1), across), dtype=np.float64)
