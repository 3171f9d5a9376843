"""A page whose first view shows no digit is read in another; one without any is read in none."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

from digits.answers import ReadResponse
from digits.arrays import Gray, Pixels
from digits.budget import Budget, limited
from digits.data.mnist import Mnist
from digits.errors import ComputeTimeError, ImageError, NoDigitError, NoInkError
from digits.model.artifact import read
from digits.numbers.document import read_document
from digits.numbers.reader import read_picture
from digits.numbers.reading import ReadDigit, Reading, of_two_views
from digits.recognizer import Recognizer, shipped_model
from digits.vision.views.pages import PAGE_VIEWS, PEN_VIEWS, copy_of_page
from digits.vision.views.table import FIRST
from tests.conftest import encode_png
from tests.pictures import handwritten

WRITTEN = "2024\n715"


def faint(paper: Gray) -> Pixels:
    """Ink of 8 levels."""
    return (240.0 - (255.0 - paper) * (8.0 / 255.0)).astype(np.uint8)


def as_light_as_its_paper(paper: Gray) -> Pixels:
    """Red ink on green paper, both of the same light."""
    ink = (255.0 - paper[..., None]) / 255.0
    return (np.array([70.0, 140.0, 70.0]) * (1.0 - ink) + np.array([170.0, 80.0, 70.0]) * ink).astype(np.uint8)


def grainy(paper: Gray) -> Pixels:
    noise = np.random.default_rng(11).normal(0.0, 32.0, paper.shape)
    return np.clip(paper * 0.4 + 80.0 + noise, 0.0, 255.0).astype(np.uint8)


def scribbled_over(paper: Gray) -> Pixels:
    """An orange zigzag from end to end."""
    height, width = paper.shape
    picture = np.repeat(paper[..., None], 3, axis=2)
    x = np.linspace(0, width, 14)
    points = np.rint(np.stack([x, np.where(np.arange(14) % 2, 0.1, 0.9) * height], axis=1)).astype(np.int32)
    scribble = cv2.polylines(np.full_like(picture, 255), [points], False, (255, 140, 60), 7, cv2.LINE_AA)
    return np.minimum(picture, np.asarray(scribble, dtype=np.uint8))


def scribbled_over_on_a_board(paper: Gray) -> Pixels:
    """Chalk on black, with a blue zigzag from end to end."""
    return 255 - scribbled_over(paper)


SPOILT: list[Callable[[Gray], Pixels]] = [faint, grainy, scribbled_over_on_a_board]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_page_that_the_first_view_does_not_show_is_read_in_another(
    recognizer: Recognizer, first_view: Recognizer, mnist: Mnist, spoil: Callable[[Gray], Pixels]
) -> None:
    paper, boxes = handwritten(mnist, *WRITTEN.split("\n"))
    page = spoil(paper)
    with pytest.raises(NoInkError):
        read_picture(first_view, page)
    reading = read_picture(recognizer, page)
    assert (reading.text, reading.reason) == (WRITTEN, None)
    assert reading.view in {view.name for view in PAGE_VIEWS}
    for digit, box in zip(reading.digits, boxes, strict=True):
        assert np.allclose(digit.box, box, atol=14)


@pytest.mark.parametrize("spoil", [as_light_as_its_paper, scribbled_over])
def test_ink_of_a_color_of_its_own_is_read_at_once(
    first_view: Recognizer, mnist: Mnist, spoil: Callable[[Gray], Pixels]
) -> None:
    page = spoil(handwritten(mnist, *WRITTEN.split("\n"))[0])
    assert read_picture(first_view, page).text == WRITTEN


def test_the_answer_says_which_view_was_taken(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, _ = handwritten(mnist, *WRITTEN.split("\n"))
    plain, second = (read_document(recognizer, encode_png(page)) for page in (paper, faint(paper)))
    assert ReadResponse.timed(plain, 1.0).view == FIRST
    assert ReadResponse.timed(second, 1.0).view == "stretched contrast"


def test_another_view_keeps_to_the_expected_pattern(recognizer: Recognizer, mnist: Mnist) -> None:
    page = faint(handwritten(mnist, *WRITTEN.split("\n"))[0])
    assert read_picture(recognizer, page, expect="3-4").text == WRITTEN
    with pytest.raises(NoInkError):
        read_picture(recognizer, page, expect="#####")


@pytest.mark.parametrize("grain", [0.0, 3.0, 12.0, 40.0])
def test_an_empty_page_shows_no_number_in_any_view(recognizer: Recognizer, grain: float) -> None:
    light = np.add.outer(np.linspace(0.0, 25.0, 500), np.linspace(0.0, 25.0, 700))
    page = 190.0 + light + np.random.default_rng(5).normal(0.0, grain, light.shape)
    with pytest.raises(NoInkError):
        read_picture(recognizer, np.clip(page, 0.0, 255.0).astype(np.uint8))


def test_a_drawing_of_no_number_is_refused(recognizer: Recognizer) -> None:
    page = np.full((300, 400), 230, np.uint8)
    for radius in range(20, 140, 24):
        cv2.ellipse(page, (200, 150), (radius, radius // 2), radius, 0, 300, 60, 5, cv2.LINE_AA)
    with pytest.raises(ImageError):
        read_picture(recognizer, page)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (9, 700), (700, 9, 3)])
def test_a_view_of_a_page_has_its_size(shape: tuple[int, ...]) -> None:
    page = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    copy = copy_of_page(page)
    assert copy is not None
    for view in PAGE_VIEWS:
        seen = view.show(copy)
        assert seen is None or (seen.shape == shape[:2] and seen.dtype == np.uint8)


def test_a_page_of_one_color_has_no_other_views() -> None:
    assert copy_of_page(np.full((50, 80, 3), 90, np.uint8)) is None


def photographed(paper: Gray, table_noise: float) -> Pixels:
    """Yellow paper on a table, under the shadow of a hand."""
    height, width = paper.shape
    margin = height // 4
    rng = np.random.default_rng(5)
    table = np.clip(rng.normal(70.0, table_noise, (height + 2 * margin, width + 2 * margin, 3)), 0.0, 255.0)
    light = (paper[..., None] / 255.0).astype(np.float64)
    table[margin:-margin, margin:-margin] = 40.0 * (1.0 - light) + np.array([225.0, 220.0, 150.0]) * light
    shade = np.zeros(table.shape[:2], np.float32)
    palm = width // 2, height + 2 * margin
    for finger in (-0.25, -0.05, 0.15, 0.35):
        tip = round(width * (0.5 + finger)), round(0.45 * height)
        cv2.line(shade, palm, tip, 1.0, max(3, width // 14))
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), 5.0))
    return np.clip(table * (1.0 - 0.55 * shade[..., None]), 0.0, 255.0).astype(np.uint8)


@pytest.mark.parametrize("table_noise", [2.0, 30.0], ids=["smooth table", "rough table"])
def test_a_page_in_the_shadow_of_a_hand_is_read_by_its_pen_strokes(
    recognizer: Recognizer, first_view: Recognizer, mnist: Mnist, table_noise: float
) -> None:
    paper, _ = handwritten(mnist, *WRITTEN.split("\n"))
    page = photographed(paper, table_noise)
    with contextlib.suppress(ImageError):
        assert read_picture(first_view, page).text != WRITTEN
    reading = read_picture(recognizer, page)
    assert (reading.text, reading.reason) == (WRITTEN, None)
    assert reading.view in {view.name for view in PEN_VIEWS}


def test_a_second_look_that_shows_less_of_a_page_is_not_taken(recognizer: Recognizer, mnist: Mnist) -> None:
    # The pen views show narrow strokes alone: of these two lines, only the small one.
    paper, _ = handwritten(mnist, *WRITTEN.split("\n"))
    thick = np.asarray(cv2.erode(cv2.resize(paper, None, fx=3, fy=3), np.ones((13, 13), np.uint8)), dtype=np.uint8)
    small = np.full((paper.shape[0], thick.shape[1]), 255, np.uint8)
    small[:, : paper.shape[1]] = paper
    first = Recognizer(read(shipped_model()), looks_again=False)
    page = np.concatenate([thick, small])
    assert len(read_picture(recognizer, page).text) >= len(read_picture(first, page).text)


def test_a_page_for_whose_views_there_is_no_time_is_not_called_blank(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, _ = handwritten(mnist, *WRITTEN.split("\n"))
    page, seen = faint(paper), list[None]()

    def clock() -> float:
        # Time runs out when the first view has been seen.
        seen.append(None)
        return 0.0 if len(seen) <= 2 else 10.0

    with limited(Budget(1.0, clock=clock)), pytest.raises(ComputeTimeError):
        read_picture(recognizer, page)


def test_a_doubtful_page_for_whose_views_there_is_no_time_is_answered_by_the_first(
    recognizer: Recognizer, first_view: Recognizer, mnist: Mnist
) -> None:
    # Strokes so thick that they fill the gaps of a 5.
    page = np.asarray(cv2.erode(handwritten(mnist, *WRITTEN.split("\n"))[0], np.ones((15, 15), np.uint8)), np.uint8)
    asked, enough = 0, 10**9

    def clock() -> float:
        nonlocal asked
        asked += 1
        return 0.0 if asked <= enough else 10.0

    with limited(Budget(1.0, clock=clock)):
        first = read_picture(first_view, page)
    assert 0.0 < first.line_quality < 0.8
    # Time runs out where the first view has been seen.
    asked, enough = 0, asked
    with limited(Budget(1.0, clock=clock)):
        assert read_picture(recognizer, page) == first
    assert asked > enough


def test_lines_that_hold_nothing_do_not_make_a_page_surer() -> None:
    unsure = ReadDigit(7, 0.4, False, (0, 0, 9, 9), line=2)
    page = Reading((unsure,), 100, 100, (1.0, 1.0, 0.3))
    assert page.line_quality == 0.0
    sure = replace(unsure, confidence=0.99, accepted=True)
    assert Reading((sure,), 100, 100, (1.0, 1.0, 0.9)).line_quality == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("texts", "confidences", "expected", "is_accepted"),
    [
        (["30720", "30720"], [0.6, 0.6], "30720", True),
        (["30720", "30120"], [0.6, 0.4], "30720", False),
        (["30720", "30720"], [0.74, 0.31], "30720", False),
        (["30720"], [0.74], "30720", False),
        (["307"], [0.35], "307", False),
        # What is no number may look like this.
        (["30720"], [0.2], None, False),
        (["111", "11111"], [0.7, 0.7], None, False),
        (["1", "30", "31"], [0.73, 0.7, 0.7], None, False),
    ],
)
def test_what_no_view_is_sure_of_is_a_doubtful_number_if_it_has_several_digits(
    recognizer: Recognizer,
    monkeypatch: pytest.MonkeyPatch,
    texts: list[str],
    confidences: list[float],
    expected: str | None,
    is_accepted: bool,
) -> None:
    def unsure(text: str, confidence: float) -> Reading:
        digits = [ReadDigit(int(digit), 0.9, True, (20 * i, 0, 20, 30), 0) for i, digit in enumerate(text)]
        return Reading(tuple(digits), 400, 200, (confidence,))

    none = NoDigitError("none")
    others = [unsure(text, confidence) for text, confidence in zip(texts, confidences, strict=True)]
    shown: Iterator[Reading | NoDigitError] = iter([none, *others, *[none] * len(PAGE_VIEWS)])

    def read_view(*_: object) -> Reading:
        seen = next(shown)
        if isinstance(seen, NoDigitError):
            raise seen
        return seen

    monkeypatch.setattr("digits.numbers.reader._read_view", read_view)
    page = np.random.default_rng(3).integers(0, 255, (200, 400, 3)).astype(np.uint8)
    if expected is None:
        with pytest.raises(NoDigitError):
            read_picture(recognizer, page)
    else:
        reading = read_picture(recognizer, page)
        assert (reading.text, reading.accepted) == (expected, is_accepted)


@pytest.mark.parametrize(
    ("first", "second", "expected", "confidence"),
    [
        ("5234", "52 4", "5234", 0.1),
        ("5234", "5234", "5234", 0.9),
        # A line of the paper was taken for a 1.
        ("5214", "52 4", "524", 0.9),
    ],
)
def test_a_surer_view_may_lack_a_1_and_makes_the_first_one_unsurer_if_it_lacks_another_digit(
    recognizer: Recognizer,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    second: str,
    expected: str,
    confidence: float,
) -> None:
    def reading_of(text: str, sure: float) -> Reading:
        places = [(int(digit), i) for i, digit in enumerate(text) if digit != " "]
        digits = tuple(ReadDigit(digit, 0.9, True, (20 * i, 0, 20, 30), 0) for digit, i in places)
        return Reading(digits, 400, 200, (sure,))

    shown = iter([reading_of(first, 0.6), *[reading_of(second, 0.9)] * len(PAGE_VIEWS)])
    monkeypatch.setattr("digits.numbers.reader._read_view", lambda *_: next(shown))
    page = np.random.default_rng(3).integers(0, 255, (200, 400, 3)).astype(np.uint8)
    read = read_picture(recognizer, page)
    assert read.text == expected
    assert read.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("first", "sure", "second", "expected"),
    [
        ("22.08.2010", 0.78, "22082010", "22.08.2010"),
        ("25-7", 0.79, "257", "25-7"),
        # What was taken for a sign is a digit.
        ("5+", 0.59, "57", "57"),
        # Nobody may act on the first: what it shows besides may be dirt.
        ("22.08.2010", 0.45, "22082010", "22082010"),
        ("22-8?", 0.7, "22-8", "22-8"),
        # As many signs, or more.
        ("6;55", 0.55, "6:55", "6:55"),
        ("218-94", 0.56, "2-18-94", "2-18-94"),
    ],
)
def test_a_surer_view_that_lacks_a_sign_is_not_taken_for_one_that_may_be_acted_on(
    first: str, sure: float, second: str, expected: str
) -> None:
    def reading_of(text: str, sure: float) -> Reading:
        digits = [
            ReadDigit(int(one), 0.9, True, (20 * i, 0, 20, 30), 0)
            if one.isdecimal()
            else ReadDigit(0, 0.9, False, (20 * i, 0, 20, 30), 0, one, 0.9)
            for i, one in enumerate(text)
        ]
        return Reading(tuple(digits), 400, 200, (sure,))

    chosen = of_two_views(reading_of(first, sure), reading_of(second, 0.95), 0.8)
    assert chosen.transcript == expected


def test_a_stroke_of_a_digit_on_a_line_of_its_own_tears_a_page() -> None:
    def page(*boxes: tuple[int, int, int, int, int]) -> Reading:
        digits = tuple(ReadDigit(1, 0.9, True, (x, y, wide, high), line) for x, y, wide, high, line in boxes)
        return Reading(digits, 400, 200, (0.9, 0.9))

    # The upper half of the first digit, before the rest; and two lines, the comma of one reaching into the other.
    assert page((0, 0, 30, 30, 0), (0, 35, 30, 25, 1), (35, 0, 30, 60, 1)).is_torn
    assert not page((0, 0, 30, 60, 0), (35, 0, 30, 60, 0), (0, 70, 30, 60, 1), (35, 75, 30, 60, 1)).is_torn
    assert not page((0, 0, 30, 60, 0), (32, 55, 5, 18, 0), (0, 62, 30, 60, 1), (35, 62, 30, 60, 1)).is_torn
