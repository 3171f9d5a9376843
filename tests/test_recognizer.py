import dataclasses
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from digits.data.mnist import Mnist
from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageError,
    ImageTooLargeError,
    ModelFileError,
    ModelNotFoundError,
    NoInkError,
    SeveralDigitsError,
    UnsupportedFormatError,
)
from digits.images.decode import decode, open_image
from digits.images.limits import ImageLimits
from digits.model.acceptance import Thresholds
from digits.model.artifact import Artifact, read
from digits.model.calibration import apply_temperature
from digits.model.card import Card
from digits.model.engine import Engine
from digits.recognizer import MODEL_VARIABLE, TRAINED_MODEL, Picture, Prediction, Recognizer, find_model, shipped_model
from digits.vision.foreground import find_foreground
from digits.vision.mnist_form import PREPROCESSING_VERSION
from digits.vision.normalize import find_strokes, normalize
from tests.conftest import SAMPLES, encode_png
from tests.model_files import CARD, OWN_CARD, repack, with_card
from tests.pictures import side_by_side


def with_thresholds(thresholds: Thresholds) -> Recognizer:
    """The shipped network, judged by other thresholds."""
    artifact = read(shipped_model())
    card = dataclasses.replace(artifact.card, thresholds=dataclasses.asdict(thresholds))
    return Recognizer(dataclasses.replace(artifact, card=card))


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_each_sample_is_read_with_confidence(recognizer: Recognizer, file: Path) -> None:
    prediction = recognizer.recognize(file.read_bytes())
    assert prediction.digit == int(file.stem[0])
    assert prediction.confidence > 0.6


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_each_sample_is_accepted_as_one_digit(recognizer: Recognizer, file: Path) -> None:
    prediction = recognizer.recognize(file.read_bytes())
    assert prediction.accepted
    assert prediction.reason is None


@pytest.mark.parametrize(
    ("thresholds", "reason"),
    [
        (Thresholds(confidence=0.0, digit=0.0), None),
        (Thresholds(confidence=1.0, digit=0.0), "low_confidence"),
        (Thresholds(confidence=0.0, digit=1.0), "not_a_digit"),
    ],
    ids=["none", "confidence", "digit"],
)
def test_the_cards_thresholds_decide_what_is_accepted(thresholds: Thresholds, reason: str | None) -> None:
    # A cross: no network is quite sure of which digit it is.
    pixels = np.zeros((120, 120), np.uint8)
    cv2.line(pixels, (30, 30), (90, 90), 255, 8)
    cv2.line(pixels, (90, 30), (30, 90), 255, 8)
    (prediction,) = with_thresholds(thresholds).recognize_many([pixels], first_view_only=True)
    assert isinstance(prediction, Prediction)
    assert (prediction.reason, prediction.accepted) == (reason, reason is None)


@pytest.mark.parametrize("names", [("7_stylus", "0_red_pen"), ("5_marker", "2_blue_pen")], ids=" and ".join)
def test_two_digits_far_apart_are_counted_and_none_is_picked(recognizer: Recognizer, names: tuple[str, str]) -> None:
    pixels = side_by_side(*names)
    # Of a network that is surer of each digit than of both together, these thresholds tell them apart.
    found = normalize(pixels)
    assert found.together is not None
    *alone, union = recognizer.classify(np.concatenate([found.separate, found.together[np.newaxis]])).max(axis=1)
    assert union < min(alone)
    telling = with_thresholds(Thresholds(confidence=float(union + min(alone)) / 2.0, digit=0.0))
    with pytest.raises(SeveralDigitsError, match="2 digits were seen") as error:
        telling.recognize_pixels(pixels)
    assert error.value.count == 2


@pytest.mark.parametrize("names", [("7_stylus", "0_red_pen"), ("5_marker", "2_blue_pen")], ids=" and ".join)
def test_the_shipped_model_tells_two_digits_from_one(recognizer: Recognizer, names: tuple[str, str]) -> None:
    with pytest.raises(SeveralDigitsError) as error:
        recognizer.recognize(encode_png(side_by_side(*names)))
    assert error.value.count == 2


def test_two_digits_of_even_height_are_two_even_if_together_they_could_pass_for_one() -> None:
    with pytest.raises(SeveralDigitsError):
        with_thresholds(Thresholds(0.0, 0.0)).recognize_pixels(side_by_side("7_stylus", "0_red_pen"))


def test_the_halves_of_a_broken_0_are_not_two_digits(recognizer: Recognizer) -> None:
    pixels = np.full((200, 160), 255, np.uint8)
    for start, end in ((100, 260), (280, 440)):
        cv2.ellipse(pixels, (80, 100), (45, 75), 0, start, end, 0, 8)
    found = normalize(pixels)
    assert len(found.separate) == 2
    assert set(recognizer.classify(found.separate).argmax(axis=1)) <= {1, 7}
    prediction = recognizer.recognize_pixels(pixels)
    assert (prediction.digit, prediction.accepted) == (0, True)


@pytest.mark.parametrize("name", ["0_red_pen", "5_marker", "7_stylus"])
@pytest.mark.parametrize("across", [True, False], ids=["one above the other", "side by side"])
def test_a_digit_that_is_broken_in_two_is_still_one(recognizer: Recognizer, name: str, across: bool) -> None:
    pixels = next(decode(file.read_bytes()).copy() for file in SAMPLES if file.stem == name)
    rows, columns = np.nonzero(find_foreground(pixels).strength > 60)
    middle = int(np.mean(rows if across else columns))
    # A gap of paper through the middle, as a pen leaves that skips.
    gap = slice(middle - 4, middle + 4)
    paper = np.median(pixels, axis=(0, 1)).astype(np.uint8)
    pixels[gap if across else slice(None), slice(None) if across else gap] = paper
    assert len(find_strokes(pixels)[1]) >= 2
    assert recognizer.recognize_pixels(pixels).digit == int(name[0])


@pytest.mark.parametrize("quarter_turns", [0, 2], ids=["upright", "upside down"])
@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_negative_is_read_as_its_positive(file: Path, quarter_turns: int) -> None:
    first_view = Recognizer(read(shipped_model()), looks_again=False)
    pixels = np.rot90(decode(file.read_bytes()), quarter_turns)
    positive, negative = (first_view.recognize_pixels(np.ascontiguousarray(p)) for p in (pixels, 255 - pixels))
    assert positive.digit == negative.digit
    assert np.allclose(positive.probabilities, negative.probabilities, atol=0.1)


@pytest.mark.parametrize("side", [28, 60, 150])
@pytest.mark.parametrize("polarity", ["white on black", "black on white"])
def test_mnist_is_read_at_any_size_and_in_both_polarities(
    recognizer: Recognizer, mnist: Mnist, polarity: str, side: int
) -> None:
    images = mnist.x_test[:100] if polarity == "white on black" else 255 - mnist.x_test[:100]
    pages = [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) for image in images]
    read = [recognizer.recognize(encode_png(page)).digit for page in pages]
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


def one_by_one(recognizer: Recognizer, picture: Picture) -> Prediction | ImageError:
    try:
        if isinstance(picture, np.ndarray):
            return recognizer.recognize_pixels(picture)
        return (
            recognizer.recognize(picture)
            if isinstance(picture, bytes)
            else recognizer.recognize_pixels(picture.decode())
        )
    except ImageError as error:
        return error


def test_many_pictures_are_read_as_they_are_one_by_one(recognizer: Recognizer, mnist: Mnist) -> None:
    pictures: list[Picture] = [
        *[file.read_bytes() for file in SAMPLES],
        b"",
        *mnist.x_test[:20],
        b"no image",
        *[open_image(file.read_bytes()) for file in SAMPLES],
        SAMPLES[0].read_bytes()[:-500],
        *[decode(file.read_bytes()) for file in SAMPLES],
        np.full((60, 60), 255, np.uint8),
        side_by_side("7_stylus", "0_red_pen"),
        np.full((28, 28), 255, np.uint8),
        *[encode_png(255 - image) for image in mnist.x_test[20:60]],
    ]
    # Neither a whole batch nor a whole number of them.
    assert 64 < len(pictures) < 128
    many = list(recognizer.recognize_many(pictures))
    assert len(many) == len(pictures)
    for picture, found in zip(pictures, many, strict=True):
        alone = one_by_one(recognizer, picture)
        if isinstance(found, Prediction) and isinstance(alone, Prediction):
            assert (found.digit, found.reason) == (alone.digit, alone.reason)
            assert found.confidence == pytest.approx(alone.confidence, abs=1e-6)
            assert np.allclose(found.probabilities, alone.probabilities, rtol=0.0, atol=1e-6)
            assert np.array_equal(found.normalized.image, alone.normalized.image)
        else:
            assert (type(found), str(found)) == (type(alone), str(alone))


def test_pictures_of_which_none_can_be_read_give_their_errors(recognizer: Recognizer) -> None:
    found = list(recognizer.recognize_many([b"", b"no image", np.zeros((9, 9), np.uint8)]))
    assert [type(error) for error in found] == [EmptyFileError, UnsupportedFormatError, NoInkError]
    # What could not even be had keeps its place as well.
    lost = BrokenImageError("The file is gone.")
    assert list(recognizer.recognize_many([lost])) == [lost]
    assert list(recognizer.recognize_many([])) == []


def test_pictures_are_taken_as_they_are_needed(recognizer: Recognizer, mnist: Mnist) -> None:
    taken = 0

    def pictures() -> Iterator[Picture]:
        nonlocal taken
        for image in mnist.x_test[:1000]:
            taken += 1
            yield image

    answers = recognizer.recognize_many(pictures())
    assert isinstance(next(answers), Prediction)
    assert taken < 200


def test_threads_may_share_a_recognizer(recognizer: Recognizer) -> None:
    files = [file.read_bytes() for file in SAMPLES] * 10
    with ThreadPoolExecutor(8) as pool:
        read = [prediction.digit for prediction in pool.map(recognizer.recognize, files)]
    assert read == [int(file.stem[0]) for file in SAMPLES] * 10


def test_a_blank_page_gets_no_answer(recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError):
        recognizer.recognize(encode_png(np.full((100, 80, 3), 250, np.uint8)))


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


def test_a_model_of_another_preprocessing_is_loaded_with_a_note(tmp_path: Path) -> None:
    other = Recognizer.load(with_card(tmp_path, preprocessing=PREPROCESSING_VERSION + 1))
    (note,) = other.notes
    assert f"made for version {PREPROCESSING_VERSION + 1} of the preprocessing" in note
    assert f"has version {PREPROCESSING_VERSION}" in note
    assert Recognizer.load(shipped_model()).notes == []


def test_a_card_that_states_no_preprocessing_is_of_the_first(tmp_path: Path) -> None:
    old = {name: value for name, value in OWN_CARD.items() if name != "preprocessing"}
    assert Recognizer.load(repack(tmp_path, {CARD: json.dumps(old).encode()})).card.preprocessing == 1
