import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.data.mnist import Mnist
from digits.evaluation.classification import confused_pairs, confusion_matrix, score
from digits.model.calibration import apply_temperature, expected_calibration_error
from digits.recognizer import Recognizer, shipped_model

digit = st.integers(0, 9)


@given(st.lists(st.tuples(digit, digit), max_size=50))
def test_each_cell_of_the_confusion_matrix_counts_one_true_digit_read_as_one_digit(
    answers: list[tuple[int, int]],
) -> None:
    true, read = np.array(answers, dtype=np.uint8).reshape(-1, 2).T
    counts = confusion_matrix(true, read)
    assert counts.shape == (10, 10)
    assert all(counts[i, j] == answers.count((i, j)) for i in range(10) for j in range(10))


def test_scores_are_the_figures_of_the_answers() -> None:
    p = np.full((4, 10), 0.02)
    p[np.arange(4), [1, 2, 3, 3]] = 0.82
    labels = np.array([1, 2, 3, 8], dtype=np.uint8)
    softer = apply_temperature(p, 2.0)
    scores = score(p, softer, labels)
    assert (scores.n, scores.accuracy) == (4, 0.75)
    assert scores.loss == pytest.approx(-(3 * np.log(0.82) + np.log(0.02)) / 4)
    assert scores.calibration_error == expected_calibration_error(softer, labels)
    assert scores.confusion[8][3] == 1
    assert sum(one["n"] for one in scores.reliability) == 4
    assert np.trace(np.array(scores.confusion)) == 3
    assert all(type(count) is int for row in scores.confusion for count in row)  # For JSON.


def test_the_shipped_model_scores_on_mnist_what_its_card_says(mnist: Mnist) -> None:
    recognizer = Recognizer.load(shipped_model())
    calibrated = recognizer.classify(mnist.x_test)
    scores = score(apply_temperature(calibrated, 1.0 / recognizer.card.temperature), calibrated, mnist.y_test)
    card = recognizer.card.metrics["test"]
    assert scores.accuracy == pytest.approx(card["accuracy"], abs=2e-4)
    assert scores.loss == pytest.approx(card["loss"], rel=1e-2)
    assert scores.calibration_error == pytest.approx(card["calibration_error"], abs=1e-3)
    assert np.abs(np.array(scores.confusion) - card["confusion"]).sum() <= 4


def test_confused_pairs_name_the_most_frequent_mistakes_first() -> None:
    counts = np.diag([100] * 10)
    counts[9, 4], counts[4, 9], counts[7, 2] = 7, 1, 3
    assert confused_pairs(counts) == ["9 read as 4: 7 times", "7 read as 2: 3 times", "4 read as 9: 1 time"]
    assert confused_pairs(counts.tolist(), most=1) == ["9 read as 4: 7 times"]
    assert counts[0, 0] == 100  # Left as it was.


def test_a_network_without_mistakes_confuses_nothing() -> None:
    assert confused_pairs(np.diag([5] * 10)) == []
