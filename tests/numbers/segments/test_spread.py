"""Strokes that stand beside all others of a digit."""

import pytest

from digits.numbers.segments.lattice import is_spread

DIGIT = slice(0, 100), slice(50, 110)


@pytest.mark.parametrize(
    ("stroke", "expected"),
    [
        ((slice(45, 55), slice(0, 35)), True),  # a minus before it
        ((slice(45, 55), slice(125, 160)), True),  # and behind it
        ((slice(45, 55), slice(0, 45)), False),  # that nearly touches it
        ((slice(0, 10), slice(90, 130)), False),  # the bar of a 5, over its bow
        ((slice(90, 98), slice(130, 138)), False),  # a speck
    ],
)
def test_a_large_stroke_beside_the_others_is_none_of_theirs(stroke: tuple[slice, slice], expected: bool) -> None:
    assert is_spread([stroke, DIGIT], 100.0) == expected
    assert not is_spread([stroke], 100.0)
