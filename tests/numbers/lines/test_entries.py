"""Where the writer left blanks on a line: gaps beside those around, in the hand's own measure."""

import cv2
import numpy as np
import pytest

from digits.arrays import CLASSES
from digits.data.mnist import Mnist
from digits.numbers.lines.entries import Entry, with_blanks
from digits.numbers.reader import read_picture
from digits.numbers.signs.marks import Box
from digits.recognizer import Recognizer
from tests.pictures import handwritten

_HEIGHT = 40.0


def entry(shown: str, left: float, width: float) -> Entry:
    is_digit = shown.isdecimal()
    digits = np.eye(CLASSES)[int(shown)] if is_digit else np.full(CLASSES, 0.1)
    return Entry(Box(left, 0.0, left + width, _HEIGHT), digits, float(is_digit), is_digit, shown, 1.0)


def line(text: str, apart: float, blank: float, cell: float | None = None) -> str:
    """What a line shows whose gaps are `apart` wide, or `blank` wide, in heights of its digits.

    In a hand that gives each mark a cell of a width, 1s and slashes stand in the middle of theirs.
    """
    entries, left = [], 0.0
    for number in text.split(" "):
        for shown in number:
            width = 0.1 if shown in "1/.:" else 0.6
            around = (cell - width) / 2.0 if cell is not None and shown in "1/" else 0.0
            left += around
            entries.append(entry(shown, _HEIGHT * left, _HEIGHT * width))
            left += width + around + apart
        left += blank - apart
    return "".join((" " if one.after_blank else "") + one.shown for one in with_blanks(entries, _HEIGHT))


@pytest.mark.parametrize(
    "text", ["355 666 331", "0165 773 5351", "04 17 47 17 08", "52 - 39 = 43", "64 - 5 = 59", "78 45"]
)
@pytest.mark.parametrize(("apart", "blank"), [(0.0, 0.4), (0.05, 0.5), (0.2, 0.8), (-0.05, 0.45)])
def test_a_close_hand_has_narrow_blanks(text: str, apart: float, blank: float) -> None:
    assert line(text, apart, blank) == text


@pytest.mark.parametrize("text", ["355 666 332", "0265 773 5352", "04 27 47 27 08", "52 - 39 = 43", "38 ≤ 40"])
@pytest.mark.parametrize(("apart", "blank"), [(-0.1, 0.3), (0.0, 0.27), (0.12, 0.34)])
def test_narrow_gaps_are_blanks_where_some_stand_out_alike(text: str, apart: float, blank: float) -> None:
    assert line(text, apart, blank) == text


@pytest.mark.parametrize("text", ["45145", "715178", "2714"])
def test_gaps_around_a_1_that_stand_out_are_no_blanks(text: str) -> None:
    assert line(text, 0.03, 1.0, 0.6) == text


@pytest.mark.parametrize("text", ["28/11/2026", "1111", "11/11/11", "7114", "21-11-2011"])
@pytest.mark.parametrize(("apart", "cell"), [(0.1, 0.4), (0.2, 0.5)])
def test_narrow_digits_leave_no_blank_between_them(text: str, apart: float, cell: float) -> None:
    assert line(text, apart, 1.0, cell) == text


@pytest.mark.parametrize("apart", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("text", ["73672", "4273552", "20,45"])
def test_digits_in_cells_have_no_blanks_between_them(text: str, apart: float) -> None:
    assert line(text, apart, 1.0) == text


def test_a_1_stands_in_the_middle_of_its_cell() -> None:
    assert line("74671", 0.3, 1.0, 0.5) == "74671"


def test_a_point_may_stand_apart_in_its_number() -> None:
    assert line("20.24", 0.1, 1.0) == "20.24"
    assert line("3. 14", 0.05, 0.5) == "3.14"
    assert line("3 , 50", 0.6, 1.1) == "3,50"
    # A blank after a semicolon is wider.
    assert line("34; 39; 42", 0.15, 0.85) == "34; 39; 42"


def test_one_sign_has_a_blank_on_both_sides_or_on_none() -> None:
    # The gap before the minus is narrower than the one after it.
    places = [("8", 0.0, 0.6), ("5", 0.62, 0.6), ("-", 1.5, 0.4), ("3", 2.46, 0.6), ("7", 3.08, 0.6)]
    shown = with_blanks([entry(one, _HEIGHT * left, _HEIGHT * width) for one, left, width in places], _HEIGHT)
    assert [one.after_blank for one in shown] == [False, False, True, True, False]
    # A minus that belongs to the number after it has its blank before it.
    places[2:] = [("-", 1.9, 0.4), ("3", 2.32, 0.6), ("7", 2.94, 0.6)]
    shown = with_blanks([entry(one, _HEIGHT * left, _HEIGHT * width) for one, left, width in places], _HEIGHT)
    assert [one.after_blank for one in shown] == [False, False, True, False, False]


def test_a_wide_gap_between_digits_is_no_blank_beside_wider_ones() -> None:
    lefts = [0.0, 0.7, 1.4, 3.1, 4.8, 5.5, 6.5]
    entries = [entry(one, _HEIGHT * left, _HEIGHT * 0.6) for one, left in zip("764-285", lefts, strict=True)]
    assert [one.after_blank for one in with_blanks(entries, _HEIGHT)] == [False, False, False, True, True, False, False]


def test_one_thing_has_no_gaps() -> None:
    assert with_blanks([], _HEIGHT) == ()
    assert [one.after_blank for one in with_blanks([entry("7", 0.0, 20.0)], _HEIGHT)] == [False]


def test_groups_of_digits_on_a_picture(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, boxes = handwritten(mnist, "350622")
    # Each digit is moved up to the one before it, and each third one leaves a blank of half a height.
    close, left = np.full_like(paper, 255), 40
    for k, (x, _, width, height) in enumerate(boxes):
        left += (round(0.5 * height) if k == 3 else 6) if k else 0
        close[:, left : left + width] = paper[:, x : x + width]
        left += width
    reading = read_picture(recognizer, np.asarray(cv2.GaussianBlur(close, (0, 0), 0.5), dtype=np.uint8))
    assert reading.transcript == "350 622"
