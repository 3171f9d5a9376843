"""Rings that are drawn around numbers."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.rings import without_rings

Mask = npt.NDArray[np.uint8]

HEIGHT, WIDTH, TALL = 240, 480, 70


def digits(count: int, apart: int = 55, top: int = 85) -> Mask:
    """Open ovals and bars by turns, in the middle of a page."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for k in range(count):
        x = WIDTH // 2 + round((k - (count - 1) / 2) * apart)
        if k % 2:
            cv2.line(mask, (x + 6, top), (x - 6, top + TALL), 1, 7)
        else:
            cv2.ellipse(mask, (x, top + TALL // 2), (17, TALL // 2), 0, 30, 330, 1, 7)
    return mask


def ring(
    half: tuple[int, int], turn: float = 1.05, drift: float = 0.04, thickness: int = 6, waves: float = 0.0
) -> Mask:
    """A ring around the middle of the page, whose end lies so far inside of its beginning, as a share of its size."""
    mask, angles = np.zeros((HEIGHT, WIDTH), np.uint8), np.linspace(0.4, 0.4 + 2.0 * np.pi * turn, 200)
    radii = 1.0 - drift * np.linspace(0.0, 1.0, angles.size) + waves * np.sin(3.0 * angles)
    way = np.stack([WIDTH / 2 + half[0] * radii * np.cos(angles), 120 + half[1] * radii * np.sin(angles)], axis=1)
    cv2.polylines(mask, [np.rint(way).astype(np.int32)], False, 1, thickness)
    return mask


def left_of(mask: Mask) -> Mask:
    return without_rings(LabeledMask(mask)).mask


@pytest.mark.parametrize("turn", [0.96, 1.0, 1.08])
@pytest.mark.parametrize(("count", "half"), [(1, (60, 75)), (2, (80, 70)), (5, (190, 85)), (5, (205, 66))])
def test_a_ring_around_digits_goes_and_they_stay(count: int, half: tuple[int, int], turn: float) -> None:
    wanted = digits(count)
    assert np.array_equal(left_of(wanted | ring(half, turn, waves=0.03)), wanted)


@pytest.mark.parametrize("tall", [16, 40])
def test_a_ring_may_be_much_larger_than_what_it_holds(tall: int) -> None:
    wanted = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(wanted, (WIDTH // 2, 120), (tall // 4, tall // 2), 0, 30, 330, 1, 4)
    assert np.array_equal(left_of(wanted | ring((120, 60), 1.0, 0.0, 4)), wanted)


@pytest.mark.parametrize(("drop", "share"), [(-26, 0.9), (-12, 0.97), (12, 0.97), (26, 0.9)])
def test_digits_that_touch_or_cross_their_ring_stay(drop: int, share: float) -> None:
    wanted = digits(5, top=85 + drop)
    found = left_of(wanted | ring((190, 62), 1.0, 0.0))
    assert (found & wanted).sum() > share * wanted.sum()
    assert (found & ~wanted & 1).sum() < 0.01 * wanted.sum()


def test_digits_outside_that_touch_the_ring_stay() -> None:
    wanted = digits(5, apart=62)
    found = left_of(wanted | ring((98, 80), 1.0, 0.0))
    assert (found & wanted).sum() > 0.93 * wanted.sum()
    assert (found & ~wanted & 1).sum() < 0.05 * wanted.sum()


def test_a_ring_around_every_digit_goes() -> None:
    wanted, rings = digits(3, apart=150), np.zeros((HEIGHT, WIDTH), np.uint8)
    for x in (90, 240, 390):
        cv2.ellipse(rings, (x, 120), (48, 60), 0, 0, 360, 1, 5)
    found = left_of(wanted | rings)
    # A bar alone in a ring may be the slash of a 0.
    middle = slice(165, 315)
    assert np.array_equal(found[:, middle], (wanted | rings)[:, middle])
    assert np.array_equal(np.delete(found, np.r_[middle], axis=1), np.delete(wanted, np.r_[middle], axis=1))


@pytest.mark.parametrize("touches", [False, True])
def test_a_slashed_zero_stays(touches: bool) -> None:
    mask = ring((50, 80), 1.0, 0.0, 10)
    reach = 60 if touches else 35
    cv2.line(mask, (WIDTH // 2 + reach // 2, 120 - reach), (WIDTH // 2 - reach // 2, 120 + reach), 1, 8)
    assert left_of(mask) is mask


def test_an_8_and_zeros_that_touch_stay() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x in (100, 160, 220):
        cv2.ellipse(mask, (x, 120), (30, 50), 0, 0, 360, 1, 8)
    for y in (90, 150):
        cv2.circle(mask, (380, y), 30, 1, 8)
    assert left_of(mask) is mask


def test_squares_of_paper_and_a_table_are_no_rings() -> None:
    mask = digits(5)
    mask[20:221:40, 20:460] = mask[20:221, 20:461:40] = 1
    assert left_of(mask) is mask


def test_an_empty_ring_stays() -> None:
    mask = ring((150, 80))
    assert left_of(mask) is mask
