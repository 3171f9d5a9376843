"""Figures with their uncertainty: shares, error rates, the area under the ROC curve, and the spread of runs."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Resamples of a bootstrap interval. With so many its ends are stable to a tenth of its width.
_RESAMPLES = 2_000


@dataclass(frozen=True)
class Share:
    """A share with its 95% interval.

    Args:
        hits: how many pictures count.
        n: of how many.
    """

    hits: int
    n: int

    @property
    def value(self) -> float:
        """The share, 0..1; not a number if n is 0."""
        return self.hits / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95% (Wilson, JASA 1927), which holds for small n and near 0 and 1."""
        if not self.n:
            return (0.0, 1.0)
        z = 1.959964
        center = (self.hits + z * z / 2.0) / (self.n + z * z)
        half = z / (self.n + z * z) * math.sqrt(self.hits * (self.n - self.hits) / self.n + z * z / 4.0)
        return (max(0.0, center - half), min(1.0, center + half))

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2%} ({low:.1%} to {high:.1%}, {self.hits} of {self.n})"

    def to_json(self) -> dict[str, Any]:
        """Returns the share and its interval as JSON types."""
        return asdict(self) | {"value": self.value if self.n else None, "interval": list(self.interval)}


def describe_intervals(n: int) -> str:
    """Says how wide 95% intervals of shares of `n` pictures are, for a table that has no room for each."""
    half, most = (Share(round(share * n), n) for share in (0.5, 0.99))
    return f"95% intervals (Wilson) at {n:,} pictures: {half}; {most}"


@dataclass(frozen=True)
class ErrorRate:
    """Errors per digit with their 95% interval.

    Args:
        errors: for each picture, the number of edits that turn what was read into what is written.
        lengths: for each picture, the number of digits that are written on it.
    """

    errors: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def value(self) -> float:
        """Errors per digit; over 1 if much was read that is not written."""
        return sum(self.errors) / sum(self.lengths)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% percentile interval of a bootstrap over pictures (Efron, 1979), the same at each call.

        It resamples pictures, not digits, because the digits of one picture are read well or badly together.
        """
        errors, lengths = np.array(self.errors), np.array(self.lengths)
        drawn = np.random.default_rng(0).integers(0, len(errors), (_RESAMPLES, len(errors)))
        low, high = np.quantile(errors[drawn].sum(axis=1) / lengths[drawn].sum(axis=1), (0.025, 0.975))
        return float(low), float(high)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.2%} ({low:.1%} to {high:.1%}, {sum(self.errors)} in {sum(self.lengths)})"

    def to_json(self) -> dict[str, Any]:
        """Returns the rate and its interval as JSON types."""
        return {
            "errors": sum(self.errors),
            "n": sum(self.lengths),
            "value": self.value,
            "interval": list(self.interval),
        }


def auroc(positive: npt.NDArray[np.floating], negative: npt.NDArray[np.floating]) -> float:
    """Returns the chance that a random positive scores higher than a random negative, 0..1; a tie counts half.

    It is the area under the receiver operating characteristic (Hanley and McNeil, Radiology 1982).

    Args:
        positive: scores of shape (n,).
        negative: scores of shape (m,).
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    up_to = np.searchsorted(ordered, positive, side="right")
    return float((below + up_to).mean() / (2.0 * len(negative)))


def spread(values: list[float]) -> str:
    """Returns mean, standard deviation, n and range of accuracies in 0..1, for people."""
    array = np.array(values) * 100.0
    deviation = f" ± {array.std(ddof=1):.2f}" if len(array) > 1 else ""
    return f"{array.mean():.2f}{deviation} % (n = {len(array)}, {array.min():.2f} to {array.max():.2f} %)"


@dataclass(frozen=True)
class AnswerCalibration:
    """How far the confidence of answers is from the share of them that is right.

    Args:
        error: the expected calibration error in bins of equal width, 0..1 (Naeini, Cooper and Hauskrecht, AAAI 2015).
        by_chance: the mean error of as many answers that are right as often as their confidence says; no confidence can
            be expected to come below it.
        n: how many answers.
    """

    error: float
    by_chance: float
    n: int


def answer_calibration(
    confidences: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], bins: int = 10
) -> AnswerCalibration:
    """Compares the confidence of answers with how often they are right.

    Args:
        confidences: of each answer, 0..1, of shape (n,).
        right: whether it is right, of shape (n,).
        bins: of equal width.
    """
    which = np.minimum((confidences * bins).astype(int), bins - 1)

    def error(hits: npt.NDArray[np.bool_]) -> float:
        return float(np.abs(np.bincount(which, confidences - hits, bins)).sum()) / len(confidences)

    rng = np.random.default_rng(0)
    by_chance = [error(rng.random(len(confidences)) < confidences) for _ in range(_RESAMPLES)]
    return AnswerCalibration(error(right), float(np.mean(by_chance)), len(confidences))
