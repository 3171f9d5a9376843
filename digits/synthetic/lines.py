"""Lines that nobody wrote, of all that people write with digits: numbers, dates, times, prices, telephone numbers.

Beside what digits/synthetic/sums.py writes, these lines have the narrow spacing of real ones: a comma under the digit
beside it, digits that touch, a slash between long numbers.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from digits.numbers.signs.kinds import UNKNOWN
from digits.synthetic.pages import Image, Page
from digits.synthetic.sums import DIGIT, Gaps, WrittenSum, hand_of, marks_of_sum, refuse_unheeded, write_marks

# Chances of what is written.
_KINDS = {
    "number": 0.3,
    "sum": 0.25,
    "date": 0.13,
    "time": 0.08,
    "price": 0.1,
    "telephone": 0.08,
    "fraction": 0.06,
}
_DATE_SIGNS, _DATE_CHANCES = ("/", ".", "-"), (0.55, 0.25, 0.2)
# Of the lines, so many have digits that touch, and with such a chance each; by how much, in heights of a digit.
_TOUCHING, _TOUCHES, _RARELY, _OVERLAP = 0.45, (0.1, 0.6), 0.02, 0.12
# How far digits are apart in a line, in heights of a digit, and small signs from what is beside them.
_SPACING, _NEAR = (0.06, 0.5), (0.04, 0.22)
# Chance that a small sign all but touches what is beside it, or runs into it, and by how much, in heights of a digit.
_JOINED, _CONTACT = 0.08, (-0.04, 0.04)
# So many pictures are of the drawn hand alone.
_OF_ONE = 0.4
_SMALL = ".,:;"


def write_lines(
    page: Page,
    images: Image,
    labels: npt.NDArray[np.integer],
    count: int,
    seed: int = 0,
    unknown: float = 0.05,
    of_one: int = 0,
) -> Iterator[WrittenSum]:
    """Writes pictures of such lines; arguments and results are those of `digits.synthetic.sums.write_sums`.

    The last `of_one` of the images may be drawn in one hand: four in ten pictures are written with these alone.
    """
    refuse_unheeded(page)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        first = len(images) - of_one if of_one and rng.random() < _OF_ONE else 0
        yield _write(page, images[first:], labels[first:], unknown, rng)


def _digits(rng: np.random.Generator, *counts: int) -> list[str]:
    return [DIGIT] * int(rng.choice(counts))


def _marks(page: Page, unknown: float, rng: np.random.Generator) -> list[str]:
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    if kind == "sum":
        return marks_of_sum(page, unknown, rng)
    if kind == "number":
        marks = _digits(rng, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        if rng.random() < unknown:
            marks.insert(int(rng.integers(len(marks) + 1)), UNKNOWN)
        return marks
    if kind == "date":
        sign = str(rng.choice(_DATE_SIGNS, p=_DATE_CHANCES))
        parts = [_digits(rng, 1, 2), _digits(rng, 1, 2), _digits(rng, 2, 4)]
        if rng.random() < 0.25:
            parts = parts[::-1]
        return [*parts[0], sign, *parts[1], sign, *parts[2]]
    if kind == "time":
        marks = [*_digits(rng, 1, 2), ":", *_digits(rng, 2)]
        return [*marks, ":", *_digits(rng, 2)] if rng.random() < 0.4 else marks
    if kind == "price":
        marks = _digits(rng, 1, 2, 3, 4)
        if rng.random() < 0.3:
            marks += [str(rng.choice(list(",."))), *_digits(rng, 3)]
        if rng.random() < 0.8:
            marks += [str(rng.choice(list(",.-"), p=[0.4, 0.4, 0.2])), *_digits(rng, 1, 2, 2)]
        sign = str(rng.choice(["€", "$", "%", ""], p=[0.4, 0.25, 0.15, 0.2]))
        if not sign:
            return marks
        gap = [" "] if rng.random() < 0.4 else []
        return [sign, *gap, *marks] if sign != "%" and rng.random() < 0.5 else [*marks, *gap, sign]
    if kind == "telephone":
        if rng.random() < 0.4:
            return [*_digits(rng, 3, 4), "/", *_digits(rng, 4, 5, 6)]
        first = ["(", *_digits(rng, 3), ")"] if rng.random() < 0.3 else _digits(rng, 2, 3)
        between = [str(rng.choice(["-", " ", "."]))]
        return [*first, " ", *_digits(rng, 2, 3), *between, *_digits(rng, 2, 3, 4)]
    return [*_digits(rng, 1, 2, 3), "/", *_digits(rng, 1, 2, 3)]


def _write(
    page: Page, images: Image, labels: npt.NDArray[np.integer], unknown: float, rng: np.random.Generator
) -> WrittenSum:
    hand, tilt = hand_of(page, rng), np.deg2rad(rng.uniform(-5.0, 5.0))

    def gaps() -> Gaps:
        spacing = rng.uniform(*_SPACING)
        touches = rng.uniform(*_TOUCHES) if rng.random() < _TOUCHING else _RARELY
        return lambda mark, before: _gap(mark, before, spacing, touches, rng)

    return write_marks(page, images, labels, hand, tilt, gaps, lambda: _marks(page, unknown, rng), rng)


def _gap(mark: str, before: str, spacing: float, touches: float, rng: np.random.Generator) -> float:
    """How far a glyph is from the one before it, in heights of a digit; below 0 they overlap."""
    if mark in _SMALL or before in _SMALL:
        return float(rng.uniform(*(_CONTACT if rng.random() < _JOINED else _NEAR)))
    if mark == DIGIT and before == DIGIT and rng.random() < touches:
        return -float(rng.uniform(0.0, _OVERLAP))
    return max(0.05, spacing + float(rng.normal(0.0, 0.07)))
