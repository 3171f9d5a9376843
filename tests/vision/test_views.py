"""Views: what they make of a picture, and how their votes are weighed."""

import contextlib
import dataclasses
import itertools
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from digits.arrays import Gray, Pixels
from digits.errors import NoInkError, SeveralDigitsError
from digits.model.artifact import read
from digits.model.card import Card
from digits.recognizer import Recognizer, shipped_model
from digits.vision.views import FIRST, VIEWS, Tally, View, prepare_copy


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer.load(shipped_model())


@pytest.fixture(scope="module")
def first_view() -> Recognizer:
    return Recognizer(read(shipped_model()), looks_again=False)


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


SPOILT: list[Callable[[], Pixels]] = [shaded, framed, faint, on_a_table, among_colored_lines]


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
        assert answer.view in {view.name for view in VIEWS}
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


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_no_view_alone_is_enough(view: View) -> None:
    tally = Tally()
    tally.add(view, 3)
    assert tally.digit is None


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(VIEWS, 2)))
def test_two_views_that_disagree_are_not_enough(one: View, other: View) -> None:
    tally = Tally()
    tally.add(one, 3)
    tally.add(other, 5)
    assert tally.digit is None


def test_what_is_enough_alone_is_too_little_for_a_digit_that_the_first_view_does_not_lean_to() -> None:
    by_number = {leaning: Tally(leaning) for leaning in (3, 5)}
    for tally in by_number.values():
        for view in VIEWS[:3:2]:
            tally.add(view, 3)
    assert (by_number[3].digit, by_number[5].digit) == (3, None)


def test_views_that_agree_are_enough() -> None:
    tally = Tally()
    for view in VIEWS:
        tally.add(view, 3)
    assert tally.digit == 3


def test_views_have_names_of_their_own() -> None:
    assert len({FIRST, *(view.name for view in VIEWS)}) == len(VIEWS) + 1


sides = st.integers(8, 60)


@settings(max_examples=60, deadline=None)
@given(nps.arrays(np.uint8, st.tuples(sides, sides) | st.tuples(sides, sides, st.just(3)), fill=st.integers(0, 255)))
def test_a_view_of_any_picture_is_a_picture_or_nothing(pixels: Pixels) -> None:
    before, copy = pixels.copy(), prepare_copy(pixels)
    for view in VIEWS:
        prepared = view.prepare(copy)
        if prepared is not None:
            assert prepared.dtype == np.uint8
            assert min(prepared.shape[:2]) >= 3
            assert prepared.ndim in {2, 3}
    assert np.array_equal(pixels, before)
