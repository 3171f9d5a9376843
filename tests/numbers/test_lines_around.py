"""Numbers in a ring, on a rule, and in boxes whose lines they touch."""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.errors import NoDigitError, NoInkError
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer
from tests.pictures import handwritten

Picture = npt.NDArray[np.uint8]
NUMBERS = ("2024", "3915", "5083", "7316", "4682", "9057", "1840", "6273")
PAIRS = ("39", "25", "40", "86", "71", "13", "95", "68")


def on_paper(mnist: Mnist, *lines: str) -> tuple[Picture, npt.NDArray[np.int64]]:
    """A number on paper with room around it, and the boxes of its digits: left, top, right and bottom."""
    picture, boxes = handwritten(mnist, *lines)
    left, top, wide, high = np.array(boxes).T + 60 * np.array([[1], [1], [0], [0]])
    return np.pad(picture, 60, constant_values=255), np.stack([left, top, left + wide, top + high], axis=1)


def read_and_accepted(recognizer: Recognizer, pictures: Mapping[str, Picture]) -> int:
    """How many of these pictures, each by its number, are read and accepted; no wrong answer is accepted."""
    right = 0
    for number, picture in pictures.items():
        try:
            reading = read_picture(recognizer, picture)
        except (NoDigitError, NoInkError):
            continue
        assert not reading.accepted or reading.transcript == number
        right += reading.accepted
    return right


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
    pictures = {}
    for number in NUMBERS:
        picture, boxes = on_paper(mnist, number)
        (left, _, _, _), (_, _, right, _) = boxes[1], boxes[2]
        top, bottom = int(boxes[1:3, 1].min()), int(boxes[1:3, 3].max())
        middle, half = (
            (int(left + right) // 2, (top + bottom) // 2),
            (int(right - left) * 5 // 8, (bottom - top) * 7 // 8),
        )
        cv2.ellipse(picture, middle, half, 0, 0, 360, 20, 5, cv2.LINE_AA)
        pictures[number] = picture
    assert read_and_accepted(recognizer, pictures) >= 7


@pytest.mark.parametrize(
    ("foot_of", "thick", "least"), [("lowest", 3, 15), ("lowest", 7, 13), ("highest", 3, 11), ("highest", 5, 11)]
)
def test_digits_that_stand_on_a_rule_are_read(
    recognizer: Recognizer, mnist: Mnist, foot_of: str, thick: int, least: int
) -> None:
    pictures = {}
    for number in (*PAIRS, *NUMBERS):
        picture, boxes = on_paper(mnist, number)
        # At the foot of the digit that stands highest, it crosses the others.
        foot = int(boxes[:, 3].max() if foot_of == "lowest" else boxes[:, 3].min())
        cv2.line(picture, (int(boxes[0, 0]) - 25, foot), (int(boxes[-1, 2]) + 25, foot + 2), 20, thick, cv2.LINE_AA)
        pictures[number] = picture
    assert read_and_accepted(recognizer, pictures) >= least


def test_digits_that_a_rule_crosses_are_read_and_not_one_with_it(recognizer: Recognizer, mnist: Mnist) -> None:
    picture, boxes = on_paper(mnist, "39")
    foot = int(boxes[:, 3].min()) - 2
    cv2.line(picture, (int(boxes[0, 0]) - 25, foot), (int(boxes[-1, 2]) + 25, foot + 2), 20, 7, cv2.LINE_AA)
    assert read_picture(recognizer, picture).transcript == "39"


@pytest.mark.parametrize("gray", [60, 120, 150])
def test_a_7_whose_bar_lies_on_the_line_of_its_box_is_no_1(recognizer: Recognizer, gray: int) -> None:
    picture = np.full((300, 800), 240, np.uint8)
    for x in range(60, 700, 145):
        cv2.rectangle(picture, (x, 80), (x + 140, 220), gray, 4)
        cv2.polylines(picture, [np.array([(x + 35, 81), (x + 100, 81), (x + 60, 190)])], False, 30, 8, cv2.LINE_AA)
    reading = read_picture(recognizer, picture)
    assert reading.text == "77777"
    assert reading.accepted
