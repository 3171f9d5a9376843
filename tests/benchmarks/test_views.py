"""The fit of the views' weights: what counts for enough, and what does not."""

import numpy as np
import pytest

from benchmarks.accuracy.views import Sight, fit, least_certain, pool_features
from digits.arrays import Floats
from digits.recognizer import Prediction
from digits.second_look import Look
from digits.vision.normalize import Normalized
from digits.vision.views.pool import OpinionPool, PoolWeights
from digits.vision.views.table import View

_BLANK = Normalized(np.zeros((28, 28), np.uint8), lambda: ())
_VIEWS = [View(name, lambda _copy: None, lambda _picture: None) for name in ("one", "two", "three")]


def certain(digit: int, probability: float) -> Floats:
    return np.where(np.arange(10) == digit, probability, (1.0 - probability) / 9.0)


def sight(target: int, digit: int, *views: float, first: float = 0.5) -> Sight:
    """A picture of a digit, or of nothing (-1), in which each view sees a digit with a probability."""
    answer = Prediction(digit, first, certain(digit, first), None if first > 0.8 else "low_confidence", _BLANK)
    looks = [Look(view, _BLANK, certain(digit, value)) for view, value in zip(_VIEWS, views, strict=False)]
    return Sight("plain", target, False, answer, not views, (looks,))


def test_one_view_without_doubt_is_worth_more_than_three_in_doubt() -> None:
    sights = [sight(3, 3, 0.99999, 0.2, 0.2), sight(5, 5, 0.2, 0.99999, 0.2), sight(8, 8, 0.2, 0.2, 0.99999)]
    sights += [sight(-1, digit, 0.85, 0.85, 0.85) for digit in range(9)]
    weights = fit(sights, [view.name for view in _VIEWS])
    posteriors = []
    for values in ((0.99999, 0.2, 0.2), (0.85, 0.85, 0.85)):
        pool = OpinionPool(weights)
        for view, value in zip(_VIEWS, values, strict=True):
            pool.add(view.name, certain(7, value))
        posteriors.append(pool.posterior[7])
    assert posteriors[0] > 0.5 > posteriors[1]


def test_the_first_view_is_enough_where_it_is_hardly_ever_wrong() -> None:
    wrong = [sight(-1, 3, first=value) for value in (0.9, 0.95, 0.9777)]
    right = [sight(3, 3, first=0.9) for _ in range(200)]
    refused = [sight(-1, 3, first=0.6) for _ in range(397)]
    # Two of 400 other things may pass.
    assert least_certain(wrong + right + refused) == pytest.approx(0.9)
    assert least_certain(wrong + right + refused[:100]) == pytest.approx(0.978)
    assert least_certain(right) == 0.0


def test_the_pool_adds_what_the_weights_were_fitted_to() -> None:
    seen = sight(4, 4, 0.6, 0.99999, 0.93, first=0.7)
    weights = PoolWeights(start=-3.0, surest=0.4, second=0.3, first=0.2, views={"one": 0.1, "two": 0.5, "three": 0.7})
    pool = OpinionPool(weights, seen.first_probabilities)
    for look in seen.looks[0]:
        pool.add(look.view.name, look.probabilities)
    features = pool_features(seen, list(weights.views))
    scores = features @ [*weights.views.values(), weights.first, weights.surest, weights.second, weights.start]
    assert np.log(pool.posterior / (1.0 - pool.posterior.sum())) == pytest.approx(scores)
