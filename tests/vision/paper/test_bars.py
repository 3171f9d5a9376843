"""Digits in the light places of a gray frame, whose bars stay in part, and between lines that boxes have left."""

import time

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.bars import without_bars, without_dividers

Gray = npt.NDArray[np.uint8]

PITCH, PLACES, TALL, TOP, LEFT = 70, 6, 64, 60, 60


def digits() -> Gray:
    """The strength of an open oval in each place."""
    strength = np.zeros((200, 540), np.uint8)
    for k in range(PLACES):
        middle = LEFT + k * PITCH + PITCH // 2, TOP + TALL // 2
        cv2.ellipse(strength, middle, (16, TALL // 2), 0, 20, 330, 120, 6)
    return strength


def with_bars(strength: Gray, faint: int = 55, reach: int = 8, shift: int = 0, broken: bool = False) -> Gray:
    """Bars between the places, so much above and below the digits; every second one lies so far off its place."""
    page = strength.copy()
    for k in range(1, PLACES):
        x = LEFT + k * PITCH + shift * (k % 2)
        cv2.line(page, (x, TOP - reach), (x + 2, TOP + TALL + reach), faint, 5)
        if broken:
            page[TOP + 20 + 3 * k : TOP + 22 + 3 * k, x - 4 : x + 8] = 0
    return page


def ink_of(strength: Gray) -> Gray:
    return without_bars(strength, LabeledMask((strength > 0).astype(np.uint8))).mask


@pytest.mark.parametrize("broken", [False, True])
def test_faint_bars_between_digits_go(broken: bool) -> None:
    strength = digits()
    assert np.array_equal(ink_of(with_bars(strength, broken=broken)), strength > 0)


@pytest.mark.parametrize(("faint", "reach", "shift"), [(110, 8, 0), (55, -2, 0), (55, 8, 18)])
def test_strong_short_or_uneven_strokes_stay(faint: int, reach: int, shift: int) -> None:
    strength = with_bars(digits(), faint, reach, shift)
    assert np.array_equal(ink_of(strength), strength > 0)


def test_faint_ones_alone_stay() -> None:
    strength = with_bars(np.zeros_like(digits()))
    assert np.array_equal(ink_of(strength), strength > 0)


def divided(reach: int = 12, count: int = 5) -> tuple[Gray, Gray, npt.NDArray[np.bool_]]:
    """Lines with an oval between any two, above and below which they reach so far; the ovals alone; and lines across.

    The lines across run along both ends of the others, as a dashed frame that was taken off.
    """
    lines, strokes = np.zeros((200, 700), np.uint8), np.zeros((200, 700), np.uint8)
    across = np.zeros((200, 700), np.bool_)
    for k in range(count):
        cv2.line(lines, (60 + 110 * k, 100 - 40 - reach), (62 + 110 * k, 100 + 40 + reach), 1, 3)
        if k:
            cv2.ellipse(strokes, (6 + 110 * k, 100), (22, 36), 0, 20, 340, 1, 8)
    across[[100 - 40 - reach, 100 + 40 + reach], 40:640] = True
    return lines | strokes, strokes, across


def test_lines_between_digits_are_taken_off() -> None:
    mask, strokes, across = divided()
    assert np.array_equal(without_dividers(mask, across), strokes)


def test_ones_among_other_digits_are_no_lines_between_them() -> None:
    mask, _, across = divided(reach=0)
    assert np.array_equal(without_dividers(mask, across), mask)


def test_tall_ones_without_a_frame_stay() -> None:
    mask, _, across = divided()
    assert np.array_equal(without_dividers(mask, np.zeros_like(across)), mask)
    # One line, such as that of ruled paper, is no frame.
    across[:100] = False
    assert np.array_equal(without_dividers(mask, across), mask)


def test_two_lines_may_be_writing() -> None:
    mask, _, across = divided(count=2)
    assert np.array_equal(without_dividers(mask, across), mask)


def test_the_time_for_lines_between_digits_does_not_grow_with_the_rows() -> None:
    page = np.zeros((1600, 1600), np.uint8)
    page[::3, ::3] = 1
    for y in range(5, 1590, 20):
        for x in (400, 800, 1200):
            page[y : y + 17, x - 3 : x + 6] = 0
            page[y : y + 16, x : x + 2] = 1
    start = time.process_time()
    without_dividers(page, np.ones(page.shape, np.bool_))
    assert time.process_time() - start < 2.0
