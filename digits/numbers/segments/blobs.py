"""Strokes above one another, which are taken for one thing, and where the line runs on which it is written."""

from collections.abc import Sequence

import numpy as np

from digits.vision.components import Components
from digits.vision.paper.boxes import Rectangle

# A box that is so many times as high as most of what is in it is a table, which holds several lines. So is one in which
# something stands above something else, both at least so high beside the highest.
_TABLE, _TALL = 3.0, 0.5


# A sign stands between its neighbors where it is no farther from the middle of the way from one to the other, and from
# the line through both, than these shares of the way, and of their height. Neither is farther from it than so many
# times their height, and one is as high as the other up to a factor.
_MIDDLE, _OFF_LINE, _FROM_SIGN, _AS_HIGH = 0.2, 0.2, 1.5, 1.6
# A line rises or falls by no more than this, in pixels for each pixel to the right.
_STEEPEST = 0.6


class Blob:
    """Strokes above one another, which are taken for one thing."""

    def __init__(self, parts: Components, members: list[int]) -> None:
        self.members = members
        self.left, self.right = float(parts.left[members].min()), float(parts.right[members].max())
        self.top, self.bottom = float(parts.top[members].min()), float(parts.bottom[members].max())
        self.x, self.y, self.high = (self.left + self.right) / 2, (self.top + self.bottom) / 2, self.bottom - self.top
        # Where its line runs, and how high what is written on that line may be.
        self.row_y, self.row_high = self.y, self.high


def align(blobs: Sequence[Blob], box: Rectangle) -> None:
    """Lets the line of what is written in a box run through the middle of the box, wherever in it that is written."""
    left, top, wide, high = box
    inside = [blob for blob in blobs if left <= blob.x <= left + wide and top <= blob.y <= top + high]
    if not inside or high >= _TABLE * float(np.median([blob.high for blob in inside])) or _is_above_another(inside):
        return
    for blob in inside:
        blob.row_y, blob.row_high = top + high / 2.0, float(high)


def _is_above_another(blobs: Sequence[Blob]) -> bool:
    """Whether something that is as high as digits stands above something else that is."""
    edges = np.array([(blob.left, blob.top, blob.right, blob.bottom) for blob in blobs])
    high = edges[:, 3] - edges[:, 1]
    left, top, right, bottom = edges[high >= _TALL * high.max()].T
    return any(bool(np.any((top >= bottom[k]) & (left < right[k]) & (right > left[k]))) for k in range(left.size))


def slopes_through_signs(blobs: Sequence[Blob], signs: Sequence[Blob]) -> list[float]:
    """How much lines fall between two neighbors that have a sign between them, in pixels for each pixel to the right.

    Neighbors in a sum stand far apart, and on a line that climbs steeply one stands above the other. But the sign
    between them lies on the line through both.

    Args:
        blobs: what may be digits.
        signs: what is too small for it.

    Returns:
        One slope for each sign that stands between two of them.
    """
    slopes = []
    x, y, left, right, high = (
        np.array([getattr(blob, name) for blob in blobs]) for name in ("x", "y", "left", "right", "high")
    )
    for sign in signs:
        before = np.flatnonzero((right <= sign.left) & (sign.left - right <= _FROM_SIGN * high))
        after = np.flatnonzero((left >= sign.right) & (left - sign.right <= _FROM_SIGN * high))
        i, j = (one.ravel() for one in np.meshgrid(before, after))
        if not i.size:
            continue
        larger = np.maximum(high[i], high[j])
        across, slope = x[j] - x[i], (y[j] - y[i]) / (x[j] - x[i])
        away = np.abs(sign.x - (x[i] + x[j]) / 2.0) / across
        off = np.abs(y[i] + slope * (sign.x - x[i]) - sign.y) / larger
        fits = (away <= _MIDDLE) & (off <= _OFF_LINE) & (np.abs(slope) <= _STEEPEST)
        fits &= larger <= _AS_HIGH * np.minimum(high[i], high[j])
        if fits.any():
            cost = np.where(fits, away + off + np.abs(slope), np.inf)
            slopes.append(float(slope[int(cost.argmin())]))
    return slopes
