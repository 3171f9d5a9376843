"""Invented writers."""

import numpy as np

from digits.arrays import CLASSES
from digits.data.mnist import Mnist
from digits.numbers.signs.kinds import SIGNS
from digits.synthetic.lines import write_lines
from digits.synthetic.pages import Page
from digits.synthetic.strokes import DIGITS, shaken
from digits.synthetic.sums import write_sums
from digits.synthetic.writers import invent_writer


def test_a_writer_writes_each_digit_in_one_way_or_two_and_each_sign_in_one() -> None:
    rng = np.random.default_rng(1)
    forms_of_a_digit = set()
    for _ in range(20):
        writer = invent_writer(rng)
        for digit in range(CLASSES):
            forms = {writer.digit(digit, rng) for _ in range(20)}
            assert 1 <= len(forms) <= 2
            forms_of_a_digit.add(len(forms))
        assert set(writer.signs) == set(SIGNS)
    assert forms_of_a_digit == {1, 2}


def test_writers_differ_and_the_same_numbers_invent_the_same_one() -> None:
    one, same, other = (invent_writer(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same
    assert all(one.digits[digit] != other.digits[digit] for digit in range(CLASSES))


def test_a_shaken_form_keeps_its_corners() -> None:
    rng = np.random.default_rng(3)
    for forms in DIGITS.values():
        for form in forms:
            for before, after in zip(form, shaken(form, 0.05, rng), strict=True):
                corners, moved = np.array(before), np.array(after)
                kept = (corners[1:] == corners[:-1]).all(axis=1)
                assert ((moved[1:] == moved[:-1]).all(axis=1) == kept).all()
                assert 0.0 < np.abs(moved - corners).max() < 0.4


def test_a_page_may_be_drawn_by_one_writer(mnist: Mnist) -> None:
    """The digits of a drawn page do not depend on the images, only on their labels."""
    page = Page(digits=(2, 4), height=(40, 60), drawn=1.0)
    empty = np.zeros_like(mnist.x_test[:200])
    for write in (write_sums, write_lines):
        drawn = list(write(page, mnist.x_test[:200], mnist.y_test[:200], 8, 5))
        without = list(write(page, empty, mnist.y_test[:200], 8, 5))
        assert all(np.array_equal(one.picture, other.picture) for one, other in zip(drawn, without, strict=True))
        for one in drawn:
            shown = {label if label is not None else sign for label, sign in zip(one.labels, one.signs, strict=True)}
            assert shown
            assert set(np.unique(one.owners)) >= set(range(len(one.labels)))
