from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.data.mnist import Mnist, Split, split
from digits.errors import ModelNotFoundError, SettingError
from digits.model.artifact import read
from digits.recognizer import Recognizer, shipped_model
from digits.training import export, run
from digits.training.config import TrainingConfig
from digits.training.keras_install import require_keras
from digits.training.recipes import find_recipe
from digits.vision.mnist_form import PREPROCESSING_VERSION


@pytest.fixture(scope="module", autouse=True)
def keras() -> None:
    require_keras()


@pytest.fixture
def little_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST with few images to learn from; the test images stay."""

    def few(data: Mnist) -> Split:
        parts = split(data)
        return replace(
            parts, x_fit=parts.x_fit[:256], y_fit=parts.y_fit[:256],
            x_validation=parts.x_validation[:200], y_validation=parts.y_validation[:200],
        )  # fmt: skip

    monkeypatch.setattr(run, "split", few)


def weights(model: Any) -> list[Any]:
    return [np.asarray(array) for array in model.get_weights()]


def test_the_weights_of_a_model_file_are_those_of_its_network(mnist: Mnist) -> None:
    model = find_recipe("convnet").build()
    card = run.load_weights(model, shipped_model())
    assert card == read(shipped_model()).card
    images = mnist.x_test[:50]
    shipped = Recognizer.load(shipped_model()).classify(images)
    assert (run.predict(model, images).argmax(axis=1) == shipped.argmax(axis=1)).all()


def test_weights_of_another_recipe_are_refused_by_name() -> None:
    with pytest.raises(SettingError, match=r"mnist_model.keras \(recipe convnet\) do not fit .* leave --from out"):
        run.load_weights(find_recipe("reference").build(), shipped_model())


def test_a_model_to_start_from_that_is_not_there_is_an_error(tmp_path: Path, mnist: Mnist) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no model file .*none.keras"):
        run.train(TrainingConfig("convnet", epochs=1, start=tmp_path / "none.keras"), mnist, show_progress=False)


@pytest.mark.usefixtures("little_data")
def test_a_run_that_starts_from_a_model_goes_on_where_it_was_and_its_card_says_so(mnist: Mnist, tmp_path: Path) -> None:
    config = TrainingConfig("convnet", epochs=1, batch_size=64, start=shipped_model())
    finished = run.train(config, mnist, show_progress=False)
    # From random weights, four steps would leave it near 10%.
    assert finished.test.accuracy > 0.98
    card = export.save(finished, mnist, tmp_path / "tuned.keras", ["python", "train.py"])
    start = read(shipped_model()).card
    assert card.started_from is not None
    assert card.started_from["weights_sha256"] == start.weights_sha256
    assert card.started_from["command"] == start.command
    assert card.weights_sha256 != start.weights_sha256
    assert card.preprocessing == PREPROCESSING_VERSION
    assert card.description == find_recipe("convnet").description
    assert read(tmp_path / "tuned.keras").card == card


def test_weights_are_averaged_with_those_that_a_run_started_from() -> None:
    model = find_recipe("reference").build()
    before = [np.asarray(array) for array in model.get_weights()]
    model.set_weights([array + 1.0 for array in before])
    run.average_weights(model, before, 0.7)
    for average, array in zip(model.get_weights(), before, strict=True):
        assert np.allclose(average, array + 0.7, atol=1e-5)
