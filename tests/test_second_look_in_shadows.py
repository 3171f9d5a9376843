"""Digits in shadows, and pictures of few pixels, are read in views that are made for them."""

import cv2
import numpy as np
import pytest

from digits.arrays import Gray, Pixels
from digits.data.mnist import Mnist, split
from digits.errors import SeveralDigitsError
from digits.numbers.reader import NumberReader
from digits.recognizer import Recognizer
from digits.vision.views.blocks import rounded, without_blocks
from digits.vision.views.copy import Copy
from digits.vision.views.forms import Seen, cut_out
from digits.vision.views.shade import darker_than_shade, darkest_tone
from tests.pictures import accepted, large_bad_pictures

# An 8 as a display of 5 x 7 points shows it.
EIGHT = np.array([[0, 1, 1, 1, 0], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [0, 1, 1, 1, 0]] + [[1, 0, 0, 0, 1]] * 2, np.uint8)
EIGHT = np.vstack([EIGHT, EIGHT[:1]])


def written(text: str, side: int = 240) -> Gray:
    """Ink of 0 or 255, on a field as wide as the text."""
    field = np.zeros((side, side * len(text)), np.uint8)
    for i, sign in enumerate(text):
        cv2.putText(field, sign, (side * i + 60, 190), cv2.FONT_HERSHEY_SIMPLEX, 6.0, 255, 14, cv2.LINE_AA)
    return field


def in_the_shadow_of_bars(text: str) -> Pixels:
    """Dark ink on paper, crossed by the shadows of bars, which are wider than strokes and nearly as sharp."""
    ink = written(text)[..., None] / 255.0
    shade = np.zeros((len(ink), 240 * len(text)), np.float32)
    for x in range(20, 240 * len(text), 70):
        cv2.line(shade, (x, -5), (x - 40, 245), 1.0, 22)
    paper = np.array([235.0, 225.0, 205.0]) * (1.0 - 0.45 * cv2.GaussianBlur(shade, (0, 0), 1.5)[..., None])
    return np.rint(paper * (1.0 - ink) + 25.0 * ink).astype(np.uint8)


def test_ink_is_told_from_shadows_as_sharp_as_strokes() -> None:
    copy = Copy(in_the_shadow_of_bars("3"), 240)
    ink = written("3") > 200
    for view in (darker_than_shade, darkest_tone):
        strength = view(copy)
        assert strength is not None
        assert strength[ink].mean() > 200
        assert strength[~cv2.dilate(ink.astype(np.uint8), np.ones((9, 9))).astype(bool)].mean() < 3


def test_a_page_of_one_tone_has_no_ink_in_the_shade() -> None:
    blank = Copy(np.full((60, 60), 200, np.uint8))
    assert darker_than_shade(blank) is None
    assert darkest_tone(blank) is None


@pytest.mark.parametrize("digit", [2, 3, 5])
def test_a_digit_among_the_shadows_of_bars_is_read(recognizer: Recognizer, digit: int) -> None:
    answer = recognizer.recognize_pixels(in_the_shadow_of_bars(str(digit)))
    assert (answer.digit, answer.accepted) == (digit, True)


NUMBERS = ["35", "26", "923", "14", "70", "48", "52", "62", "15", "608", "305", "297"]


@pytest.mark.parametrize("text", NUMBERS)
def test_several_digits_in_shadows_are_counted(recognizer: Recognizer, text: str) -> None:
    with pytest.raises(SeveralDigitsError, match=f"^{len(text)} digits"):
        recognizer.recognize_pixels(in_the_shadow_of_bars(text))


def test_numbers_in_shadows_are_read(recognizer: Recognizer) -> None:
    reader = NumberReader(recognizer)
    readings = [reader.read(in_the_shadow_of_bars(text)) for text in NUMBERS]
    taken = [(reading.text, text) for reading, text in zip(readings, NUMBERS, strict=True) if reading.accepted]
    assert len(taken) >= 10
    assert all(read == text for read, text in taken)


def test_digits_in_patterned_shadows_are_read(recognizer: Recognizer, mnist: Mnist) -> None:
    pictures, digits = large_bad_pictures("in a patterned shadow", split(mnist), 120)
    first_right, _ = accepted(recognizer, pictures, digits, first_view_only=True)
    right, wrong = accepted(recognizer, pictures, digits)
    assert wrong <= 0.03 * len(pictures)
    assert right > 1.3 * first_right


@pytest.mark.parametrize("times", [1, 3, 17])
def test_pixels_that_were_enlarged_to_blocks_are_told(times: int) -> None:
    small = np.pad(EIGHT, 1) * np.uint8(180)
    large = np.kron(small, np.ones((times, times), np.uint8))
    assert np.array_equal(without_blocks(large), small)
    # However little of a block the border shows, on whichever side.
    for few in range(times):
        assert np.array_equal(without_blocks(large[times - 1 - few :, few:]), small)
        assert np.array_equal(without_blocks(large[: len(large) - few, : large.shape[1] + 1 + few - times]), small)
    strokes = rounded(Copy(np.pad(large, times)))
    assert strokes is not None
    assert {0, 255} < set(np.unique(strokes).tolist())


def test_a_picture_without_blocks_stays_as_it_is() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (90, 80, 3), dtype=np.uint8)
    assert without_blocks(noise) is noise
    assert rounded(Copy(noise)) is None


@pytest.mark.parametrize("times", [3, 16])
def test_a_digit_of_a_display_looks_written_when_it_is_rounded(recognizer: Recognizer, times: int) -> None:
    picture = 230 - np.kron(np.pad(EIGHT, 2), np.ones((times, times), np.uint8)) * np.uint8(200)
    strokes = rounded(Copy(picture))
    assert strokes is not None
    image = cut_out(Seen(strokes))
    assert image is not None
    assert recognizer.classify(image[np.newaxis])[0].argmax() == 8
    assert recognizer.recognize_pixels(picture).digit == 8
