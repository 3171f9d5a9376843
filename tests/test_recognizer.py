import dataclasses
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from digits.artifact import Artifact, Card, read
from digits.calibration import apply_temperature
from digits.engine import Engine
from digits.errors import ImageTooLargeError, ModelFileError, ModelNotFoundError, NoInkError, UnsupportedFormatError
from digits.image import ImageLimits, decode
from digits.mnist import Mnist
from digits.recognizer import MODEL_VARIABLE, TRAINED_MODEL, Recognizer, find_model, shipped_model
from tests.conftest import SAMPLES


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load(shipped_model())


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_each_sample_is_read_with_confidence(recognizer: Recognizer, file: Path) -> None:
    prediction = recognizer.recognize(file.read_bytes())
    assert prediction.digit == int(file.stem[0])
    assert prediction.confidence > 0.6


@pytest.mark.parametrize("quarter_turns", [0, 2], ids=["upright", "upside down"])
@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_negative_is_read_as_its_positive(recognizer: Recognizer, file: Path, quarter_turns: int) -> None:
    pixels = np.rot90(decode(file.read_bytes()), quarter_turns)
    positive, negative = (recognizer.recognize_pixels(np.ascontiguousarray(p)) for p in (pixels, 255 - pixels))
    assert positive.digit == negative.digit
    assert np.allclose(positive.probabilities, negative.probabilities, atol=0.1)


@pytest.mark.parametrize("side", [28, 60, 150])
@pytest.mark.parametrize("polarity", ["white on black", "black on white"])
def test_mnist_is_read_at_any_size_and_in_both_polarities(
    recognizer: Recognizer, mnist: Mnist, polarity: str, side: int
) -> None:
    images = mnist.x_test[:100] if polarity == "white on black" else 255 - mnist.x_test[:100]
    pages = [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) for image in images]
    read = [recognizer.recognize(png(page)).digit for page in pages]
    assert (np.array(read) == mnist.y_test[:100]).mean() >= 0.95


def test_a_prediction_is_the_most_likely_digit_of_ten_calibrated_probabilities(
    recognizer: Recognizer, sample: Path
) -> None:
    prediction = recognizer.recognize(sample.read_bytes())
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.sum() == pytest.approx(1.0)
    assert prediction.digit == prediction.probabilities.argmax()
    assert prediction.confidence == prediction.probabilities.max()
    seen = prediction.normalized.image
    network = Engine(read(shipped_model()).onnx)(seen[np.newaxis])
    assert np.allclose(prediction.probabilities, apply_temperature(network, recognizer.card.temperature)[0])


def test_a_cards_temperature_softens_without_changing_the_digit(mnist: Mnist) -> None:
    artifact = read(shipped_model())
    plain, soft = (Recognizer(dataclasses.replace(artifact, card=Card(temperature=t))) for t in (1.0, 4.0))
    sharp, softened = plain.classify(mnist.x_test[:500]), soft.classify(mnist.x_test[:500])
    assert (sharp.argmax(axis=1) == softened.argmax(axis=1)).all()
    assert softened.max(axis=1).mean() < sharp.max(axis=1).mean() - 0.05


def test_threads_may_share_a_recognizer(recognizer: Recognizer) -> None:
    files = [file.read_bytes() for file in SAMPLES] * 10
    with ThreadPoolExecutor(8) as pool:
        read = [prediction.digit for prediction in pool.map(recognizer.recognize, files)]
    assert read == [int(file.stem[0]) for file in SAMPLES] * 10


def test_a_blank_page_gets_no_answer(recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError):
        recognizer.recognize(png(np.full((100, 80, 3), 250, np.uint8)))


def test_what_is_no_image_gets_no_answer(recognizer: Recognizer) -> None:
    with pytest.raises(UnsupportedFormatError):
        recognizer.recognize(b"seven")


def test_its_limits_are_obeyed(sample: Path) -> None:
    with pytest.raises(ImageTooLargeError, match="more than the 1,000 allowed"):
        Recognizer.load(shipped_model(), ImageLimits(max_pixels=1000)).recognize(sample.read_bytes())


def test_the_shipped_model_is_used_where_none_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_model({}) == find_model({MODEL_VARIABLE: ""}) == shipped_model()
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    assert Recognizer.load().name == "the model that ships with Digits"


def test_a_trained_model_goes_before_the_shipped_one_and_a_named_one_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    TRAINED_MODEL.parent.mkdir()
    TRAINED_MODEL.write_bytes(shipped_model().read_bytes())
    assert find_model({}) == TRAINED_MODEL
    assert find_model({MODEL_VARIABLE: "other.keras"}) == Path("other.keras")
    monkeypatch.setenv(MODEL_VARIABLE, str(shipped_model()))
    assert find_model() == shipped_model()


def test_a_named_model_that_is_missing_is_never_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, "no/such.keras")
    with pytest.raises(ModelNotFoundError, match=r"no/such.keras"):
        Recognizer.load()


def test_a_broken_trained_model_is_never_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(MODEL_VARIABLE, raising=False)
    TRAINED_MODEL.parent.mkdir()
    TRAINED_MODEL.write_bytes(b"")
    with pytest.raises(ModelFileError, match=str(TRAINED_MODEL)):
        Recognizer.load()


def test_a_network_that_cannot_run_is_refused_with_the_files_name() -> None:
    with pytest.raises(ModelFileError, match=r"The model file made/by/hand.keras cannot be used: ONNX Runtime"):
        Recognizer(Artifact(Path("made/by/hand.keras"), Card(), b"no network"))


def test_the_description_names_file_recipe_and_accuracy(recognizer: Recognizer) -> None:
    accuracy = f"{recognizer.card.metrics['test']['accuracy']:.2%}"
    assert (
        recognizer.description
        == f"the model that ships with Digits (recipe {recognizer.card.recipe}, test accuracy {accuracy})"
    )
    foreign = Recognizer(Artifact(Path("mine.keras"), Card(), read(shipped_model()).onnx))
    assert foreign.description == "mine.keras (recipe unknown, test accuracy unknown)"
