"""Finds what on a line may be a digit: strokes alone, strokes together, and strokes cut where digits may touch."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Gray
from digits.numbers.segments.cuts import Cut, find_cuts
from digits.numbers.segments.layout import Line
from digits.vision.components import Components

Where = tuple[slice, slice]
Floats = npt.NDArray[np.float64]

# In heights of the line's digits: what is taken for one digit is at most so wide and so high, and has no gap as wide
# as this.
WIDEST, _HIGHEST, _WIDEST_GAP = 1.4, 1.7, 0.3
# Two strokes as high as this are rarely one digit: a 4, or a 0 whose pen skipped, with a smaller gap.
_TALL, _WIDEST_GAP_OF_TALL = 0.6, 0.12
# What is as long as this may be a sign of its own.
_SIGN = 0.22
# A digit consists of so many strokes at the most.
_MOST_STROKES = 5


@dataclass(frozen=True)
class Place:
    """Where on a line one digit may end and the next begin.

    Args:
        stroke: in front of which it is, or which the cut goes through; an index of the line's strokes.
        cut: through the stroke; None if it is in front of it.
    """

    stroke: int
    cut: Cut | None = None


def is_spread(places: Sequence[Where], height: float) -> bool:
    """Whether one of some strokes that are as large as a sign stands beside the others of them, with a gap.

    Args:
        places: rows and columns of each stroke.
        height: of the line's digits, in pixels.
    """
    large = [
        columns
        for rows, columns in places
        if max(rows.stop - rows.start, columns.stop - columns.start) >= _SIGN * height
    ]
    for i, columns in enumerate(large if len(large) > 1 else ()):
        others = [other for j, other in enumerate(large) if j != i]
        left, right = min(other.start for other in others), max(other.stop for other in others)
        if max(left - columns.stop, columns.start - right) >= _WIDEST_GAP_OF_TALL * height:
            return True
    return False


@dataclass(frozen=True)
class Chain:
    """A line as strokes from left to right, and the places where it may be taken apart.

    Args:
        strokes: which strokes of the page they are.
        where: the rows and columns of the page that each takes.
        masks: uint8 of each, 1 where the stroke is in them.
        places: in front of each stroke and through those that are cut, from left to right, and after the last one.
        height: of the line's digits, in pixels.
    """

    strokes: tuple[int, ...]
    where: tuple[Where, ...]
    masks: tuple[Gray, ...]
    places: tuple[Place, ...]
    height: float

    def shares(self, first: int, last: int) -> list[tuple[int, Cut | None, Cut | None]]:
        """The strokes between two places, with the cuts on the left and on the right of which their ink lies."""
        start, end = self.places[first], self.places[last]
        until = end.stroke if end.cut is None else end.stroke + 1
        return [
            (i, start.cut if i == start.stroke else None, end.cut if i == end.stroke else None)
            for i in range(start.stroke, until)
        ]

    def is_stroke(self, first: int, last: int) -> bool:
        """Whether what lies between two places is one whole stroke."""
        start, end = self.places[first], self.places[last]
        return start.cut is None and end.cut is None and end.stroke == start.stroke + 1

    def is_spread(self, first: int, last: int) -> bool:
        """Whether a stroke between two places, as large as a sign, stands beside all others there, with a gap."""
        start, end = self.places[first], self.places[last]
        return is_spread(self.where[start.stroke : end.stroke if end.cut is None else end.stroke + 1], self.height)

    def ink_between(self, first: int, last: int) -> tuple[Where, Gray]:
        """The ink between two places, cut out of the page: where it lies, and its mask; an empty mask if none does."""
        budget.check()
        if self.is_stroke(first, last):
            stroke = self.places[first].stroke
            return self.where[stroke], self.masks[stroke]
        shares = self.shares(first, last)
        rows = slice(
            min(self.where[i][0].start for i, _, _ in shares), max(self.where[i][0].stop for i, _, _ in shares)
        )
        columns = slice(
            min(self.where[i][1].start for i, _, _ in shares), max(self.where[i][1].stop for i, _, _ in shares)
        )
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        for i, left, right in shares:
            inked, middles = self.masks[i] > 0, np.arange(self.masks[i].shape[1]) + 0.5
            if left is not None:
                inked &= middles >= left.columns[:, None]
            if right is not None:
                inked &= middles < right.columns[:, None]
            down, across = self.where[i][0].start - rows.start, self.where[i][1].start - columns.start
            mask[down : down + inked.shape[0], across : across + inked.shape[1]] |= inked
        inked_rows, inked_columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not inked_rows.size:
            return (rows, columns), mask
        top, bottom = int(inked_rows[0]), int(inked_rows[-1]) + 1
        left_edge, right_edge = int(inked_columns[0]), int(inked_columns[-1]) + 1
        return (
            (
                slice(rows.start + top, rows.start + bottom),
                slice(columns.start + left_edge, columns.start + right_edge),
            ),
            mask[top:bottom, left_edge:right_edge],
        )


@dataclass(frozen=True)
class Candidate:
    """What may be one digit.

    Args:
        first: index of the place where it begins.
        last: index of the place where it ends.
    """

    first: int
    last: int

    @property
    def span(self) -> tuple[int, int]:
        """The indices of the places where it begins and where it ends."""
        return self.first, self.last


@dataclass(frozen=True)
class Lattice:
    """All ways to take a line apart.

    Args:
        chain: the line.
        candidates: what on it may be a digit.
        boxes: of each candidate, float64 of shape (n, 4): left, top, right, bottom in heights of the line's digits.
        windows: of each candidate, uint8 of shape (n, SIDE, SIDE, CHANNELS).
        segment_probabilities: the segment classifier's for each candidate, of shape (n, 12).
        sign_probabilities: the sign classifier's for each candidate, of shape (n, SIGN_CLASSES).
        probabilities: the recognizer's for each candidate, calibrated, of shape (n, 10).
    """

    chain: Chain
    candidates: list[Candidate]
    boxes: Floats
    windows: npt.NDArray[np.uint8]
    segment_probabilities: Floats
    sign_probabilities: Floats
    probabilities: Floats

    def only(self, kept: Sequence[int]) -> "Lattice":
        """The lattice with some of its candidates, by their indices."""
        return replace(
            self,
            candidates=[self.candidates[k] for k in kept],
            boxes=self.boxes[kept],
            windows=self.windows[kept],
            segment_probabilities=self.segment_probabilities[kept],
            sign_probabilities=self.sign_probabilities[kept],
            probabilities=self.probabilities[kept],
        )


def find_chain(parts: Components, line: Line, to_cut: Collection[int]) -> Chain:
    """Collects the strokes of a line and the places where it may be taken apart.

    Args:
        parts: the strokes of the page.
        line: a line of the page.
        to_cut: indices of the strokes, among those of the page, that may be cut.
    """
    where, masks, places = [], [], []
    for k, i in enumerate(line.members):
        place, mask = parts.cut([i], 0)
        where.append(place)
        masks.append(mask)
        places.append(Place(k))
        if i in to_cut:
            places += [Place(k, cut) for cut in find_cuts(mask, line.height)]
    return Chain(tuple(line.members), tuple(where), tuple(masks), (*places, Place(len(masks))), line.height)


def find_candidates(chain: Chain) -> list[Candidate]:
    """Finds all candidates: what lies between two places and is no larger than a digit, and every whole stroke."""
    limit = WIDEST * chain.height
    lefts, rights = _reaches(chain)
    candidates = []
    for first, start in enumerate(chain.places[:-1]):
        furthest = _furthest_stroke(chain, start.stroke)
        for last in range(first + 1, len(chain.places)):
            end = chain.places[last]
            touched = end.stroke if end.cut is not None else end.stroke - 1
            if touched > furthest:
                break
            if chain.is_stroke(first, last) or rights[last] - lefts[first] <= limit:
                candidates.append(Candidate(first, last))
    return candidates


def _reaches(chain: Chain) -> tuple[Floats, Floats]:
    """About how far left what begins at each place reaches, and how far right what ends there; in pixels."""
    lefts, rights = [], []
    furthest = -np.inf
    for place in chain.places:
        if place.cut is not None:
            start = chain.where[place.stroke][1].start
            # Half of a cut's rows lie left of the median.
            middle = start + float(np.median(place.cut.columns))
            lefts.append(middle)
            rights.append(middle)
            continue
        lefts.append(chain.where[place.stroke][1].start if place.stroke < len(chain.where) else np.inf)
        rights.append(furthest)
        if place.stroke < len(chain.where):
            furthest = chain.where[place.stroke][1].stop
    return np.array(lefts), np.array(rights)


def _furthest_stroke(chain: Chain, first: int) -> int:
    """The last stroke that may be of one digit with a stroke."""
    (rows, columns) = chain.where[first]
    top, bottom, right = rows.start, rows.stop, columns.stop
    last = first
    for i in range(first + 1, min(first + _MOST_STROKES, len(chain.where))):
        rows, columns = chain.where[i]
        tall = bottom - top >= _TALL * chain.height and rows.stop - rows.start >= _TALL * chain.height
        if columns.start - right > (_WIDEST_GAP_OF_TALL if tall else _WIDEST_GAP) * chain.height:
            break
        top, bottom, right = min(top, rows.start), max(bottom, rows.stop), max(right, columns.stop)
        if bottom - top > _HIGHEST * chain.height:
            break
        last = i
    return last
