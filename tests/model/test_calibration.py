import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.model.calibration import (
    ReliabilityBin,
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
)

Probabilities = npt.NDArray[np.float64]


def softmax(logits: npt.NDArray[np.float64]) -> Probabilities:
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


rows = st.lists(st.floats(-15.0, 15.0), min_size=10, max_size=10)
probabilities = st.lists(rows, min_size=1, max_size=5).map(lambda logits: softmax(np.array(logits)))
temperatures = st.floats(0.2, 5.0)


@given(probabilities, temperatures)
def test_temperature_is_a_division_of_the_logits(p: Probabilities, t: float) -> None:
    assert np.allclose(apply_temperature(p, t), softmax(np.log(p) / t), atol=1e-12)


@given(probabilities, temperatures)
def test_calibrated_probabilities_sum_to_1(p: Probabilities, t: float) -> None:
    calibrated = apply_temperature(p, t)
    assert np.allclose(calibrated.sum(axis=1), 1.0, atol=1e-12)
    assert calibrated.min() >= 0.0


@given(probabilities, temperatures)
def test_the_order_of_the_digits_stays(p: Probabilities, t: float) -> None:
    order = np.argsort(p, axis=1)
    assert (np.diff(np.take_along_axis(apply_temperature(p, t), order, axis=1), axis=1) >= -1e-15).all()


@given(probabilities, temperatures)
def test_a_temperature_is_undone_by_its_inverse(p: Probabilities, t: float) -> None:
    assert np.allclose(apply_temperature(apply_temperature(p, t), 1.0 / t), p, atol=1e-6)


@given(probabilities, st.floats(1.001, 5.0))
def test_a_temperature_over_1_softens_and_one_under_1_sharpens(p: Probabilities, t: float) -> None:
    confidence = p.max(axis=1)
    assert (apply_temperature(p, t).max(axis=1) <= confidence + 1e-12).all()
    assert (apply_temperature(p, 1.0 / t).max(axis=1) >= confidence - 1e-12).all()


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_a_certain_network_stays_finite(temperature: float) -> None:
    certain = np.eye(10, dtype=np.float32)
    calibrated = apply_temperature(certain, temperature)
    assert np.isfinite(calibrated).all()
    assert (calibrated.argmax(axis=1) == np.arange(10)).all()


def test_the_most_likely_digit_is_the_same_for_every_mnist_like_output() -> None:
    p = softmax(np.random.default_rng(0).normal(0.0, 4.0, (5000, 10))).astype(np.float32)
    assert (apply_temperature(p, 3.0).argmax(axis=1) == p.argmax(axis=1)).all()


def test_likelihood_is_the_mean_log_probability_of_the_true_digits() -> None:
    p = np.full((2, 10), 0.05)
    p[0, 3] = p[1, 7] = 0.55
    assert negative_log_likelihood(p, np.array([3, 0])) == pytest.approx(-(np.log(0.55) + np.log(0.05)) / 2)


def test_a_digit_held_impossible_costs_much_but_not_infinitely() -> None:
    assert 50.0 < negative_log_likelihood(np.eye(10), np.roll(np.arange(10), 1)) < 100.0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_spoiled_the_probabilities_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    honest = softmax(rng.normal(0.0, 2.0, (20_000, 10)))
    labels = (honest.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    spoiled = apply_temperature(honest, 1.0 / temperature)
    assert fit_temperature(spoiled, labels) == pytest.approx(temperature, rel=0.03)
    assert expected_calibration_error(spoiled, labels) > 0.05 or temperature == 1.0
    assert expected_calibration_error(apply_temperature(spoiled, fit_temperature(spoiled, labels)), labels) < 0.015


def test_no_nearby_temperature_is_likelier_than_the_fitted_one() -> None:
    rng = np.random.default_rng(1)
    p = softmax(rng.normal(0.0, 3.0, (500, 10)))
    labels = rng.permuted(p.argmax(axis=1))
    labels[:350] = p.argmax(axis=1)[:350]
    best = fit_temperature(p, labels)
    losses = [negative_log_likelihood(apply_temperature(p, best * factor), labels) for factor in (1.0, 0.99, 1.01)]
    assert losses[0] == min(losses)


@pytest.mark.parametrize(("right", "expected"), [(8, 0.0), (10, 0.2), (3, 0.5)])
def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy(right: int, expected: float) -> None:
    p = np.full((10, 10), 0.2 / 9)
    p[:, 4] = 0.8
    labels = np.array([4] * right + [5] * (10 - right))
    assert expected_calibration_error(p, labels) == pytest.approx(expected, abs=1e-9)


def test_gaps_in_different_bins_do_not_cancel() -> None:
    p = np.full((20, 10), 0.1 / 9)
    p[:10, 0] = 0.9  # Always wrong.
    p[10:] = 0.5 / 9
    p[10:, 0] = 0.5  # Always right.
    labels = np.array([1] * 10 + [0] * 10)
    assert expected_calibration_error(p, labels) == pytest.approx(0.5 * 0.9 + 0.5 * 0.5)


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert expected_calibration_error(np.eye(10), np.arange(10)) == 0.0
    assert expected_calibration_error(np.eye(10), np.roll(np.arange(10), 1)) == 1.0


def test_reliability_sets_confidence_beside_accuracy_and_leaves_empty_bins_out() -> None:
    p = np.full((10, 10), 0.2 / 9)
    p[:6, 4], p[6:, 4] = 0.8, 0.35
    p[6:, :4], p[6:, 5:] = 0.65 / 9, 0.65 / 9
    labels = np.array([4, 4, 4, 5, 5, 5, 4, 5, 5, 5])
    low, high = reliability(p, labels, bins=10)
    assert (low.n, low.accuracy, high.n, high.accuracy) == (4, 0.25, 6, 0.5)
    assert [low.confidence, high.confidence] == pytest.approx([0.35, 0.8])


@given(probabilities, st.integers(1, 20))
def test_every_answer_is_in_one_reliability_bin_in_rising_order(p: Probabilities, bins: int) -> None:
    labels = np.zeros(len(p), dtype=np.int64)
    found = reliability(p, labels, bins)
    assert sum(one.n for one in found) == len(p)
    confidence = [one.confidence for one in found]
    assert confidence == sorted(confidence)
    assert sum(one.n * one.accuracy for one in found) == pytest.approx((p.argmax(axis=1) == 0).sum())


def test_full_confidence_is_in_the_last_reliability_bin() -> None:
    assert reliability(np.eye(10), np.arange(10)) == [ReliabilityBin(confidence=1.0, accuracy=1.0, n=10)]
