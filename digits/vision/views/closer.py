"""Finds a small digit on a large page. On a reduced copy, it would be taken off with the lines of the page."""

import numpy as np

from digits.arrays import Pixels
from digits.errors import CrowdedImageError, NoInkError
from digits.images.reducing import ENOUGH_SIDE
from digits.vision.components import find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import page_mask
from digits.vision.reduction import shrink
from digits.vision.views.copy import Copy

# Pages with fewer pixels on the longer side are large enough on the copy of the other views.
_LARGE = 1000
# The digit is looked for on a copy of so many pixels on the longer side.
_SIDE = 600
# It is at most so high or wide, as a share of the page's longer side: other views show larger ones.
_MOST = 0.2
# It has at least so much of the ink: among other writing, it is not the page's digit.
_ONLY = 0.8
# The part has a margin of this share of the digit's longer side, and of so many pixels of the copy.
_MARGIN, _LEAST_MARGIN = 0.35, 3


def part_around_digit(copy: Copy) -> Pixels | None:
    """The part of a large page around the only thing written on it, without the page's lines; None if there is none."""
    original = copy.original
    longer = max(original.shape[:2])
    if longer < _LARGE:
        return None
    try:
        foreground = find_foreground(shrink(original, _SIDE), even_light=True)
        components = find_components(foreground, page_mask(foreground)[0])
    except (NoInkError, CrowdedImageError):
        return None
    if not len(components):
        return None
    digit = components.digit
    left, top, right, bottom = components.box(digit)
    side = max(right - left, bottom - top)
    height, width = components.labels.shape
    if min(left, top, width - right, height - bottom) < _MARGIN * side:
        # It may be a part of the table.
        return None
    if side > _MOST * _SIDE or components.ink[digit].sum() < _ONLY * components.ink[~components.apart].sum():
        return None
    margin, scale = _MARGIN * side + _LEAST_MARGIN, longer / _SIDE
    first = [max(0, round(scale * (start - margin))) for start in (top, left)]
    last = [round(scale * (end + margin)) for end in (bottom, right)]
    part = original[first[0] : last[0], first[1] : last[1]]
    return np.ascontiguousarray(shrink(part, ENOUGH_SIDE))
