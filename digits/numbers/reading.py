"""What was read in a picture of numbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from digits.numbers.signs.kinds import UNKNOWN
from digits.numbers.signs.marks import Box
from digits.vision.views.table import FIRST

LineReason = Literal["low_confidence", "not_a_digit"]

# A line whose confidence is at least this is accepted: it is then more likely right than wrong.
LEAST_CONFIDENCE = 0.5
# A box is covered by others if they share more than this share of it.
_COVERED = 0.4
# Two boxes stand beside one another if they are no farther apart than this and level over that share of the lower one,
# unless that is a point beside a digit; in heights of the higher one.
_BESIDE, _LEVEL, _NO_POINT = 0.5, 0.7, 0.3
# So many boxes are compared with all others at a time.
_COMPARED = 64


@dataclass(frozen=True)
class Place:
    """Where what is read lies in the picture.

    Args:
        width, height: of the picture, in pixels.
        columns, rows: of the copy of all of it on which it is read.
        left, top: of what is read, in pixels of the copy.
    """

    width: int
    height: int
    columns: int
    rows: int
    left: int = 0
    top: int = 0

    def box_of(self, box: Box, margin: int) -> tuple[int, int, int, int]:
        """Brings a box of what is read, with a margin around, to the picture's pixels: (x, y, width, height)."""
        scale, size = np.array([self.width / self.columns, self.height / self.rows]), (self.width, self.height)
        edges = np.array([[box.left, box.top], [box.right, box.bottom]]) - margin
        first, last = (edges + np.array([self.left, self.top])) * scale
        start = np.clip(np.floor(first), 0, (self.width - 1, self.height - 1)).astype(int)
        end = np.clip(np.ceil(last), start + 1, size).astype(int)
        return int(start[0]), int(start[1]), int(end[0] - start[0]), int(end[1] - start[1])


@dataclass(frozen=True)
class Alternative:
    """A digit that may stand at a place.

    Args:
        digit: 0..9.
        probability: of it, if a digit stands there, 0..1.
    """

    digit: int
    probability: float


@dataclass(frozen=True)
class ReadDigit:
    """A digit of a number, or a sign beside it.

    Args:
        digit: the most likely digit, 0..9.
        confidence: its probability, 0..1.
        accepted: whether it looks like a digit.
        box: (x, y, width, height) in pixels of the upright picture.
        line: on which line it stands, from 0.
        sign: which sign it is, `UNKNOWN` for one that is not known; None if it is accepted as a digit.
        sign_confidence: the probability of that sign, 0..1; None if it is accepted as a digit.
        alternatives: the most likely digits, at most three, the most likely first.
        after_blank: whether the writer left a blank before it.
    """

    digit: int
    confidence: float
    accepted: bool
    box: tuple[int, int, int, int]
    line: int
    sign: str | None = None
    sign_confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    after_blank: bool = False

    @property
    def shown(self) -> str:
        """The digit or sign, as a transcript has it."""
        return str(self.digit) if self.accepted else self.sign or UNKNOWN


@dataclass(frozen=True)
class Reading:
    """What was read in a picture.

    Args:
        digits: in reading order, and other signs among them, which are not accepted.
        width: of the upright picture in which boxes are measured, in pixels.
        height: of it.
        line_confidences: for each line, the probability that all of it is right, 0..1.
        view: the way in which the page was seen; `FIRST`, or one of `digits.vision.views.pages`.
    """

    digits: tuple[ReadDigit, ...]
    width: int
    height: int
    line_confidences: tuple[float, ...] = ()
    view: str = FIRST

    @property
    def lines(self) -> tuple[str, ...]:
        """The accepted digits of each line, which `ReadDigit.line` counts; "" where a line holds only signs."""
        accepted = [digit for digit in self.digits if digit.accepted]
        return tuple("".join(str(digit.digit) for digit in accepted if digit.line == i) for i in range(self._count))

    @property
    def text(self) -> str:
        """The lines that hold digits, with line breaks between them."""
        return "\n".join(line for line in self.lines if line)

    @property
    def transcript_lines(self) -> tuple[str, ...]:
        """Everything on each line: digits, signs, `UNKNOWN` for what is not known, and blanks as they were left."""
        lines = [""] * self._count
        for digit in self.digits:
            lines[digit.line] += (" " if digit.after_blank else "") + digit.shown
        return tuple(lines)

    @property
    def transcript(self) -> str:
        """Everything that was read, with line breaks between lines."""
        return "\n".join(self.transcript_lines)

    @property
    def confidence(self) -> float:
        """The probability that everything is right, 0..1, as if the lines were independent; 0 if none is known."""
        return math.prod(self.line_confidences) if self.line_confidences else 0.0

    def reason_of(self, line: int) -> LineReason | None:
        """Why a line should not be acted on: something on it is not known, or it is too unsure; None if it may be."""
        if any(digit.line == line and digit.shown == UNKNOWN for digit in self.digits):
            return "not_a_digit"
        return "low_confidence" if self.line_confidences[line] < LEAST_CONFIDENCE else None

    @property
    def reason(self) -> LineReason | None:
        """Why the whole answer should not be acted on; None if it may be."""
        reasons = [self.reason_of(line) for line in range(len(self.line_confidences))]
        if "not_a_digit" in reasons:
            return "not_a_digit"
        return "low_confidence" if self.confidence < LEAST_CONFIDENCE or any(reasons) else None

    @property
    def accepted(self) -> bool:
        """Whether the whole answer may be acted on."""
        return self.reason is None

    @property
    def is_torn(self) -> bool:
        """Whether something stands at the height of what is beside it, and on another line."""
        boxes = np.array([digit.box for digit in self.digits]).reshape(-1, 4)
        lines = np.array([digit.line for digit in self.digits])
        return any(
            bool((_stands_beside(boxes[at], boxes) & (lines[at, None] != lines)).any()) for at in _some_of(len(boxes))
        )

    def covers(self, other: "Reading") -> bool:
        """Whether this reading shows something wherever another one of the picture shows a digit, but for a 1."""
        boxes = np.array([digit.box for digit in self.digits]).reshape(-1, 4)
        others = np.array([one.box for one in other.digits if one.accepted and one.digit != 1]).reshape(-1, 4)
        return all(
            bool((_shared(others[at], boxes).sum(axis=1) > _COVERED * others[at, 2] * others[at, 3]).all())
            for at in _some_of(len(others))
        )

    @property
    def line_quality(self) -> float:
        """The mean confidence of the lines that hold anything, 0..1; those that should not be acted on count as 0."""
        written = {digit.line for digit in self.digits}
        if not (written and self.line_confidences):
            return 0.0
        good = (self.line_confidences[line] for line in written if self.reason_of(line) is None)
        return sum(good) / len(written)

    @property
    def _count(self) -> int:
        return 1 + max((digit.line for digit in self.digits), default=-1)


def of_two_views(first: Reading, second: Reading, least_quality: float) -> Reading:
    """Chooses between what the first view of a page shows, and what a surer one does.

    Args:
        first: what the first view shows.
        second: what the other one shows.
        least_quality: the `line_quality` from which the second view is sure, 0..1.
    """
    # A view that lacks a point or a minus shows a number that nobody doubts, and that nobody wrote.
    if first.accepted and _signs_of(second) < _signs_of(first) and len(second.text) <= len(first.text):
        return first
    # A view in which less is written may not show all of it. A 1 that it lacks may be a line of the paper.
    is_sure = second.line_quality >= least_quality
    if len(second.text) >= len(first.text) or (is_sure and second.covers(first)):
        return second
    # If the surer one is right, what the first shows besides is wrong.
    kept, most = set(second.transcript_lines), 1.0 - second.confidence
    pairs = zip(first.transcript_lines, first.line_confidences, strict=True)
    return replace(first, line_confidences=tuple(one if text in kept else min(one, most) for text, one in pairs))


def _signs_of(reading: Reading) -> int:
    """How much of what is written is no accepted digit: signs, and what may be one."""
    return sum(not digit.accepted for digit in reading.digits)


def _some_of(count: int) -> Iterator[slice]:
    """Slices of a number of boxes: what is made for all pairs of a page's boxes at once would take much memory."""
    yield from (slice(start, start + _COMPARED) for start in range(0, count, _COMPARED))


def _stands_beside(boxes: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether boxes (left, top, width, height) of shape (n, 4) stand beside others of shape (m, 4); of shape (n, m)."""
    overlap = _overlap(boxes, others)
    higher, lower = np.maximum(boxes[:, None, 3], others[:, 3]), np.minimum(boxes[:, None, 3], others[:, 3])
    away, level = -overlap[..., 0], overlap[..., 1]
    return np.asarray((away <= _BESIDE * higher) & (level >= _LEVEL * lower) & (lower >= _NO_POINT * higher))


def _shared(boxes: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The area that boxes (left, top, width, height) of shape (n, 4) share with others of shape (m, 4); (n, m)."""
    return np.asarray(np.maximum(_overlap(boxes, others), 0).prod(axis=2), dtype=np.int64)


def _overlap(boxes: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How far the same boxes overlap across and down, of shape (n, m, 2); below 0 is how far they lie apart."""
    first = np.maximum(boxes[:, None, :2], others[:, :2])
    last = np.minimum(boxes[:, None, :2] + boxes[:, None, 2:], others[:, :2] + others[:, 2:])
    return np.asarray(last - first, dtype=np.int64)
