from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.errors import ModelFileError
from digits.model.artifact import read
from digits.model.engine import Engine
from digits.model.input_form import INPUT_FORMS, USUAL, InputForm, find_input_form
from digits.recognizer import Recognizer, shipped_model
from tests.model_files import with_card

every_form = pytest.mark.parametrize("form", INPUT_FORMS.values(), ids=INPUT_FORMS)


def test_the_usual_form_is_what_networks_of_digits_take() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(USUAL.apply(pixels), pixels.astype(np.float32) / np.float32(255.0))


@pytest.mark.parametrize(
    ("name", "black", "white"),
    [("0..255", 0.0, 255.0), ("-1..1", -1.0, 1.0), ("0..1, dark strokes", 1.0, 0.0), ("standardized", -0.4242, 2.8215)],
)
def test_each_form_has_its_own_black_and_white(name: str, black: float, white: float) -> None:
    assert INPUT_FORMS[name].apply(np.array([0, 255], np.uint8)) == pytest.approx([black, white], abs=1e-3)


@every_form
def test_the_form_that_a_network_wants_is_found(form: InputForm) -> None:
    engine = Engine(read(shipped_model()).onnx)

    def wants_form(images: npt.NDArray[np.uint8], tried: InputForm) -> npt.NDArray[np.float32]:
        # What the network would see: pixels of the form that is tried, taken back from the form that it wants.
        values = (tried.apply(images).astype(np.float64) - form.offset) * form.divisor
        pixels = np.clip(np.rint(255.0 - values if form.dark_strokes else values), 0, 255).astype(np.uint8)
        return engine(pixels)

    chosen, share = find_input_form(wants_form)
    assert chosen is form
    assert share == 1.0


def test_a_network_that_reads_nothing_is_of_no_form() -> None:
    rng = np.random.default_rng(0)
    chosen, share = find_input_form(lambda images, _form: rng.random((len(images), 10), dtype=np.float32))
    assert chosen is None
    assert share < 0.25


@pytest.mark.parametrize("name", ["", "0..2", None, 1])
def test_a_card_with_an_unknown_form_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(ModelFileError, match="the card's input form is"):
        read(with_card(tmp_path, input_form=name))


def dense(*first: Any) -> Any:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((28, 28)), *first, keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def test_a_network_with_its_own_rescaling_is_read_right_and_its_notes_say_so(tmp_path: Path, mnist: Mnist) -> None:
    from digits.training.keras_install import require_keras

    require_keras()
    import keras

    model = dense(keras.layers.Rescaling(1 / 127.5, -1.0))
    model.fit(mnist.x_train[:20_000], mnist.y_train[:20_000], epochs=1, verbose=0)
    model.save(tmp_path / "own_scale.keras")
    recognizer = Recognizer.load(tmp_path / "own_scale.keras")
    right = recognizer.classify(mnist.x_test[:1000]).argmax(axis=1) == mnist.y_test[:1000]
    assert right.mean() > 0.8
    assert recognizer.card.input_form == "0..255"
    (note,) = recognizer.notes
    assert "uncalibrated" in note
    assert "in the form 0..255" in note
    answers = [recognizer.recognize_pixels(image) for image in mnist.x_test[:50]]
    assert max(answer.confidence for answer in answers) > 0.9
    assert {answer.reason for answer in answers} <= {"low_confidence", "not_a_digit"}


def test_a_network_that_cannot_read_digits_is_refused(tmp_path: Path) -> None:
    from digits.training.keras_install import require_keras

    require_keras()
    dense().save(tmp_path / "untrained.keras")
    with pytest.raises(ModelFileError, match=r"untrained.keras cannot be used: it reads at most \d+% of the MNIST"):
        read(tmp_path / "untrained.keras")


def test_layers_of_augmentation_are_dropped(tmp_path: Path, mnist: Mnist) -> None:
    from digits.training.keras_install import require_keras

    require_keras()
    import keras

    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.RandomRotation(0.02),
            keras.layers.RandomTranslation(0.02, 0.02),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    images = mnist.x_train[:10_000, ..., None] / np.float32(255.0)
    model.fit(images, mnist.y_train[:10_000], epochs=1, verbose=0)
    model.save(tmp_path / "augmented.keras")
    converted = Engine(read(tmp_path / "augmented.keras").onnx)(mnist.x_test[:100])
    expected = model.predict(mnist.x_test[:100, ..., None] / np.float32(255.0), verbose=0)
    assert np.allclose(converted, expected, atol=1e-4)
