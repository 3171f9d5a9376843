"""Decides whether an answer is good enough to act on, and gives the reason if it is not.

An unsure network spreads its probability in one of two ways. Over two digits, if the writing lies between them (a 4 or
a 9): then the most likely digit has a low probability. Over many digits, if the image shows none: then the two most
likely digits together have a low probability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from digits.errors import SettingError

Reason = Literal["low_confidence", "not_a_digit"]

# The share of held-out digits that may be refused for each of the two reasons, 0..1.
REFUSED_AS_NO_DIGIT = 0.01
REFUSED_AS_UNSURE = 0.01

# Two digits of one number are as high as each other, or nearly.
_EVEN_HEIGHT = 0.7
# What the strokes of a broken digit may look like.
_LIKE_HALVES = frozenset({1, 7})


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
    reasons: list[Reason | None] = []
    # For a single answer, NumPy takes ten times as long.
    for row in probabilities.tolist():
        *_, second, first = sorted(row)
        unsure: Reason | None = "low_confidence" if first < thresholds.confidence else None
        reasons.append("not_a_digit" if second + first < thresholds.digit else unsure)
    return reasons


def digit_scores(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Returns the probability of the two most likely digits together, of shape (n,).

    Args:
        probabilities: of shape (n, 10).
    """
    return np.asarray(np.partition(probabilities, -2, axis=1)[:, -2:].sum(axis=1), dtype=np.float64)


def count_separate_digits(
    probabilities: npt.NDArray[np.floating], heights: Sequence[float], thresholds: Thresholds
) -> int:
    """Counts the things that lie apart in a picture if they are digits of their own, and no strokes of one digit.

    They are several digits if two of them look like digits, and all of them together do not. Two of even height that
    look like digits are two even if together they look like one, too. The strokes of a broken digit are not, such as
    the halves of a 0, which look like a 1 and a 7.

    Args:
        probabilities: calibrated, of shape (n + 1, 10): of each thing alone, and of all together.
        heights: of the n things, as shares of the highest.
        thresholds: of the model.

    Returns:
        How many there are, at least 2; 0 if they are no digits of their own.
    """
    *alone, together = reasons_to_refuse(probabilities, thresholds)
    *digits, union = probabilities.argmax(axis=1).tolist()
    accepted = [i for i, reason in enumerate(alone) if reason is None]
    if len(accepted) < 2:
        return 0
    even = sorted(heights[i] for i in accepted)[-2] >= _EVEN_HEIGHT
    halves = {digits[i] for i in accepted} <= _LIKE_HALVES and union not in _LIKE_HALVES
    return 0 if together is None and (halves or not even) else len(accepted)


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
