from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.training.keras_install import require_keras
from digits.training.loop import STEPS_PER_CALL, Inputs, Schedule, fit, scale

CLASSES = 10


@pytest.fixture(scope="module", autouse=True)
def keras() -> None:
    require_keras()


def network(loss: str = "sparse_categorical_crossentropy", metrics: tuple[str, ...] = ("accuracy",)) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(CLASSES, activation="softmax")]
    )
    model.compile("adam", loss=loss, metrics=list(metrics))
    return model


def weights(model: Any) -> npt.NDArray[np.float32]:
    return np.concatenate([array.ravel() for array in model.get_weights()])


def test_a_network_learns_and_its_history_says_so(mnist: Mnist) -> None:
    images, labels = mnist.x_train[:2000], mnist.y_train[:2000].astype(np.int32)
    validation = scale(mnist.x_train[-500:]), mnist.y_train[-500:].astype(np.int32)
    history = fit(
        network(), [scale(images)] * 3, labels, Schedule(3, 32, 0), validation=validation,
        show_progress=False,
    )  # fmt: skip
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert [len(values) for values in history.values()] == [3] * 4
    assert history["loss"][2] < history["loss"][0]
    assert history["val_accuracy"][2] > 0.7


def test_bytes_are_scaled_as_the_network_sees_them(mnist: Mnist) -> None:
    images, labels = mnist.x_train[:640], mnist.y_train[:640]
    trained = []
    for inputs in (images, scale(images)):
        model = network()
        fit(model, [inputs], labels, Schedule(1, 64, 0), show_progress=False)
        trained.append(weights(model))
    from_bytes, from_floats = trained
    assert np.allclose(from_bytes, from_floats, atol=1e-6)


def test_targets_may_be_vectors_and_the_model_may_have_no_metric(mnist: Mnist) -> None:
    model = network("mean_squared_error", metrics=())
    targets = np.eye(CLASSES, dtype=np.float32)[mnist.y_train[:640]]
    history = fit(model, [mnist.x_train[:640]] * 5, targets, Schedule(5, 32, 0), show_progress=False)
    assert set(history) == {"loss"}
    assert history["loss"][-1] < history["loss"][0]


def test_without_validation_there_are_only_training_figures(mnist: Mnist) -> None:
    history = fit(network(), [mnist.x_train[:64]], mnist.y_train[:64], Schedule(1, 32, 0), show_progress=False)
    assert set(history) == {"loss", "accuracy"}


@pytest.mark.parametrize("use_xla", [False, True])
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(mnist: Mnist, use_xla: bool) -> None:
    images, labels = mnist.x_train[:320], mnist.y_train[:320]

    def trained(seed: int) -> npt.NDArray[np.float32]:
        model = network()
        fit(model, [images], labels, Schedule(1, 32, seed, use_xla=use_xla), show_progress=False)
        return weights(model)

    first = trained(1)
    assert np.array_equal(first, trained(1))
    assert not np.array_equal(first, trained(2))


def test_every_image_of_an_epoch_is_learned_from_but_those_that_fill_no_batch() -> None:
    # More steps than one call runs, and a last call that is not full.
    batch_size, steps = 2, STEPS_PER_CALL + 7
    count = batch_size * steps + 1
    images = np.zeros((count, 28, 28), np.uint8)
    images.reshape(count, -1)[np.arange(count), np.arange(count) % 784] = 255
    model = network()
    before = model.get_weights()[0]
    fit(model, [images], np.zeros(count, np.int32), Schedule(1, batch_size, 0), show_progress=False)
    learned = np.flatnonzero(np.abs(model.get_weights()[0] - before).max(axis=1) > 1e-5)
    assert len(learned) == batch_size * steps
    assert learned.max() < count


def test_an_epochs_images_are_asked_for_when_the_epoch_before_is_over(
    mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    printed: list[str] = []

    def epochs() -> Iterator[Inputs]:
        for _ in range(2):
            printed.append(capsys.readouterr().out)
            yield mnist.x_train[:64]

    fit(network(), epochs(), mnist.y_train[:64], Schedule(2, 32, 0))
    assert printed[0] == ""
    assert printed[1].startswith("Epoch 1/2  loss ")
    assert capsys.readouterr().out.startswith("Epoch 2/2  loss ")
