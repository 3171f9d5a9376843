"""In which order other views of a page are made, and which of them count."""

import numpy as np
import pytest

from digits.numbers.looks.again import read_again, views_of
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
