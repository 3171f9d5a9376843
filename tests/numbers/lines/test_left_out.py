"""Ink beside a line that is in none of its digits, and as dark and as large as one."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.lines.left_out import leaves_ink
from digits.numbers.segmentation import find_writing
from digits.numbers.signs.marks import Box
from digits.vision.foreground import find_foreground

Picture = npt.NDArray[np.uint8]
HIGH = 60


def page() -> Picture:
    """Three bars in a row."""
    picture = np.full((300, 700), 235, np.uint8)
    for k in range(3):
        cv2.rectangle(picture, (100 + 65 * k, 100), (125 + 65 * k, 100 + HIGH), 30, 6)
    return picture


def leaves(picture: Picture, lost: tuple[int, int] | None = None) -> bool:
    """Whether ink is left out beside the bars, and beside all that is in lines but what stands at a place, if any."""
    foreground = find_foreground(picture, even_light=True)
    writing = find_writing(foreground)
    line = max(writing.lines, key=lambda one: len(one.members))
    parts = writing.parts

    def is_lost(i: int) -> bool:
        return lost is not None and bool(
            parts.left[i] <= lost[0] < parts.right[i] and parts.top[i] <= lost[1] < parts.bottom[i]
        )

    members = [i for i in line.members if not is_lost(i)]
    taken = {i for i in writing.members if not is_lost(i)}
    assert len(members) >= 3
    boxes = [
        Box(float(parts.left[i]), float(parts.top[i]), float(parts.right[i]), float(parts.bottom[i])) for i in members
    ]
    return leaves_ink(foreground, parts, taken, line, boxes)


def test_nothing_is_left_out_of_a_line_alone() -> None:
    assert not leaves(page())


@pytest.mark.parametrize(("x", "y", "is_left"), [(300, 100, True), (300, 200, False), (600, 100, False)])
def test_a_lost_digit_beside_the_line_counts_and_one_elsewhere_does_not(x: int, y: int, is_left: bool) -> None:
    picture = page()
    cv2.rectangle(picture, (x, y), (x + 25, y + HIGH), 30, 6)
    assert leaves(picture, (x, y)) is is_left


def test_a_digit_in_a_pattern_of_the_paper_counts_and_the_pattern_alone_does_not() -> None:
    picture = page()
    # A quarter as dark as the ink, and far too large for writing.
    picture[40:240, 290:335] = 183
    assert not leaves(picture)
    cv2.rectangle(picture, (300, 100), (325, 100 + HIGH), 30, 6)
    assert leaves(picture)


def test_a_line_of_the_paper_does_not_count() -> None:
    picture = page()
    cv2.line(picture, (80, 150), (96, 150), 30, 3)
    cv2.line(picture, (280, 150), (500, 150), 30, 3)
    assert not leaves(picture)
