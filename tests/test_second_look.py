"""Pictures that the first view does not show well are seen in others, and so is nothing else."""

import contextlib
import dataclasses
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.arrays import Gray, Images, Pixels
from digits.data.mnist import Mnist, split
from digits.errors import NoInkError, SeveralDigitsError
from digits.model.acceptance import Thresholds
from digits.model.artifact import read
from digits.model.card import Card
from digits.recognizer import Prediction, Recognizer, shipped_model
from digits.second_look import copy_of, look_again
from digits.vision.normalize import Normalized
from digits.vision.views.table import FIRST, LARGE_VIEWS, MNIST_VIEWS, SMALL_VIEWS, views_of
from tests.pictures import accepted, large_bad_pictures


def three(side: int, pen: float = 0.08) -> Gray:
    """A 3, white on black."""
    field, scale = np.zeros((8 * side, 8 * side), np.uint8), 8 * side
    for middle in (0.35, 0.63):
        center, axes = (round(0.48 * scale), round(middle * scale)), (round(0.16 * scale), round(0.14 * scale))
        cv2.ellipse(field, center, axes, 0, -150, 120 if middle < 0.5 else 150, 255, round(pen * scale))
    return np.asarray(cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def shaded() -> Pixels:
    ramp = np.linspace(0, 120, 28)[None, :]
    return np.clip(three(28) * 0.7 + ramp, 0, 255).astype(np.uint8)


def framed() -> Pixels:
    picture = three(28)
    picture[[0, -1]] = picture[:, [0, -1]] = 255
    return picture


def faint() -> Pixels:
    return (250 - three(160) * (8 / 255)).astype(np.uint8)


def on_a_table() -> Pixels:
    paper = np.linspace(110, 215, 160)[None, :] * (1 - three(160) / 255.0) + 40 * (three(160) / 255.0)
    return np.pad(np.rint(paper).astype(np.uint8), 14, constant_values=20)


def among_colored_lines() -> Pixels:
    picture = np.full((160, 160, 3), (250, 205, 20), np.uint8)
    for y in range(4, 160, 22):
        cv2.line(picture, (0, y), (159, y + 9), (240, 90, 40), 5, cv2.LINE_AA)
    picture[three(160) > 100] = (20, 20, 90)
    return picture


def striped() -> Pixels:
    picture = three(28)
    picture[:, :7] = 255 - picture[:, :7]
    picture[:, 21:] = 255 - picture[:, 21:]
    return picture


def ruled() -> Pixels:
    picture = three(28)
    picture[3::8] = np.maximum(picture[3::8], 150)
    return picture


def cropped() -> Pixels:
    """A thick digit whose ground is the smaller part of the picture."""
    x, y, width, height = cv2.boundingRect(three(28, 0.16))
    return 255 - three(28, 0.16)[y : y + height, x : x + width]


def foggy() -> Pixels:
    fog = cv2.resize(np.array([[0, 140, 30], [150, 20, 120], [10, 130, 60]], np.uint8), (28, 28))
    return np.clip(three(28) * 0.5 + 0.6 * fog, 0, 255).astype(np.uint8)


def edge_of_something() -> Pixels:
    """No digit: a wedge, in a corner."""
    return (np.tri(28, 28, -9, dtype=np.uint8) * 200).astype(np.uint8)


def small_on_a_page() -> Pixels:
    page = np.full((1500, 1100), 235, np.uint8)
    page[40::80] = 170
    there = page[700:800, 500:600]
    there[:] = np.where(three(100) > 100, 40, there)
    return page


def with_bars() -> Pixels:
    picture = np.where(three(200) > 100, 45, 235)
    picture[:, ::50] //= 2
    return picture.astype(np.uint8)


SPOILT: list[Callable[[], Pixels]] = [
    shaded,
    framed,
    faint,
    on_a_table,
    among_colored_lines,
    striped,
    ruled,
    cropped,
    foggy,
]


@pytest.mark.parametrize("make", SPOILT)
def test_a_digit_that_the_first_view_does_not_show_is_read_in_another(
    recognizer: Recognizer, first_view: Recognizer, make: Callable[[], Pixels]
) -> None:
    with_first = None
    with contextlib.suppress(NoInkError):
        with_first = first_view.recognize_pixels(make())
    answer = recognizer.recognize_pixels(make())
    assert (answer.digit, answer.accepted) == (3, True)
    if with_first is None or not with_first.accepted:
        assert answer.view in {view.name for view in (*SMALL_VIEWS, *LARGE_VIEWS)}
        assert answer.normalized.stages[0].name == answer.view.capitalize()


def test_a_plain_digit_is_read_in_the_first_view(recognizer: Recognizer) -> None:
    assert recognizer.recognize_pixels(255 - three(120)).view == FIRST


def test_an_uncalibrated_model_does_not_accept_a_digit_in_another_view_either() -> None:
    foreign = Recognizer(dataclasses.replace(read(shipped_model()), card=Card()))
    assert not foreign.card.is_calibrated
    assert not foreign.recognize_pixels(shaded()).accepted


def test_at_least_some_of_the_spoilt_pictures_need_another_view(recognizer: Recognizer) -> None:
    assert sum(recognizer.recognize_pixels(make()).view != FIRST for make in SPOILT) >= 2


def test_a_blank_picture_and_several_digits_stay_what_they_are(recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError):
        recognizer.recognize_pixels(np.full((120, 120), 240, np.uint8))
    with pytest.raises(SeveralDigitsError):
        recognizer.recognize_pixels(255 - np.concatenate([three(120), three(120)], axis=1))


def test_what_is_no_digit_is_accepted_in_no_view(recognizer: Recognizer) -> None:
    assert not recognizer.recognize_pixels(edge_of_something()).accepted


def test_a_digit_that_is_not_accepted_has_the_probabilities_of_all_views(recognizer: Recognizer) -> None:
    def classify(images: Images) -> npt.NDArray[np.float64]:
        return np.tile(np.where(np.arange(10) == 5, 0.55, 0.05), (len(images), 1))

    first = np.where(np.arange(10) == 3, 0.55, 0.05)
    answer = look_again(foggy(), first, classify, recognizer.thresholds)
    assert answer is not None
    assert answer.digit == answer.probabilities.argmax() == 5
    assert answer.probabilities.sum() == pytest.approx(1.0)
    assert answer.reason is not None


def certain(digit: int, probability: float) -> npt.NDArray[np.float64]:
    return np.where(np.arange(10) == digit, probability, (1.0 - probability) / 9.0)


@pytest.mark.parametrize("in_others", [3, 5])
def test_a_doubtful_answer_stays_if_other_views_bear_it_out(recognizer: Recognizer, in_others: int) -> None:
    def classify(images: Images) -> npt.NDArray[np.float64]:
        return np.tile(certain(in_others, 0.999), (len(images), 1))

    answer = look_again(foggy(), certain(3, 0.95), classify, recognizer.thresholds)
    if in_others == 3:
        assert answer is None
    else:
        assert answer is not None
        assert (answer.digit, answer.reason) == (5, None)


@pytest.mark.parametrize(
    ("make", "among_several"), [(foggy, False), (small_on_a_page, False), (with_bars, False), (with_bars, True)]
)
def test_no_view_accepts_what_the_thresholds_of_the_model_do_not(
    recognizer: Recognizer, make: Callable[[], Pixels], *, among_several: bool
) -> None:
    def classify(images: Images) -> npt.NDArray[np.float64]:
        return np.tile(certain(5, 0.98), (len(images), 1))

    def accepts(thresholds: Thresholds) -> bool:
        answer = look_again(make(), None, classify, thresholds, among_several=among_several)
        return answer is not None and answer.reason is None

    assert accepts(recognizer.thresholds)
    assert not accepts(Thresholds(confidence=0.99, digit=0.99))


def test_a_doubtful_answer_that_no_other_view_bears_out_is_refused(recognizer: Recognizer) -> None:
    def classify(images: Images) -> npt.NDArray[np.float64]:
        return np.full((len(images), 10), 0.1)

    answer = look_again(foggy(), certain(3, 0.9), classify, recognizer.thresholds)
    assert answer is not None
    assert (answer.digit, answer.look) == (3, None)
    assert answer.reason is not None


def test_digits_that_the_edge_of_a_hard_shadow_crosses_are_read(recognizer: Recognizer, mnist: Mnist) -> None:
    pictures, digits = large_bad_pictures("in a hard shadow", split(mnist), 160)
    first_right, _ = accepted(recognizer, pictures, digits, first_view_only=True)
    right, wrong = accepted(recognizer, pictures, digits)
    assert right > 1.3 * first_right
    assert right > 0.55 * len(pictures)
    assert wrong <= 0.03 * len(pictures)


def test_only_a_doubtful_answer_is_looked_at_again(recognizer: Recognizer) -> None:
    blank = Normalized(np.zeros((28, 28), np.uint8), lambda: ())
    for confidence, doubted in ((0.999, False), (0.95, True)):
        assert recognizer.may_look_again(Prediction(3, confidence, certain(3, confidence), None, blank)) is doubted
    assert recognizer.may_look_again(Prediction(3, 0.999, certain(3, 0.999), "not_a_digit", blank))


def test_an_image_in_the_form_of_mnist_is_only_filled_in(recognizer: Recognizer) -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:17] = 255
    copy = copy_of(image)
    assert copy is not None
    assert views_of(copy) == MNIST_VIEWS
    # And only if it is not accepted.
    assert look_again(image, certain(0, 0.95), recognizer.classify, recognizer.thresholds) is None
    image[0] = 40
    copy = copy_of(image)
    assert copy is not None
    assert views_of(copy) is SMALL_VIEWS


def outlined(image: Gray, side: int, pen: int) -> Gray:
    """The outlines of a digit's strokes, black on white."""
    enlarged = cv2.resize(np.pad(image, 2), (640, 640), interpolation=cv2.INTER_CUBIC)
    form = (cv2.GaussianBlur(enlarged, (0, 0), 8.0) > 90).astype(np.uint8)
    borders, _ = cv2.findContours(form, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    drawn = cv2.drawContours(np.full((640, 640), 255, np.uint8), borders, -1, 0, pen)
    return np.asarray(cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.mark.parametrize(("side", "pen"), [(28, 20), (40, 16), (150, 12), (400, 8)])
def test_digits_drawn_as_outlines_are_read(mnist: Mnist, recognizer: Recognizer, side: int, pen: int) -> None:
    parts = split(mnist)
    pictures = [outlined(image, side, pen) for image in parts.x_validation[:60]]
    right, wrong = accepted(recognizer, pictures, parts.y_validation[:60].tolist())
    # Without the view that fills outlines in, 23 to 30 of 60 are accepted.
    assert right >= 40
    assert wrong <= 3


def test_a_0_that_is_filled_in_to_a_disc_is_accepted_as_nothing_else(mnist: Mnist, recognizer: Recognizer) -> None:
    parts = split(mnist)
    zeros, (view,) = parts.x_validation[parts.y_validation == 0][:100], MNIST_VIEWS
    pictures = [255 - cv2.resize(image, (112, 112), interpolation=cv2.INTER_CUBIC) for image in zeros]
    copies = [copy for picture in pictures if (copy := copy_of(picture)) is not None]
    discs = [
        shown.image for copy in copies if (shown := view.show(copy)) is not None and shown.image[12:16, 12:16].all()
    ]
    assert len(discs) > 0.8 * len(zeros)
    # As where the first view shows nothing: all depends on the others.
    answers = [look_again(picture, None, recognizer.classify, recognizer.thresholds) for picture in (*pictures, *zeros)]
    taken = [answer.digit for answer in answers if answer is not None and answer.reason is None]
    assert set(taken) == {0}
    assert len(taken) > 0.9 * len(pictures)


def test_a_thick_digit_is_read_under_a_thin_scribble(mnist: Mnist, recognizer: Recognizer) -> None:
    parts, rng = split(mnist), np.random.default_rng(4)
    pictures = []
    for image in parts.x_validation[:80]:
        heights = rng.integers(6, 22) + 3 * np.where(np.arange(8) % 2, 1, -1)
        points = np.stack([np.linspace(0, 27, 8), heights], axis=1)
        line = [np.rint(points).astype(np.int32)]
        pictures.append(np.asarray(cv2.polylines(image.copy(), line, False, 255, 1, cv2.LINE_AA), dtype=np.uint8))
    right, wrong = accepted(recognizer, pictures, parts.y_validation[:80].tolist())
    # Without the view of thick strokes, 22 are accepted.
    assert right + wrong >= 26
    assert wrong <= 2


@pytest.mark.parametrize("shape", [(7, 40), (40, 7), (3000, 60)])
def test_a_picture_too_narrow_for_views_has_none(recognizer: Recognizer, shape: tuple[int, int]) -> None:
    picture = np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape) % 251
    pixels = picture.astype(np.uint8)
    assert copy_of(pixels) is None
    assert look_again(pixels, None, recognizer.classify, recognizer.thresholds) is None


def test_looking_again_runs_the_network_at_most_twice(recognizer: Recognizer) -> None:
    sizes: list[int] = []

    def classify(images: Images) -> npt.NDArray[np.float64]:
        sizes.append(len(images))
        return np.full((len(images), 10), 0.1)

    assert look_again(foggy(), None, classify, recognizer.thresholds) is None
    assert len(sizes) == 2
    assert sum(sizes) <= len(SMALL_VIEWS)
