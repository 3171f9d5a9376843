"""Digits in the boxes of forms."""

import time
from collections.abc import Collection

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.boxes import without_boxes, without_dividers

Mask = npt.NDArray[np.uint8]

SIDE = 140


def form(gap: int = 0, thickness: int = 3, empty: Collection[int] = (), digit: int = 80) -> tuple[Mask, Mask]:
    """Six boxes with a stroke in each, and the strokes alone."""
    boxes, strokes = np.zeros((300, 1100), np.uint8), np.zeros((300, 1100), np.uint8)
    for k in range(6):
        x = 60 + k * (SIDE + gap)
        cv2.rectangle(boxes, (x, 80), (x + SIDE, 80 + SIDE), 1, thickness)
        if k not in empty:
            middle = x + SIDE // 2, 80 + SIDE // 2
            cv2.ellipse(strokes, middle, (digit // 3, digit // 2), 0, 30, 330, 1, 12)
    return boxes | strokes, strokes


def turned(mask: Mask, angle: float) -> Mask:
    height, width = mask.shape
    around = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    return np.asarray(cv2.warpAffine(mask, around, (width, height), flags=cv2.INTER_NEAREST), dtype=np.uint8)


@pytest.mark.parametrize("gap", [0, 25])
@pytest.mark.parametrize("angle", [0.0, -3.0, 1.0, 3.0])
@pytest.mark.parametrize("thickness", [2, 3, 5])
def test_boxes_are_taken_off_and_what_they_hold_stays(gap: int, angle: float, thickness: int) -> None:
    mask, strokes = form(gap, thickness, empty=(3, 4))
    (rest, boxes), wanted = without_boxes(LabeledMask(turned(mask, angle))), turned(strokes, angle)
    left = rest.mask
    assert len(boxes) == (6 if gap else 1)
    assert np.array_equal(left & wanted, wanted)
    assert int((left - wanted).sum()) < 0.01 * mask.sum()


def test_writing_that_touches_its_box_stays() -> None:
    mask, strokes = form(digit=SIDE)
    left = without_boxes(LabeledMask(mask))[0].mask
    assert (left & strokes).sum() > 0.95 * strokes.sum()
    assert (left & ~strokes & 1).sum() < 0.1 * (mask - strokes).sum()


@pytest.mark.parametrize(("count", "are_boxes"), [(2, False), (3, True)])
def test_boxes_in_a_row_are_some_though_all_digits_touch_them(count: int, are_boxes: bool) -> None:
    mask, strokes = form(gap=25, digit=SIDE - 8)
    width = 60 + count * (SIDE + 25)
    mask, strokes = mask[:, :width].copy(), strokes[:, :width].copy()
    rest, boxes = without_boxes(LabeledMask(mask))
    assert len(boxes) == (count if are_boxes else 0)
    assert (rest.mask is mask) == (not are_boxes)
    assert (rest.mask & strokes).sum() > 0.93 * strokes.sum()
    assert not are_boxes or (rest.mask & ~strokes & 1).sum() < 0.1 * (mask - strokes).sum()


def test_squares_in_a_row_that_hold_nothing_may_be_zeros() -> None:
    mask, _ = form(gap=25, thickness=9, empty=range(6))
    rest, boxes = without_boxes(LabeledMask(mask))
    assert (rest.mask is mask, boxes) == (True, [])


@pytest.mark.parametrize("thickness", [2, 4])
def test_double_frames_are_taken_off_where_their_lines_run_together(thickness: int) -> None:
    mask, strokes = form(thickness=thickness)
    for k in range(6):
        x = 60 + k * SIDE
        cv2.rectangle(mask, (x + 7, 87), (x + SIDE - 7, 73 + SIDE), 1, thickness)
        for side in (x, x + SIDE):
            mask[80 : 81 + SIDE, side - 7 : side + 8] = 1
    left = without_boxes(LabeledMask(mask))[0].mask
    assert np.array_equal(left & strokes, strokes)
    assert (left & ~strokes & 1)[90 : 70 + SIDE].sum() == 0


def test_a_tall_1_in_a_row_of_boxes_is_no_divider() -> None:
    mask, _ = form(empty=(2,))
    one = np.zeros_like(mask)
    one[81 : 80 + SIDE, 60 + 2 * SIDE + 40 : 60 + 2 * SIDE + 50] = 1
    left, inside = without_boxes(LabeledMask(mask | one))[0].mask, slice(90, 70 + SIDE)
    assert (left & one)[inside].sum() >= 0.9 * one[inside].sum()


@pytest.mark.parametrize(("thickness", "lean"), [(4, 5), (5, 7), (6, 7), (10, 12)])
def test_double_lines_between_boxes_go_though_the_outer_sides_lean(thickness: int, lean: int) -> None:
    mask, strokes = np.zeros((300, 1100), np.uint8), np.zeros((300, 1100), np.uint8)
    for k in range(5):
        x = 60 + k * (SIDE + thickness)
        left, right = x - lean * (k == 0), x + SIDE + lean * (k == 4)
        corners = [(left, 80), (right, 80), (x + SIDE, 80 + SIDE), (x, 80 + SIDE)]
        cv2.polylines(mask, [np.array(corners)], True, 1, thickness)
        cv2.ellipse(strokes, (x + SIDE // 2, 80 + SIDE // 2), (27, 40), 0, 30, 330, 1, 12)
    rest = without_boxes(LabeledMask(mask | strokes))[0].mask
    assert np.array_equal(rest & strokes, strokes)
    assert (rest & ~strokes & 1).sum() < 0.01 * mask.sum()


def test_a_square_alone_may_be_a_digit() -> None:
    mask = np.zeros((200, 200), np.uint8)
    cv2.rectangle(mask, (60, 40), (140, 160), 1, 4)
    assert np.array_equal(without_boxes(LabeledMask(mask))[0].mask, mask)


def test_digits_and_squared_paper_are_no_boxes() -> None:
    _, strokes = form()
    assert np.array_equal(without_boxes(LabeledMask(strokes))[0].mask, strokes)
    squares = np.zeros((300, 600), np.uint8)
    squares[10:290:40, 10:580] = squares[10:290, 10:580:40] = 1
    assert np.array_equal(without_boxes(LabeledMask(squares))[0].mask, squares)


@pytest.mark.parametrize("thickness", [2, 3])
def test_a_stroke_across_most_of_a_box_is_no_line_of_it(thickness: int) -> None:
    mask, strokes = form(gap=20, thickness=thickness)
    for k in (1, 4):
        x = 60 + k * (SIDE + 20)
        for canvas in (mask, strokes):
            cv2.line(canvas, (x + 8, 160), (x + 94, 158), 1, 12)
    rest, boxes = without_boxes(LabeledMask(mask))
    left = rest.mask
    assert len(boxes) == 6
    assert (left & strokes).sum() > 0.97 * strokes.sum()
    assert (left & ~strokes & 1).sum() < 0.05 * (mask - strokes).sum()


@pytest.mark.parametrize("wide", [50, 90, 140])
def test_a_one_that_touches_a_line_of_its_box_stays(wide: int) -> None:
    mask, strokes = np.zeros((260, 700), np.uint8), np.zeros((260, 700), np.uint8)
    for k in range(4):
        x = 40 + k * (wide + 20)
        middle = x + wide // 2
        cv2.rectangle(mask, (x, 80), (x + wide, 180), 1, 4)
        for canvas in (mask, strokes):
            if k < 2:
                cv2.line(canvas, (middle, 92 - 12 * k), (middle - 3, 180 - 12 * k), 1, 5)
            else:
                cv2.ellipse(canvas, (middle, 130), (14, 32), 0, 0, 360, 1, 5)
    rest, boxes = without_boxes(LabeledMask(mask))
    left = rest.mask
    assert len(boxes) == 4
    assert (left & strokes).sum() > 0.9 * strokes.sum()
    assert (left & ~strokes & 1).sum() < 0.05 * (mask - strokes).sum()


def test_squared_paper_is_no_box() -> None:
    squares = np.zeros((300, 600), np.uint8)
    squares[0], squares[-1], squares[:, 0], squares[:, -1] = 1, 1, 1, 1
    cv2.ellipse(squares, (300, 150), (30, 60), 0, 0, 360, 1, 8)
    assert without_boxes(LabeledMask(squares))[1] == []


def divided(reach: int = 12, count: int = 5) -> tuple[Mask, Mask, npt.NDArray[np.bool_]]:
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
