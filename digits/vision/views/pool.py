"""Weighs what the network says about several views of one picture.

A logarithmic opinion pool (Genest and Zidek, "Combining Probability Distributions", Statistical Science 1986): for
each digit, the log-odds that the network gives it in each view are added to a low start, each view with its weight.
Only odds for a digit count: a view that does not show it says nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from digits.arrays import CLASSES, Floats

# The log-odds of one view are at most so high in the sum, and among the surest opinions. An unsure network, which gives
# each digit 0.1, is at the least.
MOST_IN_SUM, MOST_EVIDENCE, _LEAST = 5.0, 15.0, -2.2
# A digit whose posterior is at least so high is sure. With 0.7, 0.8 and 0.9, `python -m benchmarks.accuracy.views`
# accepts 2,174, 2,143 and 2,080 of 2,640 digits, 15, 15 and 13 of them wrongly, and 123, 111 and 94 of 7,920 other
# things. It weighs each picture with weights that were fitted to others.
SURE = 0.7


@dataclass(frozen=True)
class PoolWeights:
    """How much opinions count, for pictures of one size.

    Args:
        start: the score of each digit before any view is counted, in nats; that of no digit is 0.
        surest: the weight of the highest evidence for a digit in any view.
        second: the weight of the second highest.
        first: the weight of the first view in the sum.
        views: the weight of each other view in the sum, by its name.
    """

    start: float
    surest: float
    second: float
    first: float
    views: Mapping[str, float]


def evidence(probabilities: Floats) -> Floats:
    """Returns how much speaks for each digit in one view or several, in nats, 0..`MOST_EVIDENCE`.

    Args:
        probabilities: calibrated, of shape (..., 10).
    """
    return np.maximum(_log_odds(probabilities), 0.0)


def _log_odds(probabilities: Floats) -> Floats:
    bounded = np.clip(probabilities, 1e-9, 1.0 - 1e-9)
    return np.asarray(np.clip(np.log(bounded / (1.0 - bounded)), _LEAST, MOST_EVIDENCE), dtype=np.float64)


class OpinionPool:
    """Adds opinions about one picture.

    Args:
        weights: for pictures of its size.
        first: calibrated probabilities of the first view, of shape (10,); None if it showed no digit.
    """

    def __init__(self, weights: PoolWeights, first: Floats | None = None) -> None:
        self._weights = weights
        self._sum = np.full(CLASSES, weights.start)
        self._log_odds = np.zeros(CLASSES)
        self._surest, self._second = np.zeros(CLASSES), np.zeros(CLASSES)
        if first is not None:
            self._count(weights.first, first)

    def add(self, view: str, probabilities: Floats) -> None:
        """Counts a view, by its name, with the calibrated probabilities of its image, of shape (10,)."""
        self._count(self._weights.views[view], probabilities)

    def _count(self, weight: float, probabilities: Floats) -> None:
        log_odds = _log_odds(probabilities)
        opinion, bounded = np.maximum(log_odds, 0.0), np.minimum(log_odds, MOST_IN_SUM)
        self._sum += weight * np.maximum(bounded, 0.0)
        self._log_odds += weight * bounded
        self._second = np.maximum(self._second, np.minimum(self._surest, opinion))
        self._surest = np.maximum(self._surest, opinion)

    @property
    def _of_surest(self) -> Floats:
        return np.asarray(self._weights.surest * self._surest + self._weights.second * self._second, dtype=np.float64)

    @property
    def _scores(self) -> Floats:
        return self._sum + self._of_surest

    @property
    def _leanings(self) -> Floats:
        return self._log_odds + self._of_surest

    @property
    def digit(self) -> int:
        """The digit for which most speaks; where no view is for any, the one that fewest are against."""
        return int((self._scores if self.is_sure else self._leanings).argmax())

    @property
    def posterior(self) -> Floats:
        """The probability of each digit, of shape (10,); what is left to 1 is that of no digit."""
        scores = self._scores
        highest = max(0.0, float(scores.max()))
        exponentials = np.exp(scores - highest)
        return np.asarray(exponentials / (np.exp(-highest) + exponentials.sum()), dtype=np.float64)

    @property
    def probabilities(self) -> Floats:
        """Probabilities of shape (10,) that sum to 1 where no digit is sure; the one of `digit` is the highest."""
        mass = float(self.posterior.sum())
        leanings = self._leanings
        exponentials = np.exp(leanings - leanings.max())
        return np.asarray(mass * exponentials / exponentials.sum() + (1.0 - mass) / CLASSES, dtype=np.float64)

    @property
    def is_sure(self) -> bool:
        """Whether so much more speaks for one digit than for all others and for none that it may be accepted."""
        return bool(self.posterior.max() >= SURE)
