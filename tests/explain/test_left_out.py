"""What an answer for one digit is said to leave out."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.explain.left_out import find_left_out
from digits.recognizer import Recognizer

FIVE = [(330, 250), (240, 255), (235, 360), (300, 350), (350, 400), (350, 450), (300, 500), (240, 490)]


def five() -> npt.NDArray[np.uint8]:
    """A 5 on a sheet of paper."""
    photo = np.full((800, 600), 190, np.uint8)
    cv2.polylines(photo, [np.array(FIVE)], False, 40, 9)
    return photo


def left_out(recognizer: Recognizer, photo: npt.NDArray[np.uint8]) -> str:
    prediction = recognizer.recognize_pixels(photo)
    assert (prediction.digit, prediction.accepted) == (5, True)
    return find_left_out(recognizer, photo, prediction) or ""


def test_a_table_that_is_seen_beside_the_sheet_is_no_writing(recognizer: Recognizer) -> None:
    photo = five()
    cv2.fillPoly(photo, [np.array([(0, 600), (0, 799), (30, 799)])], 75)
    assert left_out(recognizer, photo) == ""


def test_a_digit_beside_it_is_writing_though_the_border_touches_it(recognizer: Recognizer) -> None:
    for x in (3, 60):
        photo = five()
        cv2.line(photo, (x, 330), (x, 470), 40, 9)
        assert left_out(recognizer, photo).startswith("There is more writing in the picture.")
