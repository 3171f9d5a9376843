"""Digits on the combs of forms."""

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.combs import without_combs

Mask = npt.NDArray[np.uint8]

PITCH, PLACES, TOP = 60, 7, 120


def comb(thickness: int, tilt: float = 0.0, low: bool = False) -> tuple[Mask, Mask]:
    """A comb with an oval in each place, and the ovals alone; the low ones touch the line."""
    lines, strokes = np.zeros((220, 560), np.uint8), np.zeros((220, 560), np.uint8)
    foot = TOP + 40

    def point(x: int, y: int) -> tuple[int, int]:
        return x, round(y + tilt * x)

    cv2.line(lines, point(60, foot), point(60 + PITCH * PLACES, foot), 1, thickness)
    for k in range(PLACES + 1):
        cv2.line(lines, point(60 + k * PITCH, foot), point(60 + k * PITCH, foot - 24), 1, thickness)
    for k in range(PLACES):
        middle = point(60 + k * PITCH + PITCH // 2, foot - (25 if low else 38))
        cv2.ellipse(strokes, middle, (14, 22), 0, 20, 340, 1, 6)
    return lines | strokes, strokes


@pytest.mark.parametrize("thickness", [1, 2, 3])
@pytest.mark.parametrize("tilt", [0.0, 0.02, -0.03])
@pytest.mark.parametrize("low", [False, True])
def test_combs_are_taken_off_and_what_is_written_on_them_stays(thickness: int, tilt: float, low: bool) -> None:
    mask, strokes = comb(thickness, tilt, low)
    left = without_combs(LabeledMask(mask)).mask
    assert (left & strokes).sum() > 0.8 * strokes.sum()
    assert (left & ~strokes & 1).sum() < 0.1 * (mask - strokes).sum()


def test_a_line_under_digits_is_no_comb() -> None:
    _, strokes = comb(2)
    cv2.line(strokes, (60, 170), (480, 170), 1, 3)
    assert np.array_equal(without_combs(LabeledMask(strokes)).mask, strokes)


def test_uneven_strokes_on_a_line_are_no_comb() -> None:
    mask = np.zeros((220, 560), np.uint8)
    cv2.line(mask, (60, 160), (480, 160), 1, 3)
    for x in (60, 83, 190, 231, 400, 480):
        cv2.line(mask, (x, 160), (x, 120), 1, 3)
    assert np.array_equal(without_combs(LabeledMask(mask)).mask, mask)


Ticks = Literal["left", "both"]


def brackets(thickness: int, ticks: Ticks, places: int = PLACES, low: bool = False) -> tuple[Mask, Mask]:
    """A row of brackets with an oval on each, and the ovals alone; a row with single ticks ends with another tick."""
    lines, strokes = np.zeros((220, 640), np.uint8), np.zeros((220, 640), np.uint8)
    foot = TOP + 40
    for k in range(places):
        first, last = 40 + k * (PITCH + 8), 40 + k * (PITCH + 8) + PITCH
        cv2.line(lines, (first, foot), (last, foot), 1, thickness)
        for x in (first, last) if ticks == "both" else (first,):
            cv2.line(lines, (x, foot), (x, foot - 22), 1, thickness)
        middle = (first + last) // 2, foot - (25 if low else 38)
        cv2.ellipse(strokes, middle, (14, 22), 0, 20, 340, 1, 6)
    if ticks == "left":
        x = 40 + places * (PITCH + 8)
        cv2.line(lines, (x, foot), (x, foot - 22), 1, thickness)
    return lines | strokes, strokes


@pytest.mark.parametrize("thickness", [1, 2, 4])
@pytest.mark.parametrize("ticks", ["left", "both"])
@pytest.mark.parametrize("low", [False, True])
def test_brackets_are_taken_off_and_what_is_written_on_them_stays(thickness: int, ticks: Ticks, low: bool) -> None:
    mask, strokes = brackets(thickness, ticks, low=low)
    left = without_combs(LabeledMask(mask)).mask
    assert (left & strokes).sum() > 0.8 * strokes.sum()
    assert (left & ~strokes & 1).sum() < 0.05 * (mask - strokes).sum()


def test_two_brackets_may_be_writing() -> None:
    mask, _ = brackets(3, "left", places=2)
    assert np.array_equal(without_combs(LabeledMask(mask)).mask, mask)


def test_underlined_ones_are_no_brackets() -> None:
    mask = np.zeros((220, 560), np.uint8)
    for x in (60, 160, 260, 360):
        cv2.line(mask, (x, 160), (x + 40, 160), 1, 6)
        cv2.line(mask, (x + 20, 160), (x + 20, 90), 1, 6)
    assert np.array_equal(without_combs(LabeledMask(mask)).mask, mask)
