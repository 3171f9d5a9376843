"""Digits between the corners of places, in the same color."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.corners import without_corners

Mask = npt.NDArray[np.uint8]

PITCH, PLACES, TALL, TOP, LEFT = 80, 6, 130, 60, 50


def corners(mask: Mask, thickness: int = 3, arm: int = 20, tilt: float = 0.0, kinds: str = "upper lower") -> Mask:
    for k in range(PLACES):
        for x, inwards in ((LEFT + k * PITCH + 5, arm), (LEFT + (k + 1) * PITCH - 5, -arm)):
            for y, into, kind in ((TOP, arm, "upper"), (TOP + TALL, -arm, "lower")):
                if kind in kinds:
                    row = round(y + tilt * x)
                    cv2.line(mask, (x, row), (x + inwards, row), 1, thickness)
                    cv2.line(mask, (x, row), (x, row + into), 1, thickness)
    return mask


def digits(mask: Mask, tall: int = 90, tilt: float = 0.0) -> Mask:
    for k in range(PLACES):
        x = LEFT + k * PITCH + PITCH // 2
        cv2.ellipse(mask, (x, round(TOP + TALL // 2 + tilt * x)), (23, tall // 2), 0, 20, 330, 1, 8)
    return mask


def blank() -> Mask:
    return np.zeros((280, 600), np.uint8)


@pytest.mark.parametrize("thickness", [2, 3, 4])
@pytest.mark.parametrize("tilt", [0.0, 0.03, -0.04])
def test_corners_go_and_what_is_written_between_them_stays(thickness: int, tilt: float) -> None:
    found = without_corners(LabeledMask(digits(corners(blank(), thickness, tilt=tilt), tilt=tilt))).mask
    assert np.array_equal(found, digits(blank(), tilt=tilt))


def test_corners_that_a_digit_touches_go_too() -> None:
    page, wanted = digits(corners(blank())), digits(blank())
    for canvas in (page, wanted):
        # The foot of a 2 goes through two of the lower corners.
        cv2.line(canvas, (LEFT + 3, TOP + TALL - 10), (LEFT + PITCH - 3, TOP + TALL - 6), 1, 9)
    found = without_corners(LabeledMask(page)).mask
    assert (found & wanted).sum() > 0.97 * wanted.sum()
    assert found[wanted == 0].sum() < 0.02 * wanted.sum()


def test_corners_on_one_side_alone_stay() -> None:
    page = digits(corners(blank(), kinds="upper"))
    assert np.array_equal(without_corners(LabeledMask(page)).mask, page)


def test_corners_of_the_size_of_digits_stay() -> None:
    page = corners(blank(), thickness=6, arm=30)
    assert np.array_equal(without_corners(LabeledMask(page)).mask, page)


def test_small_sevens_above_and_below_a_number_stay() -> None:
    page = digits(blank())
    for y in (20, 215):
        for k in range(7):
            x = 60 + 60 * k
            cv2.polylines(page, [np.array([(x, y), (x + 20, y), (x + 6, y + 30)], np.int32)], False, 1, 3)
    assert np.array_equal(without_corners(LabeledMask(page)).mask, page)
