"""Numbers in a ring, on a rule, and in boxes whose lines they touch."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer
from tests.pictures import handwritten

Picture = npt.NDArray[np.uint8]


def on_paper(mnist: Mnist, *lines: str) -> tuple[Picture, npt.NDArray[np.int64]]:
    """A number on paper with room around it, and the boxes of its digits: left, top, right and bottom."""
    picture, boxes = handwritten(mnist, *lines)
    left, top, wide, high = np.array(boxes).T + 60 * np.array([[1], [1], [0], [0]])
    return np.pad(picture, 60, constant_values=255), np.stack([left, top, left + wide, top + high], axis=1)


@pytest.mark.parametrize("around", [10, 25])
@pytest.mark.parametrize("turn", [345, 360])
def test_a_number_in_a_ring_is_read(recognizer: Recognizer, mnist: Mnist, around: int, turn: int) -> None:
    picture, boxes = on_paper(mnist, "2024")
    (left, top), (right, bottom) = boxes.min(axis=0)[:2], boxes.max(axis=0)[2:]
    middle = (int(left + right) // 2, int(top + bottom) // 2)
    half = (int(right - left) * 5 // 8 + around, int(bottom - top) * 5 // 8 + around)
    cv2.ellipse(picture, middle, half, 0, 40, 40 + turn, 20, 6, cv2.LINE_AA)
    reading = read_picture(recognizer, picture)
    assert reading.transcript == "2024"
    assert reading.accepted


def test_of_a_number_a_part_may_be_ringed(recognizer: Recognizer, mnist: Mnist) -> None:
    picture, boxes = on_paper(mnist, "2024")
    (left, _, _, _), (_, _, right, _) = boxes[1], boxes[2]
    top, bottom = int(boxes[1:3, 1].min()), int(boxes[1:3, 3].max())
    middle = (int(left + right) // 2, (top + bottom) // 2)
    cv2.ellipse(picture, middle, (int(right - left) * 5 // 8, (bottom - top) * 7 // 8), 0, 0, 360, 20, 5, cv2.LINE_AA)
    assert read_picture(recognizer, picture).transcript == "2024"


def test_digits_that_stand_on_a_rule_are_read(recognizer: Recognizer, mnist: Mnist) -> None:
    picture, boxes = on_paper(mnist, "39")
    foot = int(np.sort(boxes[:, 3])[0]) - 2
    cv2.line(picture, (int(boxes[0, 0]) - 25, foot), (int(boxes[-1, 2]) + 25, foot + 2), 20, 7, cv2.LINE_AA)
    reading = read_picture(recognizer, picture)
    assert reading.transcript == "39"
    assert len(reading.digits) == 2


def test_a_7_whose_bar_lies_on_the_line_of_its_box_is_no_1(recognizer: Recognizer) -> None:
    picture = np.full((300, 800), 240, np.uint8)
    for x in range(60, 700, 145):
        cv2.rectangle(picture, (x, 80), (x + 140, 220), 150, 4)
        cv2.polylines(picture, [np.array([(x + 35, 81), (x + 100, 81), (x + 60, 190)])], False, 30, 8, cv2.LINE_AA)
    assert read_picture(recognizer, picture).text == "77777"
