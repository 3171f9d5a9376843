import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.evaluation.statistics import ErrorRate, Share, answer_calibration, auroc, describe_intervals, spread

Probabilities = npt.NDArray[np.float64]


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (5, 10), (0, 0)])
def test_the_interval_holds_the_share_and_stays_within_0_and_1(hits: int, n: int) -> None:
    low, high = Share(hits, n).interval
    assert 0.0 <= low < high <= 1.0
    if n:
        assert low <= Share(hits, n).value <= high


def test_an_error_rate_has_an_interval_around_it_that_is_the_same_each_time() -> None:
    rate = ErrorRate((0, 0, 1, 0, 3), (4, 4, 4, 4, 4))
    low, high = rate.interval
    assert rate.value == 0.2
    assert 0.0 <= low < rate.value < high <= 1.0
    assert rate.interval == (low, high)
    assert str(rate).startswith("20.00% (")
    assert rate.to_json()["errors"] == 4


scores = st.lists(st.integers(0, 5), min_size=1, max_size=30).map(lambda values: np.array(values) / 5.0)


@given(scores, scores)
def test_auroc_is_the_share_of_pairs_in_the_right_order(positive: Probabilities, negative: Probabilities) -> None:
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative]
    assert auroc(positive, negative) == pytest.approx(np.mean(pairs))


@given(scores, scores)
def test_auroc_of_the_opposite_question_is_its_complement(positive: Probabilities, negative: Probabilities) -> None:
    assert auroc(positive, negative) + auroc(negative, positive) == pytest.approx(1.0)


def test_spread_gives_mean_deviation_n_and_range() -> None:
    assert spread([0.97, 0.98, 0.99]) == "98.00 ± 1.00 % (n = 3, 97.00 to 99.00 %)"


def test_a_single_value_has_no_deviation() -> None:
    assert spread([0.9766]) == "97.66 % (n = 1, 97.66 to 97.66 %)"


def test_answers_that_are_right_as_often_as_they_say_are_off_by_chance_alone() -> None:
    rng = np.random.default_rng(1)
    confidences = rng.uniform(0.0, 1.0, 4_000)
    right = rng.random(4_000) < confidences
    honest, boastful = answer_calibration(confidences, right), answer_calibration(np.sqrt(confidences), right)
    assert honest.n == 4_000
    assert honest.error == pytest.approx(honest.by_chance, abs=0.01)
    assert boastful.error == pytest.approx(float(np.mean(np.sqrt(confidences)) - np.mean(right)), abs=0.01)


def test_the_calibration_error_is_the_gap_in_each_bin_by_its_share() -> None:
    confidences, right = np.array([0.95, 0.95, 0.15, 1.0]), np.array([True, False, False, True])
    assert answer_calibration(confidences, right).error == pytest.approx((abs(2.9 - 2.0) + 0.15) / 4)


def test_intervals_of_a_table_are_those_of_its_number_of_pictures() -> None:
    text = describe_intervals(1_000)
    assert str(Share(500, 1_000)) in text
    assert str(Share(990, 1_000)) in text
