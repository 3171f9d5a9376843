"""Which of a picture's ink is a digit: apart from specks, page edges and frames, and from other digits."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.vision.foreground import Foreground, Gray, foreground_mask

# A part with less than this share of the ink of the largest is a speck, or a bit of a stroke.
_SPECK = 0.05
# Of a picture with more strokes, only so many with the most ink are looked at one by one.
MAX_SEPARATE = 12
# Another digit is at least this high, as a share of the highest: people write numbers of even height.
_EVEN_HEIGHT = 0.5


@dataclass(frozen=True)
class Components:
    """The connected strokes of a picture: strong ink, and weaker ink that goes on with it (hysteresis, Canny, 1986).

    Args:
        labels: int array of shape (height, width), which tells the strokes apart.
        ids: the label of each stroke, of shape (n,).
        left, top, right, bottom: of each, in pixels, the last two exclusive.
        ink: strength of each one's ink, summed.
        apart: whether each is a frame or an edge of the page.
        touches: whether each touches the picture's border.
    """

    labels: npt.NDArray[np.int32]
    ids: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]
    top: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    bottom: npt.NDArray[np.int64]
    ink: npt.NDArray[np.float64]
    apart: npt.NDArray[np.bool_]
    touches: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, members: list[int], margin: int) -> tuple[tuple[slice, slice], Gray]:
        """Some of the strokes, cut out.

        Args:
            members: which.
            margin: around them, in pixels, as far as the picture goes.

        Returns:
            Where the cut lies in the picture, as (rows, columns), and the mask of the strokes in it.
        """
        height, width = self.labels.shape
        rows = slice(
            max(0, int(self.top[members].min()) - margin), min(height, int(self.bottom[members].max()) + margin)
        )
        columns = slice(
            max(0, int(self.left[members].min()) - margin), min(width, int(self.right[members].max()) + margin)
        )
        # Cutting costs about an eighth of what drawing does.
        budget.spend((rows.stop - rows.start) * (columns.stop - columns.start) // 8)
        chosen = np.zeros(int(self.ids.max()) + 2, dtype=np.uint8)
        chosen[self.ids[members]] = 1
        # Labels beyond the last stroke's are ink too weak for one; they all fall on the last entry, which is 0.
        return (rows, columns), chosen.take(self.labels[rows, columns], mode="clip")


def find_components(found: Foreground, mask: Gray | None = None) -> Components:
    """The strokes of a picture.

    Args:
        found: its ink.
        mask: where the ink of strokes is, of the same shape; that of `foreground_mask` if None.
    """
    count, found_labels, stats, _ = cv2.connectedComponentsWithStats(
        foreground_mask(found) if mask is None else mask, connectivity=8
    )
    labels: npt.NDArray[np.int32] = np.asarray(found_labels, dtype=np.int32)
    at = np.flatnonzero(labels)
    which, strength = labels.ravel()[at], found.strength.ravel()[at]
    ink = np.asarray(np.bincount(which, strength, count), dtype=np.float64)
    ids = np.flatnonzero(np.bincount(which[strength >= found.strong], minlength=count))
    # In the order of OpenCV's CC_STAT constants.
    left, top, wide, high, areas = np.asarray(stats[ids], dtype=np.int64).T
    height, width = labels.shape
    first, last_x, last_y = found.margin, width - found.margin, height - found.margin
    touches = (left <= first) | (top <= first) | (left + wide >= last_x) | (top + high >= last_y)
    frame = (wide > 0.8 * width) & (high > 0.8 * height) & (areas < 0.35 * wide * high)
    # An edge of the page or a line of a form runs along the border; a digit that is merely cut off does not.
    spans, depths = np.maximum(wide / width, high / height), np.minimum(wide / width, high / height)
    edge = touches & (depths < 0.15) & (spans > 0.3)
    apart = frame | edge
    if apart.all():
        apart = np.zeros_like(apart)
    return Components(labels, ids, left, top, left + wide, top + high, ink[ids], apart, touches)


def find_digit(parts: Components) -> list[int]:
    """The strokes of the digit alone: without specks, page edges, frames and other writing.

    Args:
        parts: at least one.

    Returns:
        Indices of `parts`.
    """
    merit = np.where(parts.apart, 0.0, parts.ink * np.where(parts.touches, 0.5, 1.0))
    main = int(np.argmax(merit))
    keep = {main}
    left, top, right, bottom = parts.left, parts.top, parts.right, parts.bottom
    box = [left[main], top[main], right[main], bottom[main]]
    considered = np.flatnonzero(merit >= _SPECK * parts.ink[main])
    # From the main stroke outwards: what lies near the strokes so far, and is more than a speck, is part of the
    # digit. Over and over, since one stroke leads to another.
    left_out = [int(i) for i in considered[np.argsort(-merit[considered])] if i != main]
    found = True
    while found:
        found = False
        for i in left_out:
            reach = 0.35 * max(box[2] - box[0], box[3] - box[1], right[i] - left[i], bottom[i] - top[i])
            near = left[i] <= box[2] + reach and right[i] >= box[0] - reach
            if near and top[i] <= box[3] + reach and bottom[i] >= box[1] - reach:
                keep.add(i)
                box = [min(box[0], left[i]), min(box[1], top[i]), max(box[2], right[i]), max(box[3], bottom[i])]
                found = True
        left_out = [i for i in left_out if i not in keep]
    return sorted(keep)


def find_separate_digits(parts: Components) -> tuple[list[list[int]], list[int]]:
    """What may be separate digits: strokes of similar height that lie apart.

    Strokes above one another are taken for one digit, such as a 5 and its bar; small ones belong to what is next to
    them. Beyond `MAX_SEPARATE` strokes the faintest are left out. Whether they are digits is for a network to say.

    Args:
        parts: at least one.

    Returns:
        Indices of `parts` for each, from left to right; and those of all that was looked at, the small strokes too.
    """
    if len(parts) == 1:
        return [[0]], [0]
    chosen = np.flatnonzero(~parts.apart & (parts.ink >= _SPECK * parts.ink[~parts.apart].max()))
    chosen = chosen[np.argsort(-parts.ink[chosen], kind="stable")[:MAX_SEPARATE]]
    groups = [_Group(int(i), parts) for i in sorted(chosen, key=lambda i: int(parts.left[i]))]
    while (pair := _belonging(groups)) is not None:
        first, second = pair
        groups.remove(second)
        first.join(second)
    highest = max(group.high for group in groups)
    separate = [group.members for group in groups if group.high >= _EVEN_HEIGHT * highest]
    return separate, [int(i) for i in chosen]


class _Group:
    """Components that are taken for one digit, and the box around them."""

    def __init__(self, member: int, parts: Components) -> None:
        self.members = [member]
        self.left, self.right = int(parts.left[member]), int(parts.right[member])
        self.top, self.bottom = int(parts.top[member]), int(parts.bottom[member])

    @property
    def high(self) -> int:
        return self.bottom - self.top

    def join(self, other: "_Group") -> None:
        self.members += other.members
        self.left, self.right = min(self.left, other.left), max(self.right, other.right)
        self.top, self.bottom = min(self.top, other.top), max(self.bottom, other.bottom)


def _belonging(groups: list[_Group]) -> tuple[_Group, _Group] | None:
    """Two groups that are strokes of one digit, or None."""
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            high = max(first.high, second.high)
            across = max(first.left, second.left) - min(first.right, second.right)
            down = max(first.top, second.top) - min(first.bottom, second.bottom)
            narrower = min(first.right - first.left, second.right - second.left)
            above = -across >= 0.5 * narrower and down <= 0.15 * high
            small = min(first.high, second.high) < _EVEN_HEIGHT * high
            beside = small and across <= 0.15 * high and down <= 0.15 * high
            if above or beside:
                return first, second
    return None
