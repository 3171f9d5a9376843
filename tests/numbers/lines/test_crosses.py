"""A plus that a broad brush has drawn is told by its shape."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from digits.arrays import CLASSES, Gray
from digits.numbers.lines.crosses import is_upright_cross, with_pluses
from digits.numbers.lines.entries import Entry
from digits.numbers.signs.kinds import UNKNOWN
from digits.numbers.signs.marks import Box
from digits.vision.components import find_components
from digits.vision.foreground import find_foreground

Line = Sequence[tuple[float, float]]
CROSS: list[Line] = [[(0.0, 0.5), (1.0, 0.5)], [(0.5, 0.0), (0.5, 1.0)]]
OTHERS: dict[str, list[Line]] = {
    "times": [[(0.0, 0.0), (1.0, 1.0)], [(1.0, 0.0), (0.0, 1.0)]],
    "minus": [[(0.0, 0.5), (1.0, 0.5)], [(0.5, 0.45), (0.5, 0.55)]],
    "number sign": [
        *([(0.0, y), (1.0, y)] for y in (0.3, 0.7)),
        *([(x, 0.0), (x, 1.0)] for x in (0.3, 0.7)),
    ],
    "four": [[(0.2, 0.0), (0.0, 0.6), (1.0, 0.6)], [(0.7, 0.1), (0.7, 1.0)]],
    "seven": [[(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)], [(0.2, 0.5), (0.9, 0.5)]],
    "star": [*CROSS, [(0.1, 0.1), (0.9, 0.9)], [(0.9, 0.1), (0.1, 0.9)]],
    "t": [[(0.0, 0.2), (1.0, 0.2)], [(0.5, 0.0), (0.5, 1.0)]],
    "one": [[(0.5, 0.0), (0.5, 1.0)], [(0.2, 1.0), (0.8, 1.0)], [(0.5, 0.0), (0.2, 0.2)]],
}


def drawn(lines: Sequence[Line], width: int, height: int, pen: int, lean: float = 0.0) -> Gray:
    """Strokes as a mask, cut to its box."""
    mask = np.zeros((height + 2 * pen + 40, width + 2 * pen + 40), np.uint8)
    for line in lines:
        points = np.array([((x + lean * (0.5 - y)) * width, y * height) for x, y in line]) + pen + 20
        cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 1, pen)
    x, y, wide, high = cv2.boundingRect(mask)
    return mask[y : y + high, x : x + wide]


@pytest.mark.parametrize("pen", [4, 10, 22, 30])
@pytest.mark.parametrize(("width", "height"), [(60, 60), (44, 60), (70, 50)])
@pytest.mark.parametrize("lean", [0.0, 0.2])
def test_an_upright_cross_is_known_however_broad_its_strokes_are(
    pen: int, width: int, height: int, lean: float
) -> None:
    assert is_upright_cross(drawn(CROSS, width, height, pen, lean))


@pytest.mark.parametrize("pen", [4, 10])
@pytest.mark.parametrize("name", OTHERS)
def test_other_strokes_are_no_upright_cross(name: str, pen: int) -> None:
    assert not is_upright_cross(drawn(OTHERS[name], 50, 60, pen))


def test_dots_that_run_into_a_bar_are_no_cross() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[25:35] = 1
    mask[20:40, 28:32] = 1
    for y in (10, 49):
        cv2.circle(mask, (30, y), 10, 1, -1)
    assert not is_upright_cross(mask)


@pytest.mark.parametrize(
    ("sign", "likely", "expected"),
    [
        ("÷", None, "+"),
        ("#", None, "+"),
        (UNKNOWN, None, "+"),
        ("*", None, "*"),
        # What is taken for a digit, with this probability.
        ("+", 0.35, "+"),
        ("÷", 0.9, "4"),
    ],
)
def test_a_sign_in_the_shape_of_a_cross_is_a_plus(sign: str, likely: float | None, expected: str) -> None:
    page = np.full((120, 200), 240, np.uint8)
    mask = drawn(CROSS, 60, 60, 22)
    page[20 : 20 + mask.shape[0], 30 : 30 + mask.shape[1]][mask > 0] = 20
    foreground = find_foreground(page, even_light=True)
    parts = find_components(foreground, (foreground.strength >= foreground.weak).astype(np.uint8))
    box = Box(float(parts.left[0]), float(parts.top[0]), float(parts.right[0]), float(parts.bottom[0]))
    digits = np.full(CLASSES, (1.0 - (likely or 0.5)) / (CLASSES - 1))
    digits[4] = likely or 0.5
    entry = Entry(box, digits, 0.9 if likely else 0.1, likely is not None, sign, 0.5)
    assert [one.shown for one in with_pluses([entry], parts, [0])] == [expected]
    with_end_of_another = replace(entry, box=replace(box, left=box.left - 20.0))
    assert [one.shown for one in with_pluses([with_end_of_another], parts, [0])] == [expected]
    elsewhere = Entry(Box(box.left + 90.0, box.top, box.right + 90.0, box.bottom), entry.digits, 0.1, False, "÷", 0.5)
    assert [one.shown for one in with_pluses([elsewhere], parts, [0])] == ["÷"]
    # A number sign whose strokes run together may be a cross.
    sure = replace(entry, accepted=False, sign="#", sign_probability=0.95)
    assert [one.shown for one in with_pluses([sure], parts, [0])] == ["#"]
    tall = replace(entry, box=replace(box, bottom=box.top + 3.0 * (box.bottom - box.top)), digits=np.eye(CLASSES)[7])
    tall = replace(tall, accepted=True)
    small = replace(entry, accepted=False, sign="÷")
    assert [one.shown for one in with_pluses([small, tall], parts, [0])] == ["÷", "7"]
