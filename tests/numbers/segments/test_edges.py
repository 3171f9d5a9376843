"""What a photographed sheet leaves of its table at the picture's border is no line of its own."""

import cv2
import numpy as np
import pytest

from digits.arrays import Pixels
from digits.data.mnist import Mnist
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer
from tests.pictures import handwritten

WRITTEN = "2024\n715"


def with_wedge(mnist: Mnist, corners: list[tuple[float, float]]) -> Pixels:
    """A page with a wedge of the table, whose corners are shares of the width and height."""
    paper, _ = handwritten(mnist, *WRITTEN.split("\n"))
    page = cv2.copyMakeBorder(paper, 240, 240, 200, 200, cv2.BORDER_CONSTANT, value=255)
    height, width = page.shape
    points = np.rint(np.array(corners) * [width, height]).astype(np.int32)
    return np.asarray(cv2.fillPoly(page.copy(), [points], 40, cv2.LINE_AA), dtype=np.uint8)


@pytest.mark.parametrize(
    "corners",
    [
        # In a corner of the picture, and at its border above the corner.
        [(1.0, 0.83), (1.0, 1.0), (0.95, 1.0)],
        [(1.0, 0.83), (0.98, 0.94), (1.0, 0.95)],
        [(0.0, 0.0), (0.06, 0.0), (0.0, 0.16)],
    ],
)
def test_a_corner_of_the_table_is_no_line(
    first_view: Recognizer, mnist: Mnist, corners: list[tuple[float, float]]
) -> None:
    assert read_picture(first_view, with_wedge(mnist, corners)).transcript == WRITTEN


def test_in_a_picture_that_is_cropped_to_its_writing_a_digit_at_the_border_is_a_line(
    first_view: Recognizer, mnist: Mnist
) -> None:
    paper, boxes = handwritten(mnist, "7", "2024")
    left, top = (min(box[k] for box in boxes) for k in (0, 1))
    right, bottom = (max(box[k] + box[k + 2] for box in boxes) for k in (0, 1))
    cropped = np.pad(paper[top:bottom, left:right], 2, constant_values=255)
    assert read_picture(first_view, cropped).text == "7\n2024"


def test_a_stain_beside_another_at_the_border_is_no_sure_number(first_view: Recognizer) -> None:
    page = np.full((600, 800), 225, np.uint8)
    cv2.ellipse(page, (420, 260), (14, 90), 4.0, 0.0, 360.0, 120, -1, cv2.LINE_AA)
    at_border = page.copy()
    cv2.ellipse(at_border, (0, 480), (40, 60), 20.0, 0.0, 360.0, 120, -1, cv2.LINE_AA)
    assert read_picture(first_view, page).transcript == "1"
    assert not read_picture(first_view, at_border).accepted
