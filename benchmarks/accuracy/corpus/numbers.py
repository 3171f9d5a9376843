"""Pictures of numbers, of pages and of forms, for the corpus."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from benchmarks.accuracy.corpus.files import encode
from benchmarks.accuracy.corpus.paper import Paper, put_on_paper
from benchmarks.accuracy.corpus.pen import (
    SIGNS,
    Gray,
    Hand,
    draw_box,
    draw_digit,
    draw_glyph,
    draw_straight,
    seeded,
    some_hand,
)

Named = Iterator[tuple[str, Gray | bytes]]

_SIGN_NAMES = sorted(SIGNS)


def write_line(
    ink: Gray,
    digits: str,
    place: tuple[int, int, int],
    rng: np.random.Generator,
    gap: int = 30,
    hand: Hand | None = None,
    climb: int = 0,
) -> None:
    """Writes a line; spaces are left free, and a letter stands for a sign.

    Args:
        ink: where to.
        digits: what.
        place: left, top and height, in pixels.
        rng: for hand and points.
        gap: between two boxes of digits, in per cent of the height; digits touch or overlap if it is small.
        hand: whose writing; somebody's if None.
        climb: how much higher each digit begins than the one before, in per cent of the height.
    """
    hand = hand or some_hand(rng)
    left, top, height = place
    thickness = max(1, height // 11)
    step = height * (hand.narrow + gap) // 100
    for i, character in enumerate(digits):
        box = (left + i * step, top - i * climb * height // 100, height)
        if character.isdigit():
            shape = Hand(int(rng.integers(3)), hand.slant, hand.turn, hand.narrow, hand.shake)
            draw_digit(ink, int(character), box, thickness, rng, shape)
        elif character != " ":
            sign = SIGNS[_SIGN_NAMES[(ord(character) - ord("a")) % len(_SIGN_NAMES)]]
            draw_glyph(ink, sign, box, thickness, rng, hand)


def some_digits(rng: np.random.Generator, least: int, most: int) -> str:
    """So many digits at random."""
    return "".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(least, most + 1))).tolist())


def number_pictures() -> Named:
    """All of them, by name; a name begins with the kind."""
    yield from _lines()
    yield from _papers()
    yield from _pages()
    yield from _boxes()
    yield from _sizes()
    yield from _rest()


def _lines() -> Named:
    for k in range(20):
        yield _line(f"number/{k}", 2, 8, Paper(noise=k % 5), gap=25 + 2 * k)
    for k in range(12):
        yield _line(f"touching/{k}", 2, 5, Paper(), gap=4 - 3 * k)
    for k in range(6):
        yield _line(f"number-white-on-black/{k}", 2, 6, Paper(paper=15, pen=230, noise=k))
    for k in range(6):
        yield _line(f"climbing/{k}", 3, 6, Paper(), climb=4 * k - 10)
    for k in range(8):
        yield _line(f"number-with-signs/{k}", 2, 3, Paper(), signs=True)
    for k, height in enumerate((12, 16, 24, 90, 200, 320)):
        yield _line(f"number-height/{height}", 3, 4, Paper(), height=height, gap=30 + k)


def _line(
    name: str,
    least: int,
    most: int,
    paper: Paper,
    gap: int = 30,
    climb: int = 0,
    height: int = 44,
    *,
    signs: bool = False,
) -> tuple[str, Gray]:
    rng = seeded(name)
    digits = some_digits(rng, least, most)
    if signs:
        digits += chr(ord("a") + int(rng.integers(len(SIGNS)))) + some_digits(rng, least, most)
    ink = np.zeros((3 * height, (len(digits) + 1) * height * (90 + max(gap, 0)) // 100), np.uint8)
    write_line(ink, digits, (height // 2, height, height), rng, gap, climb=climb)
    return name, put_on_paper(ink, paper, rng)


def _papers() -> Named:
    papers = {
        "ruled": (Paper(rules="ruled", pitch=30), Paper(rules="ruled", pitch=44, rule=80), Paper(rules="single")),
        "squared": (Paper(rules="squared", pitch=18, rule=30), Paper(rules="squared", pitch=30, rule=70)),
        "shadow": (Paper(shadow="corner", dark=65), Paper(shadow="edge", dark=45), Paper(shadow="spot", dark=60)),
        "noise": (Paper(noise=30), Paper(paper=190, pen=90, noise=40), Paper(noise=12, blur=2)),
        "frame": (Paper(frame="box"), Paper(frame="border"), Paper(frame="open")),
        "specks": (Paper(specks=20), Paper(specks=80, noise=6)),
        "color": (Paper(tint=(20, 40, 160)), Paper(tint=(200, 30, 40), rules="squared", rule=25)),
        "faint": (Paper(pen=215), Paper(paper=200, pen=170, noise=4)),
    }
    for kind, kinds in papers.items():
        for k, paper in enumerate(kinds):
            yield _line(f"number-{kind}/{k}", 3, 7, paper)


def _pages() -> Named:
    for k in range(12):
        name = f"page/{k}"
        rng = seeded(name)
        count, height = 2 + k % 4, int(rng.integers(26, 48))
        ink = np.zeros((height * (2 * count + 1), height * 9), np.uint8)
        hand = some_hand(rng)
        for i in range(count):
            digits = some_digits(rng, 2, 6) if k % 3 else some_digits(rng, 2, 3) + " " + some_digits(rng, 1, 2)
            left = height + int(rng.integers(height))
            write_line(ink, digits, (left, height * (2 * i + 1), height), rng, 35, hand)
        papers = (
            Paper(),
            Paper(rules="ruled", pitch=2 * height),
            Paper(shadow="across", noise=8),
            Paper(paper=20, pen=240),
        )
        yield name, put_on_paper(ink, papers[k % 4], rng)
    name = "page/large"
    rng = seeded(name)
    ink = np.zeros((1400, 1300), np.uint8)
    for i in range(5):
        write_line(ink, some_digits(rng, 4, 6), (120, 100 + 260 * i, 120), rng)
    yield name, put_on_paper(ink, Paper(shadow="corner", dark=40, noise=6), rng)


def _boxes() -> Named:
    for k in range(12):
        name = f"boxes/{k}"
        rng = seeded(name)
        digits, side, apart = some_digits(rng, 3, 6), int(rng.integers(50, 80)), (0, 8, 20)[k % 3]
        ink = np.zeros((side + 50, (side + apart) * len(digits) + 50), np.uint8)
        for i, digit in enumerate(digits):
            left = 25 + i * (side + apart)
            if k % 4 == 3:
                draw_straight(ink, (left, 25 + side), (left + side - 8, 25 + side), 2)
            else:
                draw_box(ink, (left, 25, left + side, 25 + side), 1 + k % 3)
            place = (left + side * 3 // 10, 25 + side * 2 // 10, side * 6 // 10)
            draw_digit(ink, int(digit), place, max(2, side // 16), rng, some_hand(rng))
        yield name, put_on_paper(ink, Paper(noise=k, paper=230, pen=50), rng)


def _sizes() -> Named:
    """Large and small on one page."""
    for k in range(6):
        name = f"ring-around/{k}"
        rng = seeded(name)
        ink = np.zeros((260, 420), np.uint8)
        ring = Hand(narrow=150, shake=1)
        draw_digit(ink, 0, (30, 20, 220), 4, rng, ring)
        write_line(ink, some_digits(rng, 1, 3), (110, 95, 60 - 6 * k), rng)
        yield name, put_on_paper(ink, Paper(), rng)
    for k in range(6):
        name = f"heights/{k}"
        rng = seeded(name)
        ink = np.zeros((190, 420), np.uint8)
        write_line(ink, some_digits(rng, 2, 2), (20, 40, 110), rng, hand=Hand(narrow=60))
        write_line(ink, some_digits(rng, 2, 4), (240, 40 + 20 * (k % 3), 30 + 5 * k), rng, hand=Hand(narrow=60))
        yield name, put_on_paper(ink, Paper(), rng)


def _rest() -> Named:
    for k in range(4):
        yield _line(f"number-of-one/{k}", 1, 1, Paper())
    for k in range(4):
        name = f"number-no-digits/{k}"
        rng = seeded(name)
        ink = np.zeros((100, 260), np.uint8)
        write_line(ink, "fghin"[k : k + 2], (30, 25, 50), rng)
        yield name, put_on_paper(ink, Paper(), rng)
    yield "number-blank/white", np.full((80, 300), 255, np.uint8)
    yield "number-blank/narrow", np.full((6, 400), 240, np.uint8)
    for k, kind in enumerate(("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")):
        _, pixels = _line(f"number-file/{kind.lower()}", 3, 6, Paper(noise=4 * (k % 2)))
        options = {"lossless": True} if kind == "WEBP" else {}
        yield f"number-file/{kind.lower()}", encode(Image.fromarray(pixels), kind, **options)
    _, pixels = _line("number-file/large", 4, 4, Paper(), height=600)
    yield "number-file/large", encode(Image.fromarray(pixels), "PNG", compress_level=1)
    yield "number-file/damaged", b"GIF89a" + bytes(30)
