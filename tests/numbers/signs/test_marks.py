"""Small strokes are signs where signs stand, and specks elsewhere."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.signs.marks import Box, Mark, find_marks, find_small_strokes
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import page_mask

HEIGHT = 80
# Two digits beside one another, in pixels of the picture below.
BOXES = [Box(60, 60, 100, 140), Box(140, 60, 180, 140)]


def page(*dots: tuple[int, int], ink: int = 20) -> Components:
    """Two bars, and dots beside them."""
    picture = np.full((220, 260), 240, np.uint8)
    for box in BOXES:
        cv2.rectangle(picture, (int(box.left), int(box.top)), (int(box.right) - 1, int(box.bottom) - 1), 20, 6)
    for x, y in dots:
        cv2.circle(picture, (x, y), 4, ink, -1)
    foreground = find_foreground(picture, even_light=True)
    return find_components(foreground, page_mask(foreground)[0])


def small_of(parts: Components) -> list[int]:
    large = set(np.flatnonzero(parts.bottom - parts.top > 40).tolist())
    return find_small_strokes(parts, large)


def marks_at(*dots: tuple[int, int], ink: int = 20) -> list[Mark]:
    parts = page(*dots, ink=ink)
    return find_marks(parts, small_of(parts), BOXES, [False, False], HEIGHT)[0]


def test_a_dot_on_the_base_line_between_digits_is_a_mark() -> None:
    (mark,) = marks_at((120, 136))
    assert mark.box.x == pytest.approx(120, abs=2)
    assert len(mark.members) == 1


@pytest.mark.parametrize("place", [(120, 70), (120, 100), (30, 136), (220, 136), (120, 190), (120, 30)])
def test_a_dot_that_stands_elsewhere_is_a_speck(place: tuple[int, int]) -> None:
    assert marks_at(place) == []


def test_a_faint_dot_is_a_speck() -> None:
    assert marks_at((120, 136), ink=190) == []


def test_two_dots_above_one_another_are_one_mark() -> None:
    (mark,) = marks_at((120, 90), (121, 125))
    assert len(mark.members) == 2
    assert (mark.box.top, mark.box.bottom) == pytest.approx((86, 130), abs=2)


@pytest.mark.parametrize(("upper", "lower"), [(20, 125), (125, 20)])
def test_one_dot_of_a_colon_may_be_faint(upper: int, lower: int) -> None:
    picture = np.full((220, 260), 240, np.uint8)
    for box in BOXES:
        cv2.rectangle(picture, (int(box.left), int(box.top)), (int(box.right) - 1, int(box.bottom) - 1), 20, 6)
    cv2.circle(picture, (120, 90), 4, upper, -1)
    cv2.circle(picture, (119, 125), 4, lower, -1)
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    (mark,) = find_marks(parts, small_of(parts), BOXES, [False, False], HEIGHT)[0]
    assert len(mark.members) == 2


def test_a_faint_dot_beside_a_dark_one_is_a_speck() -> None:
    parts = page((112, 136))
    both = page((112, 136), (130, 134), ink=125)
    assert len(small_of(parts)) == 1
    assert small_of(both) == []


def test_the_dots_of_a_slanted_colon_are_one_mark_and_two_points_are_two() -> None:
    (mark,) = marks_at((130, 90), (112, 128))
    assert len(mark.members) == 2
    assert [len(mark.members) for mark in marks_at((112, 134), (130, 136))] == [1, 1]


def bar_with_dots(*dots: tuple[int, int]) -> tuple[list[Mark], dict[int, list[int]]]:
    picture: npt.NDArray[np.uint8] = np.full((220, 260), 240, np.uint8)
    cv2.rectangle(picture, (105, 97), (135, 103), 20, -1)
    for x, y in dots:
        cv2.circle(picture, (x, y), 4, 20, -1)
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    boxes = [BOXES[0], Box(105, 97, 136, 104), BOXES[1]]
    bar = {int(np.argmax(parts.right - parts.left))}
    return find_marks(parts, find_small_strokes(parts, bar), boxes, [False] * 3, HEIGHT)


def test_dots_above_and_below_a_bar_belong_to_it() -> None:
    marks, belonging = bar_with_dots((120, 80), (120, 121))
    assert marks == []
    assert list(belonging) == [1]
    assert len(belonging[1]) == 2


def test_a_dot_on_one_side_of_a_bar_alone_is_a_speck() -> None:
    assert bar_with_dots((120, 121)) == ([], {})


@pytest.mark.parametrize(
    ("dot", "is_point", "belongs"),
    [((120, 100), True, True), ((124, 92), True, True), ((120, 62), True, False), ((120, 100), False, False)],
)
def test_a_dot_above_a_comma_belongs_to_it_and_a_point_of_the_line_above_does_not(
    dot: tuple[int, int], is_point: bool, belongs: bool
) -> None:
    picture = np.full((220, 260), 240, np.uint8)
    cv2.circle(picture, dot, 4, 20, -1)
    cv2.line(picture, (122, 128), (114, 148), 20, 6)
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    comma = int(np.argmax(parts.bottom))
    boxes = [BOXES[0], Box(*parts.box([comma])), BOXES[1]]
    small = find_small_strokes(parts, {comma})
    marks, belonging = find_marks(parts, small, boxes, [False, is_point, False], HEIGHT)
    assert marks == []
    assert list(belonging) == ([1] if belongs else [])


def test_the_point_of_a_thin_and_blurred_pen_is_a_mark() -> None:
    picture = np.full((160, 260), 240, np.uint8)
    for x in (60, 150):
        cv2.rectangle(picture, (x, 40), (x + 40, 120), 20, 2)
    cv2.circle(picture, (125, 117), 2, 20, -1)
    foreground = find_foreground(np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), dtype=np.uint8), even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    boxes = [Box(58, 38, 103, 123), Box(148, 38, 193, 123)]
    marks, _ = find_marks(parts, small_of(parts), boxes, [False, False], HEIGHT)
    assert len(marks) == 1
