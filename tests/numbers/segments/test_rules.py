"""Digits that touch the rule under them."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.segments.layout import find_lines
from digits.numbers.segments.rules import free_from_rules
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.masks import LabeledMask

Picture = npt.NDArray[np.uint8]

TALL, FOOT = 80, 150


def bars(count: int, fall: int = 0) -> Picture:
    """Closed bars beside one another, as high as digits; each stands so much lower than the one before."""
    picture = np.full((260, 520), 240, np.uint8)
    for k in range(count):
        x, foot = 120 + 60 * k, FOOT + k * fall
        cv2.ellipse(picture, (x, foot - TALL // 2), (16, TALL // 2), 0, 0, 360, 20, 6)
    return picture


def ruled(picture: Picture, start: int, end: int, fall: int = 0, row: int = FOOT + 4) -> Picture:
    cv2.line(picture, (start, row), (end, row + fall), 20, 5, cv2.LINE_AA)
    return picture


def freed_of(picture: Picture) -> tuple[Components, Components | None]:
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, LabeledMask((picture < 128).astype(np.uint8)))
    return parts, free_from_rules(parts, find_lines(parts), foreground)


@pytest.mark.parametrize("fall", [-4, 0, 4])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_digits_that_stand_on_a_rule_are_freed(count: int, fall: int) -> None:
    start, end = 60, 60 * count + 120
    picture = ruled(bars(count, fall), start, end, round(fall * (end - start) / 60), FOOT + 4 - fall)
    parts, freed = freed_of(picture)
    assert len(parts) == 1
    assert freed is not None
    assert len(freed) == 1 + count
    (line,) = find_lines(freed)
    assert sorted(line.members) == list(range(1, 1 + count))
    high = (freed.bottom - freed.top)[1:]
    assert high.min() >= 0.95 * TALL
    # What is left is the rule, as thin as it was drawn.
    assert freed.bottom[0] - freed.top[0] <= 14 + abs(fall) * count
    assert freed.right[0] - freed.left[0] >= end - start
    assert freed.ink.sum() == pytest.approx(parts.ink.sum(), rel=0.01)


def test_a_rule_between_two_lines_that_touches_the_upper_one_is_freed() -> None:
    picture = ruled(bars(3), 80, 290)
    cv2.rectangle(picture, (200, 180), (214, 240), 20, 5)
    parts, freed = freed_of(picture)
    assert freed is not None
    assert len(freed) == len(parts) + 3


def test_digits_that_do_not_touch_the_rule_stay() -> None:
    assert freed_of(ruled(bars(3), 80, 290, row=FOOT + 20))[1] is None


def test_a_long_bar_of_a_digit_is_no_rule() -> None:
    # A 4 whose bar crosses it, a 7, and digits that touch along a straight foot.
    four = bars(0)
    cv2.polylines(four, [np.array([(150, 70), (110, 120), (230, 120)])], False, 20, 6)
    cv2.line(four, (190, 70), (190, 160), 20, 6)
    seven = bars(0)
    cv2.polylines(seven, [np.array([(110, 70), (230, 70), (150, 150)])], False, 20, 6)
    twos = bars(0)
    for x in (110, 178):
        cv2.polylines(twos, [np.array([(x, 85), (x + 25, 70), (x + 55, 90), (x, 150), (x + 68, 150)])], False, 20, 6)
    for picture in (four, seven, twos):
        assert freed_of(picture)[1] is None
