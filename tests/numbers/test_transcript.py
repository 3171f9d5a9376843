"""What is lost or invented when a number with signs is read: nothing, without a word."""

import itertools

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.arrays import CLASSES
from digits.data.mnist import Mnist
from digits.errors import PatternError, UnexpectedNumberError
from digits.numbers.acceptance import logistic
from digits.numbers.reader import NumberReader, read_picture
from digits.numbers.reading import ReadDigit, Reading
from digits.numbers.segments.windows import Windows
from digits.numbers.signs.kinds import SIGN_CLASSES, SIGNS, UNKNOWN
from digits.numbers.window_network import WindowNetwork
from digits.recognizer import Recognizer
from digits.synthetic.glyphs import draw_sign
from tests.pictures import handwritten

Picture = npt.NDArray[np.uint8]


TEXTS = ("20.24", "12.3", "52-08", "4+5=9", "(12)", "12:45", "6<7", "3,50", "8÷4", "[7]", "5≠6")
# Signs are drawn anew with each.
SEEDS = range(5)


def written(mnist: Mnist, text: str, seed: int = 2) -> Picture:
    """A line of MNIST test digits with signs between them, of which each has the width of a digit."""
    paper, _ = handwritten(mnist, "".join(c if c.isdecimal() else "0" for c in text))
    rng = np.random.default_rng(seed)
    for column, sign in enumerate(text):
        if sign.isdecimal():
            continue
        left = 20 + 96 * column
        paper[:, left : left + 84] = 255
        if sign != " ":
            glyph = draw_sign(sign, 60.0, 0.1, 7.0, rng)
            high, wide = glyph.ink.shape
            top, start = 52 + glyph.top, left + (84 - wide) // 2
            paper[top : top + high, start : start + wide] -= np.rint(glyph.ink * 255).astype(np.uint8)
    return paper


@pytest.fixture(scope="module")
def readings(recognizer: Recognizer, mnist: Mnist) -> dict[tuple[str, int], Reading]:
    """Each text with the signs of each seed, as it is read."""
    return {(text, seed): read_picture(recognizer, written(mnist, text, seed)) for text in TEXTS for seed in SEEDS}


def read_rightly(
    readings: dict[tuple[str, int], Reading], mnist: Mnist, text: str, at_least: int = len(SEEDS) // 2
) -> list[Picture]:
    """The pictures of a text that are read rightly, which are so many at the least."""
    seeds = [seed for seed in SEEDS if readings[text, seed].transcript.replace(" ", "") == text]
    assert len(seeds) >= at_least, [readings[text, seed].transcript for seed in SEEDS]
    return [written(mnist, text, seed) for seed in seeds]


def test_nearly_all_signs_are_read_and_not_taken_for_digits(readings: dict[tuple[str, int], Reading]) -> None:
    right = [reading.transcript.replace(" ", "") == text for (text, _), reading in readings.items()]
    assert np.mean(right) >= 0.85
    taken = [
        shown.isdecimal()
        for (text, _), reading in readings.items()
        if len(reading.digits) == len(text)
        for shown, character in zip(reading.transcript.replace(" ", ""), text, strict=True)
        if not character.isdecimal()
    ]
    assert len(taken) >= 50
    assert np.mean(taken) <= 0.08


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_digit_says_which_sign_it_is(readings: dict[tuple[str, int], Reading], text: str) -> None:
    for seed in SEEDS:
        reading = readings[text, seed]
        transcript = reading.transcript.replace(" ", "")
        assert reading.text == "".join(c for c in transcript if c.isdecimal())
        for digit, shown in zip(reading.digits, transcript, strict=True):
            assert digit.accepted == shown.isdecimal()
            assert digit.sign == (None if shown.isdecimal() else shown)
            assert (digit.sign_confidence is None) == shown.isdecimal()


def test_blanks_stand_where_the_writer_left_them(recognizer: Recognizer, mnist: Mnist) -> None:
    picture = written(mnist, "12 34")
    # Closer together than the cells of that picture, but for the blank.
    squeezed = np.asarray(cv2.resize(picture, None, fx=0.8, fy=1.0, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    reading = read_picture(recognizer, squeezed)
    assert reading.transcript == "12 34"
    assert reading.text == "1234"


@pytest.mark.parametrize(
    ("pattern", "transcript"), [("####", "1234"), ("#+", "1234"), ("## ##", "12 34"), ("4", "12 34"), ("4-6", "12 34")]
)
def test_a_mask_without_blanks_leaves_none(recognizer: Recognizer, mnist: Mnist, pattern: str, transcript: str) -> None:
    picture = written(mnist, "12 34")
    squeezed = np.asarray(cv2.resize(picture, None, fx=0.8, fy=1.0, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    assert read_picture(recognizer, squeezed, expect=pattern).transcript == transcript


def test_a_speck_above_the_digits_is_no_sign(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, boxes = handwritten(mnist, "2024")
    cv2.circle(paper, (boxes[1][0] + boxes[1][2] + 8, 46), 4, 0, -1)
    assert read_picture(recognizer, paper).transcript.replace(" ", "") == "2024"


def test_each_place_has_at_most_three_digits_the_most_likely_first(recognizer: Recognizer, mnist: Mnist) -> None:
    for digit in read_picture(recognizer, handwritten(mnist, "2024")[0]).digits:
        assert len(digit.alternatives) == 3
        assert digit.alternatives[0].digit == digit.digit
        assert digit.alternatives[0].probability == digit.confidence
        probabilities = [other.probability for other in digit.alternatives]
        assert probabilities == sorted(probabilities, reverse=True)


def test_what_is_written_well_is_accepted_and_surer_than_what_is_not(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, boxes = handwritten(mnist, "2024")
    clear = read_picture(recognizer, paper)
    assert clear.confidence > 0.9
    assert clear.reason is None
    # The last digit loses its upper half.
    left, top, width, height = boxes[-1]
    paper[top : top + height // 2, left : left + width] = 255
    assert read_picture(recognizer, paper).confidence < clear.confidence


def test_a_reading_with_something_unknown_is_not_accepted() -> None:
    digits = (
        ReadDigit(2, 0.9, True, (0, 0, 9, 9), 0),
        ReadDigit(1, 0.3, False, (10, 0, 9, 9), 0, UNKNOWN, 0.9, after_blank=True),
        ReadDigit(4, 0.9, True, (0, 30, 9, 9), 1),
        ReadDigit(1, 0.3, False, (10, 30, 9, 9), 1, SIGNS[0], 0.9),
    )
    reading = Reading(digits, 40, 60, (0.9, 0.3))
    assert reading.transcript == "2 ?\n4."
    assert reading.lines == ("2", "4")
    assert [reading.reason_of(line) for line in (0, 1)] == ["not_a_digit", "low_confidence"]
    assert reading.reason == "not_a_digit"
    assert reading.confidence == pytest.approx(0.27)
    assert not reading.accepted
    assert Reading(digits[:1], 40, 60, (0.9,)).reason is None
    assert Reading(digits[:1], 40, 60, (0.9,)).accepted


@pytest.mark.parametrize(("text", "pattern"), [("20.24", "##.##"), ("52-08", "##-##"), ("2024", "4"), ("2024", "#+")])
def test_what_is_expected_is_read(recognizer: Recognizer, mnist: Mnist, text: str, pattern: str) -> None:
    reading = read_picture(recognizer, written(mnist, text), expect=pattern)
    assert reading.transcript.replace(" ", "") == text


@pytest.mark.parametrize("pattern", ["5", "##/##", "##.##"])
def test_what_does_not_match_is_refused_with_what_was_read(recognizer: Recognizer, mnist: Mnist, pattern: str) -> None:
    with pytest.raises(UnexpectedNumberError, match=r"does not match the pattern .*: '2024' was read"):
        read_picture(recognizer, written(mnist, "2024"), expect=pattern)


def test_hardly_any_digit_is_made_of_a_sign_to_match(
    recognizer: Recognizer, mnist: Mnist, readings: dict[tuple[str, int], Reading]
) -> None:
    patterns = {"12.3": ("####", "#+"), "3,50": ("4",), "20.24": ("#+", "5"), "4+5=9": ("#+=#",), "(12)": ("4",)}
    refused = []
    for text, of_text in patterns.items():
        for picture, pattern in itertools.product(read_rightly(readings, mnist, text), of_text):
            try:
                read_picture(recognizer, picture, expect=pattern)
            except UnexpectedNumberError as error:
                refused.append(f"{text!r} was read" in str(error))
            else:
                refused.append(False)
    assert len(refused) >= 20
    assert np.mean(refused) >= 0.9


def test_a_point_on_the_base_line_is_no_digit_however_much_it_looks_like_one(
    recognizer: Recognizer, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def doubtful(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.clip(logistic(scores), 0.2, None)

    monkeypatch.setattr("digits.numbers.line_reading.logistic", doubtful)
    with pytest.raises(UnexpectedNumberError, match=r"'20\.24' was read"):
        read_picture(recognizer, written(mnist, "20.24"), expect="#####")


@pytest.mark.parametrize("pattern", ["##-##", "##:##", "##/##", "##,##", "####"])
def test_what_is_answered_matches_the_pattern(recognizer: Recognizer, mnist: Mnist, pattern: str) -> None:
    with pytest.raises(UnexpectedNumberError, match=r"'20\.24' was read"):
        read_picture(recognizer, written(mnist, "20.24"), expect=pattern)


def test_a_point_as_a_mark_is_not_dropped_to_match(recognizer: Recognizer, mnist: Mnist) -> None:
    paper, boxes = handwritten(mnist, "2024")
    column = (boxes[1][0] + boxes[1][2] + boxes[2][0]) // 2
    cv2.circle(paper, (column, boxes[1][1] + boxes[1][3]), 4, 0, -1)
    assert read_picture(recognizer, paper).transcript.replace(" ", "") == "20.24"
    assert read_picture(recognizer, paper, expect="##.##").transcript.replace(" ", "") == "20.24"
    for pattern in ("####", "##-##", "##:##"):
        with pytest.raises(UnexpectedNumberError, match="was read"):
            read_picture(recognizer, paper, expect=pattern)


def test_an_unsure_point_is_what_is_expected(
    recognizer: Recognizer, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = WindowNetwork.__call__

    def unsure(self: WindowNetwork, windows: Windows) -> npt.NDArray[np.float64]:
        rows = call(self, windows)
        if self.classes != SIGN_CLASSES:
            return rows
        both = [CLASSES + SIGNS.index(sign) for sign in ".,"]
        rows[:, both] = rows[:, both].sum(1, keepdims=True) * (0.6, 0.4)
        return rows

    monkeypatch.setattr(WindowNetwork, "__call__", unsure)
    for pattern, transcript in (("##.##", "20.24"), ("##,##", "20,24")):
        assert read_picture(recognizer, written(mnist, "20.24"), expect=pattern).transcript == transcript


def test_a_bad_pattern_is_refused_before_anything_is_read(recognizer: Recognizer) -> None:
    with pytest.raises(PatternError, match="such as ##/##/####"):
        read_picture(recognizer, b"", expect="abc")


def test_a_number_reader_holds_to_what_is_expected(recognizer: Recognizer, mnist: Mnist) -> None:
    reader, picture = NumberReader(recognizer), written(mnist, "2024")
    assert reader.read(picture, "####") == reader.read(picture, expect="4")
    with pytest.raises(UnexpectedNumberError, match="'2024' was read"):
        reader.read(picture, expect="5")
    with pytest.raises(PatternError, match="such as ##/##/####"):
        reader.read(picture, expect="abc")


@pytest.mark.parametrize("text", ["20.24", "12.3", "7.5"])
def test_a_point_that_stands_apart_from_its_digits_is_not_dropped(
    recognizer: Recognizer, mnist: Mnist, text: str
) -> None:
    # The line network takes each for a speck.
    readings = [read_picture(recognizer, written(mnist, text, seed)) for seed in range(2, 8)]
    assert [reading.transcript.replace(" ", "") for reading in readings] == [text] * 6
