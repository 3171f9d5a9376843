"""Photos: a large digit is read on a small copy, and where that is not accepted, the whole photo is."""

import dataclasses

import cv2
import numpy as np
import pytest

from digits.budget import Budget, limited
from digits.errors import (
    ComputeTimeError,
    NoInkError,
    SeveralDigitsError,
)
from digits.images.decode import decode, open_image
from digits.model.acceptance import Thresholds
from digits.model.artifact import read
from digits.recognizer import Prediction, Recognizer, shipped_model
from digits.vision.normalize import glance, normalize
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
    pixels = decode(file)
    seen = glance(pixels)
    assert seen is not None
    assert not np.array_equal(seen.image, normalize(pixels).image)
    (of_many,) = recognizer.recognize_many([file])
    assert isinstance(of_many, Prediction)
    for prediction in (recognizer.recognize(file), recognizer.recognize_pixels(pixels), of_many):
        assert (prediction.digit, prediction.accepted, prediction.view) == (7, True, GLANCE)
        np.testing.assert_array_equal(prediction.normalized.image, seen.image)


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
