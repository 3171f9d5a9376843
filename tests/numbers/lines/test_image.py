"""The picture of a line: straight, of one size, with the small strokes that stand on it."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.lines.image import HEIGHT, ROWS, LineImage, draw_line_image
from digits.numbers.segmentation import find_writing
from digits.numbers.signs.marks import find_small_strokes
from digits.vision.foreground import find_foreground

Picture = npt.NDArray[np.uint8]


def page(high: int = 60, fall: float = 0.0, gap: int = 40) -> Picture:
    """Four bars of a height in a row that falls, and a point after the second."""
    picture = np.full((300, 700), 235, np.uint8)
    x = 60
    for k in range(4):
        top = round(80 + fall * x)
        cv2.rectangle(picture, (x, top), (x + 25, top + high), 30, 6)
        if k == 1:
            cv2.circle(picture, (x + 25 + gap // 2, round(80 + fall * (x + 35)) + high - 3), high // 14, 30, -1)
        x += 25 + gap
    return picture


def line_of(picture: Picture) -> LineImage:
    foreground = find_foreground(picture, even_light=True)
    writing = find_writing(foreground)
    (line,) = writing.lines
    small = find_small_strokes(writing.parts, writing.members)
    return draw_line_image(writing.parts, line.members, small, line.height)


def ink(line: LineImage) -> tuple[int, int]:
    """The first and the last row with ink."""
    rows = np.flatnonzero((line.pixels > 100).any(axis=1))
    return int(rows[0]), int(rows[-1])


@pytest.mark.parametrize("high", [40, 60, 120])
@pytest.mark.parametrize("fall", [0.0, 0.1, -0.12])
def test_digits_have_one_height_and_stand_level(high: int, fall: float) -> None:
    first, last = ink(line_of(page(high, fall)))
    assert last - first + 1 == pytest.approx(HEIGHT, abs=3)
    assert (first + last) / 2.0 == pytest.approx(ROWS / 2, abs=2)


def test_a_point_between_digits_is_on_it_and_a_speck_above_is_not() -> None:
    assert len(line_of(page()).strokes) == 5
    picture = page()
    cv2.circle(picture, (120, 20), 4, 30, -1)
    assert len(line_of(picture).strokes) == 5


def test_wide_gaps_are_narrowed_and_columns_lead_back_to_the_page() -> None:
    line = line_of(page(gap=200))
    inked = np.flatnonzero((line.pixels > 60).any(axis=0))
    assert np.diff(inked).max() <= 1.5 * HEIGHT + 2
    assert line.shifts[0] < line.shifts[-1]
    # The first column of the first bar and of the last, on the page: the fourth lies beyond its border.
    starts = inked[0], inked[inked.size - 1] - round(25 * line.scale)
    shifts = line.shifts[0], line.shifts[-1]
    on_page = [(start + shift) / line.scale for start, shift in zip(starts, shifts, strict=True)]
    assert on_page[1] - on_page[0] == pytest.approx(2 * 225, abs=12)
