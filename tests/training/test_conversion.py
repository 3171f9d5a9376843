"""`digits convert` with models as people have them."""

import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.errors import DataUnavailableError, ModelFileError
from digits.model.artifact import read
from digits.model.convert import to_onnx
from digits.model.history import kept
from digits.recognizer import Recognizer
from digits.training import conversion
from digits.training.keras_install import require_keras


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, mnist: Mnist) -> Path:
    """Models of one small network on pixels of 0..255, with augmentation inside and scores as its output."""
    require_keras()
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    augmentation = keras.Sequential([layers.RandomRotation(0.02), layers.RandomZoom(0.05)], name="augmentation")
    images = keras.Input((28, 28, 1))
    hidden = layers.Flatten()(layers.Rescaling(1 / 255)(augmentation(images)))
    model = keras.Model(images, layers.Dense(10)(layers.GaussianNoise(0.1)(hidden)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(mnist.x_train[:15_000, ..., None].astype(np.float32), mnist.y_train[:15_000], epochs=1, verbose=0)
    model.save(folder / "cnn.keras")
    model.save(folder / "cnn.h5")
    model.save_weights(folder / "only.weights.h5")
    model.export(str(folder / "with_augmentation"), verbose=False)
    plain = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10)])
    plain.set_weights(model.get_weights()[-2:])
    plain.export(str(folder / "exported"), verbose=False)
    (folder / "cnn.onnx").write_bytes(to_onnx(plain))
    return folder


@pytest.fixture
def expected(models: Path, mnist: Mnist) -> Any:
    """Returns which of the first thousand test images Keras reads as which digit."""
    import keras

    images = mnist.x_test[:1000, ..., None].astype(np.float32)
    return keras.models.load_model(models / "cnn.keras").predict(images, verbose=0).argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cnn.keras", "Keras file"),
        ("cnn.h5", "HDF5 file"),
        ("exported", "SavedModel folder"),
        ("cnn.onnx", "ONNX file"),
    ],
)
def test_each_kind_becomes_a_calibrated_model_that_reads_as_it_did(
    models: Path, tmp_path: Path, mnist: Mnist, expected: Any, name: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "converted.keras"
    assert main(["convert", str(models / name), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"{kind} {name}: 7,85" in printed
    assert "with pixels as 0..255" in printed
    recognizer = Recognizer.load(out)
    assert np.array_equal(recognizer.classify(mnist.x_test[:1000]).argmax(axis=1), expected)
    card = recognizer.card
    assert card.test_accuracy is not None
    assert card.test_accuracy > 0.8
    assert f"test accuracy {card.test_accuracy:.2%}" in printed
    assert recognizer.notes == []
    assert card.converted_from is not None
    assert card.converted_from["kind"] == kind
    assert any("softmax was added" in change for change in card.converted_from["changes"])
    assert ("random_rotation" in printed) == (name in ("cnn.keras", "cnn.h5"))
    accepted = [recognizer.recognize_pixels(image).accepted for image in mnist.x_test[:40]]
    assert sum(accepted) > 20


def test_what_came_from_keras_is_still_a_file_of_keras(models: Path, tmp_path: Path) -> None:
    import keras

    assert main(["convert", str(models / "cnn.h5"), "--out", str(tmp_path / "out.keras")]) == 0
    layers = keras.models.load_model(tmp_path / "out.keras").layers
    assert "augmentation" in [layer.name for layer in layers]


def test_without_mnist_the_model_is_uncalibrated_and_says_so(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere(*_: object, **__: object) -> Mnist:
        raise DataUnavailableError("MNIST is not here.")

    monkeypatch.setattr("digits.data.mnist.load", nowhere)
    assert main(["convert", str(models / "cnn.onnx"), "--out", str(tmp_path / "out.keras")]) == 0
    output = capsys.readouterr()
    assert "uncalibrated: MNIST is not at hand" in output.out
    assert "MNIST is not here." in output.err
    assert "uncalibrated" in Recognizer.load(tmp_path / "out.keras").notes[0]


def test_a_file_that_is_there_is_kept(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.keras"
    out.write_bytes(b"what was there")
    assert main(["convert", str(models / "cnn.onnx"), "--out", str(out)]) == 0
    assert [file.read_bytes() for file in kept(out)] == [b"what was there"]


def test_an_output_that_cannot_be_written_is_told_before_anything_is_measured(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[object] = []
    monkeypatch.setattr(conversion, "_measure", lambda *arguments: measured.append(arguments))
    (tmp_path / "file").touch()
    assert main(["convert", str(models / "cnn.onnx"), "--out", str(tmp_path / "file" / "out.keras")]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert measured == []


def untrained(folder: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save(folder / "bad.keras")


def of_color(folder: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save(folder / "bad.keras")


def of_letters(folder: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(47)])
    model.save(folder / "bad.keras")


def with_own_layer(folder: Path) -> None:
    import keras

    class Halves(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs / 2.0

    model = keras.Sequential([keras.Input((28, 28)), Halves(), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.save(folder / "bad.keras")


def written(name: str, content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (untrained, r"reads at most \d+% of the MNIST images on which it was tried"),
        (of_color, r"of shape \(.*, 32, 32, 3\)\. A digit network takes"),
        (of_letters, r"of shape \(8, 47\); none of them has ten numbers"),
        (with_own_layer, "has layers whose code is not in the file: Halves"),
        (written("bad.keras", b"PK\x03\x04 cut off"), "damaged or no file of Keras"),
        (written("bad.h5", b"\x89HDF\r\n\x1a\n cut off"), "damaged or no file of Keras"),
        (written("bad.onnx", b"no graph"), "ONNX cannot read it"),
        (written("bad.pkl", b"\x80\x04."), r"no model of a known kind. A Keras file \(.keras\)"),
        (lambda folder: (folder / "bad").mkdir(), "no model of a known kind"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_refusal_says_what_was_found_and_what_is_needed(
    tmp_path: Path, make: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    require_keras()
    make(tmp_path)
    (model,) = tmp_path.iterdir()
    assert main(["convert", str(model)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"digits: The model {model} cannot be converted: ")
    assert len(error.splitlines()) == 1
    assert re.search(said, error), error
    assert list(tmp_path.iterdir()) == [model]


def test_weights_alone_and_baked_in_augmentation_are_refused(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(models / "only.weights.h5")]) == 1
    assert "it holds weights and no network" in capsys.readouterr().err
    assert main(["convert", str(models / "with_augmentation")]) == 1
    assert "They belong to layers that change images at random" in capsys.readouterr().err


def with_code(file: Path, ran: Path) -> None:
    """Saves a network whose layer writes a file when Keras calls it."""
    import keras

    code = f"lambda images: [images, __import__('pathlib').Path({str(ran)!r}).touch()][0]"
    layers = [keras.Input((28, 28)), keras.layers.Lambda(eval(code)), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save(file)
    ran.unlink()


@pytest.mark.parametrize("name", ["code.h5", "code.keras", "code"])
def test_code_in_a_file_that_is_hdf5_and_zip_at_once_is_found_and_never_run(
    models: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    both, ran = tmp_path / name, tmp_path / "ran"
    with_code(tmp_path / "part.h5", ran)
    both.write_bytes((tmp_path / "part.h5").read_bytes() + (models / "cnn.keras").read_bytes())
    assert zipfile.is_zipfile(both)
    assert main(["convert", str(both), "--out", str(tmp_path / "out.keras")]) == 1
    assert "(Lambda) holds code, which is never run here" in capsys.readouterr().err
    # The other way round: the zip file is what counts, whatever follows.
    with_code(tmp_path / "part.keras", ran)
    both.write_bytes((tmp_path / "part.keras").read_bytes())
    with zipfile.ZipFile(both, "a") as archive:
        archive.writestr("harmless.h5", (models / "cnn.h5").read_bytes(), zipfile.ZIP_STORED)
    assert main(["convert", str(both), "--out", str(tmp_path / "out.keras")]) == 1
    assert "(Lambda) holds code, which is never run here" in capsys.readouterr().err
    assert not ran.exists()


def test_the_content_of_a_file_counts_and_not_the_end_of_its_name(models: Path, tmp_path: Path) -> None:
    for name, renamed in (("cnn.keras", "keras.h5"), ("cnn.h5", "hdf5.keras"), ("cnn.h5", "hdf5")):
        shutil.copyfile(models / name, tmp_path / renamed)
        assert main(["convert", str(tmp_path / renamed), "--out", str(tmp_path / "out.keras")]) == 0


def test_a_file_that_unpacks_to_too_much_is_refused_before_keras_reads_it(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(models / "cnn.keras") as archive, zipfile.ZipFile(tmp_path / "bomb.keras", "w") as bomb:
        bomb.writestr("config.json", archive.read("config.json"))
        with bomb.open(zipfile.ZipInfo("model.weights.h5"), "w") as member:
            for _ in range(257):
                member.write(bytes(1024 * 1024))
    assert main(["convert", str(tmp_path / "bomb.keras")]) == 1
    assert "its member model.weights.h5 unpacks to 269,484,032 bytes, more than" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "kind"), [("cnn.h5", "an HDF5 file"), ("exported", "a SavedModel folder")])
def test_serving_names_the_command(models: Path, tmp_path: Path, name: str, kind: str) -> None:
    copy = tmp_path / name
    (shutil.copytree if (models / name).is_dir() else shutil.copyfile)(models / name, copy)
    with pytest.raises(ModelFileError, match=f"it is {kind}. Convert it once, with digits convert {copy}"):
        read(copy)
