from pathlib import Path

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import ModelFileError
from digits.model import artifact
from digits.model.artifact import read, read_examples
from digits.model.examples import CORRECT_PER_DIGIT, Examples, choose_examples
from digits.recognizer import Recognizer, shipped_model
from tests.model.test_artifact import make_card, save_keras
from tests.model_files import EXAMPLES, repack


def made(true: list[int], read: list[int], confidence: list[float]) -> Examples:
    images = np.arange(len(true), dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    return Examples(images, np.array(true, np.uint8), np.array(read, np.uint8), np.array(confidence, np.float32))


FOUR = made([4, 4, 9, 4], [9, 4, 4, 9], [0.6, 0.5, 0.9, 0.8])


def test_mistakes_come_the_surest_first_and_what_is_right_the_least_sure_first() -> None:
    assert FOUR.mistakes().tolist() == [2, 3, 0]
    assert FOUR.of_cell(4, 9).tolist() == [3, 0]
    assert made([1, 1, 1], [1, 1, 1], [0.9, 0.5, 0.7]).of_cell(1, 1).tolist() == [1, 2, 0]
    assert FOUR.of_cell(0, 0).tolist() == []


def test_all_mistakes_are_chosen_and_of_the_rest_the_least_sure_of_each_digit() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2_000).astype(np.uint8)
    probabilities = np.eye(10)[labels] * rng.uniform(1.0, 9.0, (2_000, 1)) + rng.uniform(0.0, 1.5, (2_000, 10))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = choose_examples(np.zeros((2_000, 28, 28), np.uint8), labels, probabilities)
    wrong = probabilities.argmax(axis=1) != labels
    assert len(found.mistakes()) == wrong.sum() > 0
    for digit in range(10):
        right = probabilities.max(axis=1)[~wrong & (labels == digit)]
        least = found.confidence[found.of_cell(digit, digit)]
        assert least == pytest.approx(np.sort(right)[:CORRECT_PER_DIGIT])


def test_a_model_file_carries_them(tmp_path: Path) -> None:
    artifact.write(tmp_path / "m.keras", save_keras, b"a graph", make_card, FOUR)
    found = read_examples(tmp_path / "m.keras")
    assert found is not None
    assert all(np.array_equal(getattr(found, name), getattr(FOUR, name)) for name in vars(FOUR))
    assert read(tmp_path / "m.keras").onnx == b"a graph"


def test_the_shipped_ones_are_the_mistakes_that_the_shipped_card_counts(mnist: Mnist) -> None:
    found = read_examples(shipped_model())
    assert found is not None
    recognizer = Recognizer.load(shipped_model())
    probabilities = recognizer.classify(found.images)
    assert probabilities.argmax(axis=1).tolist() == found.read.tolist()
    assert found.confidence == pytest.approx(probabilities.max(axis=1), abs=1e-4)
    of_test_set = dict(zip((image.tobytes() for image in mnist.x_test), mnist.y_test.tolist(), strict=True))
    assert [of_test_set[image.tobytes()] for image in found.images] == found.labels.tolist()
    for (true, other), count in np.ndenumerate(recognizer.card.metrics["test"]["confusion"]):
        assert len(found.of_cell(true, other)) == (CORRECT_PER_DIGIT if true == other else count)
    # They are a small part of the package.
    assert len(found.to_bytes()) < 40_000


def test_a_file_without_them_has_none_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    assert read_examples(repack(tmp_path, {EXAMPLES: None})) is None
    with pytest.raises(ModelFileError, match="The test images in "):
        read_examples(repack(tmp_path, {EXAMPLES: b"no npz"}))
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_examples(tmp_path / "none.keras")


def test_examples_are_checked_when_built() -> None:
    with pytest.raises(ModelFileError, match="not images of digits"):
        made([10], [1], [0.5])
    with pytest.raises(ModelFileError, match="not images of digits"):
        made([1, 2], [1], [0.5])
