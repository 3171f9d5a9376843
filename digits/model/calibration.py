"""Calibration: of the answers with 90% confidence, 90% should be right.

The method is temperature scaling: one number divides the logits (Guo et al., "On Calibration of Modern Neural
Networks", ICML 2017).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Below this a float32 softmax gives 0, whose logarithm would not be finite.
_TINY = 1e-38

# The range in which the temperature is searched; wide enough for any network worth serving.
_LOWEST, _HIGHEST = 0.1, 10.0


def apply_temperature(probabilities: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """Softens (temperature over 1) or sharpens (under 1) probabilities. The most likely digit stays the same.

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
    """Returns the cross-entropy loss: the mean of -log of the probability of the true digit, in nats.

    Args:
        probabilities: of shape (n, 10).
        labels: the true digits, of shape (n,).
    """
    chosen = np.asarray(probabilities, dtype=np.float64)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chosen, _TINY)).mean())


def fit_temperature(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """Fits the temperature with the lowest negative log-likelihood on held-out images.

    Args:
        probabilities: uncalibrated, of shape (n, 10), for images that the network did not learn from.
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
    """The answers whose confidence lies in one interval.

    Args:
        confidence: mean confidence of the answers, 0..1.
        accuracy: share of the answers that are right, 0..1.
        n: number of answers.
    """

    confidence: float
    accuracy: float
    n: int


def reliability(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], bins: int = 15
) -> list[ReliabilityBin]:
    """Returns confidence and accuracy in bins of equal width from 0 to 1, without the empty bins.

    These are the points of a reliability diagram (Niculescu-Mizil and Caruana, "Predicting Good Probabilities with
    Supervised Learning", ICML 2005).

    Args:
        probabilities: of shape (n, 10).
        labels: true digits, of shape (n,).
        bins: number of bins.
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
    """Returns the distance between confidence and accuracy, averaged over bins of equal width, 0..1 (Guo et al., 2017).

    The arguments are those of `reliability`.
    """
    filled = reliability(probabilities, labels, bins)
    return sum(point.n * abs(point.confidence - point.accuracy) for point in filled) / len(labels)
