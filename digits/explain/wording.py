"""Says in words how sure the network is of an answer."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from digits.explain.speech import Say, english, in_per_cent, with_article
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


def word(prediction: Prediction, say: Say = english) -> Wording:
    """Returns an answer in the words of a language."""
    first, second = two_most_likely(prediction)
    if prediction.reason == "not_a_digit":
        return Wording("none", say("This does not look like a digit"))
    if prediction.reason is not None:
        return Wording("unsure", say("Not sure: perhaps {first}, perhaps {second}", first=first, second=second))
    if prediction.confidence >= SURE:
        return Wording("sure", say("Sure: {first}", first=first))
    return Wording("probable", say("Probably {first}, perhaps {second}", first=first, second=second))


def two_most_likely(prediction: Prediction) -> tuple[int, int]:
    """Returns the most likely digit and the second most likely one."""
    first, second = np.argsort(-prediction.probabilities, kind="stable")[:2].tolist()
    return first, second


def second_opinion(first: Prediction, second: Prediction, name: str, say: Say = english) -> str:
    """Returns a sentence that compares another model's answer with the one on the page.

    Args:
        first: the answer that the page shows.
        second: the other model's answer to the same picture.
        name: the other model's name.
        say: puts it into the reader's language.
    """
    text = in_per_cent(second.confidence_text, say)
    if not first.accepted and not second.accepted:
        return say("Second opinion: {name} cannot tell, either.", name=name)
    if not second.accepted:
        return say("Second opinion: {name} cannot tell.", name=name)
    if first.accepted and first.digit == second.digit:
        return say(
            "Second opinion: {name} reads {digit}, too ({confidence}).",
            name=name,
            digit=with_article(second.digit, say),
            confidence=text,
        )
    return say(
        "The models disagree: {name} reads {digit} ({confidence}).",
        name=name,
        digit=with_article(second.digit, say),
        confidence=text,
    )


def disagree(first: Prediction, second: Prediction) -> bool:
    """Returns whether two answers to the same picture contradict each other, so that acting on one is a mistake."""
    return first.accepted != second.accepted or (first.accepted and first.digit != second.digit)
