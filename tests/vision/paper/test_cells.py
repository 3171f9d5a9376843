"""A digit in a cell of a form is read without the lines of the cell, and without what is around it."""

import cv2
import numpy as np
import pytest

from digits.arrays import Gray, Pixels
from digits.recognizer import Recognizer
from digits.vision.paper.cells import alone_in_its_cell

SIDE = 300


def blank() -> Gray:
    return np.zeros((SIDE, SIDE), np.uint8)


def seven(left: int = 130, top: int = 120) -> Gray:
    """The mask of a 7 of 40 by 60 pixels."""
    corners = np.array([[left, top], [left + 40, top], [left + 12, top + 60]], np.int32)
    return np.asarray(cv2.polylines(blank(), [corners], False, 1, 5), dtype=np.uint8)


def box(turn: float = 0.0, thickness: int = 2) -> Gray:
    corners = cv2.boxPoints(((SIDE / 2, SIDE / 2), (130.0, 120.0), turn))
    return np.asarray(cv2.polylines(blank(), [np.rint(corners).astype(np.int32)], True, 1, thickness), dtype=np.uint8)


def row_of_cells() -> Gray:
    """Three cells side by side, of which those at the ends are open at the picture's border."""
    lines = blank()
    for row in (90, 210):
        cv2.line(lines, (0, row), (SIDE - 1, row), 1, 2)
    for column in (85, 215):
        cv2.line(lines, (column, 90), (column, 210), 1, 2)
    return lines


def disk(radius: int) -> Gray:
    return np.asarray(cv2.circle(blank(), (SIDE // 2, SIDE // 2), radius, 1, -1), dtype=np.uint8)


def ring() -> Gray:
    return np.asarray(cv2.ellipse(blank(), (150, 150), (70, 90), 0, 0, 360, 1, 4), dtype=np.uint8)


def boxes_side_by_side() -> Gray:
    boxes = cv2.rectangle(blank(), (10, 90), (100, 210), 1, 2)
    return np.asarray(cv2.rectangle(boxes, (180, 90), (270, 210), 1, 2), dtype=np.uint8)


@pytest.mark.parametrize("turn", [0.0, 4.0, -11.0, 30.0])
@pytest.mark.parametrize("thickness", [1, 2, 6])
def test_the_lines_of_a_box_go(turn: float, thickness: int) -> None:
    assert np.array_equal(alone_in_its_cell(seven() | box(turn, thickness)), seven())


def test_what_stands_beside_the_cell_goes() -> None:
    label = np.asarray(cv2.putText(blank(), "No.", (5, 40), cv2.FONT_HERSHEY_PLAIN, 2, 1, 2), dtype=np.uint8)
    assert np.array_equal(alone_in_its_cell(label | row_of_cells() | seven()), seven())


@pytest.mark.parametrize(
    "mask",
    [
        seven(),
        box(),
        row_of_cells(),
        box() | disk(4),
        box() | disk(60),
        ring() | seven(),
        seven(30) | seven(200) | boxes_side_by_side(),
    ],
    ids=["no cell", "an empty box", "empty cells", "a speck", "a blot", "a ring", "digits in two cells"],
)
def test_nothing_else_is_a_digit_in_its_cell(mask: Gray) -> None:
    assert alone_in_its_cell(mask) is mask


@pytest.mark.parametrize("lines", [box(), box(8.0), row_of_cells()], ids=["box", "turned box", "row of cells"])
@pytest.mark.parametrize("color", [(40, 40, 40), (70, 110, 190)], ids=["gray lines", "blue lines"])
def test_a_digit_in_a_cell_in_the_middle_of_a_photo_is_read(
    recognizer: Recognizer, lines: Gray, color: tuple[int, int, int]
) -> None:
    photo: Pixels = np.full((SIDE, SIDE, 3), 225, np.uint8)
    photo[lines > 0] = color
    photo[seven() > 0] = (30, 30, 60)
    answer = recognizer.recognize_pixels(np.asarray(cv2.GaussianBlur(photo, (0, 0), 0.8), dtype=np.uint8))
    assert (answer.digit, answer.accepted) == (7, True)
