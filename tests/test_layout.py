import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.ink import find_ink
from digits.layout import Line, find_lines
from digits.segmentation import Parts, find_parts

Picture = npt.NDArray[np.uint8]


def paper(height: int = 300, width: int = 500) -> Picture:
    return np.full((height, width), 240, np.uint8)


def bar(picture: Picture, x: int, y: int, height: int = 40, width: int = 8) -> None:
    """A stroke with its middle there."""
    cv2.rectangle(picture, (x - width // 2, y - height // 2), (x + width // 2, y + height // 2), 20, -1)


@pytest.mark.parametrize("thickness", [1, 3, 5])
def test_rules_alone_on_a_page_are_no_writing(thickness: int) -> None:
    picture = paper(400, 1600)
    for y in (100, 200, 300):
        picture[y : y + thickness, 400:1100] = 20
    assert lines_of(picture)[1] == []


def lines_of(picture: Picture) -> tuple[Parts, list[Line]]:
    parts = find_parts(find_ink(picture, even_light=True))
    return parts, find_lines(parts)


def places(picture: Picture) -> list[list[int]]:
    """The middle of each stroke of each line, from left to right, in tens of pixels across."""
    parts, lines = lines_of(picture)
    return [[int(parts.left[i] + parts.right[i]) // 20 for i in line.members] for line in lines]


def test_lines_go_from_top_to_bottom_and_strokes_from_left_to_right() -> None:
    picture = paper()
    for y in (200, 80):
        for x in (300, 100, 200):
            bar(picture, x, y)
    assert places(picture) == [[10, 20, 30], [10, 20, 30]]


@pytest.mark.parametrize("slope", [-0.3, -0.15, 0.15, 0.3])
def test_lines_may_rise_and_fall_as_steeply_as_people_write(slope: float) -> None:
    picture = paper(400, 500)
    for y in (150, 240):
        for x in range(100, 401, 50):
            bar(picture, x, round(y + slope * (x - 250)))
    assert places(picture) == [list(range(10, 41, 5))] * 2


def test_strokes_above_one_another_are_in_the_same_line() -> None:
    picture = paper()
    bar(picture, 100, 150)
    # As a 5 with its bar apart.
    bar(picture, 160, 156, height=30)
    bar(picture, 164, 136, height=5, width=24)
    bar(picture, 220, 150)
    (line,) = lines_of(picture)[1]
    assert len(line.members) == 4


def test_specks_and_rules_are_no_writing() -> None:
    picture = paper()
    for x in (100, 150, 200):
        bar(picture, x, 150)
    picture[60:63, 300:303] = 20
    cv2.line(picture, (40, 210), (460, 214), 20, 3)
    assert places(picture) == [[10, 15, 20]]


def test_what_the_border_leaves_of_a_line_is_no_writing() -> None:
    picture = paper()
    for x in (100, 150, 200):
        bar(picture, x, 150)
        bar(picture, x, 0, height=20)
    assert places(picture) == [[10, 15, 20]]


def test_a_line_knows_how_high_its_digits_are() -> None:
    picture = paper()
    for x in (100, 150, 200):
        bar(picture, x, 150, height=60)
    (line,) = lines_of(picture)[1]
    assert line.height == pytest.approx(61, abs=3)
