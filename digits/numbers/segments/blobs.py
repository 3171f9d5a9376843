"""Strokes above one another, which are taken for one thing, and where the line runs on which it is written."""

from collections.abc import Sequence

import numpy as np

from digits.vision.components import Components
from digits.vision.paper.boxes import Rectangle

# A box that is so many times as high as most of what is in it is a table, which holds several lines. So is one in which
# something stands above something else, both at least so high beside the highest.
_TABLE, _TALL = 3.0, 0.5


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
