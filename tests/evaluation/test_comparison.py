from pathlib import Path

import numpy as np
import pytest

from digits.data.labeled import LabeledPicture
from digits.data.mnist import Mnist
from digits.evaluation.comparison import NOT_READ, compare_on_mnist, compare_on_pictures
from digits.recognizer import Recognizer
from tests.conftest import SAMPLES
from tests.model_files import with_card


def test_a_model_beside_itself_differs_nowhere(mnist: Mnist) -> None:
    model = Recognizer.load()
    comparison = compare_on_mnist(model, model, mnist.x_test[:500], mnist.y_test[:500])
    assert comparison.differing == []
    assert comparison.only_right == (0, 0)
    assert comparison.chance == 1.0
    first, second = comparison.standings
    assert first.accuracy == second.accuracy
    assert first.accuracy.value > 0.98
    assert first.microseconds[0] > 1.0


def test_what_a_model_refuses_and_how_it_is_calibrated_are_told_apart(tmp_path: Path, mnist: Mnist) -> None:
    shipped = Recognizer.load()
    strict = Recognizer.load(with_card(tmp_path, thresholds={"confidence": 1.0, "digit": 0.0}, temperature=20.0))
    first, second = compare_on_mnist(shipped, strict, mnist.x_test[:300], mnist.y_test[:300]).standings
    assert first.accuracy == second.accuracy
    assert first.accepted.hits > 280
    assert second.accepted.hits == 0
    assert second.calibration_error is not None
    assert first.calibration_error is not None
    assert second.calibration_error > 0.1 > first.calibration_error


def test_the_images_on_which_they_differ_are_named(mnist: Mnist) -> None:
    class Nines(Recognizer):
        def classify(self, images: np.ndarray) -> np.ndarray:
            return np.tile(np.eye(10)[9], (len(images), 1))

    shipped = Recognizer.load()
    nines = Nines.load()
    labels = mnist.y_test[:200]
    comparison = compare_on_mnist(shipped, nines, mnist.x_test[:200], labels)
    read = shipped.classify(mnist.x_test[:200]).argmax(axis=1)
    assert comparison.differing == np.flatnonzero(read != 9).tolist()
    assert comparison.only_right == (
        int(((read == labels) & (labels != 9)).sum()),
        int(((read != labels) & (labels == 9)).sum()),
    )
    assert comparison.chance < 1e-12
    as_json = comparison.to_json()
    assert as_json["differing"][0] == {"index": comparison.differing[0], "label": "7", "read": [7, 9]}


def test_pictures_take_the_whole_path_and_other_things_count_as_rejected() -> None:
    model = Recognizer.load()
    pictures = [LabeledPicture(file.name, file.name[0], "", file) for file in SAMPLES]
    pictures.append(LabeledPicture("blank", "blank", "", np.full((50, 50), 255, np.uint8)))
    comparison = compare_on_pictures(model, model, pictures)
    standing = comparison.standings[0]
    assert standing.accuracy.n == len(SAMPLES)
    assert standing.accuracy.hits == len(SAMPLES)
    assert standing.rejected is not None
    assert (standing.rejected.hits, standing.rejected.n) == (1, 1)
    assert comparison.answers[0].digits[-1] == NOT_READ


def test_a_folder_without_answers_has_no_calibration_error() -> None:
    model = Recognizer.load()
    blank = [LabeledPicture("blank", "7", "", np.full((50, 50), 255, np.uint8))]
    standing = compare_on_pictures(model, model, blank).standings[0]
    assert standing.calibration_error is None
    assert (standing.accuracy.hits, standing.accuracy.n) == (0, 1)


@pytest.mark.parametrize(("a", "b", "expected"), [(0, 5, 0.0625), (1, 1, 1.0), (10, 0, 2 / 1024)])
def test_chance_is_mcnemars(a: int, b: int, expected: float) -> None:
    from digits.evaluation.comparison import Answers, ModelComparison

    labels = ["1"] * (a + b)
    reads = np.array([1] * a + [2] * b), np.array([2] * a + [1] * b)
    first, second = (Answers(digits, np.ones(a + b), np.ones(a + b, bool), np.zeros((a + b, 10))) for digits in reads)
    comparison = ModelComparison((None, None), (first, second), labels, [])  # type: ignore[arg-type]
    assert comparison.chance == pytest.approx(expected)
