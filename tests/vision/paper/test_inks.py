"""Digits in forms that are printed in another color, and on pages that another color has spoilt."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.foreground import find_foreground
from digits.vision.paper.inks import without_form
from digits.vision.paper.ruling import page_mask

Page = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

BLUE, RED, GREEN, BROWN, GRAY = (30, 40, 160), (190, 40, 40), (40, 140, 90), (190, 140, 70), (150, 150, 150)
PITCH, PLACES, TALL = 90, 5, 70
LEFT, TOP = 70, 90


def middle(place: int) -> tuple[int, int]:
    return LEFT + place * PITCH + PITCH // 2, TOP + 60


def digits_on(page: Page, color: Color, tall: int = TALL, places: int = PLACES) -> Page:
    """Open ovals, one in each place."""
    for k in range(places):
        cv2.ellipse(page, middle(k), (tall // 3, tall // 2), 0, 30, 340, color, 7, cv2.LINE_AA)
    return page


def paper() -> Page:
    return np.full((260, 600, 3), (246, 244, 238), np.uint8)


def boxes(page: Page, color: Color) -> None:
    cv2.rectangle(page, (LEFT, TOP), (LEFT + PITCH * PLACES, TOP + 120), color, 3, cv2.LINE_AA)
    for k in range(1, PLACES):
        cv2.line(page, (LEFT + k * PITCH, TOP), (LEFT + k * PITCH, TOP + 120), color, 3, cv2.LINE_AA)


def tight_boxes(page: Page, color: Color) -> None:
    cv2.rectangle(page, (LEFT, TOP + 30), (LEFT + PITCH * PLACES, TOP + 90), color, 3, cv2.LINE_AA)
    for k in range(1, PLACES):
        cv2.line(page, (LEFT + k * PITCH, TOP + 30), (LEFT + k * PITCH, TOP + 90), color, 3, cv2.LINE_AA)


def slanted_comb(page: Page, color: Color) -> None:
    cv2.line(page, (LEFT, TOP + 110), (LEFT + PITCH * PLACES, TOP + 110), color, 4, cv2.LINE_AA)
    for k in range(PLACES + 1):
        x = LEFT + k * PITCH
        cv2.line(page, (x, TOP + 110), (x + 14, TOP + 10), color, 4, cv2.LINE_AA)


def dashes(page: Page, color: Color) -> None:
    for x in range(LEFT, LEFT + PITCH * PLACES, 12):
        for y in (TOP, TOP + 120):
            cv2.line(page, (x, y), (x + 7, y), color, 2, cv2.LINE_AA)
    for x in range(LEFT, LEFT + PITCH * PLACES + 1, PITCH):
        for y in range(TOP, TOP + 120, 12):
            cv2.line(page, (x, y), (x, y + 7), color, 2, cv2.LINE_AA)


def corners(page: Page, color: Color) -> None:
    for k in range(PLACES):
        for x, inwards in ((LEFT + k * PITCH + 4, 18), (LEFT + (k + 1) * PITCH - 4, -18)):
            for y, into in ((TOP, 18), (TOP + 120, -18)):
                cv2.line(page, (x, y), (x + inwards, y), color, 2, cv2.LINE_AA)
                cv2.line(page, (x, y), (x, y + into), color, 2, cv2.LINE_AA)


def ovals(page: Page, color: Color) -> None:
    for k in range(PLACES):
        cv2.ellipse(page, middle(k), (PITCH // 2 - 3, 58), 0, 0, 360, color, 3, cv2.LINE_AA)


def ring(page: Page, color: Color) -> None:
    cv2.circle(page, (LEFT + 2 * PITCH, TOP + 40), 110, color, 9, cv2.LINE_AA)


def mask_of(page: Page) -> Page:
    return page_mask(find_foreground(page, even_light=True))[0].mask


@pytest.mark.parametrize("form", [boxes, tight_boxes, slanted_comb, dashes, corners, ovals, ring])
@pytest.mark.parametrize("colors", [(BLUE, GREEN), (BLUE, RED), (RED, GRAY), (BLUE, BROWN)])
def test_a_form_of_another_color_goes_and_the_writing_stays(
    form: Callable[[Page, Color], None], colors: tuple[Color, Color]
) -> None:
    pen, printed = colors
    page = paper()
    form(page, printed)
    found, wanted = mask_of(digits_on(page, pen)), mask_of(digits_on(paper(), pen))
    assert (found & wanted).sum() > 0.93 * wanted.sum()
    assert found[cv2.dilate(wanted, np.ones((7, 7), np.uint8)) == 0].sum() < 0.02 * wanted.sum()


def test_an_empty_place_goes_with_the_others() -> None:
    page = paper()
    for k in range(PLACES):
        cv2.rectangle(page, (LEFT + k * PITCH + 5, TOP), (LEFT + (k + 1) * PITCH - 5, TOP + 120), GRAY, 2)
    found = mask_of(digits_on(page, BLUE, places=PLACES - 1))
    assert not found[:, LEFT + (PLACES - 1) * PITCH :].any()


def strokes_of(page: Page) -> tuple[Page, Page]:
    """The ink of a page without the form that is looked for, and all of it."""
    foreground = find_foreground(page, even_light=True)
    mask = (foreground.strength >= foreground.weak).astype(np.uint8)
    return without_form(foreground, mask), mask


def test_digits_in_two_colors_stay() -> None:
    page = paper()
    for k in range(PLACES):
        cv2.ellipse(page, middle(k), (23, 35), 0, 30, 340, (BLUE, RED)[k % 2], 7, cv2.LINE_AA)
    left, mask = strokes_of(page)
    assert np.array_equal(left, mask)


def test_lines_in_two_colors_stay() -> None:
    page = np.full((420, 600, 3), 245, np.uint8)
    for row, color in enumerate((RED, BLUE, RED)):
        for k in range(PLACES):
            cv2.line(page, (100 + 70 * k, 60 + 120 * row), (106 + 70 * k, 120 + 120 * row), color, 7, cv2.LINE_AA)
    left, mask = strokes_of(page)
    assert np.array_equal(left, mask)


def test_digits_with_an_outline_of_another_color_stay() -> None:
    page = paper()
    for k in range(PLACES):
        cv2.ellipse(page, middle(k), (30, 45), 0, 30, 340, (20, 20, 20), 17, cv2.LINE_AA)
        cv2.ellipse(page, middle(k), (30, 45), 0, 30, 340, (120, 170, 240), 11, cv2.LINE_AA)
    left, mask = strokes_of(page)
    assert np.array_equal(left, mask)


def test_signs_of_another_color_stay() -> None:
    page = digits_on(paper(), BLUE)
    x, y = LEFT + PITCH, TOP + 60
    cv2.line(page, (x - 9, y), (x + 9, y), RED, 5, cv2.LINE_AA)
    cv2.line(page, (x, y - 9), (x, y + 9), RED, 5, cv2.LINE_AA)
    cv2.ellipse(page, (LEFT - 4, y), (12, 50), 0, 90, 270, RED, 5, cv2.LINE_AA)
    left, mask = strokes_of(page)
    assert np.array_equal(left, mask)


def test_a_gray_page_has_one_color() -> None:
    page = paper()[..., 0].copy()
    cv2.rectangle(page, (LEFT, TOP), (LEFT + 300, TOP + 120), 120, 3)
    left, mask = strokes_of(page)
    assert np.array_equal(left, mask)


def test_digits_above_brackets_of_another_color_are_no_form() -> None:
    page = paper()
    for place, tall in enumerate((78, 52, 66, 46, 72)):
        x, y = middle(place)
        cv2.ellipse(page, (x, y), (tall // 3, tall // 2), 0, 30, 340, (40, 40, 40), 7)
        bracket = np.array([[x - 34, y + 10], [x - 34, y + 44], [x + 34, y + 44], [x + 34, y + 10]], np.int32)
        cv2.polylines(page, [bracket], False, BLUE, 2)
    written, (left, _) = page.max(axis=2) < 60, strokes_of(page)
    assert left[written].all()
