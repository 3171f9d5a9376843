import numpy as np
import pytest

from digits.numbers.drawing import draw_reading
from digits.numbers.reading import ReadDigit, Reading

PAPER = np.full((400, 300), 255, np.uint8)


def reading(*digits: tuple[bool, tuple[int, int, int, int]]) -> Reading:
    return Reading(tuple(ReadDigit(4, 0.9, accepted, box, 0) for accepted, box in digits), 300, 400)


@pytest.mark.parametrize("top", [45, 64, 150, 260])
def test_the_digit_stands_outside_its_box_where_there_is_room(top: int) -> None:
    drawn = draw_reading(PAPER, reading((True, (50, top, 80, 130))))
    inside = drawn[top + 10 : top + 120, 60:120]
    assert (inside == 255).all()
    assert (drawn[: top - 8] < 255).any()


def test_a_digit_at_the_upper_edge_has_its_digit_below() -> None:
    drawn = draw_reading(PAPER, reading((True, (50, 2, 80, 130))))
    assert (drawn[12:122, 60:120] == 255).all()
    assert (drawn[142:] < 255).any()


def test_what_is_not_accepted_has_a_gray_box_and_no_digit() -> None:
    drawn = draw_reading(PAPER, reading((False, (50, 150, 80, 130))))
    colors = np.unique(drawn.reshape(-1, 3), axis=0)
    assert len(colors) == 2
    assert (np.ptp(colors, axis=1) == 0).all()
    assert (drawn[:140] == 255).all()


def test_boxes_fit_a_picture_of_another_size_which_stays_as_it_is() -> None:
    picture = np.full((200, 150, 3), 255, np.uint8)
    drawn = draw_reading(picture, reading((False, (100, 200, 100, 100))))
    rows, columns = np.nonzero((drawn < 255).any(axis=2))
    assert (rows.min(), columns.min()) == pytest.approx((100, 50), abs=2)
    assert (rows.max(), columns.max()) == pytest.approx((149, 99), abs=2)
    assert (picture == 255).all()
