"""In which order other views of a page are made, and which of them count."""

import numpy as np
import pytest

from digits.numbers.looks.again import lacks_signs, read_again, views_of
from digits.vision.views.pages import PAGE_VIEWS, PEN_VIEWS, copy_of_page
from tests.numbers.looks.readings import page_of


def test_where_most_lines_are_sure_shadows_are_not_the_reason_for_doubt() -> None:
    assert views_of(page_of(("123", 0.9), ("456", 0.6)), is_written=True) == PAGE_VIEWS
    assert views_of(page_of(("123", 0.7), ("456", 0.6)), is_written=True)[: len(PEN_VIEWS)] == PEN_VIEWS


def test_a_view_that_shows_the_same_as_the_first_ends_the_search() -> None:
    copy = copy_of_page(np.random.default_rng(3).integers(0, 255, (60, 90, 3)).astype(np.uint8))
    assert copy is not None
    first = page_of(("123", 0.7))
    shown = iter([page_of(("123", 0.62)), page_of(("128", 0.71)), page_of(("123", 0.7))])
    found = read_again(lambda *_: next(shown), copy, [PAGE_VIEWS[0]] * 3, first)
    assert found is not None
    assert found.confidence == 0.7
    assert next(shown, None) is None


@pytest.mark.parametrize(
    ("text", "is_written", "expected"), [("307", False, "307"), ("11", False, ""), ("11", True, "11")]
)
def test_where_there_seems_to_be_no_ink_strokes_of_a_pen_must_be_a_number_of_several_digits(
    text: str, is_written: bool, expected: str
) -> None:
    copy = copy_of_page(np.random.default_rng(3).integers(0, 255, (60, 90, 3)).astype(np.uint8))
    assert copy is not None
    assert set(views_of(None, is_written)) == set(PAGE_VIEWS)
    found = read_again(lambda *_: page_of((text, 0.9)), copy, PEN_VIEWS, is_written=is_written)
    assert (found.text if found else "") == expected


def test_two_views_that_are_less_sure_than_the_first_do_not_replace_it() -> None:
    copy = copy_of_page(np.random.default_rng(3).integers(0, 255, (60, 90, 3)).astype(np.uint8))
    assert copy is not None
    assert read_again(lambda *_: page_of(("7777", 0.6)), copy, PEN_VIEWS, page_of(("1234", 0.7))) is None


@pytest.mark.parametrize(
    ("shown", "other", "expected"),
    [
        ("201229", "20.12.29", True),
        ("20.1229", "20.12.29", True),
        ("21", "-21", True),
        ("21", "21", False),
        ("21", "21?", False),
        ("21", "211", False),
        ("2.1", "21", False),
    ],
)
def test_what_one_view_lacks_of_another(shown: str, other: str, expected: bool) -> None:
    assert lacks_signs(page_of((shown, 0.7)), page_of((other, 0.5))) == expected


@pytest.mark.parametrize(("sure", "expected", "confidence"), [(0.3, "20.12", 0.3), (0.2, "2012", 0.7)])
def test_a_sign_that_only_the_less_sure_view_shows_is_not_lost_without_a_word(
    sure: float, expected: str, confidence: float
) -> None:
    copy = copy_of_page(np.random.default_rng(3).integers(0, 255, (60, 90, 3)).astype(np.uint8))
    assert copy is not None
    shown = iter([page_of(("20.12", sure)), page_of(("2012", 0.7))])
    found = read_again(lambda *_: next(shown), copy, [PAGE_VIEWS[0]] * 2, page_of(("2?12", 0.1)))
    assert found is not None
    assert (found.transcript, found.confidence) == (expected, confidence)
