"""Probabilities that mean what they say.

Temperature scaling: one number divides the logits, so that the network is right as often as it is sure
(Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Below this a float32 softmax gives 0, whose logarithm would not be finite.
_TINY = 1e-38

# The search for the temperature: wide enough for any network worth serving.
_LOWEST, _HIGHEST = 0.1, 10.0


def apply_temperature(probabilities: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """Softens (temperature over 1) or sharpens (under 1) probabilities; the most likely digit stays.

    Args:
        probabilities: of shape (n, 10), each row summing to 1.
        temperature: positive.

    Returns:
        float64 probabilities of the same shape. `apply_temperature(p, t)` is undone by `1 / t`.
    """
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY)) / temperature
    logits -= logits.max(axis=-1, keepdims=True)
    odds = np.exp(logits)
    calibrated: npt.NDArray[np.float64] = odds / odds.sum(axis=-1, keepdims=True)
    return calibrated


def negative_log_likelihood(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """Mean of -log of the probability given to the true digit (the cross-entropy loss), in nats."""
    chosen = np.asarray(probabilities, dtype=np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, _TINY)).mean())


def fit_temperature(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature under which held-out images are most likely.

    Args:
        probabilities: uncalibrated, of shape (n, 10), of images that the network did not learn from.
        labels: the true digits, of shape (n,).
    """

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(apply_temperature(probabilities, float(np.exp(log_temperature))), labels)

    # The loss has one minimum along the temperature; golden-section search closes in on it.
    ratio = (np.sqrt(5.0) - 1.0) / 2.0
    low, high = np.log(_LOWEST), np.log(_HIGHEST)
    while high - low > 1e-5:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


@dataclass(frozen=True)
class ReliabilityBin:
    """The answers whose confidence lies between two bounds.

    Args:
        confidence: their mean confidence, 0..1.
        accuracy: share of them that are right, 0..1.
        n: how many there are.
    """

    confidence: float
    accuracy: float
    n: int


def reliability(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = 15
) -> list[ReliabilityBin]:
    """Confidence beside accuracy, in bins of equal width from 0 to 1; empty ones are left out.

    It is the reliability diagram of Niculescu-Mizil and Caruana ("Predicting Good Probabilities with Supervised
    Learning", ICML 2005).

    Args:
        probabilities: of shape (n, 10).
        labels: true digits, of shape (n,).
        bins: how many.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    members = (index == i for i in range(bins))
    return [
        ReliabilityBin(float(confidence[inside].mean()), float(correct[inside].mean()), int(inside.sum()))
        for inside in members
        if inside.any()
    ]


def expected_calibration_error(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = 15
) -> float:
    """How far confidence and accuracy are apart, averaged over bins of equal width (Guo et al., 2017); 0..1."""
    found = reliability(probabilities, labels, bins)
    return sum(one.n * abs(one.confidence - one.accuracy) for one in found) / len(labels)
