"""Photos: a large digit is read on a small copy, and where that is not accepted, the whole photo is."""

import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image

from digits.budget import Budget, limited
from digits.errors import (
    BrokenImageError,
    ComputeTimeError,
    NoInkError,
    SeveralDigitsError,
)
from digits.images.decode import decode, open_image
from digits.model.acceptance import Thresholds
from digits.model.artifact import read
from digits.recognizer import Prediction, Recognizer, shipped_model
from digits.vision.normalize import LARGE_COPY_SIDE, glance, normalize
from digits.vision.views.table import FIRST, GLANCE
from tests.conftest import encode_png
from tests.pictures import side_by_side


def photo_of(height: int, count: int = 1) -> bytes:
    """A JPEG photo of 1440 x 1440 pixels of sevens so high, beside one another."""
    pixels = np.full((1440, 1440, 3), 210, np.uint8)
    for number in range(count):
        left = 200 + round(0.9 * height) * number
        corners = [(left, 300), (left + round(0.6 * height), 300), (left + round(0.2 * height), 300 + height)]
        cv2.polylines(pixels, [np.array(corners)], False, (40, 40, 60), height // 10, cv2.LINE_AA)
    return encode_jpeg(pixels)


def encode_jpeg(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels)[1])


def test_a_photo_of_a_large_digit_is_read_on_a_copy_by_every_door(recognizer: Recognizer) -> None:
    file = photo_of(500)
    pixels, copy = decode(file), open_image(file).decode_copy(LARGE_COPY_SIDE)
    assert copy is not None
    of_pixels, of_copy = glance(pixels), glance(copy, is_reduced=True)
    assert of_pixels is not None
    assert of_copy is not None
    assert not np.array_equal(of_pixels.image, normalize(pixels).image)
    (of_many,) = recognizer.recognize_many([file])
    assert isinstance(of_many, Prediction)
    doors = (recognizer.recognize(file), of_copy), (recognizer.recognize_pixels(pixels), of_pixels), (of_many, of_copy)
    for prediction, seen in doors:
        assert (prediction.digit, prediction.accepted, prediction.view) == (7, True, GLANCE)
        np.testing.assert_array_equal(prediction.normalized.image, seen.image)


@pytest.mark.parametrize("size", [(1080, 1440), (1440, 1920), (3000, 4000), (4000, 5751)])
def test_a_copy_of_a_photo_shows_what_the_photo_shows(size: tuple[int, int]) -> None:
    height, width = size
    pixels = np.full((height, width, 3), 210, np.uint8)
    cv2.circle(pixels, (width // 3, height // 2), height // 4, (60, 40, 40), height // 20, cv2.LINE_AA)
    file = encode_jpeg(pixels)
    with open_image(file) as opened:
        copy, whole = opened.decode_copy(LARGE_COPY_SIDE), opened.decode()
    assert copy is not None
    assert LARGE_COPY_SIDE <= copy.shape[1] < whole.shape[1]
    np.testing.assert_array_equal(whole, decode(file))
    reduced = cv2.resize(whole, copy.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - copy).mean() < 1.0
    of_copy, of_whole = glance(copy, is_reduced=True), glance(whole)
    assert of_copy is not None
    assert of_whole is not None
    assert np.abs(of_copy.image.astype(int) - of_whole.image).mean() < 4.0


def test_a_copy_of_a_photo_is_upright() -> None:
    pixels = np.full((1080, 1440, 3), 210, np.uint8)
    pixels[:540] = (60, 40, 40)
    file, exif = io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(pixels).save(file, "JPEG", exif=exif)
    copy = open_image(file.getvalue()).decode_copy(LARGE_COPY_SIDE)
    assert copy is not None
    assert copy.shape == (360, 270, 3)
    # The upper edge of the file is the right one.
    assert copy[:, 140:].max() < 80
    assert copy[:, :130].min() > 190


@pytest.mark.parametrize(
    ("size", "mode", "kind", "options"),
    [
        ((1440, 1080), "L", "JPEG", {}),
        ((1439, 1080), "RGB", "JPEG", {}),
        ((5752, 400), "RGB", "JPEG", {}),
        ((1440, 1080), "RGB", "JPEG", {"progressive": True}),
        ((1440, 1080), "RGB", "PNG", {}),
        ((1440, 1080), "RGB", "WEBP", {}),
    ],
)
def test_other_pictures_are_decoded_once(size: tuple[int, int], mode: str, kind: str, options: dict[str, bool]) -> None:
    file = io.BytesIO()
    Image.new(mode, size, 200 if mode == "L" else (200, 210, 220)).save(file, kind, **options)
    assert open_image(file.getvalue()).decode_copy(LARGE_COPY_SIDE) is None


def test_a_copy_of_a_damaged_photo_is_none(recognizer: Recognizer) -> None:
    file = photo_of(500)
    assert open_image(file[: len(file) // 2]).decode_copy(LARGE_COPY_SIDE) is None
    with pytest.raises(BrokenImageError):
        recognizer.recognize(file[: len(file) // 2])


def test_a_photo_of_a_small_digit_is_read_whole(recognizer: Recognizer) -> None:
    file = photo_of(120)
    prediction = recognizer.recognize(file)
    assert (prediction.digit, prediction.accepted, prediction.view) == (7, True, FIRST)
    np.testing.assert_array_equal(prediction.normalized.image, normalize(decode(file)).image)


def test_several_digits_in_a_photo_are_refused_however_large_they_are(recognizer: Recognizer) -> None:
    with pytest.raises(SeveralDigitsError):
        recognizer.recognize(photo_of(500, 2))


def test_a_photo_that_is_not_accepted_on_a_copy_is_read_whole(recognizer: Recognizer) -> None:
    artifact = read(shipped_model())
    thresholds = dataclasses.asdict(Thresholds(confidence=1.0, digit=1.0))
    strict = Recognizer(dataclasses.replace(artifact, card=dataclasses.replace(artifact.card, thresholds=thresholds)))
    assert strict.recognize(photo_of(500)).view == FIRST


def test_when_time_runs_out_in_other_views_a_digit_is_kept_and_nothing_is_called_blank(recognizer: Recognizer) -> None:
    seven = encode_png(side_by_side("7_stylus"))
    first = recognizer.recognize(seven)
    times = iter([0.0, *[10.0] * 100])
    with limited(Budget(1.0, clock=lambda: next(times))):
        assert recognizer.look_again(open_image(seven), first) is first
    times = iter([0.0, *[10.0] * 100])
    with limited(Budget(1.0, clock=lambda: next(times))), pytest.raises(ComputeTimeError):
        recognizer.look_again(open_image(seven), NoInkError("blank"))
