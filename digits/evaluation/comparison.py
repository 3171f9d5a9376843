"""Two models on the same images: accuracy, calibration, what they refuse, speed, and where they differ."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.data.labeled import LabeledPicture
from digits.errors import ImageError
from digits.evaluation.pictures import DIGITS, read_labeled
from digits.evaluation.statistics import Share
from digits.model.acceptance import reasons_to_refuse
from digits.model.calibration import expected_calibration_error
from digits.recognizer import Recognizer

_ROUNDS, _IMAGES_PER_ROUND = 7, 100
NOT_READ = -1


@dataclass(frozen=True)
class Answers:
    """What a model reads in some images.

    Args:
        digits: int of shape (n,); -1 where there was no answer.
        confidences: float of shape (n,), 0..1; 0 where there was no answer.
        accepted: bool of shape (n,).
        probabilities: of shape (m, 10), calibrated, of the m images that have an answer.
    """

    digits: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    accepted: npt.NDArray[np.bool_]
    probabilities: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """How good a model is on some images.

    Args:
        model: its name.
        accuracy: share of the digits that it reads correctly, accepted or not.
        calibration_error: expected calibration error on the digits, 0..1; None if it answers none.
        accepted: share of the digits whose answer it accepts.
        accepted_accuracy: share of the accepted answers that are right.
        rejected: share of the images of other things that it does not accept; None if there are none.
        outliers_refused: share of drawn outliers that it refused when it was made, as its card states, 0..1, or None.
        microseconds: median time of a forward pass of a single image, and half the range between the quartiles.
    """

    model: str
    accuracy: Share
    calibration_error: float | None
    accepted: Share
    accepted_accuracy: Share
    rejected: Share | None
    outliers_refused: float | None
    microseconds: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """Returns the standing as JSON types."""
        return {
            "model": self.model,
            "accuracy": self.accuracy.to_json(),
            "calibration_error": self.calibration_error,
            "accepted": self.accepted.to_json(),
            "accepted_accuracy": self.accepted_accuracy.to_json(),
            "rejected": self.rejected and self.rejected.to_json(),
            "outliers_refused": self.outliers_refused,
            "microseconds": {"median": self.microseconds[0], "half_quartile_range": self.microseconds[1]},
        }


@dataclass(frozen=True)
class ModelComparison:
    """Two models on the same images.

    Args:
        standings: of both.
        answers: of both.
        labels: the true digits as text, or what else the images show.
        differing: indices of the images that they read as different digits.
    """

    standings: tuple[Standing, Standing]
    answers: tuple[Answers, Answers]
    labels: Sequence[str]
    differing: list[int]

    @property
    def only_right(self) -> tuple[int, int]:
        """How many digits only the first model reads correctly, and how many only the second."""
        first, second = (
            [str(digit) == label for digit, label in zip(answers.digits, self.labels, strict=True)]
            for answers in self.answers
        )
        pairs = list(zip(first, second, strict=True))
        return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)

    @property
    def chance(self) -> float:
        """The probability of so large a difference if both are equally good (McNemar's exact test, 1947)."""
        a, b = self.only_right
        if not a + b:
            return 1.0
        tail: float = sum(math.comb(a + b, k) for k in range(min(a, b) + 1)) / 2 ** (a + b)
        return min(1.0, 2.0 * tail)

    def to_json(self) -> dict[str, Any]:
        """Returns the comparison as JSON types."""
        first, second = self.answers
        only_first, only_second = self.only_right
        return {
            "n": len(self.labels),
            "models": [standing.to_json() for standing in self.standings],
            "only_first_right": only_first,
            "only_second_right": only_second,
            "chance": self.chance,
            "differing": [
                {"index": i, "label": self.labels[i], "read": [int(first.digits[i]), int(second.digits[i])]}
                for i in self.differing
            ],
        }


def compare_on_mnist(
    first: Recognizer, second: Recognizer, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]
) -> ModelComparison:
    """Compares two models on normalized images.

    Args:
        first: a model.
        second: the other.
        images: uint8 of shape (n, 28, 28).
        labels: the true digits, of shape (n,).
    """
    return _compare(first, second, [_read_images(model, images) for model in (first, second)], labels.astype(str))


def compare_on_pictures(first: Recognizer, second: Recognizer, pictures: Sequence[LabeledPicture]) -> ModelComparison:
    """Compares two models on pictures, which take the whole path of an upload.

    Args:
        first: a model.
        second: the other.
        pictures: of single digits, or of other things.

    Raises:
        OSError: a picture's file is not there.
    """
    answers = [_read_pictures(model, pictures) for model in (first, second)]
    return _compare(first, second, answers, np.array([picture.label for picture in pictures]))


def _read_images(model: Recognizer, images: npt.NDArray[np.uint8]) -> Answers:
    probabilities = model.classify(images)
    accepted = [reason is None and model.card.is_calibrated for reason in _reasons(model, probabilities)]
    return Answers(probabilities.argmax(axis=1), probabilities.max(axis=1), np.array(accepted), probabilities)


def _reasons(model: Recognizer, probabilities: npt.NDArray[np.float64]) -> list[Any]:
    return list(reasons_to_refuse(probabilities, model.thresholds))


def _read_pictures(model: Recognizer, pictures: Sequence[LabeledPicture]) -> Answers:
    digits, confidences, accepted, probabilities = [], [], [], []
    for picture in pictures:
        try:
            _, prediction = read_labeled(model, picture)
        except ImageError:
            digits.append(NOT_READ)
            confidences.append(0.0)
            accepted.append(False)
            continue
        digits.append(prediction.digit)
        confidences.append(prediction.confidence)
        accepted.append(prediction.accepted)
        probabilities.append(prediction.probabilities)
    return Answers(
        np.array(digits, np.int64),
        np.array(confidences),
        np.array(accepted, bool),
        np.array(probabilities).reshape(-1, 10),
    )


def _compare(
    first: Recognizer, second: Recognizer, answers: Sequence[Answers], labels: npt.NDArray[np.str_]
) -> ModelComparison:
    times = _forward_times(first, second)
    standings = [
        _standing(model, read, labels, microseconds)
        for model, read, microseconds in zip((first, second), answers, times, strict=True)
    ]
    differing = np.flatnonzero(answers[0].digits != answers[1].digits).tolist()
    return ModelComparison((standings[0], standings[1]), (answers[0], answers[1]), labels.tolist(), differing)


def _standing(
    model: Recognizer, answers: Answers, labels: npt.NDArray[np.str_], microseconds: tuple[float, float]
) -> Standing:
    are_digits = np.isin(labels, list(DIGITS))
    right = answers.digits.astype(str) == labels
    accepted = answers.accepted & are_digits
    answered = answers.digits != NOT_READ
    known = are_digits[answered]
    error = None
    if known.any():
        error = expected_calibration_error(answers.probabilities[known], labels[answered][known].astype(int))
    others = ~are_digits
    return Standing(
        model=model.name,
        accuracy=Share(int((right & are_digits).sum()), int(are_digits.sum())),
        calibration_error=error,
        accepted=Share(int(accepted.sum()), int(are_digits.sum())),
        accepted_accuracy=Share(int((accepted & right).sum()), int(accepted.sum())),
        rejected=Share(int((others & ~answers.accepted).sum()), int(others.sum())) if others.any() else None,
        outliers_refused=model.card.rejection.get("held_out_outliers"),
        microseconds=microseconds,
    )


def _forward_times(first: Recognizer, second: Recognizer) -> list[tuple[float, float]]:
    """Returns for each model the median time of a forward pass of one image and half its quartile range, in µs.

    The models take turns, so that whatever else the machine does slows both.
    """
    image = np.zeros((1, 28, 28), np.uint8)
    image[:, 4:24, 12:16] = 255
    times: list[list[float]] = [[], []]
    for model in (first, second):
        model.classify(image)
    for _ in range(_ROUNDS):
        for model, measured in zip((first, second), times, strict=True):
            for _ in range(_IMAGES_PER_ROUND):
                start = time.perf_counter()
                model.classify(image)
                measured.append((time.perf_counter() - start) * 1e6)
    quartiles = [statistics.quantiles(measured, n=4) for measured in times]
    return [(middle, (high - low) / 2.0) for low, middle, high in quartiles]
