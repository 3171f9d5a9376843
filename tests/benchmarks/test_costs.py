"""What the benchmark of costly pictures takes for a good answer."""

from collections import Counter

import pytest

from benchmarks.hostile.costs import answered_well


@pytest.mark.parametrize("good", [{"200": 3}, {"422": 1, "503": 9}, {"413": 2}])
def test_digits_and_refusals_are_good_answers(good: dict[str, int]) -> None:
    assert answered_well(Counter(good))


@pytest.mark.parametrize("bad", [{"503": 12}, {"200": 3, "500": 1}, {"200": 3, "no answer": 1}])
def test_nothing_but_too_many_requests_and_failures_are_not(bad: dict[str, int]) -> None:
    assert not answered_well(Counter(bad))
