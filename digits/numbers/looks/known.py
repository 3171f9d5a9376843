"""Lines of a page that one view has shown so well that another need not read them again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digits.numbers.reading import ReadDigit, Reading
from digits.numbers.signs.marks import Box

# Two boxes are of the same line if they share this part of what both take together (intersection over union). In
# another view, a line's strokes are somewhat wider or narrower.
_SAME = 0.6
# What looks like fewer digits may be a line of the paper, which another view does not take for one.
_LEAST_DIGITS = 2


@dataclass(frozen=True)
class KnownLine:
    """A line that was read.

    Args:
        digits: its digits and signs, from left to right.
        confidence: the probability that all of it is right, 0..1.
    """

    digits: tuple[ReadDigit, ...]
    confidence: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """What its digits and signs take together: (left, top, width, height) in pixels of the picture."""
        edges = [Box(left, top, left + wide, top + high) for left, top, wide, high in (one.box for one in self.digits)]
        whole = Box.around(edges)
        return int(whole.left), int(whole.top), int(whole.right - whole.left), int(whole.bottom - whole.top)


def sure_lines(reading: Reading, least: float) -> list[KnownLine]:
    """The lines of a reading that may be acted on, of at least two digits, and at least so sure, 0..1."""
    lines = []
    for number, confidence in enumerate(reading.line_confidences):
        digits = tuple(digit for digit in reading.digits if digit.line == number)
        if (
            sum(digit.accepted for digit in digits) >= _LEAST_DIGITS
            and confidence >= least
            and reading.reason_of(number) is None
        ):
            lines.append(KnownLine(digits, confidence))
    return lines


def known_among(known: Sequence[KnownLine], boxes: Sequence[tuple[int, int, int, int]]) -> list[KnownLine | None]:
    """Finds known lines again in another view.

    Args:
        known: lines that were read.
        boxes: of the lines that the other view shows, (left, top, width, height) in pixels of the picture.

    Returns:
        For each box, the known line of the same place; None if there is none.
    """
    if not known or not boxes:
        return [None] * len(boxes)
    one, other = np.array(boxes)[:, None], np.array([line.box for line in known])
    shared = np.minimum(one[..., :2] + one[..., 2:], other[:, :2] + other[:, 2:])
    shared = np.maximum(shared - np.maximum(one[..., :2], other[:, :2]), 0).prod(axis=-1)
    same = shared / (one[..., 2:].prod(axis=-1) + other[:, 2:].prod(axis=-1) - shared)
    return [known[int(row.argmax())] if row.max() >= _SAME else None for row in same]


def quality_beside(reading: Reading, known: Sequence[KnownLine]) -> float:
    """The `line_quality` of those lines of a reading that are not known from another view, 0..1; 1 if all are."""
    boxes = {digit.box for line in known for digit in line.digits}
    others = tuple(digit for digit in reading.digits if digit.box not in boxes)
    return replace(reading, digits=others).line_quality if others else 1.0
