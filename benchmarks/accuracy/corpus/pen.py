"""The pen that draws the pictures of the corpus.

It is apart from the product's own drawing code, so that the pictures stay as they are when that code changes. Curves
are made in whole numbers alone, so that every machine draws the same pixels.
"""

import itertools
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Point = tuple[int, int]
Stroke = tuple[Point, ...]
Glyph = tuple[Stroke, ...]

# Points of glyphs lie in a box of 100 x 100, y pointing down; points on canvases are in sixteenths of a pixel.
_BOX = 100
_SHIFT = 4
_FINE = 1 << _SHIFT
_ROUNDS = 3

_RING: Stroke = ((50, 0), (10, 2), (0, 50), (10, 98), (50, 100), (90, 98), (100, 50), (90, 2), (50, 0))
# A point that occurs twice makes a corner.
GLYPHS: Mapping[int, tuple[Glyph, ...]] = {
    0: (
        (_RING,),
        (((60, 4), (20, 0), (0, 55), (15, 100), (60, 100), (95, 70), (90, 15), (60, 0), (35, 10)),),
        (((50, 5), (25, 10), (20, 50), (25, 95), (50, 100), (75, 95), (80, 50), (75, 8), (45, 3)),),
    ),
    1: (
        (((50, 0), (50, 100)),),
        (((25, 30), (55, 0), (55, 0), (52, 100)),),
        (((30, 25), (52, 0), (52, 0), (50, 100)), ((25, 100), (78, 99))),
    ),
    2: (
        (((5, 25), (15, 0), (60, -5), (95, 20), (70, 60), (5, 100), (5, 100), (98, 98)),),
        (((10, 15), (50, -5), (90, 15), (75, 55), (20, 100), (10, 85), (35, 78), (95, 100)),),
        (((10, 30), (20, 0), (80, 0), (85, 35), (50, 60), (15, 100), (15, 100), (85, 95)),),
    ),
    3: (
        (((5, 10), (50, -8), (95, 15), (80, 45), (35, 48), (35, 48), (100, 55), (95, 95), (50, 105), (0, 88)),),
        (((10, 2), (85, 0), (85, 0), (40, 42), (40, 42), (90, 45), (98, 90), (50, 105), (5, 92)),),
        (((15, 15), (45, -5), (85, 15), (65, 48), (40, 48), (40, 48), (85, 60), (80, 100), (30, 105), (10, 85)),),
    ),
    4: (
        (((65, 0), (5, 65), (5, 65), (98, 65)), ((70, 35), (66, 100))),
        (((20, 0), (12, 52), (12, 52), (85, 50)), ((80, 0), (76, 100))),
        (((60, 100), (66, 0), (66, 0), (4, 68), (4, 68), (96, 66)),),
    ),
    5: (
        (((85, 0), (20, 2), (20, 2), (14, 45), (14, 45), (75, 30), (98, 75), (60, 105), (5, 92)),),
        (((25, 5), (20, 45), (20, 45), (85, 40), (90, 95), (40, 108), (8, 88)), ((25, 4), (90, 0))),
        (((80, 2), (30, 0), (30, 0), (25, 48), (25, 48), (70, 42), (82, 70), (65, 100), (20, 98)),),
    ),
    6: (
        (((75, 0), (25, 20), (0, 75), (30, 105), (85, 98), (90, 60), (50, 48), (10, 72)),),
        (((85, 8), (50, -4), (8, 35), (5, 90), (50, 106), (95, 90), (85, 55), (35, 50), (10, 78)),),
        (((40, 0), (15, 50), (20, 100), (60, 102), (80, 80), (60, 58), (20, 78)),),
    ),
    7: (
        (((5, 3), (95, 0), (95, 0), (55, 50), (40, 100)),),
        (((8, 15), (10, 0), (10, 0), (90, 2), (90, 2), (45, 100)),),
        (((8, 2), (92, 2), (92, 2), (45, 100)), ((28, 52), (85, 47))),
    ),
    8: (
        (
            (
                (85, 10),
                (45, -8),
                (10, 15),
                (35, 45),
                (85, 65),
                (90, 98),
                (40, 108),
                (5, 90),
                (25, 55),
                (75, 35),
                (88, 8),
            ),
        ),
        (
            (
                (50, 47),
                (15, 35),
                (20, 0),
                (75, -2),
                (82, 32),
                (50, 47),
                (10, 62),
                (8, 102),
                (88, 104),
                (90, 65),
                (50, 47),
            ),
        ),
        (
            ((50, 48), (20, 40), (25, 2), (75, 2), (80, 40), (50, 48)),
            ((50, 48), (8, 60), (10, 104), (92, 102), (88, 58), (50, 48)),
        ),
    ),
    9: (
        (((90, 25), (70, -6), (15, 2), (5, 45), (60, 58), (92, 20), (92, 20), (85, 100)),),
        (((85, 10), (40, -5), (10, 30), (30, 58), (75, 45), (90, 10), (90, 10), (92, 70), (65, 104), (20, 95)),),
        (((80, 20), (60, 0), (25, 5), (20, 42), (60, 48), (82, 18), (70, 60), (50, 100)),),
    ),
}

# Things that are no digits, by name.
SIGNS: Mapping[str, Glyph] = {
    "cross": (((0, 50), (100, 50)), ((50, 0), (50, 100))),
    "times": (((5, 5), (95, 95)), ((95, 5), (5, 95))),
    "zigzag": (((0, 100), (20, 0), (20, 0), (40, 100), (40, 100), (60, 0), (60, 0), (80, 100), (80, 100), (100, 0)),),
    "hash": (((30, 0), (25, 100)), ((75, 0), (70, 100)), ((0, 30), (100, 28)), ((0, 70), (100, 68))),
    "square": (((0, 0), (0, 0), (100, 0), (100, 0), (100, 100), (100, 100), (0, 100), (0, 100), (0, 0)),),
    "letter_a": (((0, 100), (50, 0), (50, 0), (100, 100)), ((20, 62), (80, 62))),
    "letter_m": (((0, 100), (5, 0), (5, 0), (50, 70), (50, 70), (95, 0), (95, 0), (100, 100)),),
    "letter_e": (((90, 0), (10, 0), (10, 0), (10, 100), (10, 100), (95, 100)), ((10, 50), (75, 50))),
    "letter_k": (((10, 0), (10, 100)), ((90, 0), (10, 55), (10, 55), (95, 100))),
    "percent": (
        ((95, 0), (5, 100)),
        ((20, 5), (5, 20), (20, 35), (35, 20), (20, 5)),
        ((80, 65), (65, 80), (80, 95), (95, 80)),
    ),
    "spiral": (((50, 50), (60, 40), (70, 60), (40, 75), (20, 45), (50, 10), (95, 40), (85, 95), (20, 105), (-5, 50)),),
    "wave": (((0, 50), (15, 10), (35, 90), (50, 50), (65, 10), (85, 90), (100, 50)),),
    "minus": (((0, 50), (100, 48)),),
    "dot": (((48, 96), (52, 98)),),
    "slash": (((80, 0), (20, 100)),),
    "equals": (((5, 35), (95, 33)), ((5, 65), (95, 66))),
}


@dataclass(frozen=True)
class Hand:
    """How somebody writes.

    Args:
        form: which of a digit's forms.
        slant: the top is moved to the right by this share of the height, in per cent.
        turn: the right side is moved down by this share of the width, in per cent.
        narrow: the width, in per cent of the height.
        shake: points are moved at random by no more than this, in per cent of the box.
    """

    form: int = 0
    slant: int = 0
    turn: int = 0
    narrow: int = 65
    shake: int = 3


def seeded(name: str) -> np.random.Generator:
    """What draws a picture at random: it follows from the name, so that a new picture changes no other."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def some_hand(rng: np.random.Generator) -> Hand:
    """A hand at random."""
    draw = rng.integers
    return Hand(int(draw(3)), int(draw(-8, 26)), int(draw(-6, 7)), int(draw(50, 86)), int(draw(1, 6)))


def draw_glyph(
    ink: Gray, glyph: Glyph, place: tuple[int, int, int], thickness: int, rng: np.random.Generator, hand: Hand
) -> None:
    """Draws a glyph.

    Args:
        ink: where to; 0 is none, 255 full.
        glyph: its strokes.
        place: left, top and height of its box, in pixels.
        thickness: of the pen, in pixels.
        rng: moves the points.
        hand: whose writing it is; the form is not looked at.
    """
    left, top, height = place
    width = height * hand.narrow // 100
    for stroke in glyph:
        points = []
        last: tuple[Point, Point] | None = None
        for point in stroke:
            # Corners stay corners.
            if last is not None and last[0] == point:
                points.append(last[1])
                continue
            x, y = (value + int(rng.integers(-hand.shake, hand.shake + 1)) for value in point)
            across = left * _FINE + x * width * _FINE // _BOX + (_BOX - y) * hand.slant * height * _FINE // _BOX**2
            down = top * _FINE + y * height * _FINE // _BOX + x * hand.turn * width * _FINE // _BOX**2
            points.append((across, down))
            last = (point, points[-1])
        draw_line(ink, _smooth(points), thickness)


def draw_digit(
    ink: Gray, digit: int, place: tuple[int, int, int], thickness: int, rng: np.random.Generator, hand: Hand
) -> None:
    """Draws a digit in one of its forms; arguments as for `draw_glyph`."""
    draw_glyph(ink, GLYPHS[digit][hand.form], place, thickness, rng, hand)


def write_digit(
    digit: int,
    shape: tuple[int, int],
    rng: np.random.Generator,
    share: int = 60,
    thickness: int | None = None,
    hand: Hand | None = None,
    offset: tuple[int, int] = (0, 0),
) -> Gray:
    """The ink of a digit in the middle of a field.

    Args:
        digit: which.
        shape: (height, width) of the field.
        rng: for hand and points.
        share: the digit's height, in per cent of the field's shorter side.
        thickness: of the pen, in pixels; a part of the height if None.
        hand: whose writing; somebody's if None.
        offset: (right, down) from the middle, in per cent of the shorter side.
    """
    hand = hand or some_hand(rng)
    ink = np.zeros(shape, np.uint8)
    place = _place(shape, share, hand, offset)
    draw_digit(ink, digit, place, thickness or max(1, place[2] // 10), rng, hand)
    return ink


def _place(shape: tuple[int, int], share: int, hand: Hand, offset: tuple[int, int]) -> tuple[int, int, int]:
    least = min(shape)
    height = max(4, least * share // 100)
    left = (shape[1] - height * hand.narrow // 100) // 2 + offset[0] * least // 100
    return left, (shape[0] - height) // 2 + offset[1] * least // 100, height


def draw_line(ink: Gray, points: Sequence[Point], thickness: int) -> None:
    """Draws a line through points, which are in sixteenths of a pixel."""
    path = np.array(points, np.int32).reshape(-1, 1, 2)
    cv2.polylines(ink, [path], isClosed=False, color=255, thickness=thickness, lineType=cv2.LINE_AA, shift=_SHIFT)


def draw_straight(ink: Gray, start: Point, end: Point, thickness: int) -> None:
    """Draws a straight line between two points, which are in pixels."""
    draw_line(ink, [(x * _FINE, y * _FINE) for x, y in (start, end)], thickness)


def draw_box(ink: Gray, corners: tuple[int, int, int, int], thickness: int) -> None:
    """Draws the four sides of a box: left, top, right, bottom, in pixels."""
    left, top, right, bottom = corners
    path = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    draw_line(ink, [(x * _FINE, y * _FINE) for x, y in path], thickness)


def draw_turned_box(ink: Gray, middle: Point, corner: Point, thickness: int) -> None:
    """Draws a square around a point, of which one corner lies (right, down) from it, in pixels."""
    (x, y), (right, down) = middle, corner
    path = [(x + right, y + down), (x - down, y + right), (x - right, y - down), (x + down, y - right)]
    draw_line(ink, [(across * _FINE, along * _FINE) for across, along in [*path, path[0]]], thickness)


def _smooth(points: list[Point]) -> list[Point]:
    """Cuts corners, as Chaikin does ("An Algorithm for High-Speed Curve Generation", 1974); both ends stay."""
    if len(points) < 3:
        return points
    for _ in range(_ROUNDS):
        path = [points[0]]
        for (x, y), (next_x, next_y) in itertools.pairwise(points):
            path.append(((3 * x + next_x) // 4, (3 * y + next_y) // 4))
            path.append(((x + 3 * next_x) // 4, (y + 3 * next_y) // 4))
        points = [*path, points[-1]]
    return points
