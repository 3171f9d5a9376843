import numpy as np
import numpy.typing as npt
import pytest

from digits.model.calibration import negative_log_likelihood
from digits.training.keras_install import require_keras
from digits.training.losses import OUTLIER, accuracy_on_digits, outlier_exposure_loss

Probabilities = npt.NDArray[np.float32]


@pytest.fixture(scope="module", autouse=True)
def keras() -> None:
    require_keras()


def answers(n: int) -> Probabilities:
    odds = np.exp(np.random.default_rng(0).normal(0.0, 2.0, (n, 10)))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def losses(labels: list[int], probabilities: Probabilities) -> npt.NDArray[np.float32]:
    return np.asarray(outlier_exposure_loss(np.array(labels, dtype=np.int32), probabilities))


def test_the_loss_of_digits_is_the_usual_one() -> None:
    labels = list(range(OUTLIER))
    loss = losses(labels, answers(10))
    assert loss.shape == (10,)
    assert loss.mean() == pytest.approx(negative_log_likelihood(answers(10), np.array(labels)), rel=1e-5)


def test_labels_in_a_column_give_the_same_loss() -> None:
    labels = np.array([3, OUTLIER, 7], dtype=np.int32)
    in_a_column = np.asarray(outlier_exposure_loss(labels[:, None], answers(3)))
    assert np.array_equal(in_a_column, losses([3, OUTLIER, 7], answers(3)))


def test_the_loss_of_an_outlier_is_least_where_every_digit_is_as_likely() -> None:
    unsure = np.full((1, 10), 0.1, dtype=np.float32)
    least = losses([OUTLIER], unsure)[0]
    assert least == pytest.approx(np.log(10.0), rel=1e-5)
    assert (losses([OUTLIER] * 50, answers(50)) > least).all()


def test_accuracy_is_that_of_the_digits_alone() -> None:
    metric = accuracy_on_digits()
    right = np.eye(10, dtype=np.float32)[[1, 2, 3, 4]]
    metric.update_state(np.array([1, 2, 9, OUTLIER]), right)
    assert float(metric.result()) == pytest.approx(2 / 3)
    metric.update_state(np.array([OUTLIER, OUTLIER]), right[:2])
    assert float(metric.result()) == pytest.approx(2 / 3)
