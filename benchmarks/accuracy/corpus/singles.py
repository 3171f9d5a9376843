"""Pictures of single digits, and of what may be sent in place of one, for the corpus."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.accuracy.corpus.paper import Color, Paper, put_on_paper
from benchmarks.accuracy.corpus.pen import (
    GLYPHS,
    SIGNS,
    Glyph,
    Gray,
    Hand,
    draw_digit,
    draw_glyph,
    draw_straight,
    draw_turned_box,
    seeded,
    some_hand,
    write_digit,
)

Named = Iterator[tuple[str, Gray]]

_SIDE, _FIELD = 20, 28
_FINE = 8
_SIZES = (8, 9, 10, 12, 14, 16, 18, 20, 24, 27, 29, 32, 40, 56, 80, 120, 200, 320, 500, 799, 800, 801, 1000, 1400)
_SHADOWS = ("across", "corner", "edge", "spot")
_FRAMES = ("border", "box", "double", "corner", "open")
_TINTS: tuple[Color, ...] = ((20, 40, 160), (190, 20, 30), (10, 110, 50), (90, 90, 100), (140, 60, 170))


def like_mnist(ink: Gray) -> Gray:
    """Ink on a field of 28 x 28 as MNIST's makers placed it: 20 pixels high or wide, its center of mass in the middle.

    Pixels are averaged over 8 x 8 and rounded up, so that none of the ink is lost.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longer = max(cut.shape)
    height, width = (max(1, side * _SIDE // longer) for side in cut.shape)
    fine = cut[
        np.arange(height * _FINE)[:, np.newaxis] * cut.shape[0] // (height * _FINE),
        np.arange(width * _FINE) * cut.shape[1] // (width * _FINE),
    ]
    total = fine.reshape(height, _FINE, width, _FINE).astype(np.int64).sum(axis=(1, 3))
    small = -(-total // _FINE**2)
    mass = int(small.sum())
    top = _FIELD // 2 - int((small.sum(axis=1) * (2 * np.arange(height) + 1)).sum() + mass) // (2 * mass)
    left = _FIELD // 2 - int((small.sum(axis=0) * (2 * np.arange(width) + 1)).sum() + mass) // (2 * mass)
    top, left = min(max(top, 0), _FIELD - height), min(max(left, 0), _FIELD - width)
    field = np.zeros((_FIELD, _FIELD), np.uint8)
    field[top : top + height, left : left + width] = small
    return field


def single_pictures() -> Named:
    """All of them, by name; a name begins with the kind."""
    yield from _hands()
    yield from _sizes()
    yield from _small_fields()
    yield from _papers()
    yield from _pens()
    yield from _places()
    yield from _apart()
    yield from _together()
    yield from _no_digits()
    yield from _everything()


def _hands() -> Named:
    for digit in range(10):
        for form in range(len(GLYPHS[digit])):
            name = f"hand/{digit}-{form}"
            rng = seeded(name)
            side = int(rng.integers(48, 280))
            shape = (side, side * int(rng.integers(70, 140)) // 100)
            hand = replace(some_hand(rng), form=form)
            yield name, put_on_paper(write_digit(digit, shape, rng, hand=hand), Paper(), rng)
        name = f"white-on-black/{digit}"
        rng = seeded(name)
        side = int(rng.integers(40, 300))
        yield name, put_on_paper(write_digit(digit, (side, side), rng), Paper(paper=12, pen=235), rng)
        name = f"blackboard/{digit}"
        rng = seeded(name)
        paper = Paper(paper=60, pen=210, noise=12, shadow="corner", dark=30)
        yield name, put_on_paper(write_digit(digit, (150, 170), rng), paper, rng)


def _sizes() -> Named:
    for i, side in enumerate(_SIZES):
        for k, (height, width) in enumerate(((side, side), (side, max(8, side * 3 // 4)))):
            name = f"size/{height}x{width}-{k}"
            rng = seeded(name)
            hand = Hand(form=i % 3, slant=6, narrow=60)
            share = 80 if side < 32 else 60
            ink = write_digit((i + 5 * k) % 10, (height, width), rng, share, hand=hand)
            yield name, put_on_paper(ink, Paper(noise=4 * k), rng)


def _small_fields() -> Named:
    for digit in range(10):
        for k in range(3):
            name = f"mnist-form/{digit}-{k}"
            rng = seeded(name)
            field = like_mnist(write_digit(digit, (240, 240), rng, thickness=int(rng.integers(10, 22))))
            yield name, 255 - field if k == 2 else field
        for k, share in enumerate((95, 60, 70)):
            name = f"28x28/{digit}-{k}"
            rng = seeded(name)
            offset = (int(rng.integers(-15, 16)), int(rng.integers(-15, 16))) if k else (0, 0)
            ink = write_digit(digit, (_FIELD, _FIELD), rng, share, 1 + k % 2, offset=offset)
            papers = (Paper(), Paper(paper=8, pen=220, noise=6), Paper(paper=0, pen=255))
            yield name, put_on_paper(ink, papers[k], rng)


def _papers() -> Named:
    for digit in range(10):
        turns = {
            "color": [Paper(tint=_TINTS[digit % 5]), Paper(paper=235, tint=_TINTS[(digit + 2) % 5], noise=8)],
            "shadow": [
                Paper(shadow=_SHADOWS[digit % 4], dark=45 + 3 * digit),
                Paper(shadow=_SHADOWS[(digit + 1) % 4], dark=70, noise=5),
            ],
            "noise": [Paper(noise=10 + 6 * digit), Paper(paper=200, pen=80, noise=50)],
            "ruled": [Paper(rules="ruled", pitch=20 + 2 * digit), Paper(rules="single", pitch=40, rule=95)],
            "squared": [
                Paper(rules="squared", pitch=14 + digit, rule=30),
                Paper(rules="squared", pitch=30, rule=60, tint=_TINTS[digit % 5]),
            ],
            "frame": [Paper(frame=_FRAMES[digit % 5]), Paper(frame=_FRAMES[(digit + 2) % 5], noise=10)],
            "specks": [Paper(specks=3 + 2 * digit), Paper(specks=60, shadow="across", dark=30)],
            "faint": [Paper(paper=240, pen=225 - 2 * digit), Paper(paper=180, pen=150, noise=6, blur=1)],
            "blurred": [Paper(blur=4 + digit)],
        }
        for kind, papers in turns.items():
            for k, paper in enumerate(papers):
                name = f"{kind}/{digit}-{k}"
                rng = seeded(name)
                side = int(rng.integers(90, 260))
                ink = write_digit(digit, (side, side * (10 + k) // 10), rng, int(rng.integers(45, 70)))
                yield name, put_on_paper(ink, paper, rng)


def _pens() -> Named:
    for digit in range(10):
        for kind, thickness in (("hairline", 1), ("thin", 3), ("thick", 26), ("brush", 40)):
            name = f"{kind}/{digit}"
            rng = seeded(name)
            yield name, put_on_paper(write_digit(digit, (220, 200), rng, 70, thickness), Paper(), rng)


def _places() -> Named:
    for digit in range(10):
        for kind, share, offset in (("cut-off", 90, (25, -12)), ("at-border", 70, (-30, 15)), ("tiny", 12, (20, 20))):
            name = f"{kind}/{digit}"
            rng = seeded(name)
            ink = write_digit(digit, (180, 180), rng, share, offset=offset)
            yield name, put_on_paper(ink, Paper(), rng)
        name = f"broken/{digit}"
        rng = seeded(name)
        ink = write_digit(digit, (160, 160), rng, 75)
        gap = 70 + int(rng.integers(20))
        ink[gap : gap + 5 + digit // 2] = 0
        yield name, put_on_paper(ink, Paper(), rng)


def _apart() -> Named:
    for k in range(20):
        name = f"several/{k}"
        rng = seeded(name)
        count = 2 + k % 3
        ink = np.zeros((160, 110 * count), np.uint8)
        for i in range(count):
            hand = some_hand(rng)
            height = int(rng.integers(60, 120)) if k % 2 else 100
            place = (110 * i + 25, (160 - height) // 2, height)
            draw_digit(ink, int(rng.integers(10)), place, 9, rng, hand)
        yield name, put_on_paper(ink, Paper(noise=k), rng)


def _together() -> Named:
    for k in range(8):
        name = f"touching-digits/{k}"
        rng = seeded(name)
        ink = np.zeros((150, 190), np.uint8)
        hand = some_hand(rng)
        for i in range(2):
            place = (35 + i * (90 * hand.narrow // 100 - 4 * k), 30, 90)
            draw_digit(ink, int(rng.integers(10)), place, 8, rng, hand)
        yield name, put_on_paper(ink, Paper(), rng)
    for digit in range(10):
        name = f"turned-box/{digit}"
        rng = seeded(name)
        ink = write_digit(digit, (200, 200), rng, 45)
        draw_turned_box(ink, (100, 100), (70, 45 + 5 * digit), 1 + digit % 4)
        yield name, put_on_paper(ink, Paper(noise=digit), rng)


def _no_digits() -> Named:
    for sign, glyph in SIGNS.items():
        for k, paper in enumerate((Paper(), Paper(paper=20, pen=230, noise=10))):
            name = f"sign/{sign}-{k}"
            yield name, _draw_sign(name, glyph, paper)
    blanks = {
        "white": np.full((60, 80), 255, np.uint8),
        "black": np.zeros((60, 80), np.uint8),
        "gray": np.full((200, 200, 3), 128, np.uint8),
        "white-28": np.full((_FIELD, _FIELD), 255, np.uint8),
        "black-28": np.zeros((_FIELD, _FIELD), np.uint8),
        "pixel": np.full((1, 1), 7, np.uint8),
        "narrow": np.full((3, 900), 250, np.uint8),
        "column": np.full((300, 2), 20, np.uint8),
        "small": np.full((8, 8), 250, np.uint8),
    }
    for kind, picture in blanks.items():
        yield f"blank/{kind}", picture
    empty = np.zeros((120, 140), np.uint8)
    papers = [
        Paper(noise=20),
        Paper(shadow="corner", dark=80),
        Paper(shadow="edge", dark=40, noise=6),
        Paper(rules="ruled"),
        Paper(rules="squared", noise=8),
        Paper(frame="box"),
        Paper(specks=6),
    ]
    for k, paper in enumerate(papers):
        name = f"blank/paper-{k}"
        yield name, put_on_paper(empty, paper, seeded(name))
    for k in range(8):
        name = f"scribble/{k}"
        rng = seeded(name)
        ink = np.zeros((140, 140), np.uint8)
        points = rng.integers(15, 125, (4 + 3 * k, 2)).tolist()
        for start, end in itertools.pairwise(points):
            draw_straight(ink, (start[0], start[1]), (end[0], end[1]), 4)
        yield name, put_on_paper(ink, Paper(), rng)


def _draw_sign(name: str, glyph: Glyph, paper: Paper) -> Gray:
    rng = seeded(name)
    ink = np.zeros((120, 130), np.uint8)
    draw_glyph(ink, glyph, (25, 20, 80), 8, rng, Hand(narrow=90))
    return put_on_paper(ink, paper, rng)


def _everything() -> Named:
    """Several troubles at once."""
    for k in range(50):
        name = f"everything/{k}"
        rng = seeded(name)
        draw = rng.integers
        bright, dark = int(draw(150, 256)), int(draw(0, 110))
        paper, pen = (bright, dark) if draw(4) else (dark, bright)
        rules, frames = ("", "", "ruled", "squared", "single"), ("", "", *_FRAMES)
        trouble = Paper(
            paper,
            pen,
            ("", *_SHADOWS)[int(draw(5))],
            int(draw(10, 60)),
            int(draw(30)),
            rules[int(draw(5))],
            int(draw(16, 60)),
            int(draw(20, 70)),
            frames[int(draw(7))],
            int(draw(8)),
            int(draw(3)),
            _TINTS[int(draw(5))] if draw(2) and paper == bright else None,
        )
        shape = (int(draw(60, 400)), int(draw(60, 400)))
        ink = write_digit(k % 10, shape, rng, int(draw(40, 80)), offset=(int(draw(-8, 9)), int(draw(-8, 9))))
        yield name, put_on_paper(ink, trouble, rng)
