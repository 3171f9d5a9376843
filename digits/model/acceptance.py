"""Decides whether an answer is good enough to act on, and gives the reason if it is not.

An unsure network spreads its probability in one of two ways. Over two digits, if the writing lies between them (a 4 or
a 9): then the most likely digit has a low probability. Over many digits, if the image shows none: then the two most
likely digits together have a low probability.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from digits.errors import SettingError

Reason = Literal["low_confidence", "not_a_digit"]

# The share of held-out digits that may be refused for each of the two reasons, 0..1.
REFUSED_AS_NO_DIGIT = 0.01
REFUSED_AS_UNSURE = 0.01


@dataclass(frozen=True)
class Thresholds:
    """The lowest calibrated probabilities with which an answer is accepted.

    The defaults are for models to which no thresholds were fitted.

    Args:
        confidence: lowest probability of the most likely digit, 0..1.
        digit: lowest probability of the two most likely digits together, 0..1. Below it the image is taken for no
            digit.

    Raises:
        SettingError: a value is out of range.
    """

    confidence: float = 0.5
    digit: float = 0.6

    def __post_init__(self) -> None:
        for name in ("confidence", "digit"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
                raise SettingError(f"the {name} threshold is {value!r}; it must be a number from 0 to 1")


def reasons_to_refuse(probabilities: npt.NDArray[np.floating], thresholds: Thresholds) -> list[Reason | None]:
    """Returns for each answer the reason to refuse it, or None if it is accepted.

    Args:
        probabilities: calibrated, of shape (n, 10).
        thresholds: of the model.
    """
    confidences, scores = probabilities.max(axis=1).tolist(), digit_scores(probabilities).tolist()
    return [
        "not_a_digit" if score < thresholds.digit else "low_confidence" if confidence < thresholds.confidence else None
        for confidence, score in zip(confidences, scores, strict=True)
    ]


def digit_scores(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Returns the probability of the two most likely digits together, of shape (n,).

    Args:
        probabilities: of shape (n, 10).
    """
    return np.asarray(np.partition(probabilities, -2, axis=1)[:, -2:].sum(axis=1), dtype=np.float64)


def fit_thresholds(probabilities: npt.NDArray[np.floating]) -> Thresholds:
    """Fits the highest thresholds that refuse no more than a fixed share of digits.

    Args:
        probabilities: calibrated, of shape (n, 10), for images of digits that the network did not learn from. They
            should vary as much as the images that it will meet.
    """
    scores = digit_scores(probabilities)
    digit = float(np.quantile(scores, REFUSED_AS_NO_DIGIT))
    confidence = float(np.quantile(probabilities.max(axis=1)[scores >= digit], REFUSED_AS_UNSURE))
    # Rounded down: rounding up to 1 would refuse everything.
    return Thresholds(math.floor(confidence * 1e4) / 1e4, math.floor(digit * 1e4) / 1e4)
