import numpy as np
import numpy.typing as npt
import pytest

from digits.errors import SettingError
from digits.model.acceptance import (
    REFUSED_AS_NO_DIGIT,
    REFUSED_AS_UNSURE,
    Thresholds,
    digit_scores,
    fit_thresholds,
    reasons_to_refuse,
)

Probabilities = npt.NDArray[np.float64]


def answer(first: float, second: float = 0.0) -> Probabilities:
    """Probabilities of which a 4 and a 9 are the most likely, the rest spread evenly."""
    p = np.full(10, (1.0 - first - second) / 8.0)
    p[4], p[9] = first, second
    return p


def answers(n: int, sharpness: float) -> Probabilities:
    odds = np.exp(np.random.default_rng(0).normal(0.0, sharpness, (n, 10)))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        (answer(0.98), None),
        (answer(0.75, 0.2), None),
        (answer(0.5, 0.48), "low_confidence"),
        (answer(0.3, 0.2), "not_a_digit"),
        (answer(0.75, 0.05), "not_a_digit"),
        (np.full(10, 0.1), "not_a_digit"),
    ],
    ids=["sure", "fairly sure", "one of two", "one of many", "sure, yet one of many", "anything"],
)
def test_two_likely_digits_are_unclear_writing_and_many_are_no_digit(
    probabilities: Probabilities, reason: str | None
) -> None:
    assert reasons_to_refuse(probabilities[np.newaxis], Thresholds(confidence=0.7, digit=0.9)) == [reason]


def test_an_answer_at_the_thresholds_is_accepted() -> None:
    p = answer(0.75, 0.125)[np.newaxis]
    assert reasons_to_refuse(p, Thresholds(confidence=0.75, digit=0.875)) == [None]


def test_each_of_many_answers_is_judged_by_itself_in_order() -> None:
    p = np.stack([answer(0.98), answer(0.5, 0.48), answer(0.3, 0.2), answer(0.75, 0.2)])
    reasons = reasons_to_refuse(p, Thresholds(confidence=0.7, digit=0.9))
    assert reasons == [None, "low_confidence", "not_a_digit", None]
    assert reasons_to_refuse(p[:0], Thresholds()) == []


def test_thresholds_of_0_accept_everything() -> None:
    assert reasons_to_refuse(np.full((1, 10), 0.1), Thresholds(0.0, 0.0)) == [None]


@pytest.mark.parametrize("name", ["confidence", "digit"])
@pytest.mark.parametrize(
    "value", [-0.1, 1.1, 10**400, float("nan"), "0.5", None, True], ids=lambda value: repr(value)[:6]
)
def test_a_threshold_that_is_no_share_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=f"the {name} threshold is .* must be a number from 0 to 1"):
        Thresholds(**{name: value})  # type: ignore[arg-type]


def test_the_digit_score_is_that_of_the_two_most_likely_together() -> None:
    p = np.stack([answer(0.6, 0.3), answer(0.2, 0.7), np.full(10, 0.1)])
    assert digit_scores(p) == pytest.approx([0.9, 0.9, 0.2])


@pytest.mark.parametrize("sharpness", [1.0, 4.0, 15.0])
def test_fitted_thresholds_refuse_the_agreed_share_of_digits(sharpness: float) -> None:
    p = answers(5_000, sharpness)
    thresholds = fit_thresholds(p)
    reasons = reasons_to_refuse(p, thresholds)
    # A rounded threshold may move an answer or two across.
    assert reasons.count("not_a_digit") / len(p) == pytest.approx(REFUSED_AS_NO_DIGIT, abs=0.002)
    assert reasons.count("low_confidence") / len(p) == pytest.approx(REFUSED_AS_UNSURE, abs=0.002)


def test_the_answers_of_a_network_that_is_always_sure_are_accepted() -> None:
    sure = np.tile(answer(0.99996), (100, 1))
    assert reasons_to_refuse(sure, fit_thresholds(sure)) == [None] * 100
