"""Reads one line: which digits and signs stand on it, with the blanks between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from digits.arrays import CLASSES, Floats
from digits.numbers.acceptance import (
    ACCEPTANCE_FEATURES,
    Shapes,
    acceptance_features,
    leans,
    logistic,
)
from digits.numbers.decoding import (
    Decoding,
    acceptance_scores,
    best_path,
    candidate_scores,
    join_halves,
    least_probabilities,
    path_probability,
    pooled_probabilities,
)
from digits.numbers.expectation import LEAST_DIGIT, Chances, Expectation, best_matching_path
from digits.numbers.lines.entries import Entry, as_expected, entry_of, mark_entry, small_entry, with_blanks
from digits.numbers.lines.features import is_sure, lattice_confidence, lattice_features, line_confidence, line_features
from digits.numbers.lines.image import LineImage, draw_line_image, small_on_line
from digits.numbers.segments.lattice import Lattice
from digits.numbers.segments.windows import Floats as FloatInk
from digits.numbers.segments.windows import ReducedLine, Stroke, Windows, draw_window, reduce_field, reduce_line
from digits.numbers.signs.kinds import SIGNS
from digits.numbers.signs.marks import Box, box_of_stroke, find_marks
from digits.numbers.window_network import WindowNetwork
from digits.vision.components import Components, is_edge
from digits.vision.views.forms import NEAR_BORDER

# The largest size of a point or a comma, in heights of the line's digits. The fit of the decoding says how many digits
# are no larger (`digits_as_small_as_points`).
POINT = 0.4
# No probability of what is on a line counts as less than this.
_LEAST = 1e-6
# What is added to the score of a candidate with a large stroke beside all others, which is no digit, nearly always.
_SPREAD = -1.0
# The confidence of a line is multiplied by this if its ink was left out, or if a digit takes in the ink of others.
_COMPLETE = 0.49
_POINTS = [CLASSES + SIGNS.index(sign) for sign in ".,"]


@dataclass(frozen=True)
class LineReading:
    """A line that was read.

    Args:
        entries: its digits and signs, from left to right.
        path: the probability of the way in which it was taken apart, 0..1.
        matches: whether it matches the pattern that was expected.
        candidates: indices of the candidates that it consists of, but for those without ink.
        acceptance: what tells whether these are digits, of shape (n, len(ACCEPTANCE_FEATURES)).
        written: the logarithm of the probability that the line network gives to all of it; None if it was not asked.
        is_agreed: whether the lattice and the line network read the same.
        chance: the probability that it is the right one of two ways to read it; 0.5 if there was no choice.
        other_signs: whether the other way of two shows other signs.
        leaves_ink: whether ink beside it, which may be of a digit, is in none of its entries.
        takes_in: whether one of its digits has a box as wide as several digits, or a large stroke beside all others.
    """

    entries: tuple[Entry, ...]
    path: float
    matches: bool = True
    candidates: tuple[int, ...] = ()
    acceptance: Floats | None = None
    written: float | None = None
    is_agreed: bool = True
    chance: float = 0.5
    other_signs: bool = False
    leaves_ink: bool = False
    takes_in: bool = False

    @property
    def shown(self) -> tuple[str, ...]:
        """The digits and signs, as a transcript has them, without blanks."""
        return tuple(entry.shown for entry in self.entries)

    @property
    def likelihood(self) -> float:
        """The logarithm of the probability that the lattice gives to what is shown, without a pattern."""
        chances = [self.path, *(entry.probability_without_pattern for entry in self.entries)]
        return float(np.log(np.maximum(chances, _LEAST)).sum())

    @property
    def alone(self) -> float:
        """The least probability that any network alone gives any of its digits, 0..1; 0.5 where that is not known."""
        known = ((entry.alone, entry.digits) for entry in self.entries if entry.accepted)
        return min((float(alone[digits.argmax()]) for alone, digits in known if alone is not None), default=0.5)

    @property
    def lattice_features(self) -> Floats:
        """What tells how sure the line is by the lattice alone; the line has at least one entry."""
        probabilities = [entry.probability for entry in self.entries]
        return lattice_features(probabilities, self.path, self.alone, sum(not one.accepted for one in self.entries))

    @property
    def features(self) -> Floats:
        """What tells how sure the line is, as `line_features` gives it; the line network was asked about it."""
        if self.written is None:
            raise ValueError("The line network was not asked about this line.")
        return line_features(self.lattice_features, self.written, self.is_agreed, self.chance, self.other_signs)

    def confidence(self, decoding: Decoding) -> float:
        """The probability that all of the line is right, 0..1; the line has at least one entry."""
        if self.written is None:
            confidence = lattice_confidence(self.lattice_features, decoding)
        else:
            confidence = line_confidence(self.features, decoding)
        return _COMPLETE * confidence if self.leaves_ink or self.takes_in else confidence


@dataclass(frozen=True)
class _ReadPath:
    """A way to take a line apart that was read.

    Args:
        line: what was read.
        shapes: of what stands on the line, with which other candidates are compared.
        marks: how many marks stand on it.
    """

    line: LineReading
    shapes: Shapes
    marks: int


class PageLine:
    """A line of a page while it is read.

    Args:
        lattice: all ways to take it apart.
        parts: the strokes of the page.
        small: those that may be marks, as `find_small_strokes` gives them.
        decoding: the parameters of the decoding.
        signs: tells digits and signs apart.
    """

    def __init__(
        self,
        lattice: Lattice,
        parts: Components,
        small: Sequence[int],
        decoding: Decoding,
        signs: WindowNetwork,
    ) -> None:
        self._lattice, self.parts, self._small, self._decoding, self._signs = lattice, parts, small, decoding, signs
        self._weights = np.array([decoding.acceptance[name] for name in ACCEPTANCE_FEATURES])
        self._spans, self._scores = [one.span for one in lattice.candidates], candidate_scores(lattice, decoding)
        self._digits = pooled_probabilities(lattice.segment_probabilities, lattice.probabilities, decoding.pool)
        self._scores += _SPREAD * np.array([lattice.chain.is_spread(*span) for span in self._spans], np.float64)

        self._shapes = Shapes(
            lattice.boxes,
            leans(lattice.windows),
            acceptance_scores(lattice.segment_probabilities, lattice.probabilities),
            lattice.sign_probabilities,
            self._digits.argmax(axis=1) == 1,
        )

    @cached_property
    def _reduced(self) -> ReducedLine:
        # Only marks are drawn on it, and most lines have none.
        return reduce_line(self._lattice.chain)

    def picture(self) -> LineImage:
        """Draws the line for the line network."""
        chain = self._lattice.chain
        return draw_line_image(self.parts, chain.strokes, self._small, chain.height)

    @property
    def is_sure(self) -> bool:
        """Whether the line network need not be asked: the line is sure, and no small stroke on it may be a sign."""
        best = self.best
        if not is_sure(best.lattice_features, best.path, best.alone, self._decoding):
            return False
        chain = self._lattice.chain
        return not small_on_line(self.parts, chain.strokes, self._small, chain.height)

    @property
    def height(self) -> float:
        """The height of the line's digits, in pixels."""
        return self._lattice.chain.height

    @property
    def best(self) -> LineReading:
        """The line, read in the best way to take it apart."""
        return self._best.line

    @cached_property
    def _best(self) -> _ReadPath:
        path = best_path(self._spans, self._scores)
        return self._read_path(join_halves(self._lattice, self._scores, path, self._decoding.pool))

    @cached_property
    def _all_chances(self) -> tuple[list[Chances], dict[int, list[Chances]]]:
        return self._chances(self._best)

    def matching(self, expectation: Expectation) -> LineReading | None:
        """Reads the line in the best way that matches a pattern; None if there is no such way that is likely enough."""
        chances, of_marks = self._all_chances
        matching = best_matching_path(expectation, self._spans, self._scores, chances, of_marks)
        if matching is None:
            return None
        held = self._read_path([k for k, _ in matching], [token for _, token in matching]).line
        # A mark that is passed as dirt still stands on the line, and so does a point that is none in the pattern.
        return held if expectation.fits(entry.shown for entry in held.entries) else None

    def _read_path(self, path: Sequence[int], tokens: Sequence[str] = ()) -> _ReadPath:
        """Reads the candidates of a path, each as what a token of a pattern stands for, if there are tokens."""
        probability = path_probability(self._spans, self._scores, path)
        lattice = self._lattice
        places = [lattice.chain.ink_between(*lattice.candidates[k].span) for k in path]
        inked = [n for n, (_, mask) in enumerate(places) if mask.any()]
        chosen, boxes = [path[n] for n in inked], [Box.of(places[n][0]) for n in inked]
        if not chosen:
            return _ReadPath(LineReading((), 0.0), self._shapes, 0)
        of_signs = lattice.sign_probabilities[chosen]
        points = [self._is_point(box, boxes) for box in boxes]
        marks, belonging = find_marks(self.parts, self._small, boxes, points, self.height)
        windows = [
            self._window(self._reduced.shares(lattice.candidates[chosen[place]]), members)
            for place, members in belonging.items()
        ]
        windows += [self._window([], mark.members) for mark in marks]
        looked_at = self._signs(np.stack(windows)) if windows else of_signs[:0]
        for row, (place, members) in enumerate(belonging.items()):
            of_signs[place] = looked_at[row]
            boxes[place] = Box.around([boxes[place], *(box_of_stroke(self.parts, i) for i in members)])
        shapes = replace(self._shapes.of(chosen), sign_probabilities=of_signs)
        features = acceptance_features(shapes, shapes, len(marks))
        is_digit = logistic(features @ self._weights)
        alone = least_probabilities(lattice.segment_probabilities[chosen], lattice.probabilities[chosen], of_signs)
        entries = []
        for n in range(len(chosen)):
            accepted = bool(is_digit[n] >= self._decoding.digit)
            entry = entry_of(boxes[n], self._digits[chosen[n]], float(is_digit[n]), accepted, of_signs[n], alone[n])
            entries.append(as_expected(entry, tokens[inked[n]], of_signs[n]) if tokens else entry)
        for n, entry in enumerate(entries):
            token = tokens[inked[n]] if tokens else ""
            if points[n] and n in belonging:
                entries[n] = small_entry(entry.box, of_signs[n], ":;", token)
            # In its place, and as small as one, it is a point if nothing else is as likely, or if it is no digit.
            elif points[n] and (not entry.accepted or of_signs[n].argmax() in _POINTS):
                entries[n] = small_entry(entry.box, of_signs[n], ".,", token)
        was_accepted = [entry.accepted for entry in entries]
        entries += [mark_entry(mark, row) for mark, row in zip(marks, looked_at[len(belonging) :], strict=True)]
        entries.sort(key=lambda entry: entry.box.x)
        takes_in = any(
            accepted and lattice.chain.is_spread(*lattice.candidates[k].span)
            for k, accepted in zip(chosen, was_accepted, strict=True)
        )
        with_gaps = with_blanks(entries, lattice.chain.height)
        line = LineReading(with_gaps, probability, True, tuple(chosen), features, takes_in=takes_in)
        return _ReadPath(line, shapes, len(marks))

    def _chances(self, read: _ReadPath) -> tuple[list[Chances], dict[int, list[Chances]]]:
        """What each candidate may be, and each mark of a line that was read, by the place in front of which it is."""
        lattice = self._lattice
        features = acceptance_features(self._shapes, read.shapes, read.marks)
        is_digit = logistic(features @ self._weights)
        # What is taken for a digit without a pattern may be one with it.
        is_digit = np.where(is_digit >= self._decoding.digit, np.maximum(is_digit, LEAST_DIGIT), is_digit)
        beside = [entry.box for entry in read.line.entries]
        for k, candidate in enumerate(lattice.candidates):
            where, mask = lattice.chain.ink_between(*candidate.span)
            if mask.any() and self._is_point(Box.of(where), beside):
                is_digit[k] = 0.0
        of_signs = lattice.sign_probabilities.copy()
        # Of these it is known which small strokes belong to them.
        of_signs[list(read.line.candidates)] = read.shapes.sign_probabilities[: len(read.line.candidates)]
        of_candidates = [
            _chances(float(chance), digits, row)
            for chance, digits, row in zip(is_digit, self._digits, of_signs, strict=True)
        ]
        middles = [(columns.start + columns.stop) / 2.0 for _, columns in lattice.chain.where]
        fronts = [k for k, place in enumerate(lattice.chain.places) if place.cut is None]
        of_marks: dict[int, list[Chances]] = {}
        for entry in read.line.entries:
            if entry.mark is not None:
                place = fronts[sum(middle < entry.box.x for middle in middles)]
                of_marks.setdefault(place, []).append(_chances(0.0, entry.digits, entry.mark))
        return of_candidates, of_marks

    def _is_point(self, box: Box, boxes: Sequence[Box]) -> bool:
        """Whether something small, but too large for a speck, lies in the lower half of the digits beside it."""
        height = self._lattice.chain.height
        wide, high = box.right - box.left, box.bottom - box.top
        tall = [other for other in boxes if other.bottom - other.top >= 0.6 * height]
        if not tall or max(wide, high) > POINT * height or wide > 1.8 * high:
            return False
        return box.y > float(np.median([other.y for other in tall])) + 0.15 * height

    def _window(self, own: list[tuple[Stroke, FloatInk]], members: Sequence[int]) -> Windows:
        strokes = [self._reduced_stroke(i) for i in members]
        return draw_window(self._reduced, own + [(stroke, stroke.ink) for stroke in strokes])

    def _reduced_stroke(self, i: int) -> Stroke:
        (rows, columns), mask = self.parts.cut([i], 0)
        return reduce_field(mask, rows.start, columns.start, self._reduced.scale)


def _chances(is_digit: float, digits: Floats, of_signs: Floats) -> Chances:
    others = np.maximum(of_signs[CLASSES:], 1e-9)
    logarithms = np.log(others / others.sum()).tolist()
    digit = float(np.clip(is_digit, 1e-6, 1.0 - 1e-6))
    return Chances(
        float(np.log(digit)),
        np.log(np.maximum(digits, 1e-6)),
        float(np.log(1.0 - digit)),
        dict(zip(SIGNS, logarithms[: len(SIGNS)], strict=True)),
    )


def is_edge_alone(lines: Sequence[LineReading], shape: tuple[int, ...], margin: int) -> bool:
    """Whether all that a page shows is a fold, or where paper, table or light end.

    Args:
        lines: of the page.
        shape: height and width of the page, in pixels.
        margin: by which boxes are shifted to the right and down, in pixels.
    """
    boxes = [entry.box for line in lines for entry in line.entries]
    if len(boxes) != 1:
        return False
    (box,) = boxes
    on_page = box.left - margin, box.top - margin, box.right - margin, box.bottom - margin
    return is_edge(on_page, shape, NEAR_BORDER)
