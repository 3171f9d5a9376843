"""Finds the connected strokes of a picture, and which of them are its digit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.foreground import Foreground
from digits.vision.masks import LabeledMask, Labels
from digits.vision.reduction import at_least

Indices = npt.NDArray[np.int64]

# The label of the only component.
_ONLY = np.array((1,), dtype=np.int64)

# A component with less than this share of the ink of the largest is a speck, or a bit of a stroke.
_SPECK = 0.05
# Of a picture with more components, only so many with the most ink are looked at as separate digits.
MAX_SEPARATE = 12
# Another digit is at least this high, as a share of the highest: people write numbers of even height.
_EVEN_HEIGHT = 0.5
# A stroke of a digit lies at most so far from the others, as a share of the digit's longer side, or of its own.
_NEAR = 0.35
# A frame is larger than this share of the picture both ways, with less ink than this share of its box, and holds more
# than specks: a digit as large as the picture may have some beside it.
_FRAME, _FRAME_INK = 0.8, 0.35
# An edge of the page runs along the border over this share of it, and is no deeper than that share of the picture.
_EDGE_SPAN, _EDGE_DEPTH = 0.3, 0.15
# Or it lies inside this share of the picture at one side, runs along over that share of it, and is so many times as
# long as anything else: the last 1 of a number, which may lie there too, is as high as the other digits.
_OUTER, _OUTER_SPAN, _TIMES_LONGER = 0.12, 0.5, 1.5

# A stripe from one border of the picture to the other is no wider than this share of the picture's shorter side.
# Pictures with fewer pixels than this on the longer side are often as small as their digit.
_STRIPE, _LEAST_STRIPED = 0.5, 49
# What cuts off a corner of the picture covers at most so much of its width or height, and of the other. A digit that is
# cut off at two borders is larger. What covers no more than the last share of either may be longer.
_CORNER, _CORNER_LONGER, _NARROW_CORNER = 0.4, 0.6, 0.2


@dataclass(frozen=True)
class Components:
    """The connected strokes of a picture: strong ink, and weaker ink that goes on with it (hysteresis, Canny, 1986).

    Args:
        labels: int32 or uint16 of shape (height, width), the label of each pixel.
        ids: of shape (n,), the label of each component.
        left, top, right, bottom: of shape (n,), the box of each, in pixels, the last two exclusive.
        ink: of shape (n,), the sum of the strength of its pixels.
        apart: of shape (n,), whether it is a frame or an edge of the page.
        touches: of shape (n,), whether it touches the picture's border.
    """

    labels: Labels
    ids: Indices
    left: Indices
    top: Indices
    right: Indices
    bottom: Indices
    ink: Floats
    apart: Flags
    touches: Flags

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def digit(self) -> list[int]:
        """What `find_digit` finds, which is worked out once."""
        return find_digit(self)

    def box(self, members: Sequence[int]) -> tuple[int, int, int, int]:
        """The box around some components: left, top, right, bottom in pixels, the last two exclusive."""
        members = list(members)
        if len(members) == 1:
            (only,) = members
            return int(self.left[only]), int(self.top[only]), int(self.right[only]), int(self.bottom[only])
        return (
            int(self.left[members].min()),
            int(self.top[members].min()),
            int(self.right[members].max()),
            int(self.bottom[members].max()),
        )

    def cut(self, members: Sequence[int], margin: int) -> tuple[tuple[slice, slice], Gray]:
        """Cuts some components out of the picture.

        Args:
            members: their indices.
            margin: how much of the picture to keep around them, in pixels, as far as the picture goes.

        Returns:
            Where the cut lies in the picture, as (rows, columns), and the mask of the components in it.
        """
        height, width = self.labels.shape
        left, top, right, bottom = self.box(members)
        rows = slice(max(0, top - margin), min(height, bottom + margin))
        columns = slice(max(0, left - margin), min(width, right + margin))
        # Cutting costs about an eighth of what drawing does.
        budget.spend((rows.stop - rows.start) * (columns.stop - columns.start) // 8)
        labels = self.labels[rows, columns]
        if len(members) == 1:
            return (rows, columns), (labels == self.ids[members[0]]).view(np.uint8)
        chosen = np.zeros(int(self.ids.max()) + 2, dtype=np.uint8)
        chosen[self.ids[list(members)]] = 1
        # Labels beyond the last component's are ink too weak for one; they all fall on the last entry, which is 0.
        return (rows, columns), chosen.take(labels, mode="clip")


def find_components(foreground: Foreground, mask: Gray | LabeledMask) -> Components:
    """Finds the connected strokes of a picture.

    Args:
        foreground: how strong ink is at each pixel.
        mask: uint8 of the same shape, 1 where ink is, weak ink too.
    """
    labeled = mask if isinstance(mask, LabeledMask) else LabeledMask(mask)
    (labels, stats), mask = labeled.components, labeled.mask
    ink, ids = _ink_and_strong(foreground, mask, labels, len(stats))
    chosen, ink = stats[ids].astype(np.int64), ink[ids]
    # In the order of OpenCV's CC_STAT constants.
    left, top, wide, high, _ = chosen.T
    right, bottom = left + wide, top + high
    height, width = labels.shape
    margin = foreground.margin
    touches = (left <= margin) | (top <= margin) | (right >= width - margin) | (bottom >= height - margin)
    apart = _frames_and_edges(chosen, ink, touches, labels.shape)
    return Components(labels, ids, left, top, right, bottom, ink, apart, touches)


def _ink_and_strong(foreground: Foreground, mask: Gray, labels: Labels, count: int) -> tuple[Floats, Indices]:
    """Returns the sum of the strength of each label's pixels, and the labels that have strong ink."""
    if count == 2:
        # There is one component alone, as in most drawings.
        strength = foreground.strength[mask.view(np.bool_)]
        return np.array((0.0, strength.sum())), _ONLY if strength.max() >= foreground.strong else _ONLY[:0]
    at = np.flatnonzero(mask.view(np.bool_))
    which, strength = labels.ravel()[at], foreground.strength.ravel()[at]
    strong = at_least(strength, foreground.strong).view(np.bool_)
    ink = np.asarray(np.bincount(which, strength, count), dtype=np.float64)
    return ink, np.flatnonzero(np.bincount(which[strong], minlength=count))


def _frames_and_edges(stats: Indices, ink: Floats, touches: Flags, shape: tuple[int, int]) -> Flags:
    """Tells which components are frames, edges of the page or lines of a form.

    Args:
        stats: of shape (n, 5), of each component: left, top, width, height and area, in pixels.
        ink: of shape (n,), the sum of the strength of its pixels.
        touches: of shape (n,), whether it touches the picture's border.
        shape: (height, width) of the picture in pixels.

    Returns:
        bool of shape (n,); if all of them seem to be, none is.
    """
    if len(stats) <= 1:
        return np.zeros(len(stats), np.bool_)
    left, top, wide, high, areas = stats.T
    height, width = shape
    frame = (wide > _FRAME * width) & (high > _FRAME * height) & (areas < _FRAME_INK * wide * high)
    frame &= ink[~frame].sum() >= _SPECK * ink[frame].sum()
    # An edge of the page or a line of a form runs along the border; a digit that is merely cut off does not.
    spans, depths = np.maximum(wide / width, high / height), np.minimum(wide / width, high / height)
    edge = touches & (depths < _EDGE_DEPTH) & (spans > _EDGE_SPAN)
    outer = (left + wide <= _OUTER * width) | (left >= (1.0 - _OUTER) * width)
    outer |= (top + high <= _OUTER * height) | (top >= (1.0 - _OUTER) * height)
    outer &= spans > _OUTER_SPAN
    longer, others = np.maximum(wide, high), ~(outer | edge | frame)
    outer &= longer >= _TIMES_LONGER * longer[others].max(initial=0)
    outer &= ink[others].sum() >= _SPECK * ink[outer].sum()
    apart = frame | edge | outer
    return np.zeros_like(apart) if apart.all() else apart


def find_digit(components: Components) -> list[int]:
    """Finds the strokes of the digit alone: without specks, page edges, frames and other writing.

    The digit grows from the component with the most ink: what lies near its box, and is more than a speck, joins it
    and makes the box larger. Whatever is near enough joins at once, so that the box grows by a share of itself with
    every second step, and the number of steps is bounded by the logarithm of the picture's side.

    Args:
        components: of the picture, at least one.

    Returns:
        Their indices, rising.
    """
    if len(components) == 1:
        return [0]
    merit = np.where(components.apart, 0.0, components.ink * np.where(components.touches, 0.5, 1.0))
    main = int(np.argmax(merit))
    left, top, right, bottom = components.left, components.top, components.right, components.bottom
    waiting = np.flatnonzero(merit >= _SPECK * components.ink[main])
    waiting = waiting[waiting != main]
    box = components.box([main])
    members = [main]
    while waiting.size:
        larger = np.maximum(right[waiting] - left[waiting], bottom[waiting] - top[waiting])
        reach = _NEAR * np.maximum(larger, max(box[2] - box[0], box[3] - box[1]))
        near = (left[waiting] <= box[2] + reach) & (right[waiting] >= box[0] - reach)
        near &= (top[waiting] <= box[3] + reach) & (bottom[waiting] >= box[1] - reach)
        if not near.any():
            break
        joining, waiting = waiting[near], waiting[~near]
        around = components.box(joining.tolist())
        box = (min(box[0], around[0]), min(box[1], around[1]), max(box[2], around[2]), max(box[3], around[3]))
        members += joining.tolist()
    return sorted(members)


def find_separate_digits(components: Components) -> tuple[list[list[int]], list[int]]:
    """Finds what may be separate digits: strokes of similar height that lie apart.

    Strokes above one another are taken for one digit, such as a 5 and its bar; small ones belong to what is next to
    them. Beyond `MAX_SEPARATE` components the faintest are left out. Whether they are digits is for a network to say.

    Args:
        components: of the picture, at least one.

    Returns:
        The indices of each group's components, the groups from left to right; and the indices of all components that
        were looked at, small ones too.
    """
    if len(components) == 1:
        return [[0]], [0]
    strongest = components.ink[~components.apart].max()
    chosen = np.flatnonzero(~components.apart & (components.ink >= _SPECK * strongest))
    chosen = chosen[np.argsort(-components.ink[chosen], kind="stable")[:MAX_SEPARATE]]
    groups = [_Group(int(i), components) for i in sorted(chosen, key=lambda i: int(components.left[i]))]
    while (pair := _of_one_digit(groups)) is not None:
        first, second = pair
        groups.remove(second)
        first.join(second)
    highest = max(group.height for group in groups)
    separate = [group.members for group in groups if group.height >= _EVEN_HEIGHT * highest]
    return separate, [int(i) for i in chosen]


class _Group:
    """Components that are taken for one digit, and the box around them."""

    def __init__(self, member: int, components: Components) -> None:
        self.members = [member]
        self.left, self.top, self.right, self.bottom = components.box([member])

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def join(self, other: "_Group") -> None:
        self.members += other.members
        self.left, self.right = min(self.left, other.left), max(self.right, other.right)
        self.top, self.bottom = min(self.top, other.top), max(self.bottom, other.bottom)


def _of_one_digit(groups: list[_Group]) -> tuple[_Group, _Group] | None:
    """The first two groups that are strokes of one digit, or None."""
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            height = max(first.height, second.height)
            across = max(first.left, second.left) - min(first.right, second.right)
            down = max(first.top, second.top) - min(first.bottom, second.bottom)
            narrower = min(first.right - first.left, second.right - second.left)
            above = -across >= 0.5 * narrower and down <= 0.15 * height
            small = min(first.height, second.height) < _EVEN_HEIGHT * height
            beside = small and across <= 0.15 * height and down <= 0.15 * height
            if above or beside:
                return first, second
    return None


def crosses(box: tuple[float, float, float, float], shape: tuple[int, ...], near: float = 0.01) -> bool:
    """Whether what lies in a box reaches from one border of the picture to the opposite one.

    Args:
        box: its left, top, right and bottom in pixels, the last two past it.
        shape: the height and width of the picture, in pixels.
        near: how near it comes to both borders, as a share of their distance.
    """
    left, top, right, bottom = box
    for start, end, length in ((top, bottom, shape[0]), (left, right, shape[1])):
        reach = max(1, round(near * length))
        if start <= reach and end >= length - reach:
            return True
    return False


def is_stripe(box: tuple[float, float, float, float], shape: tuple[int, ...], near: float = 0.01) -> bool:
    """Whether what lies in a box is a stripe from border to border, such as a fold, a margin or the edge of a table.

    In a picture that is cropped to a 1, the 1 fills the width.

    Args:
        box: as for `crosses`.
        shape: as for `crosses`.
        near: as for `crosses`.
    """
    left, top, right, bottom = box
    return (
        max(shape[:2]) >= _LEAST_STRIPED
        and min(right - left, bottom - top) <= _STRIPE * min(shape[:2])
        and crosses(box, shape, near)
    )


def is_edge(box: tuple[float, float, float, float], shape: tuple[int, ...], near: float = 0.01) -> bool:
    """Whether what lies in a box is a stripe, or cuts off a corner of the picture, as a table or a shadow may.

    Args:
        box: as for `crosses`.
        shape: as for `crosses`.
        near: as for `crosses`.
    """
    if is_stripe(box, shape, near):
        return True
    left, top, right, bottom = box
    height, width = shape[:2]
    down, across = (max(1, round(near * length)) for length in (height, width))
    shares = (right - left) / width, (bottom - top) / height
    return (
        max(height, width) >= _LEAST_STRIPED
        and min(shares) <= _CORNER
        and (max(shares) <= _CORNER_LONGER or min(shares) <= _NARROW_CORNER)
        and (left <= across or right >= width - across)
        and (top <= down or bottom >= height - down)
    )
