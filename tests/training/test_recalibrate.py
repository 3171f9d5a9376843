import shutil
import zipfile
from pathlib import Path

import pytest

from digits.data.mnist import Mnist
from digits.model.artifact import read, read_examples
from digits.recognizer import shipped_model
from digits.training.recalibrate import main, recalibrate
from digits.vision.mnist_form import PREPROCESSING_VERSION
from tests.model_files import INT8, with_card


def test_a_card_of_other_preprocessing_gets_what_the_shipped_one_has(tmp_path: Path, mnist: Mnist) -> None:
    path = with_card(tmp_path, preprocessing=1, temperature=1.0, thresholds={"confidence": 0.5, "digit": 0.5})
    recalibrate(path, mnist)
    card, shipped = read(path).card, read(shipped_model()).card
    assert card.preprocessing == PREPROCESSING_VERSION
    assert abs(card.temperature - shipped.temperature) < 0.01
    assert all(abs(card.thresholds[name] - value) < 0.02 for name, value in shipped.thresholds.items())
    assert card.command == shipped.command
    assert card.weights_sha256 == shipped.weights_sha256
    with zipfile.ZipFile(path) as changed, zipfile.ZipFile(shipped_model()) as original:
        # The int8 form has thresholds of its own.
        assert set(changed.namelist()) == set(original.namelist()) - {INT8}
    assert read_examples(path) is not None


def test_a_file_that_is_no_model_is_named_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.keras"
    shutil.copy(__file__, path)
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"recalibrate: The model file {path} ")
    assert path.read_bytes() == before
