"""Frees what touches a rule that was drawn under or over a number: a comma, a point, or the foot of a digit.

Both are one connected stroke, which is a rule as a whole, and would be left out with what stands on it.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from digits.arrays import Flags
from digits.numbers.segments.lattice import Where
from digits.numbers.segments.layout import Line, is_rule
from digits.numbers.segments.pieces import with_pieces
from digits.numbers.segments.rules import rule_in
from digits.vision.components import Components
from digits.vision.foreground import Foreground
from digits.vision.masks import label_components

# What reaches so far beyond it, in heights of a digit, and as far as it is thick, stands on it. If anything reaches
# farther than the second of these, it is no rule.
_BEYOND, _HIGHEST = 0.12, 1.3
# It takes up so much of its stroke's width, and is at most so thick, in heights of a digit.
_MOST_OF, _THICK = 0.8, 0.25
# A rule lies so far below or above a line at the most, in heights of its digits; of more, the longest are looked at.
_NEAR, _MOST = 0.6, 20


def free_ruled_off(parts: Components, lines: Sequence[Line], foreground: Foreground) -> Components | None:
    """Cuts what stands on a rule off the rule.

    Args:
        parts: the strokes of the page.
        lines: that are written on it.
        foreground: the page's ink.

    Returns:
        The strokes, and what was cut off as strokes of their own after them; None if there is nothing to cut off.
    """
    taken = {i for line in lines for i in line.members}
    wide = parts.right - parts.left
    left_out = [i for i in np.argsort(-wide, kind="stable").tolist() if i not in taken and not parts.apart[i]][:_MOST]
    pieces: list[tuple[int, Where, Flags]] = []
    for i in left_out:
        line = next((line for line in lines if _is_beside(parts, i, line)), None)
        if line is None or not is_rule(parts, i, line.height):
            continue
        left, top, right, bottom = parts.box([i])
        where = slice(top, bottom), slice(left, right)
        pieces += [(i, where, piece) for piece in _pieces(parts, i, line.height)]
    return with_pieces(parts, foreground, pieces) if pieces else None


def _is_beside(parts: Components, i: int, line: Line) -> bool:
    """Whether a stroke lies right under or over a line."""
    left, top, right, bottom = parts.box(line.members)
    near = _NEAR * line.height
    across = min(right, int(parts.right[i])) - max(left, int(parts.left[i]))
    return bool(across > 0 and parts.top[i] <= bottom + near and parts.bottom[i] >= top - near)


def _pieces(parts: Components, i: int, height: float) -> Iterator[Flags]:
    """What stands on a rule: bool arrays of the size of its box, true where a piece is."""
    _, mask = parts.cut([i], 0)
    rule = rule_in(mask, height, _THICK)
    if rule is None or rule.any(axis=0).mean() < _MOST_OF:
        return
    labels, stats = label_components(((mask > 0) & ~rule).view(np.uint8))
    # The ground comes first.
    high = stats[1:, cv2.CC_STAT_HEIGHT]
    # What bends away so far is the edge of a sheet or of a shadow.
    if high.max(initial=0) > _HIGHEST * height:
        return
    thickness = float(np.median(rule.sum(axis=0)))
    for k in np.flatnonzero(high >= max(_BEYOND * height, thickness)).tolist():
        yield labels == k + 1
