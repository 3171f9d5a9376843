import numpy as np
import pytest

from digits.explain.wording import disagree, second_opinion, word
from digits.model.acceptance import Reason
from digits.recognizer import Prediction
from digits.vision.normalize import Normalized


def answer(digit: int, confidence: float, reason: Reason | None = None, other: int = 1) -> Prediction:
    probabilities = np.zeros(10)
    probabilities[digit], probabilities[other] = confidence, 1.0 - confidence
    return Prediction(digit, confidence, probabilities, reason, Normalized(np.zeros((28, 28), np.uint8), lambda: ()))


@pytest.mark.parametrize(
    ("prediction", "certainty", "sentence"),
    [
        (answer(7, 0.99), "sure", "Sure: 7"),
        (answer(7, 0.8), "probable", "Probably 7, perhaps 1"),
        (answer(7, 0.51, "low_confidence"), "unsure", "Not sure: perhaps 7, perhaps 1"),
        (answer(7, 0.3, "not_a_digit"), "none", "This does not look like a digit"),
    ],
)
def test_confidence_is_a_sentence(prediction: Prediction, certainty: str, sentence: str) -> None:
    said = word(prediction)
    assert (said.certainty, said.sentence) == (certainty, sentence)


@pytest.mark.parametrize(
    ("first", "second", "contradict", "words"),
    [
        (answer(7, 0.99), answer(7, 0.9), False, "reads a 7, too"),
        (answer(7, 0.99), answer(4, 0.9), True, "The models disagree: it reads a 4"),
        (answer(7, 0.99), answer(7, 0.3, "not_a_digit"), True, "it cannot tell."),
        (answer(7, 0.3, "not_a_digit"), answer(4, 0.9), True, "The models disagree"),
        (answer(7, 0.3, "not_a_digit"), answer(4, 0.3, "low_confidence"), False, "cannot tell, either"),
    ],
)
def test_a_second_opinion_says_whether_it_agrees(
    first: Prediction, second: Prediction, contradict: bool, words: str
) -> None:
    assert disagree(first, second) is contradict
    assert words in second_opinion(first, second, "it")
