"""The strength of ink on its ground."""

import cv2
import numpy as np
import pytest

from digits.errors import NoInkError
from digits.recognizer import Recognizer
from digits.vision.foreground import median_of_nine
from tests.conftest import encode_png


@pytest.mark.parametrize("shape", [(3, 3), (28, 28), (90, 7), (7, 90), (40, 71), (40, 72), (28, 28, 3)])
def test_medians_of_a_narrow_picture_are_those_of_opencv(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(median_of_nine(pixels), cv2.medianBlur(pixels, 3))


def test_a_digit_that_covers_less_of_its_sheet_than_ink_is_measured_on_is_read(recognizer: Recognizer) -> None:
    sheet = np.full((780, 552), 252, np.uint8)
    cv2.polylines(sheet, [np.array([(264, 140), (276, 140), (270, 150), (267, 160)])], False, 40, 1, cv2.LINE_AA)
    prediction = recognizer.recognize(encode_png(cv2.GaussianBlur(sheet, (3, 3), 0)))
    assert (prediction.digit, prediction.accepted) == (7, True)


@pytest.mark.parametrize("side", [3, 5, 7])
def test_dust_on_a_sheet_is_no_ink(recognizer: Recognizer, side: int) -> None:
    sheet = np.full((780, 552), 252, np.uint8)
    sheet[300 : 300 + side, 400 : 400 + side] = 30
    with pytest.raises(NoInkError):
        recognizer.recognize(encode_png(sheet))
