import contextlib
import time

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.errors import ImageError
from digits.recognizer import Recognizer, shipped_model
from digits.vision.components import Components, find_digit, find_separate_digits
from digits.vision.normalize import find_strokes

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

# Boxes (left, top, right, bottom) on a page of 400 x 240 pixels, whose outlines are strokes.
LEFT, RIGHT = (80, 70, 130, 170), (250, 70, 300, 170)


def page(*boxes: Box, pen: int = 6) -> Pixels:
    """Dark ink on paper; a box that is one pen wide is a stroke."""
    picture = np.full((240, 400), 245, np.uint8)
    for left, top, right, bottom in boxes:
        cv2.rectangle(picture, (left, top), (right, bottom), 20, pen)
    return picture


def parts_of(*boxes: Box) -> Components:
    return find_strokes(page(*boxes))[1]


def separate(*boxes: Box) -> list[int]:
    """How many strokes each separate thing has, from left to right."""
    return [len(group) for group in find_separate_digits(parts_of(*boxes))[0]]


def test_each_connected_stroke_is_a_part_with_its_box() -> None:
    parts = parts_of(LEFT, RIGHT)
    assert len(parts) == 2
    found = sorted(zip(parts.left, parts.top, parts.right, parts.bottom, strict=True))
    # Half a pen around the corners, and what smoothing adds or takes.
    assert np.allclose(found, [(77, 67, 134, 174), (247, 67, 304, 174)], atol=3)
    assert not parts.touches.any()
    assert not parts.apart.any()


def test_a_cut_holds_the_chosen_strokes_alone() -> None:
    parts = parts_of(LEFT, RIGHT)
    first, second = int(np.argmin(parts.left)), int(np.argmax(parts.left))
    whole, all_ink = parts.cut([first, second], 0)
    (rows, columns), mask = parts.cut([first], 0)
    assert mask.shape == (rows.stop - rows.start, columns.stop - columns.start)
    assert 0 < mask.sum() < all_ink.sum()
    assert columns.stop <= parts.left[second] < whole[1].stop
    # Cut wide enough, the other stroke lies in it and still does not show.
    assert parts.cut([first], 400)[1].sum() == mask.sum()
    assert parts.cut([first], 400)[1].shape == (240, 400)


def test_a_frame_is_apart_and_no_part_of_the_digit() -> None:
    # A round one: the straight lines of others are gone with those of ruled paper.
    picture = np.asarray(cv2.ellipse(page(LEFT), (200, 120), (185, 108), 0, 0, 360, 20, 4), dtype=np.uint8)
    parts = find_strokes(picture)[1]
    assert parts.apart.sum() == 1
    assert [bool(parts.apart[i]) for i in find_digit(parts)] == [False]


def test_a_line_along_the_border_is_apart_and_no_part_of_the_digit() -> None:
    parts = parts_of(LEFT, (0, 190, 200, 190))
    assert (parts.apart & parts.touches).sum() == 1
    assert [bool(parts.apart[i]) for i in find_digit(parts)] == [False]


def test_a_digit_that_is_cut_off_at_the_border_is_not_apart() -> None:
    parts = parts_of((-20, 60, 40, 180))
    assert parts.touches.all()
    assert not parts.apart.any()


def test_a_frame_with_nothing_in_it_is_taken_for_the_digit() -> None:
    parts = parts_of((10, 10, 389, 229))
    assert not parts.apart.any()
    assert find_digit(parts) == [0]


@pytest.mark.parametrize("speck", [(300, 30), (12, 225), (200, 60), (390, 120)])
def test_a_digit_as_large_as_the_picture_is_no_frame_though_a_speck_lies_beside_it(speck: tuple[int, int]) -> None:
    picture = page()
    cv2.polylines(picture, [np.array([(30, 60), (90, 12), (330, 20), (360, 80), (30, 226), (380, 226)])], False, 20, 16)
    cv2.circle(picture, speck, 5, 20, -1)
    parts = find_strokes(picture)[1]
    assert not parts.apart.any()
    (digit,) = find_digit(parts)
    assert parts.right[digit] - parts.left[digit] > 300


def test_the_edge_of_a_page_inside_the_border_is_apart() -> None:
    parts = parts_of(LEFT, (385, 30, 385, 215))
    assert [bool(apart) for apart in parts.apart[np.argsort(parts.left)]] == [False, True]


def test_the_last_1_of_a_number_beside_the_border_is_not_apart() -> None:
    parts = parts_of((20, 60, 80, 180), (120, 60, 180, 180), (220, 60, 280, 180), (385, 60, 385, 180))
    assert not parts.apart.any()


def test_a_1_beside_the_border_is_not_apart_though_a_speck_lies_beside_it() -> None:
    parts = parts_of((378, 40, 386, 200), (200, 60, 202, 62))
    assert not parts.apart.any()


def test_the_digit_is_the_stroke_with_the_most_ink_and_what_lies_near() -> None:
    parts = parts_of(LEFT, (140, 150, 160, 170), (350, 20, 370, 40))
    assert sorted(int(parts.left[i]) for i in find_digit(parts)) == [
        pytest.approx(77, abs=3),
        pytest.approx(137, abs=3),
    ]


def test_a_2_broken_into_five_strokes_is_one_digit() -> None:
    # The pen skipped at each turn. One stroke is near the main one, the base, only by way of weaker ones.
    strokes = [
        ((150, 92), (158, 66)),
        ((176, 50), (214, 50)),
        ((236, 68), (236, 100)),
        ((222, 124), (176, 168)),
        ((150, 190), (245, 190)),
    ]
    picture = page()
    for start, end in strokes:
        cv2.line(picture, start, end, 20, 10, cv2.LINE_AA)
    parts = find_strokes(picture)[1]
    assert len(parts) == 5
    assert find_digit(parts) == [0, 1, 2, 3, 4]


def test_a_speck_is_no_part_of_the_digit() -> None:
    parts = parts_of(LEFT, (150, 120, 152, 122))
    assert len(parts) == 2
    assert len(find_digit(parts)) == 1


def test_a_stroke_that_touches_the_border_is_second_choice() -> None:
    parts = parts_of(LEFT, (-20, 60, 20, 180))
    assert [bool(parts.touches[i]) for i in find_digit(parts)] == [False]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_things_of_even_height_that_lie_apart_are_separate_from_left_to_right(count: int) -> None:
    parts = parts_of(*((20 + 90 * i, 70 + 5 * i, 60 + 90 * i, 170) for i in range(count)))
    groups, together = find_separate_digits(parts)
    assert [len(group) for group in groups] == [1] * count
    left = [int(parts.left[group[0]]) for group in groups]
    assert left == sorted(left)
    assert sorted(together) == list(range(count))


def test_one_thing_is_not_several() -> None:
    assert separate(LEFT) == [1]


def test_strokes_above_one_another_are_one_thing() -> None:
    assert separate((150, 50, 220, 90), (150, 104, 220, 190)) == [2]


def test_a_bar_over_a_body_belongs_to_it() -> None:
    assert separate((150, 50, 220, 52), (150, 64, 220, 180)) == [2]


def test_a_small_stroke_belongs_to_what_is_next_to_it() -> None:
    assert separate(LEFT, (140, 120, 160, 140)) == [2]
    assert separate(LEFT, (140, 120, 160, 140), RIGHT) == [2, 1]


def test_a_small_thing_far_away_is_not_another_digit() -> None:
    assert separate(LEFT, (300, 150, 330, 175)) == [1]


def test_what_was_looked_at_holds_the_small_strokes_and_no_frame_or_speck() -> None:
    parts = parts_of(LEFT, RIGHT, (180, 150, 190, 160), (10, 10, 389, 229), (200, 60, 202, 62))
    groups, together = find_separate_digits(parts)
    assert [len(group) for group in groups] == [1, 1]
    assert len(together) == 3
    assert not parts.apart[together].any()


def test_a_frame_around_two_things_is_none_itself() -> None:
    assert separate((10, 10, 389, 229), LEFT, RIGHT) == [1, 1]


def test_a_page_of_marks_is_answered_soon() -> None:
    page = np.tile(np.pad(np.zeros((6, 6), np.uint8), 2, constant_values=255), (80, 80))
    recognizer = Recognizer.load(shipped_model())
    start = time.process_time()
    with contextlib.suppress(ImageError):
        recognizer.recognize_pixels(page)
    assert time.process_time() - start < 3.0


def test_the_cost_of_finding_the_digit_among_many_marks_grows_no_faster_than_their_number() -> None:
    # Each mark is stronger than the one before, and the strongest stands in a corner.
    def seconds(side: int) -> float:
        rows, columns = np.divmod(np.arange(side * side), side)
        left, top = 4 * columns.astype(np.int64), 4 * rows.astype(np.int64)
        ink = 1_000.0 + np.hypot(left, top)
        ink[0] = 2.0 * ink.max()
        no = np.zeros(left.size, np.bool_)
        labels = np.zeros((4 * side, 4 * side), np.int32)
        marks = Components(labels, np.arange(1, left.size + 1), left, top, left + 3, top + 3, ink, no, no)
        start = time.process_time()
        assert len(find_digit(marks)) == side * side
        return time.process_time() - start

    small, large = (min(seconds(side) for _ in range(3)) for side in (50, 200))
    assert large < 60.0 * max(small, 0.001)
