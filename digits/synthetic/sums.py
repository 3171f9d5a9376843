"""Sums, dates and prices that nobody wrote: MNIST digits with signs among them, on paper, in any light.

It is to signs what digits/synthetic/pages.py is to numbers. Signs stand where people put them: a point on the base
line, a minus at half the height, a bracket over the whole of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.synthetic.glyphs import draw_sign, draw_unknown
from digits.synthetic.pages import Field, Image, Page, WrittenNumber, draw_ink, next_left, on_paper, stack_lines

# Signs that come in pairs around a number, and those that stand close to the digits on both sides.
_BRACKETS = {"(": ")", "[": "]"}
_INSIDE = (".", ",", ":", ";", "/")
_BETWEEN = tuple(sign for sign in SIGNS if sign not in _INSIDE and sign not in "()[]%€$#*")
_AFTER, _BEFORE = ("%", "€", "$", "*"), ("#", "$", "-", "€")
# Chances of what follows or encloses a number of a sum.
_POINT, _BRACKET, _ALONGSIDE, _STRANGE = 0.3, 0.18, 0.2, 0.12
# Width of pens, in heights of a digit.
_PENS = (0.05, 0.15)


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
        page: lines, digits of each number, height, paper and light; its chances of touching and of signs do not count.
        images: uint8 of shape (n, 28, 28), white ink on black.
        labels: the digits on them, of shape (n,).
        count: how many pictures.
        seed: the same seed gives the same pictures.
        unknown: chance that a letter or a scribble stands beside a number.

    Yields:
        Each picture.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _write(page, images, labels, unknown, rng)


def _tokens(page: Page, unknown: float, rng: np.random.Generator) -> list[str]:
    """One line: "d" for a digit, a sign, `UNKNOWN`, or a blank."""
    spaced = rng.random() < 0.5
    tokens: list[str] = []
    for k in range(int(rng.integers(1, 4))):
        if k:
            sign = str(rng.choice(_BETWEEN))
            tokens += [" ", sign, " "] if spaced else [sign]
        number = ["d"] * int(rng.integers(page.digits[0], page.digits[1] + 1))
        if len(number) > 1 and rng.random() < _POINT:
            number.insert(int(rng.integers(1, len(number))), str(rng.choice(_INSIDE)))
        if rng.random() < _ALONGSIDE:
            number = [*number, str(rng.choice(_AFTER))] if rng.random() < 0.5 else [str(rng.choice(_BEFORE)), *number]
        if rng.random() < _BRACKET:
            opening = str(rng.choice(list(_BRACKETS)))
            number = [opening, *number, _BRACKETS[opening]]
        if rng.random() < unknown:
            number = [*number, UNKNOWN] if rng.random() < 0.5 else [UNKNOWN, *number]
        tokens += number
    return tokens


def _write(
    page: Page, images: Image, labels: npt.NDArray[np.integer], unknown: float, rng: np.random.Generator
) -> WrittenSum:
    height, slant, tilt = rng.uniform(*page.height), rng.uniform(-0.25, 0.35), np.deg2rad(rng.uniform(-4.0, 4.0))
    # MNIST's strokes are about as wide as the widest pens; those of a thin pen are drawn anew.
    thin = rng.random() < max(page.thin_pen, 0.3)
    pen = height * (rng.uniform(_PENS[0], 0.08) if thin else rng.uniform(0.08, _PENS[1]))
    lines: list[list[tuple[Field, int, int]]] = []
    written: list[int | None] = []
    signs: list[str | None] = []
    texts, transcripts = [], []
    for _ in range(page.lines):
        tokens = _tokens(page, unknown, rng)
        placed: list[tuple[Field, int, int]] = []
        text, transcript, blank = "", "", False
        spacing = rng.uniform(0.1, 0.4)
        for mark in tokens:
            if mark == " ":
                blank = True
                continue
            if mark == "d":
                i = int(rng.integers(len(images)))
                ink = draw_ink(images[i], height * rng.uniform(0.88, 1.12), slant, pen if thin else None)
                above = round((height - ink.shape[0]) / 2.0)
                written.append(int(labels[i]))
                signs.append(None)
                shown = str(labels[i])
                text += shown
            else:
                known = mark != UNKNOWN
                glyph = draw_sign(mark, height, slant, pen, rng) if known else draw_unknown(height, slant, pen, rng)
                ink, above = glyph.ink, glyph.top
                written.append(None)
                signs.append(mark)
                shown = mark
            wobble = rng.normal(0.0, 0.03 * height)
            if not placed:
                placed.append((ink, 0, round(above + wobble)))
            else:
                before, left, _ = placed[-1]
                top = round(np.tan(tilt) * (left + before.shape[1]) + wobble + above)
                gap = max(0.05, spacing + rng.normal(0.0, 0.07)) if mark != "." else rng.uniform(0.05, 0.25)
                gap += rng.uniform(0.5, 1.0) if blank else 0.0
                placed.append((ink, next_left(placed[-1], ink, top, gap * height), top))
            transcript += (" " if blank else "") + shown
            blank = False
        lines.append(placed)
        texts.append(text)
        transcripts.append(transcript)
    ink, owners, boxes = stack_lines(lines, height, rng)
    picture = on_paper(ink, height, page, rng)
    return WrittenSum(
        picture, "\n".join(texts), tuple(written), tuple(boxes), owners, tuple(signs), "\n".join(transcripts)
    )
