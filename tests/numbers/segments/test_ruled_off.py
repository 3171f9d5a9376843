"""What touches a rule under or over a number."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.segments.layout import find_lines
from digits.numbers.segments.pieces import with_pieces
from digits.numbers.segments.ruled_off import free_ruled_off
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import page_mask

Picture = npt.NDArray[np.uint8]


def underlined(fall: int = 0) -> Picture:
    """Four bars as high as digits, and a rule under them that falls by so many pixels."""
    picture = np.full((260, 620), 240, np.uint8)
    for k, x in enumerate((160, 220, 300, 360)):
        cv2.rectangle(picture, (x, 60 + fall * k // 5), (x + 14, 140 + fall * k // 5), 20, 5)
    cv2.line(picture, (120, 158), (420, 158 + fall), 20, 4, cv2.LINE_AA)
    return picture


def freed_of(picture: Picture) -> tuple[Components, Components | None]:
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    return parts, free_ruled_off(parts, find_lines(parts), foreground)


@pytest.mark.parametrize("fall", [-24, 0, 24])
def test_a_comma_that_touches_the_rule_under_its_number_is_freed(fall: int) -> None:
    picture = underlined(fall)
    down = 158 + fall * (265 - 120) // 300
    cv2.line(picture, (268, down - 28), (260, down), 20, 6, cv2.LINE_AA)
    parts, freed = freed_of(picture)
    assert freed is not None
    (new,) = range(len(parts), len(freed))
    assert freed.left[new] >= 252
    assert freed.right[new] <= 276
    assert freed.bottom[new] - freed.top[new] >= 14


def test_a_rule_loses_the_ink_and_the_height_of_what_is_cut_off_it() -> None:
    picture = underlined()
    alone, _ = freed_of(picture)
    cv2.line(picture, (268, 130), (260, 158), 20, 6, cv2.LINE_AA)
    parts, freed = freed_of(picture)
    assert freed is not None
    rule, alone_rule = (int(np.argmax(some.right - some.left)) for some in (freed, alone))
    assert len(freed) == len(parts) + 1
    assert freed.ink[rule] + freed.ink[-1] == pytest.approx(parts.ink[rule])
    assert freed.ink[rule] == pytest.approx(alone.ink[alone_rule], rel=0.05)
    assert parts.bottom[rule] - parts.top[rule] > 25
    assert freed.bottom[rule] - freed.top[rule] <= alone.bottom[alone_rule] - alone.top[alone_rule] + 4
    assert np.array_equal(freed.box([rule])[::2], alone.box([alone_rule])[::2])


def test_of_a_stroke_that_is_one_piece_nothing_is_left() -> None:
    foreground = find_foreground(underlined(), even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    left, top, right, bottom = parts.box([0])
    where = slice(top, bottom), slice(left, right)
    freed = with_pieces(parts, foreground, [(0, where, parts.labels[where] == parts.ids[0])])
    assert (freed.ink[0], freed.apart[0], freed.apart[-1]) == (0.0, True, False)
    assert freed.box([len(parts)]) == freed.box([0]) == parts.box([0])
    assert freed.ink[-1] == pytest.approx(parts.ink[0])
    assert not parts.apart[0]


def test_a_digit_whose_foot_stands_on_the_rule_is_read_in_its_line() -> None:
    picture = underlined()
    cv2.rectangle(picture, (300, 60), (314, 156), 20, 5)
    parts, freed = freed_of(picture)
    assert freed is not None
    foreground = find_foreground(picture, even_light=True)
    assert len(free_lines := find_lines(freed)) == 1
    assert any(i >= len(parts) for i in free_lines[0].members)
    assert freed.labels.shape == foreground.strength.shape


@pytest.mark.parametrize("fall", [-24, 0, 24])
def test_of_a_rule_alone_nothing_is_freed(fall: int) -> None:
    assert freed_of(underlined(fall))[1] is None


def test_of_a_rule_that_bends_nothing_is_freed() -> None:
    picture = underlined()
    bend = [[120 + x, 175 + round(9 * np.sin(x / 60))] for x in range(0, 300, 5)]
    cv2.polylines(picture, [np.array(bend)], False, 20, 4, cv2.LINE_AA)
    picture[155:162, 100:440] = 240
    assert freed_of(picture)[1] is None


def test_of_the_edge_of_a_sheet_nothing_is_freed() -> None:
    picture = underlined()
    cv2.line(picture, (410, 158), (470, 20), 20, 5, cv2.LINE_AA)
    assert freed_of(picture)[1] is None
