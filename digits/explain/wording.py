"""Says in words how sure the network is of an answer."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from digits.recognizer import Prediction

Certainty = Literal["sure", "probable", "unsure", "none"]

# The least calibrated probability at which an accepted answer is called sure, 0..1.
SURE = 0.95


@dataclass(frozen=True)
class Wording:
    """An answer in words.

    Args:
        certainty: how sure the network is. Answers that are "sure" or "probable" are accepted. "unsure" means that it
            hesitates between two digits, "none" that it sees no digit.
        sentence: the answer without a full stop, such as "Sure: 7" or "Probably 7, perhaps 1".
    """

    certainty: Certainty
    sentence: str


def word(prediction: Prediction) -> Wording:
    """Returns an answer in words."""
    first, second = two_most_likely(prediction)
    if prediction.reason == "not_a_digit":
        return Wording("none", "This does not look like a digit")
    if prediction.reason is not None:
        return Wording("unsure", f"Not sure: perhaps {first}, perhaps {second}")
    if prediction.confidence >= SURE:
        return Wording("sure", f"Sure: {first}")
    return Wording("probable", f"Probably {first}, perhaps {second}")


def two_most_likely(prediction: Prediction) -> tuple[int, int]:
    """Returns the most likely digit and the second most likely one."""
    first, second = np.argsort(-prediction.probabilities, kind="stable")[:2].tolist()
    return first, second


def second_opinion(first: Prediction, second: Prediction, name: str) -> str:
    """Returns a sentence that compares another model's answer with the one on the page.

    Args:
        first: the answer that the page shows.
        second: the other model's answer to the same picture.
        name: the other model's name.
    """
    if not first.accepted and not second.accepted:
        return f"Second opinion: {name} cannot tell, either."
    if not second.accepted:
        return f"Second opinion: {name} cannot tell."
    if first.accepted and first.digit == second.digit:
        return f"Second opinion: {name} reads a {second.digit}, too ({second.confidence_text})."
    return f"The models disagree: {name} reads a {second.digit} ({second.confidence_text})."


def disagree(first: Prediction, second: Prediction) -> bool:
    """Returns whether two answers to the same picture contradict each other, so that acting on one is a mistake."""
    return first.accepted != second.accepted or (first.accepted and first.digit != second.digit)
