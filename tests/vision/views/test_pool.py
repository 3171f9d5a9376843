"""Opinions about views add up to an answer."""

import numpy as np
import pytest

from digits.arrays import Floats
from digits.vision.views import weights as view_weights
from digits.vision.views.pool import MOST_EVIDENCE, MOST_IN_SUM, OpinionPool, PoolWeights, evidence
from digits.vision.views.table import LARGE_VIEWS, SMALL_VIEWS

TABLES = [(view_weights.SMALL, SMALL_VIEWS), (view_weights.LARGE, LARGE_VIEWS)]


def sure_of(digit: int, probability: float = 0.9999) -> Floats:
    probabilities = np.full(10, (1.0 - probability) / 9.0)
    probabilities[digit] = probability
    return probabilities


@pytest.mark.parametrize(("weights", "views"), TABLES, ids=["small", "large"])
def test_each_view_has_a_weight(weights: PoolWeights, views: tuple[object, ...]) -> None:
    assert list(weights.views) == [view.name for view in views]  # type: ignore[attr-defined]


@pytest.mark.parametrize("weights", [view_weights.SMALL, view_weights.LARGE], ids=["small", "large"])
def test_no_view_alone_is_enough_unless_the_network_has_no_doubt(weights: PoolWeights) -> None:
    together = OpinionPool(weights)
    for name in weights.views:
        alone = OpinionPool(weights)
        alone.add(name, sure_of(3, 0.99))
        together.add(name, sure_of(3))
        assert not alone.is_sure
    assert (together.digit, together.is_sure) == (3, True)


@pytest.mark.parametrize(
    ("weights", "probability"), [(view_weights.SMALL, 0.8), (view_weights.LARGE, 0.7)], ids=["small", "large"]
)
def test_what_looks_a_little_like_a_digit_in_all_views_is_none(weights: PoolWeights, probability: float) -> None:
    pool = OpinionPool(weights, sure_of(3, probability))
    for name in weights.views:
        pool.add(name, sure_of(3, probability))
    assert not pool.is_sure


def test_the_two_surest_opinions_count_beside_the_sum() -> None:
    weights = PoolWeights(start=-7.0, surest=0.5, second=0.25, first=0.0, views={"a": 0.1, "b": 0.1, "c": 0.1})
    once, twice, often = (OpinionPool(weights) for _ in range(3))
    for pool, names in ((once, "a"), (twice, "ab"), (often, "abc")):
        for name in names:
            pool.add(name, sure_of(3, 0.999999))
    odds = [float(np.log(pool.posterior[3] / (1.0 - pool.posterior[3]))) for pool in (once, twice, often)]
    surest, in_sum = np.log(0.999999 / 0.000001), 0.1 * MOST_IN_SUM
    expected = [
        -7.0 + 0.5 * surest + in_sum,
        -7.0 + 0.75 * surest + 2.0 * in_sum,
        -7.0 + 0.75 * surest + 3.0 * in_sum,
    ]
    assert odds == pytest.approx(expected, abs=0.1)


def test_views_that_disagree_are_not_enough() -> None:
    weights = PoolWeights(-6.0, 0.0, 0.0, 0.1, {"a": 1.0, "b": 1.0, "c": 1.0})
    agreeing, split = OpinionPool(weights), OpinionPool(weights)
    for name, digit in (("a", 3), ("b", 3), ("c", 3)):
        agreeing.add(name, sure_of(digit))
    for name, digit in (("a", 3), ("b", 5), ("c", 7)):
        split.add(name, sure_of(digit))
    assert agreeing.is_sure
    assert not split.is_sure


def test_the_posterior_leaves_room_for_no_digit() -> None:
    pool = OpinionPool(PoolWeights(-4.0, 0.0, 0.0, 0.0, {"a": 1.0}))
    assert pool.posterior.sum() == pytest.approx(10 * np.exp(-4) / (1 + 10 * np.exp(-4)))
    pool.add("a", sure_of(8))
    assert pool.posterior.argmax() == 8
    assert pool.posterior.sum() < 1.0


def test_where_no_view_shows_a_digit_the_likeliest_is_named() -> None:
    pool = OpinionPool(PoolWeights(-4.0, 0.0, 0.0, 0.0, {"a": 1.0}), sure_of(2, 0.3))
    pool.add("a", sure_of(6, 0.4))
    assert (pool.digit, pool.is_sure) == (6, False)


def test_what_speaks_against_a_digit_is_no_evidence() -> None:
    assert evidence(sure_of(4, 0.5)).tolist() == [0.0] * 10
    assert evidence(np.array([0.0, 1.0])).tolist() == [0.0, MOST_EVIDENCE]
