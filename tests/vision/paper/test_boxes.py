"""Digits in the boxes of forms."""

from collections.abc import Collection

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.masks import LabeledMask
from digits.vision.paper.boxes import without_boxes

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


def seen(mask: Mask, to: Collection[tuple[int, int]]) -> Mask:
    """A mask of 300 by 1100 pixels, as a camera sees it whose picture has its corners at some places."""
    corners = np.array([(0, 0), (1100, 0), (1100, 300), (0, 300)], np.float32)
    view = cv2.getPerspectiveTransform(corners, np.array(to, np.float32))
    return np.asarray(cv2.warpPerspective(mask, view, (1300, 620), flags=cv2.INTER_NEAREST), dtype=np.uint8)


VIEWS = [
    [(200, 50), (1280, 50), (1150, 350), (70, 350)],
    [(40, 200), (1100, 60), (1180, 350), (130, 470)],
    [(60, 60), (1200, 120), (1180, 360), (120, 420)],
]


@pytest.mark.parametrize("gap", [0, 25])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("thickness", [3, 5])
def test_boxes_seen_from_the_side_are_taken_off(view: list[tuple[int, int]], gap: int, thickness: int) -> None:
    mask, strokes = form(gap, thickness)
    left, wanted = without_boxes(LabeledMask(seen(mask, view)))[0].mask, seen(strokes, view)
    assert np.array_equal(left & wanted, wanted)
    assert int((left - wanted).sum()) < 0.01 * mask.sum()


@pytest.mark.parametrize("view", VIEWS)
def test_a_1_in_a_box_seen_from_the_side_is_no_line_of_it(view: list[tuple[int, int]]) -> None:
    mask, _ = form(empty=(2, 4))
    one = np.zeros_like(mask)
    for k in (2, 4):
        cv2.line(one, (60 + k * SIDE + 50, 84), (60 + k * SIDE + 44, 76 + SIDE), 1, 9)
    left, ones = without_boxes(LabeledMask(seen(mask | one, view)))[0].mask, seen(one, view)
    assert (left & ones).sum() > 0.85 * ones.sum()


def test_lines_between_digits_that_are_drawn_by_hand_lean_each_in_its_own_way() -> None:
    mask, strokes = np.zeros((300, 1100), np.uint8), np.zeros((300, 1100), np.uint8)
    for y in (80, 80 + SIDE):
        cv2.line(mask, (60, y), (60 + 6 * SIDE, y), 1, 6)
    for k in range(7):
        lean = (9, -7, 5, -9, 8, -4, 6)[k]
        cv2.line(mask, (60 + k * SIDE - lean, 80), (60 + k * SIDE + lean, 80 + SIDE), 1, 6)
        if k < 6:
            cv2.ellipse(strokes, (60 + SIDE // 2 + k * SIDE, 150), (27, 40), 0, 30, 330, 1, 12)
    left = without_boxes(LabeledMask(mask | strokes))[0].mask
    assert np.array_equal(left & strokes, strokes)
    assert (left & ~strokes & 1).sum() < 0.02 * mask.sum()


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
