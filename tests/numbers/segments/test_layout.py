import tracemalloc

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.segments.layout import Line, find_lines
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import digit_mask

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


def lines_of(picture: Picture) -> tuple[Components, list[Line]]:
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, digit_mask(foreground))
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


@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("slope", [-0.45, -0.3, 0.3, 0.45])
def test_a_sum_that_climbs_or_falls_steeply_is_one_line_by_the_sign_between_its_digits(
    slope: float, lines: int
) -> None:
    picture = paper(600, 400)
    for line in range(lines):
        middle = 180 + 110 * line
        for x in (120, 240):
            bar(picture, x, round(middle + slope * (x - 180)), 60, 14)
        bar(picture, 180, middle, 6, 28)
    assert places(picture) == [[12, 18, 24]] * lines


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


@pytest.mark.parametrize("large", [70, 120, 200])
@pytest.mark.parametrize("many", [2, 12])
def test_a_heading_and_what_is_written_under_it_in_another_size_are_lines(large: int, many: int) -> None:
    picture = paper(700, 900)
    bar(picture, 100, 150, large, large // 5)
    bar(picture, 100 + large, 150, large, large // 5)
    for k in range(many):
        for y in (450, 550):
            bar(picture, 100 + 50 * k, y, 30, 6)
    _, lines = lines_of(picture)
    assert [len(line.members) for line in lines] == [2, many, many]
    assert lines[0].height == pytest.approx(large, abs=8)
    assert lines[1].height == pytest.approx(30, abs=8)


def test_one_thing_of_another_size_is_no_line() -> None:
    picture = paper(700, 900)
    bar(picture, 100, 150, 200, 6)
    for k in range(12):
        bar(picture, 100 + 50 * k, 450, 30, 6)
    assert [len(line.members) for line in lines_of(picture)[1]] == [12]


def test_circles_around_numbers_are_no_heading_even_if_one_is_empty() -> None:
    picture = paper(700, 900)
    for k in range(3):
        cv2.circle(picture, (100 + 110 * k, 150), 45, 20, 2)
    for k in range(2):
        bar(picture, 100 + 110 * k, 150, 30, 6)
    for k in range(12):
        for y in (450, 550):
            bar(picture, 100 + 50 * k, y, 30, 6)
    assert [len(line.members) for line in lines_of(picture)[1]] == [2, 12, 12]


def test_thousands_of_strokes_take_little_memory_to_lay_out() -> None:
    picture = paper(1600, 1600)
    for y in range(20, 1580, 40):
        for x in range(20, 1580, 40):
            bar(picture, x, y, 20, 6)
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, digit_mask(foreground))
    tracemalloc.start()
    lines = find_lines(parts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(len(line.members) for line in lines) == 1_500
    # A table of all pairs would have 18 MB for each number in it, and there were ten of them.
    assert peak < 18e6


@pytest.mark.parametrize("slope", [0.0, 0.05])
def test_a_page_of_many_lines_has_all_of_them_whether_they_fall_or_not(slope: float) -> None:
    picture = paper(2400, 1000)
    for line in range(20):
        for place in range(16):
            bar(picture, 60 + 50 * place, 60 + 110 * line + round(slope * 50 * place))
    assert [len(line.members) for line in lines_of(picture)[1]] == [16] * 20


@pytest.mark.parametrize(("columns", "rows"), [(2, 3), (3, 2), (2, 5)])
def test_a_table_has_a_line_for_each_of_its_rows(columns: int, rows: int) -> None:
    picture = paper(100 * rows + 100, 300 * columns + 100)
    for row in range(rows):
        for column in range(columns):
            bar(picture, 130 + 300 * column, 100 + 100 * row)
            bar(picture, 160 + 300 * column, 100 + 100 * row)
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, digit_mask(foreground))
    lines = find_lines(parts, [(50, 50, 300 * columns, 100 * rows)])
    assert [len(line.members) for line in lines] == [2 * columns] * rows


def test_digits_anywhere_in_a_row_of_boxes_are_on_one_line() -> None:
    picture = paper()
    for k, y in enumerate((80, 120, 75, 125)):
        bar(picture, 90 + 100 * k, y)
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, digit_mask(foreground))
    (line,) = find_lines(parts, [(40, 45, 400, 110)])
    assert len(line.members) == 4
