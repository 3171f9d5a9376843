"""Reads one line: which digits and signs stand on it, with the blanks between them."""

import itertools
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
    path_probability,
    pooled_probabilities,
)
from digits.numbers.expectation import ANY_DIGIT, LEAST_DIGIT, OTHER, Chances, Expectation, best_matching_path
from digits.numbers.lines.features import line_features
from digits.numbers.segments.lattice import Lattice
from digits.numbers.segments.windows import Floats as FloatInk
from digits.numbers.segments.windows import ReducedLine, Stroke, Windows, draw_window, reduce_field, reduce_line
from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.numbers.signs.marks import Box, Mark, box_of_stroke, find_marks
from digits.numbers.window_network import WindowNetwork
from digits.vision.components import Components

# A gap is a blank if it is so wide in heights of the line's digits, and so many times as wide as the typical gap.
_BLANK, _BLANK_AT_MARK, _WIDER = 0.5, 0.9, 1.8
# The least probability with which a sign is named, of all that is no digit.
_NAMED = 0.5
# The largest size of a point or a comma, in heights of the line's digits. The fit of the decoding says how many digits
# are no larger (`digits_as_small_as_points`).
POINT = 0.4
_POINTS = [CLASSES + SIGNS.index(sign) for sign in ".,"]


@dataclass(frozen=True)
class Entry:
    """A digit or sign of a line.

    Args:
        box: where it stands, in pixels of the page.
        digits: the probabilities of the digits 0 to 9 if it is one, of shape (10,).
        is_digit: the probability that it is a digit, 0..1.
        accepted: whether it is taken for a digit.
        sign: what it is if it is no digit: one of `SIGNS` or `UNKNOWN`.
        sign_probability: of that sign, 0..1, if it is no digit.
        after_blank: whether a blank stands before it.
        mark: of a mark, which is never a digit, what the sign classifier says; None for all else.
    """

    box: Box
    digits: Floats
    is_digit: float
    accepted: bool
    sign: str
    sign_probability: float
    after_blank: bool = False
    mark: Floats | None = None

    @property
    def shown(self) -> str:
        """The digit or sign, as a transcript has it."""
        return str(int(self.digits.argmax())) if self.accepted else self.sign

    @property
    def probability(self) -> float:
        """The probability of what is shown."""
        if self.accepted:
            return self.is_digit * float(self.digits.max())
        return (1.0 - self.is_digit) * self.sign_probability


@dataclass(frozen=True)
class LineReading:
    """A line that was read.

    Args:
        entries: its digits and signs, from left to right.
        path: the probability of the way in which it was taken apart, 0..1.
        matches: whether it matches the pattern that was expected.
        candidates: indices of the candidates that it consists of, but for those without ink.
        acceptance: what tells whether these are digits, of shape (n, len(ACCEPTANCE_FEATURES)).
        written: the logarithm of the probability that the line network gives to all of it.
        is_agreed: whether the lattice and the line network read the same.
    """

    entries: tuple[Entry, ...]
    path: float
    matches: bool = True
    candidates: tuple[int, ...] = ()
    acceptance: Floats | None = None
    written: float = 0.0
    is_agreed: bool = True

    @property
    def shown(self) -> tuple[str, ...]:
        """The digits and signs, as a transcript has them, without blanks."""
        return tuple(entry.shown for entry in self.entries)

    @property
    def features(self) -> Floats:
        """What tells how sure the line is, as `line_features` gives it; the line has at least one entry."""
        probabilities = [entry.probability for entry in self.entries]
        signs = sum(not entry.accepted for entry in self.entries)
        return line_features(probabilities, self.path, signs, self.written, self.is_agreed)


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
        self._lattice, self._parts, self._small, self._decoding, self._signs = lattice, parts, small, decoding, signs
        self._weights = np.array([decoding.acceptance[name] for name in ACCEPTANCE_FEATURES])
        self._spans, self._scores = [one.span for one in lattice.candidates], candidate_scores(lattice, decoding)
        self._digits = pooled_probabilities(lattice.segment_probabilities, lattice.probabilities, decoding.pool)
        self._shapes = Shapes(
            lattice.boxes,
            leans(lattice.windows),
            acceptance_scores(lattice.segment_probabilities, lattice.probabilities),
            lattice.sign_probabilities,
            self._digits.argmax(axis=1) == 1,
        )
        # What stands on the line, and how many marks, as it was read last: other candidates are compared with these.
        self._read, self._marks = self._shapes, 0

    @cached_property
    def _reduced(self) -> ReducedLine:
        # Only marks are drawn on it, and most lines have none.
        return reduce_line(self._lattice.chain)

    @property
    def height(self) -> float:
        """The height of the line's digits, in pixels."""
        return self._lattice.chain.height

    def best(self) -> LineReading:
        """Reads the line in the best way to take it apart."""
        path = best_path(self._spans, self._scores)
        return self._read_path(join_halves(self._lattice, self._scores, path, self._decoding.pool))

    def matching(self, expectation: Expectation, best: LineReading) -> LineReading | None:
        """Reads the line in the best way that matches a pattern.

        Args:
            expectation: the pattern.
            best: what `best` gave right before.

        Returns:
            The line; None if there is no such way that is likely enough.
        """
        chances, of_marks = self._chances(best)
        matching = best_matching_path(expectation, self._spans, self._scores, chances, of_marks)
        if matching is None:
            return None
        # Another pattern may be asked for: what `best` showed stays what candidates are compared with.
        shapes, marks = self._read, self._marks
        held = self._read_path([k for k, _ in matching], [token for _, token in matching])
        self._read, self._marks = shapes, marks
        # A mark that is passed as dirt still stands on the line, and so does a point that is none in the pattern.
        return held if expectation.fits(entry.shown for entry in held.entries) else None

    def _read_path(self, path: Sequence[int], tokens: Sequence[str] = ()) -> LineReading:
        """Reads the candidates of a path, each as what a token of a pattern stands for, if there are tokens."""
        probability = path_probability(self._spans, self._scores, path)
        lattice = self._lattice
        places = [lattice.chain.ink_between(*lattice.candidates[k].span) for k in path]
        inked = [n for n, (_, mask) in enumerate(places) if mask.any()]
        chosen, boxes = [path[n] for n in inked], [Box.of(places[n][0]) for n in inked]
        if not chosen:
            return LineReading((), 0.0)
        of_signs = lattice.sign_probabilities[chosen]
        marks, belonging = find_marks(self._parts, self._small, boxes, lattice.chain.height)
        windows = [
            self._window(self._reduced.shares(lattice.candidates[chosen[place]]), members)
            for place, members in belonging.items()
        ]
        windows += [self._window([], mark.members) for mark in marks]
        looked_at = self._signs(np.stack(windows)) if windows else of_signs[:0]
        for row, (place, members) in enumerate(belonging.items()):
            of_signs[place] = looked_at[row]
            boxes[place] = Box.around([boxes[place], *(box_of_stroke(self._parts, i) for i in members)])
        shapes = replace(self._shapes.of(chosen), sign_probabilities=of_signs)
        features = acceptance_features(shapes, shapes, len(marks))
        is_digit = logistic(features @ self._weights)
        entries = []
        for n in range(len(chosen)):
            accepted = bool(is_digit[n] >= self._decoding.digit)
            entry = _entry(boxes[n], self._digits[chosen[n]], float(is_digit[n]), accepted, of_signs[n])
            entries.append(_as_expected(entry, tokens[inked[n]], of_signs[n]) if tokens else entry)
        for n, entry in enumerate(entries):
            # In its place, and as small as one, it is a point if nothing else is as likely, or if it is no digit.
            if (not entry.accepted or of_signs[n].argmax() in _POINTS) and self._is_point(entry.box, boxes):
                entries[n] = _small_entry(entry.box, of_signs[n], ".,", tokens[inked[n]] if tokens else "")
        entries += [_mark_entry(mark, row) for mark, row in zip(marks, looked_at[len(belonging) :], strict=True)]
        entries.sort(key=lambda entry: entry.box.x)
        self._read, self._marks = shapes, len(marks)
        return LineReading(with_blanks(entries, lattice.chain.height), probability, True, tuple(chosen), features)

    def _chances(self, line: LineReading) -> tuple[list[Chances], dict[int, list[Chances]]]:
        """What each candidate may be, and each mark of a line that was read, by the place in front of which it is."""
        lattice = self._lattice
        features = acceptance_features(self._shapes, self._read, self._marks)
        is_digit = logistic(features @ self._weights)
        # What is taken for a digit without a pattern may be one with it.
        is_digit = np.where(is_digit >= self._decoding.digit, np.maximum(is_digit, LEAST_DIGIT), is_digit)
        beside = [entry.box for entry in line.entries]
        for k, candidate in enumerate(lattice.candidates):
            where, mask = lattice.chain.ink_between(*candidate.span)
            if mask.any() and self._is_point(Box.of(where), beside):
                is_digit[k] = 0.0
        of_candidates = [
            _chances(float(chance), digits, row)
            for chance, digits, row in zip(is_digit, self._digits, lattice.sign_probabilities, strict=True)
        ]
        middles = [(columns.start + columns.stop) / 2.0 for _, columns in lattice.chain.where]
        fronts = [k for k, place in enumerate(lattice.chain.places) if place.cut is None]
        of_marks: dict[int, list[Chances]] = {}
        for entry in line.entries:
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
        (rows, columns), mask = self._parts.cut([i], 0)
        return reduce_field(mask.astype(np.float32), rows.start, columns.start, self._reduced.scale)


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


def _as_expected(entry: Entry, token: str, of_signs: Floats) -> Entry:
    """The entry, taken for what a token of a pattern stands for."""
    if token == OTHER:
        return replace(entry, accepted=False)
    if token == ANY_DIGIT:
        return replace(entry, accepted=True)
    if token.isdecimal():
        digits = np.full(CLASSES, 1e-9)
        digits[int(token)] = max(float(entry.digits[int(token)]), 1e-6)
        return replace(entry, accepted=True, digits=digits / digits.sum())
    others = of_signs[CLASSES:] / max(float(of_signs[CLASSES:].sum()), 1e-9)
    return replace(entry, accepted=False, sign=token, sign_probability=float(others[SIGNS.index(token)]))


def _entry(box: Box, digits: Floats, is_digit: float, accepted: bool, of_signs: Floats) -> Entry:
    others = of_signs[CLASSES:]
    share = others / max(float(others.sum()), 1e-9)
    best = int(share.argmax())
    named = best < len(SIGNS) and share[best] >= _NAMED
    sign = SIGNS[best] if named else UNKNOWN
    return Entry(box, digits, is_digit, accepted, sign, float(share[best]) if named else float(share[-1]))


def _mark_entry(mark: Mark, of_signs: Floats) -> Entry:
    """A single mark is a point or a comma, two above one another are a colon or a semicolon."""
    entry = _small_entry(mark.box, of_signs, ".,-" if len(mark.members) == 1 else ":;=")
    return replace(entry, mark=of_signs)


def _small_entry(box: Box, of_signs: Floats, signs: str, expected: str = "") -> Entry:
    """What is never a digit, and only one of some signs: the one that is expected, if it is among them."""
    allowed = [CLASSES + SIGNS.index(sign) for sign in signs]
    masked = np.zeros_like(of_signs)
    masked[allowed] = np.maximum(of_signs[allowed], 1e-9)
    digits = np.maximum(of_signs[:CLASSES], 1e-9)
    entry = _entry(box, digits / digits.sum(), 0.0, False, masked)
    if not expected or expected not in signs:
        return entry
    share = float(masked[CLASSES + SIGNS.index(expected)] / masked.sum())
    # As with digits, what is hardly likely is not taken for what is expected.
    if share < LEAST_DIGIT:
        return entry
    return replace(entry, sign=expected, sign_probability=share)


def with_blanks(entries: Sequence[Entry], height: float) -> tuple[Entry, ...]:
    """Marks the entries before which the writer left a blank."""
    pairs = list(itertools.pairwise(entries))
    gaps = np.array([after.box.left - before.box.right for before, after in pairs])
    if not gaps.size:
        return tuple(entries)
    typical = max(float(np.quantile(gaps, 0.4)), 0.0)
    # Around a point or a comma, digits of one number stand farther apart.
    beside_mark = np.array([before.shown in ".,:;" or after.shown in ".,:;" for before, after in pairs])
    wide = (gaps >= np.where(beside_mark, _BLANK_AT_MARK, _BLANK) * height) & (gaps >= _WIDER * typical)
    rest = [replace(entry, after_blank=bool(blank)) for entry, blank in zip(entries[1:], wide, strict=True)]
    return (entries[0], *rest)
