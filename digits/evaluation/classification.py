"""Scores of a network on labeled images: accuracy, loss, calibration error, confusion matrix."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.model.calibration import expected_calibration_error, negative_log_likelihood, reliability


@dataclass(frozen=True)
class Scores:
    """Results on a labeled set of images.

    Args:
        n: number of images.
        accuracy: share read correctly, 0..1.
        loss: cross-entropy of the uncalibrated probabilities, in nats.
        calibration_error: expected calibration error of the calibrated probabilities, 15 bins, 0..1.
        confusion: confusion matrix of shape (10, 10) as lists; row: true digit, column: digit read.
        reliability: `digits.model.calibration.ReliabilityBin`s of the calibrated probabilities as objects.
    """

    n: int
    accuracy: float
    loss: float
    calibration_error: float
    confusion: list[list[int]]
    reliability: list[dict[str, Any]] = field(default_factory=list)


def score(
    probabilities: npt.NDArray[np.floating], calibrated: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> Scores:
    """Scores probabilities against the true digits.

    Args:
        probabilities: uncalibrated, of shape (n, 10).
        calibrated: the same after temperature scaling.
        labels: true digits, of shape (n,).
    """
    read = probabilities.argmax(axis=1)
    return Scores(
        n=len(labels),
        accuracy=float((read == labels).mean()),
        loss=negative_log_likelihood(probabilities, labels),
        calibration_error=expected_calibration_error(calibrated, labels),
        confusion=confusion_matrix(labels, read).tolist(),
        reliability=[asdict(point) for point in reliability(calibrated, labels)],
    )


def confusion_matrix(labels: npt.NDArray[np.integer], read: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Returns counts of shape (10, 10); row: true digit, column: digit read."""
    counts = np.zeros((10, 10), dtype=np.int64)
    np.add.at(counts, (labels.astype(int), read.astype(int)), 1)
    return counts


def confused_pairs(confusion: npt.ArrayLike, most: int = 5) -> list[str]:
    """Returns the most frequent mistakes in words, such as "9 read as 4: 7 times"."""
    pairs = most_confused(confusion, most)
    return [f"{true} read as {read}: {count} time{'s' if count > 1 else ''}" for true, read, count in pairs]


def most_confused(confusion: npt.ArrayLike, most: int = 5) -> list[tuple[int, int, int]]:
    """Returns the most frequent mistakes: true digit, digit read and count, the most frequent first.

    Args:
        confusion: counts of shape (10, 10): a row for each true digit, a column for each digit read.
        most: how many to return at most.
    """
    counts = np.array(confusion)
    np.fill_diagonal(counts, 0)
    order = np.argsort(counts, axis=None, kind="stable")[::-1][:most]
    return [(int(i) // 10, int(i) % 10, int(counts.flat[i])) for i in order if counts.flat[i]]
