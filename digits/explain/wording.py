"""Answers in words: how sure the network is, as a person would say it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from digits.recognizer import Prediction

Certainty = Literal["sure", "probable", "unsure", "none"]

# An accepted answer is called sure from this calibrated probability on, 0..1.
SURE = 0.95


@dataclass(frozen=True)
class Verdict:
    """An answer in words.

    Args:
        certainty: how sure the network is: "sure" and "probable" are accepted answers, "unsure" and "none" are not.
        sentence: the answer, without a full stop, such as "Sure: 7" or "Probably 7, perhaps 1".
    """

    certainty: Certainty
    sentence: str


def verdict(prediction: Prediction) -> Verdict:
    """An answer in words."""
    first, second = two_most_likely(prediction)
    if prediction.reason == "not_a_digit":
        return Verdict("none", "This does not look like a digit")
    if prediction.reason is not None:
        return Verdict("unsure", f"Not sure: perhaps {first}, perhaps {second}")
    if prediction.confidence >= SURE:
        return Verdict("sure", f"Sure: {first}")
    return Verdict("probable", f"Probably {first}, perhaps {second}")


def two_most_likely(prediction: Prediction) -> tuple[int, int]:
    """The most likely digit and the next."""
    first, second = np.argsort(-prediction.probabilities, kind="stable")[:2].tolist()
    return first, second


def second_opinion(first: Prediction, second: Prediction, name: str) -> str:
    """What another model says, beside the first; one sentence.

    Args:
        first: the answer that is shown.
        second: the other model's answer for the same picture.
        name: of the other model.
    """
    if not first.accepted and not second.accepted:
        return f"Second opinion: {name} cannot tell, either."
    if not second.accepted:
        return f"Second opinion: {name} cannot tell."
    if first.accepted and first.digit == second.digit:
        return f"Second opinion: {name} reads a {second.digit}, too ({second.confidence_text})."
    return f"The models disagree: {name} reads a {second.digit} ({second.confidence_text})."


def disagree(first: Prediction, second: Prediction) -> bool:
    """Whether two answers for the same picture contradict each other: one of them, acted on, would be a mistake."""
    return first.accepted != second.accepted or (first.accepted and first.digit != second.digit)
