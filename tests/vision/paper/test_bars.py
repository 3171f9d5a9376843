"""Digits in the light places of a gray frame, whose bars stay in part."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.bars import without_bars

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
