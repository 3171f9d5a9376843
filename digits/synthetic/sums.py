"""Sums, dates and prices that nobody wrote: MNIST digits with signs among them, on paper, in any light.

It is to signs what digits/synthetic/pages.py is to numbers. Signs stand where people put them: a point on the base
line, a minus at half the height, a bracket over the whole of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.errors import SettingError
from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.synthetic.glyphs import (
    FONTS,
    Glyph,
    draw_ink,
    draw_sign,
    draw_strokes,
    draw_typed,
    draw_unknown,
    slant_of,
)
from digits.synthetic.pages import (
    Field,
    Image,
    Page,
    Sizes,
    WrittenNumber,
    draw_sizes,
    has_even_slant,
    next_left,
    on_paper,
    stack_lines,
)
from digits.synthetic.writers import Writer, invent_writer

# Of a mark and the one before it: how far apart they are, in heights of a digit; below 0 they overlap.
Gaps = Callable[[str, str], float]
# In the place of a digit.
DIGIT = "d"
# Signs that come in pairs around a number, and those that stand close to the digits on both sides.
_BRACKETS = {"(": ")", "[": "]"}
_INSIDE = (".", ",", ":", ";", "/")
_BETWEEN = tuple(sign for sign in SIGNS if sign not in _INSIDE and sign not in "()[]%€$#*")
_AFTER, _BEFORE = ("%", "€", "$", "*"), ("#", "$", "-", "€")
# Chances of what follows or encloses a number of a sum.
_POINT, _BRACKET, _ALONGSIDE, _STRANGE = 0.3, 0.18, 0.2, 0.12
# What stands inside a number, and how likely each is; a date has two of its sign.
_INSIDE_CHANCES, _DATE = (0.25, 0.2, 0.12, 0.05, 0.38), 0.3
# Chance that a picture is typed, and that a glyph touches what is before it or all but does.
_TYPED, _TOUCHING = 0.07, 0.06
# Width of pens, in heights of a digit.
_PENS = (0.05, 0.15)
# How far a digit leans this way and that in a hand that writes evenly: the standard deviation.
_WOBBLE = 0.06


@dataclass(frozen=True)
class WrittenSum(WrittenNumber):
    """A picture of a sum and what is written on it.

    Args:
        signs: for each of `labels`, the sign, `UNKNOWN` for a letter or a scribble, and None for a digit.
        transcript: digits and signs with a blank where there is one, a line break between lines.
    """

    signs: tuple[str | None, ...]
    transcript: str


def write_sums(
    page: Page, images: Image, labels: npt.NDArray[np.integer], count: int, seed: int = 0, unknown: float = _STRANGE
) -> Iterator[WrittenSum]:
    """Writes sums of random numbers and signs.

    Args:
        page: what to write, and on what, without chances of touching and of signs.
        images: uint8 of shape (n, 28, 28), white ink on black.
        labels: the digits on them, of shape (n,).
        count: how many pictures.
        seed: the same seed gives the same pictures.
        unknown: chance that a letter or a scribble stands beside a number.

    Yields:
        Each picture.

    Raises:
        SettingError: the page has a chance of touching or of signs.
    """
    refuse_unheeded(page)
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _write(page, images, labels, unknown, rng)


def refuse_unheeded(page: Page) -> None:
    """Checks that a page has none of the chances that sums and lines do not heed.

    Raises:
        SettingError: it has one.
    """
    for name in ("touching", "signs"):
        if chance := getattr(page, name):
            raise SettingError(f"{name} is {chance}, and sums and lines do not heed it. Leave it at 0.")


def marks_of_sum(page: Page, unknown: float, rng: np.random.Generator) -> list[str]:
    """One line: `DIGIT`, a sign, `UNKNOWN`, or a blank."""
    spaced = rng.random() < 0.5
    marks: list[str] = []
    for k in range(int(rng.integers(1, 4))):
        if k:
            sign = str(rng.choice(_BETWEEN))
            marks += [" ", sign, " "] if spaced else [sign]
        number = [DIGIT] * int(rng.integers(page.digits[0], page.digits[1] + 1))
        if len(number) > 1 and rng.random() < _POINT:
            inside = str(rng.choice(_INSIDE, p=_INSIDE_CHANCES))
            number.insert(int(rng.integers(1, len(number))), inside)
            if rng.random() < _DATE:
                number += [inside, DIGIT, DIGIT]
        if rng.random() < _ALONGSIDE:
            number = [*number, str(rng.choice(_AFTER))] if rng.random() < 0.5 else [str(rng.choice(_BEFORE)), *number]
        if rng.random() < _BRACKET:
            opening = str(rng.choice(list(_BRACKETS)))
            number = [opening, *number, _BRACKETS[opening]]
        if rng.random() < unknown:
            number = [*number, UNKNOWN] if rng.random() < 0.5 else [UNKNOWN, *number]
        marks += number
    return marks


@dataclass(frozen=True)
class Hand:
    """How a picture is written; sizes are in pixels.

    Args:
        height: of a digit.
        slant: how far the writing leans to the right, in pixels for each pixel up.
        pen: width of the strokes of signs.
        thin: whether digits are drawn anew with that pen; MNIST's strokes are about as wide as the widest pens.
        font: in which it is typed; None if it is written by hand.
        sizes: how small and large digits mix; None if they are alike.
        is_even: whether all digits lean alike.
        writer: draws digits and signs in one way; None if digits are MNIST's and each sign is drawn anew.
    """

    height: float
    slant: float
    pen: float
    thin: bool
    font: str | None
    sizes: Sizes | None = None
    is_even: bool = False
    writer: Writer | None = None

    def digit(self, image: Image, label: int, rng: np.random.Generator) -> Glyph:
        """Draws a digit in type, or the image of one."""
        typed = draw_typed(str(label), self.font, self.height) if self.font else None
        if typed is not None:
            return typed
        size = self.height * (1.0 if self.writer else rng.uniform(0.88, 1.12))
        share, stands = self.sizes.draw(rng) if self.sizes else (1.0, 0.5)
        if self.writer:
            lean = self.slant + rng.normal(0.0, _WOBBLE)
            ink = draw_strokes(self.writer.digit(label, rng), size * share, lean, self.pen, rng).ink
            return Glyph(ink, round((self.height - ink.shape[0]) * stands))
        slant = self.slant - slant_of(image) + rng.normal(0.0, _WOBBLE) if self.is_even else self.slant
        ink = draw_ink(image, size * share, slant, self.pen if self.thin else None)
        return Glyph(ink, round((self.height - ink.shape[0]) * stands))

    def sign(self, sign: str, rng: np.random.Generator) -> Glyph:
        """Draws a sign; `UNKNOWN` is a letter or a scribble."""
        if sign == UNKNOWN:
            return draw_unknown(self.height, self.slant, self.pen, rng)
        typed = draw_typed(sign, self.font, self.height) if self.font else None
        if self.writer and not typed:
            return draw_strokes(self.writer.signs[sign], self.height, self.slant, self.pen, rng)
        return typed or draw_sign(sign, self.height, self.slant, self.pen, rng)


def hand_of(page: Page, rng: np.random.Generator) -> Hand:
    """Chooses how a picture is written."""
    height, slant = rng.uniform(*page.height), rng.uniform(-0.25, 0.35)
    thin = rng.random() < max(page.thin_pen, 0.3)
    pen = height * (rng.uniform(_PENS[0], 0.08) if thin else rng.uniform(0.08, _PENS[1]))
    font = str(rng.choice(FONTS)) if rng.random() < _TYPED else None
    writer = invent_writer(rng) if page.drawn and rng.random() < page.drawn else None
    return Hand(height, slant, pen, thin, font, draw_sizes(page, rng), has_even_slant(page, rng), writer)


def _write(
    page: Page, images: Image, labels: npt.NDArray[np.integer], unknown: float, rng: np.random.Generator
) -> WrittenSum:
    hand, tilt = hand_of(page, rng), np.deg2rad(rng.uniform(-4.0, 4.0))

    def gaps() -> Gaps:
        spacing = rng.uniform(0.1, 0.4)
        return lambda mark, _before: _gap(mark, spacing, rng)

    return write_marks(page, images, labels, hand, tilt, gaps, lambda: marks_of_sum(page, unknown, rng), rng)


def write_marks(
    page: Page,
    images: Image,
    labels: npt.NDArray[np.integer],
    hand: Hand,
    tilt: float,
    gaps: Callable[[], Gaps],
    marks: Callable[[], Sequence[str]],
    rng: np.random.Generator,
) -> WrittenSum:
    """Writes a picture.

    Args:
        page: how many lines, and on what.
        images: uint8 of shape (n, 28, 28), white ink on black.
        labels: the digits on them, of shape (n,).
        hand: in which it is written.
        tilt: by how much lines fall, in radians.
        gaps: makes, for each line, the function that says how far a glyph is from the one before it.
        marks: makes one line: `DIGIT`, a sign, `UNKNOWN`, or a blank.
        rng: decides the rest.
    """
    lines: list[list[tuple[Field, int, int]]] = []
    written: list[int | None] = []
    signs: list[str | None] = []
    texts, transcripts = [], []
    for _ in range(page.lines):
        placed: list[tuple[Field, int, int]] = []
        text, transcript, blank, before_mark = "", "", False, ""
        gap_of = gaps()
        for mark in marks():
            if mark == " ":
                blank = True
                continue
            if mark == DIGIT:
                i = int(rng.integers(len(images)))
                glyph, shown = hand.digit(images[i], int(labels[i]), rng), str(labels[i])
                text += shown
                written.append(int(labels[i]))
                signs.append(None)
            else:
                glyph, shown = hand.sign(mark, rng), mark
                written.append(None)
                signs.append(mark)
            above = glyph.top + rng.normal(0.0, 0.03 * hand.height)
            if not placed:
                placed.append((glyph.ink, 0, round(above)))
            else:
                before, left, _ = placed[-1]
                top = round(np.tan(tilt) * (left + before.shape[1]) + above)
                gap = gap_of(mark, before_mark) + (rng.uniform(0.5, 1.0) if blank else 0.0)
                placed.append((glyph.ink, next_left(placed[-1], glyph.ink, top, gap * hand.height), top))
            transcript += (" " if blank else "") + shown
            blank, before_mark = False, mark
        lines.append(placed)
        texts.append(text)
        transcripts.append(transcript)
    ink, owners, boxes = stack_lines(lines, hand.height, rng)
    picture = on_paper(ink, hand.height, page, rng)
    return WrittenSum(
        picture, "\n".join(texts), tuple(written), tuple(boxes), owners, tuple(signs), "\n".join(transcripts)
    )


def _gap(mark: str, spacing: float, rng: np.random.Generator) -> float:
    """How far a glyph is from the one before it, in heights of a digit; below 0 they overlap."""
    if rng.random() < _TOUCHING:
        return float(rng.uniform(-0.05, 0.05))
    return float(rng.uniform(0.05, 0.25)) if mark == _INSIDE[0] else max(0.05, spacing + float(rng.normal(0.0, 0.07)))
