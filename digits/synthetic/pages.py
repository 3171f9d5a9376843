"""Numbers that nobody wrote: MNIST digits put beside one another as people write them, on paper, in any light.

Every picture goes through the whole path of a reading, from finding the ink on. What a picture holds is decided by a
seed and by its `Page`; the digits come from the caller, who says which part of MNIST they are.

Digits touch as in quick writing: the pen comes as near to the last digit as its ink, from bare contact to an overlap of
two thirds of a stroke's width at the narrowest place, each as likely as another. Where the edges of both run alongside,
that is a contact along a whole stroke. Signs among the digits stand at half their height.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import SettingError
from digits.synthetic.glyphs import draw_ink, slant_of

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]
Paper = Literal["plain", "ruled", "squared"]

# Ink of digits that touch overlaps by so much at the most, in heights of a digit: two thirds of a typical stroke.
_OVERLAP = 0.08
# Width of thin pens, in heights of a digit.
_THIN = (0.03, 0.08)
# Where a glyph stands: 0 where the line is highest, 1 on its base, more below that.
_MIDDLE, _BASE, _LOWEST = 0.5, 1.0, 1.5
# Least height of small digits beside large ones, of which each picture has its own; the range of heights in a picture,
# and their chances to stand high, in the middle, on the base line and below it. Most stand where the hand puts them.
_SMALL, _RANGE, _STANDING, _STEADY = (0.38, 0.7), 0.25, (0.15, 0.25, 0.45, 0.15), 0.7
_PAPER, _PEN = (205.0, 245.0), (25.0, 85.0)


@dataclass(frozen=True)
class Page:
    """What is written on a page, and on what.

    Args:
        lines: how many lines of digits.
        digits: least and most digits on a line.
        touching: chance that a digit touches the one before it; at least two of a picture do if it is not 0.
        height: least and most height of a digit, in pixels.
        paper: plain, ruled or squared.
        shadow: whether a shadow falls over it.
        signs: chance that a digit has a sign that is no digit after it.
        thin_pen: chance that a picture is written with a pen of half the width or less of those of MNIST's writers.
        uneven: chance that small digits stand beside large ones in a picture, on the line, below it, or higher.
        even_slant: chance that all digits of a picture lean alike, as those of one hand do; MNIST's lean as their many
            writers', each in its own way.
        drawn: chance that all of a picture is drawn by code in the hand of one writer, instead of put together from
            MNIST's digits, in digits.synthetic.sums and digits.synthetic.lines.

    Raises:
        SettingError: a value out of range.
    """

    lines: int = 1
    digits: tuple[int, int] = (4, 4)
    touching: float = 0.0
    height: tuple[int, int] = (40, 110)
    paper: Paper = "plain"
    shadow: bool = False
    signs: float = 0.0
    thin_pen: float = 0.0
    uneven: float = 0.0
    even_slant: float = 0.0
    drawn: float = 0.0

    def __post_init__(self) -> None:
        for name, (least, most) in {"digits": self.digits, "height": self.height}.items():
            if not 1 <= least <= most:
                raise SettingError(f"{name} is from {least} to {most}; it must be from 1 on, and not fall.")
        if self.lines < 1:
            raise SettingError(f"lines is {self.lines}; 1 or more are needed.")
        for name in ("touching", "signs", "thin_pen", "uneven", "even_slant", "drawn"):
            chance = getattr(self, name)
            if not 0.0 <= chance <= 1.0:
                raise SettingError(f"{name} is {chance}; it is a chance, from 0 to 1.")


KINDS: Mapping[str, Page] = {
    "digits apart": Page(),
    "digits touching": Page(touching=0.5),
    "several lines": Page(lines=3, digits=(2, 7), height=(36, 70)),
    "ruled paper": Page(paper="ruled"),
    "squared paper": Page(paper="squared"),
    "shadow": Page(shadow=True),
    "uneven sizes": Page(digits=(3, 7), thin_pen=0.5, uneven=1.0),
}


@dataclass(frozen=True)
class WrittenNumber:
    """A picture and what is written on it.

    Args:
        picture: uint8 array of shape (height, width), dark ink on light paper.
        text: the digits, a line break between lines.
        labels: the digits in reading order, and None for each sign among them.
        boxes: of each digit and sign in reading order, (left, top, width, height) in pixels.
        owners: int16 array of the picture's shape, whose ink each pixel is: the index of its box, -1
            where there is none.
    """

    picture: Image
    text: str
    labels: tuple[int | None, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    owners: npt.NDArray[np.int16]


def write_numbers(
    page: Page,
    images: Image,
    labels: npt.NDArray[np.integer],
    count: int,
    seed: int = 0,
    signs: Image | None = None,
) -> Iterator[WrittenNumber]:
    """Writes numbers of random digits.

    Args:
        page: what to write, and on what.
        images: uint8 of shape (n, 28, 28), white ink on black.
        labels: the digits on them, of shape (n,).
        count: how many pictures.
        seed: the same seed gives the same pictures.
        signs: images of signs, uint8 of shape (m, 28, 28), in which a capital letter would be 20 pixels high.

    Yields:
        Each picture.

    Raises:
        SettingError: the page has signs and there are no images of any; or it is to be `drawn`, as numbers never are.
    """
    if page.drawn:
        raise SettingError(f"drawn is {page.drawn}, and numbers are put together from images. Leave it at 0.")
    if page.signs and (signs is None or not len(signs)):
        raise SettingError(f"signs is {page.signs}, and there are no images of signs to write.")
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield _write(page, images, labels, signs, rng)


def _write(
    page: Page, images: Image, labels: npt.NDArray[np.integer], signs: Image | None, rng: np.random.Generator
) -> WrittenNumber:
    height, slant, tilt = rng.uniform(*page.height), rng.uniform(-0.25, 0.35), np.deg2rad(rng.uniform(-6.0, 6.0))
    pen = height * rng.uniform(*_THIN) if page.thin_pen and rng.random() < page.thin_pen else None
    sizes, is_even = draw_sizes(page, rng), has_even_slant(page, rng)
    texts: list[str] = []
    written: list[int | None] = []
    lines: list[list[tuple[Field, int, int]]] = []
    for _ in range(page.lines):
        chosen = rng.integers(0, len(images), int(rng.integers(page.digits[0], page.digits[1] + 1)))
        texts.append("".join(str(labels[i]) for i in chosen))
        glyphs: list[GlyphInk] = []
        for i in chosen:
            size, lean = height * rng.uniform(0.88, 1.12), slant + rng.normal(0.0, 0.04)
            share, stands = sizes.draw(rng) if sizes else (1.0, _BASE)
            own = slant_of(images[i]) if is_even else 0.0
            glyphs.append(GlyphInk(draw_ink(images[i], size * share, lean - own, pen), int(labels[i]), stands))
            if signs is not None and page.signs and rng.random() < page.signs:
                glyphs.append(GlyphInk(draw_ink(signs[rng.integers(len(signs))], size, lean, pen), None))
        written += [glyph.label for glyph in glyphs]
        lines.append(_beside(glyphs, page.touching, height, tilt, rng))
    ink, owners, boxes = stack_lines(lines, height, rng)
    picture = on_paper(ink, height, page, rng)
    return WrittenNumber(picture, "\n".join(texts), tuple(written), tuple(boxes), owners)


@dataclass(frozen=True)
class GlyphInk:
    """Ink of one digit or, without a label, of a sign.

    Args:
        ink: as `draw_ink` gives it.
        label: the digit.
        stands: where a digit stands that is smaller than the line: 0 where the line is highest, 1 on its base.
    """

    ink: Field
    label: int | None
    stands: float = _BASE


@dataclass(frozen=True)
class Sizes:
    """How a hand mixes small and large digits.

    Args:
        small: chance that a digit is small.
        share: least and most height of a small digit, beside that of the line.
        stands: where most of the small ones stand, as in `GlyphInk`.
    """

    small: float
    share: tuple[float, float]
    stands: float

    def draw(self, rng: np.random.Generator) -> tuple[float, float]:
        """How high a digit is beside the line, and where it stands."""
        if rng.random() >= self.small:
            return 1.0, _BASE
        stands = self.stands if rng.random() < _STEADY else float(rng.uniform(0.0, _LOWEST))
        return float(rng.uniform(*self.share)), stands


def draw_sizes(page: Page, rng: np.random.Generator) -> Sizes | None:
    """How the hand of a picture mixes small and large digits; None if it writes them alike."""
    if not page.uneven or rng.random() >= page.uneven:
        return None
    least = float(rng.uniform(*_SMALL))
    stands = rng.choice([0.0, _MIDDLE, _BASE, rng.uniform(_BASE, _LOWEST)], p=_STANDING)
    return Sizes(float(rng.uniform(0.15, 0.6)), (least, least + _RANGE), float(stands))


def has_even_slant(page: Page, rng: np.random.Generator) -> bool:
    """Whether all digits of a picture lean alike."""
    return bool(page.even_slant) and rng.random() < page.even_slant


def _beside(
    glyphs: list[GlyphInk], touching: float, height: float, tilt: float, rng: np.random.Generator
) -> list[tuple[Field, int, int]]:
    """Where each digit of a line goes: (ink, left, top), of which the first is at 0 and the line may rise or fall."""
    touches = rng.random(len(glyphs)) < touching
    if touching and len(glyphs) > 1 and not touches[1:].any():
        touches[rng.integers(1, len(glyphs))] = True
    spacing = rng.uniform(0.1, 0.5)
    placed: list[tuple[Field, int, int]] = []
    for sign, touch in zip(glyphs, touches, strict=True):
        glyph, wobble = sign.ink, rng.normal(0.0, 0.04 * height)
        # A sign stands at half the height, a digit on the line, or where it is put.
        rise = height - (_MIDDLE if sign.label is None else sign.stands) * (height - glyph.shape[0])
        if not placed:
            placed.append((glyph, 0, round(wobble - rise)))
            continue
        before, left, _ = placed[-1]
        top = round(np.tan(tilt) * (left + before.shape[1]) + wobble - rise)
        gap = -rng.uniform(0.0, _OVERLAP) if touch else max(0.06, spacing + rng.normal(0.0, 0.08))
        placed.append((glyph, next_left(placed[-1], glyph, top, gap * height), top))
    return placed


def next_left(before: tuple[Field, int, int], glyph: Field, top: int, gap: float) -> int:
    """The place of a digit whose ink comes so near to the ink of the one before, in pixels; below 0 they overlap."""
    ink, left, other_top = before
    reach = max(1, round(gap)) if gap > 0 else 1
    # The distance counts in all directions: rows are compared with those around them.
    first = max(other_top, top) - reach
    last = min(other_top + ink.shape[0], top + glyph.shape[0]) + reach
    rows = np.arange(first, last)
    tall = cv2.dilate(np.pad((ink > 0.4).astype(np.uint8), ((reach, reach), (0, 0))), np.ones((2 * reach + 1, 1)))
    right_edge = np.full(len(rows), -(10**6))
    left_edge = np.full(len(rows), 10**6)
    beside, inked = rows - other_top + reach, tall.astype(bool)
    within = (beside >= 0) & (beside < len(inked))
    within[within] = inked[beside[within]].any(axis=1)
    right_edge[within] = inked.shape[1] - 1 - inked[beside[within], ::-1].argmax(axis=1)
    own, inked = rows - top, glyph > 0.4
    within = (own >= 0) & (own < len(inked))
    within[within] = inked[own[within]].any(axis=1)
    left_edge[within] = inked[own[within]].argmax(axis=1)
    # A comma may lie below all rows of what is before it.
    nearest = int((left_edge - right_edge).min()) if len(rows) else 10**6
    if nearest > 10**5:
        return left + ink.shape[1] + round(gap)
    return left - nearest + 1 + round(gap)


def stack_lines(
    lines: list[list[tuple[Field, int, int]]], height: float, rng: np.random.Generator
) -> tuple[Field, npt.NDArray[np.int16], list[tuple[int, int, int, int]]]:
    """Puts lines below one another on one field, with a margin around.

    Args:
        lines: of each line its glyphs, each with the left and the top edge, in pixels, where it stands on the line.
        height: of a digit, in pixels.
        rng: chooses the margin, the indents and the distances of the lines.

    Returns:
        The ink, float32 of shape (height, width), 0..1; whose ink each pixel is, int16 of the same shape: the index of
        a glyph, or -1; and the box of each glyph: left edge, top edge, width and height.
    """
    margin = round(rng.uniform(0.3, 1.2) * height)
    down, placed = margin, []
    for line in lines:
        highest = min(top for _, _, top in line)
        indent = margin + round(rng.uniform(0.0, 0.6) * height)
        leftmost = min(left for _, left, _ in line)
        placed += [(glyph, indent + left - leftmost, down + top - highest) for glyph, left, top in line]
        down = max(top + glyph.shape[0] for glyph, _, top in placed) + round(rng.uniform(0.35, 0.8) * height)
    field_height = max(top + glyph.shape[0] for glyph, _, top in placed) + margin
    field_width = max(left + glyph.shape[1] for glyph, left, _ in placed) + margin
    ink = np.zeros((field_height, field_width), np.float32)
    owners = np.full(ink.shape, -1, np.int16)
    boxes = []
    for i, (glyph, left, top) in enumerate(placed):
        where = slice(top, top + glyph.shape[0]), slice(left, left + glyph.shape[1])
        owners[where][(glyph > 0.4) & (glyph >= ink[where])] = i
        np.maximum(ink[where], glyph, out=ink[where])
        boxes.append((left, top, glyph.shape[1], glyph.shape[0]))
    return ink, owners, boxes


def on_paper(ink: Field, height: float, page: Page, rng: np.random.Generator) -> Image:
    """Puts ink, as of `stack_lines`, on the paper of a page; uint8 of the same shape, dark ink on light paper."""
    light, pen = rng.uniform(*_PAPER), rng.uniform(*_PEN)
    paper = np.full(ink.shape, light, np.float32)
    if page.paper != "plain":
        # Copybooks have lines a digit's height apart or more, squared paper squares of half of it or more.
        gap = max(12, round(rng.uniform(0.9, 1.6) * height * (1.0 if page.paper == "ruled" else 0.6)))
        color, thick = light * rng.uniform(0.6, 0.85), max(1, round(rng.uniform(0.015, 0.035) * height))
        for start in range(int(rng.integers(0, gap)), ink.shape[0], gap):
            paper[start : start + thick] = color
        if page.paper == "squared":
            for start in range(int(rng.integers(0, gap)), ink.shape[1], gap):
                paper[:, start : start + thick] = color
    picture = paper * (1.0 - ink) + np.minimum(pen, paper) * ink
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.2)) * _light(ink.shape, page.shadow, rng)
    picture += rng.normal(0.0, rng.uniform(1.0, 6.0), picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _light(shape: tuple[int, ...], shadow: bool, rng: np.random.Generator) -> Field:
    """How much light falls on each pixel, 0..1: it falls off to one side, and a shadow has a soft edge."""
    y, x = np.linspace(-1.0, 1.0, shape[0])[:, None], np.linspace(-1.0, 1.0, shape[1])[None, :]
    angle = rng.uniform(0.0, 2.0 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    light = 1.0 - 0.15 * (along + 1.0) / 2.0
    if shadow:
        edge = 1.0 / (1.0 + np.exp(-(along - rng.uniform(-0.4, 0.4)) * rng.uniform(6.0, 40.0)))
        light = light * (1.0 - rng.uniform(0.3, 0.6) * edge)
    return np.asarray(light, dtype=np.float32)
