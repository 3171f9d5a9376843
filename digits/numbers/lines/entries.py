"""What stands on a line: digits and signs, with the blanks between them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, Floats
from digits.numbers.expectation import ANY_DIGIT, LEAST_DIGIT, OTHER
from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.numbers.signs.marks import Box, Mark
from digits.vision.reduction import quantile_of

# A gap is a blank if it is so wide, so much wider than the typical gap, both in heights of the line's digits, and so
# many times as wide. Around a point or a comma, digits of one number stand farther apart.
_BLANK, _BLANK_AT_MARK, _MORE, _WIDER = 0.35, 0.6, 0.25, 1.8
# Two or more gaps of at least this width, in heights of the line's digits, are blanks if the narrowest is at least this
# share of the widest, and at least so many times as wide as any other gap.
_NARROW_BLANK, _SAME, _FAR_WIDER = 0.25, 0.75, 2.0
# The least share of the typical blank of its line that a blank has.
_LEAST_OF_BLANKS = 0.4
# What is narrower than this, in heights of the line's digits, leaves wide gaps where the pen goes on evenly.
_NARROW, _THIN = 0.4, "1/"
# From this typical gap on, in heights of the line's digits, each digit stands in a place of its own.
_APART = 0.2
# Signs that stand between two numbers, with the same gap on both sides: the smaller is at least so large in the larger.
_BETWEEN, _ALIKE = "+-=×÷<>≤≥≠", 0.5
# The least probability with which a sign is named, of all that is no digit.
_NAMED = 0.5


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
        believed: the probability of the digit that a pattern makes sure of, without the pattern; None for all else.
        alone: the least probability that any network alone gives each digit, of shape (10,); None if it is not known.
    """

    box: Box
    digits: Floats
    is_digit: float
    accepted: bool
    sign: str
    sign_probability: float
    after_blank: bool = False
    mark: Floats | None = None
    believed: float | None = None
    alone: Floats | None = None

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

    @property
    def probability_without_pattern(self) -> float:
        """The probability of what is shown, as if no pattern had made sure of it."""
        return self.probability if self.believed is None else self.believed


def as_expected(entry: Entry, token: str, of_signs: Floats) -> Entry:
    """The entry, taken for what a token of a pattern stands for."""
    if token == OTHER:
        return replace(entry, accepted=False)
    if token == ANY_DIGIT:
        return replace(entry, accepted=True)
    if token.isdecimal():
        digits, of_digit = np.full(CLASSES, 1e-9), float(entry.digits[int(token)])
        digits[int(token)] = max(of_digit, 1e-6)
        believed = entry.is_digit * of_digit
        return replace(entry, accepted=True, digits=digits / digits.sum(), believed=believed)
    others = of_signs[CLASSES:] / max(float(of_signs[CLASSES:].sum()), 1e-9)
    return replace(entry, accepted=False, sign=token, sign_probability=float(others[SIGNS.index(token)]))


def entry_of(
    box: Box, digits: Floats, is_digit: float, accepted: bool, of_signs: Floats, alone: Floats | None = None
) -> Entry:
    """An entry that is named, if it is no digit, as the sign classifier says."""
    others = of_signs[CLASSES:]
    share = others / max(float(others.sum()), 1e-9)
    best = int(share.argmax())
    named = best < len(SIGNS) and share[best] >= _NAMED
    sign = SIGNS[best] if named else UNKNOWN
    of_sign = float(share[best]) if named else float(share[-1])
    return Entry(box, digits, is_digit, accepted, sign, of_sign, alone=alone)


def mark_entry(mark: Mark, of_signs: Floats) -> Entry:
    """A single mark is a point or a comma, two above one another are a colon or a semicolon."""
    entry = small_entry(mark.box, of_signs, ".,-" if len(mark.members) == 1 else ":;=")
    return replace(entry, mark=of_signs)


def small_entry(box: Box, of_signs: Floats, signs: str, expected: str = "") -> Entry:
    """What is never a digit, and only one of some signs: the one that is expected, if it is among them."""
    allowed = [CLASSES + SIGNS.index(sign) for sign in signs]
    masked = np.zeros_like(of_signs)
    masked[allowed] = np.maximum(of_signs[allowed], 1e-9)
    digits = np.maximum(of_signs[:CLASSES], 1e-9)
    entry = entry_of(box, digits / digits.sum(), 0.0, False, masked)
    if not expected or expected not in signs:
        return entry
    share = float(masked[CLASSES + SIGNS.index(expected)] / masked.sum())
    # As with digits, what is hardly likely is not taken for what is expected.
    if share < LEAST_DIGIT:
        return entry
    return replace(entry, sign=expected, sign_probability=share)


def with_blanks(entries: Sequence[Entry], height: float) -> tuple[Entry, ...]:
    """Marks the entries before which the writer left a blank.

    Args:
        entries: of a line, from left to right.
        height: of its digits, in pixels.
    """
    if len(entries) < 2:
        return tuple(entries)
    shown = [entry.shown for entry in entries]
    pairs = list(itertools.pairwise(shown))
    is_of_digits = np.array([before.isdecimal() and after.isdecimal() for before, after in pairs])
    gaps = _gaps(entries, shown, height)
    typical = _typical(gaps, is_of_digits)
    if typical >= _APART:
        gaps = _gaps(entries, shown, height, in_places=True)
        typical = _typical(gaps, is_of_digits)
    least = np.array([_BLANK_AT_MARK if before in ".,:;" or after in ".,:;" else _BLANK for before, after in pairs])
    wide = (gaps >= least) & (gaps >= typical + _MORE) & (gaps >= _WIDER * typical)
    wide |= _narrow_blanks(_gaps(entries, shown, height, in_places=True))
    # Beside the blanks of a line, a gap of less than two fifths of their width is a wide one between digits.
    if wide.any():
        wide &= gaps >= _LEAST_OF_BLANKS * quantile_of(gaps[wide], 0.5)
    # A point in the middle of a wide place has no blanks around it.
    for k in range(1, len(gaps)):
        if shown[k] in ".,:;" and max(gaps[k - 1 : k + 1]) < _WIDER * min(gaps[k - 1 : k + 1]):
            wide[k - 1 : k + 1] = False
    rest = [replace(entry, after_blank=bool(blank)) for entry, blank in zip(entries[1:], wide, strict=True)]
    return (entries[0], *rest)


def _narrow_blanks(gaps: Floats) -> npt.NDArray[np.bool_]:
    """Which gaps are the narrow blanks of a hand that writes closely; none, unless two or more stand out alike."""
    wide = gaps >= _NARROW_BLANK
    if wide.sum() < 2 or wide.all():
        return np.zeros_like(wide)
    least = float(gaps[wide].min())
    stands_out = least >= _SAME * gaps[wide].max() and least >= _FAR_WIDER * gaps[~wide].max()
    return wide & stands_out


def _typical(gaps: Floats, is_of_digits: npt.NDArray[np.bool_]) -> float:
    """The typical gap where there is no blank; `is_of_digits` says which gaps are between two digits."""
    # Signs may all have blanks around them, and digits may stand in cells: the closer ones tell how the hand writes.
    return min(quantile_of(some, 0.4) for some in (gaps[is_of_digits], gaps) if some.size)


def _gaps(entries: Sequence[Entry], shown: Sequence[str], height: float, in_places: bool = False) -> Floats:
    """The gaps between entries in heights of digits, as a blank is told by them; of shape (len(entries) - 1,).

    Args:
        entries: of a line, at least two.
        shown: what each shows.
        height: of its digits, in pixels.
        in_places: whether digits stand apart, each in the middle of a place, as in cells.
    """
    edges = np.array([[entry.box.left, entry.box.right] for entry in entries]) / height
    missing = np.maximum(_NARROW - (edges[:, 1] - edges[:, 0]), 0.0) * [one in _THIN for one in shown]
    gaps = np.asarray(edges[1:, 0] - edges[:-1, 1], dtype=np.float64)
    # A hand may write one narrow thing close to what is beside it. Two of them tell no blank by their gap.
    counts = np.logical_or(in_places, missing[1:] * missing[:-1] > 0.0)
    gaps -= np.where(counts, (missing[1:] + missing[:-1]) / 2.0, 0.0)
    for k, one in enumerate(shown[1:-1], 1):
        around = gaps[k - 1 : k + 1]
        if one in _BETWEEN and around.min() >= _ALIKE * around.max():
            gaps[k - 1 : k + 1] = around.mean()
    return gaps
