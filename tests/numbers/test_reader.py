"""Whole numbers, read by the networks that ship with Digits."""

import contextlib
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.hostile.crowded_pages import CROWDED
from digits.data.mnist import Mnist
from digits.errors import CrowdedImageError, ImageError, NoDigitError, NoInkError
from digits.numbers.decoding import decode
from digits.numbers.decoding_file import shipped_decoding
from digits.numbers.reader import read_picture
from digits.numbers.reading import ReadDigit, Reading
from digits.numbers.segmentation import find_writing, take_apart, without_unlikely
from digits.numbers.window_network import Shipped, shipped_network
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import KINDS, write_numbers
from digits.synthetic.strokes import DIGITS, draw_curve
from digits.vision.foreground import find_foreground
from tests.conftest import encode_png
from tests.pictures import handwritten, side_by_side

Picture = npt.NDArray[np.uint8]
PEN = 9


def sheet(width: int = 460, height: int = 200) -> Picture:
    return np.full((height, width), 240, np.uint8)


def write(picture: Picture, left: int, top: int, *strokes: list[tuple[float, float]], size: int = 80) -> None:
    """Strokes on a field of 1 x 1 whose corner is given."""
    ink = np.zeros_like(picture)
    for stroke in strokes:
        draw_curve(ink, np.array(stroke) * size + (left, top), PEN)
    np.copyto(picture, 30, where=ink > 0)


RING = [(0.5, 0.0), (0.2, 0.2), (0.1, 0.55), (0.25, 0.9), (0.5, 1.0), (0.8, 0.8), (0.88, 0.4), (0.7, 0.08), (0.5, 0.0)]
STEM = [(0.5, 0.0), (0.5, 0.5), (0.48, 1.0)]
BAR_OF_5 = [(0.3, 0.0), (0.55, 0.0), (0.85, -0.01)]
BODY_OF_5 = [(0.22, 0.12), (0.18, 0.45), (0.18, 0.45), (0.55, 0.4), (0.8, 0.68), (0.55, 0.98), (0.1, 0.92)]
SEVEN = [(0.12, 0.04), (0.85, 0.0), (0.85, 0.0), (0.6, 0.45), (0.45, 1.0)]
CROSSBAR = [(0.38, 0.52), (0.6, 0.5), (0.86, 0.48)]
MINUS = [(0.15, 0.5), (0.5, 0.5), (0.85, 0.5)]
PLUS = [(0.5, 0.15), (0.5, 0.5), (0.5, 0.85)]


def signs_of(reading: Reading) -> list[bool]:
    return [one.accepted for one in reading.digits]


def test_lines_are_read_from_top_to_bottom_and_digits_from_left_to_right(recognizer: Recognizer, mnist: Mnist) -> None:
    picture, boxes = handwritten(mnist, "2024", "715", "36")
    reading = read_picture(recognizer, encode_png(picture))
    assert reading.lines == ("2024", "715", "36")
    assert reading.text == "2024\n715\n36"
    assert [one.line for one in reading.digits] == [0] * 4 + [1] * 3 + [2] * 2
    for one, box in zip(reading.digits, boxes, strict=True):
        assert np.allclose(one.box, box, atol=6)
        assert one.accepted
        assert one.confidence > 0.5
    assert (reading.width, reading.height) == picture.shape[::-1]


def test_a_reading_is_the_same_for_pixels_and_for_the_file(recognizer: Recognizer) -> None:
    picture = side_by_side("5_marker", "7_stylus")
    assert read_picture(recognizer, picture) == read_picture(recognizer, encode_png(picture))


def test_boxes_of_large_pictures_are_in_their_own_pixels(recognizer: Recognizer, mnist: Mnist) -> None:
    picture, boxes = handwritten(mnist, "39")
    large = np.asarray(cv2.resize(picture, None, fx=9.0, fy=9.0, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    reading = read_picture(recognizer, large)
    assert reading.text == "39"
    assert all(np.allclose(one.box, 9 * np.array(box), atol=50) for one, box in zip(reading.digits, boxes, strict=True))


def test_a_picture_that_reducing_makes_square_keeps_its_size(recognizer: Recognizer, mnist: Mnist) -> None:
    paper = np.full((1601, 1602), 255, np.uint8)
    picture, _ = handwritten(mnist, "39")
    paper[: picture.shape[0], : picture.shape[1]] = picture
    large = np.asarray(cv2.resize(paper, (3200, 3199)), dtype=np.uint8)
    reading = read_picture(recognizer, encode_png(large))
    assert (reading.text, reading.width, reading.height) == ("39", 3200, 3199)


def test_boxes_of_a_reduced_copy_are_in_pixels_of_the_whole_picture(recognizer: Recognizer, mnist: Mnist) -> None:
    copy, _ = handwritten(mnist, "39")
    height, width = copy.shape
    reading, whole = read_picture(recognizer, copy), read_picture(recognizer, copy, (9 * width, 9 * height))
    assert (whole.text, whole.width, whole.height) == ("39", 9 * width, 9 * height)
    assert [one.box for one in whole.digits] == [tuple(9 * value for value in one.box) for one in reading.digits]


@pytest.mark.parametrize("degrees", [-12, 12])
def test_slanted_lines_are_read_in_order(recognizer: Recognizer, mnist: Mnist, degrees: int) -> None:
    picture, _ = handwritten(mnist, "2024", "7150")
    height, width = picture.shape
    padded = np.pad(picture, 100, constant_values=255)
    turn = cv2.getRotationMatrix2D((width / 2 + 100, height / 2 + 100), degrees, 1.0)
    turned = cv2.warpAffine(padded, turn, padded.shape[::-1], borderValue=(255.0,))
    assert read_picture(recognizer, np.asarray(turned, dtype=np.uint8)).lines == ("2024", "7150")


def test_a_5_whose_bar_stands_apart_is_one_digit(recognizer: Recognizer) -> None:
    picture = sheet()
    write(picture, 40, 60, RING)
    write(picture, 160, 60, BODY_OF_5, BAR_OF_5)
    write(picture, 280, 60, STEM)
    assert read_picture(recognizer, picture).text == "051"


def test_a_7_with_a_crossbar_that_stands_apart_is_one_digit(recognizer: Recognizer) -> None:
    picture = sheet()
    write(picture, 40, 60, RING)
    write(picture, 160, 60, SEVEN, CROSSBAR)
    write(picture, 280, 60, RING)
    assert read_picture(recognizer, picture).text == "070"


def test_digits_that_touch_are_split(recognizer: Recognizer) -> None:
    picture = sheet()
    write(picture, 40, 60, RING)
    write(picture, 103, 60, RING)
    write(picture, 260, 60, STEM)
    reading = read_picture(recognizer, picture)
    assert reading.text == "001"
    assert reading.digits[0].box[0] + reading.digits[0].box[2] == pytest.approx(reading.digits[1].box[0], abs=12)


@pytest.mark.parametrize("kind", KINDS)
def test_most_written_numbers_are_read_on_all_kinds_of_paper(recognizer: Recognizer, mnist: Mnist, kind: str) -> None:
    right = 0
    for one in write_numbers(KINDS[kind], mnist.x_test, mnist.y_test, 10, seed=12):
        try:
            right += read_picture(recognizer, one.picture).text == one.text
        except NoInkError:
            continue
    # What benchmarks.accuracy.numbers measures, less what chance makes of 10 pictures.
    assert right >= (5 if KINDS[kind].touching else 7)


def test_rules_boxes_specks_and_page_edges_are_no_digits(recognizer: Recognizer, mnist: Mnist) -> None:
    number, _ = handwritten(mnist, "2024")
    picture = np.full((400, 700), 240, np.uint8)
    picture[120 : 120 + number.shape[0], 100 : 100 + number.shape[1]] = np.minimum(number, 240)
    # A rule under it, a box around it, specks, and the desk at the edge of the page.
    cv2.line(picture, (90, 275), (520, 280), 60, 3)
    cv2.rectangle(picture, (60, 80), (580, 320), 60, 3)
    for x, y in ((330, 100), (560, 150), (600, 360), (70, 300)):
        cv2.circle(picture, (x, y), 2, 60, -1)
    picture[:, :18] = 40
    assert read_picture(recognizer, picture).text == "2024"


def test_signs_come_back_and_are_not_accepted(recognizer: Recognizer) -> None:
    picture = sheet(700)
    write(picture, 40, 60, RING)
    write(picture, 160, 60, MINUS)
    write(picture, 280, 60, RING)
    write(picture, 400, 60, MINUS, PLUS)
    write(picture, 520, 60, RING)
    reading = read_picture(recognizer, picture)
    assert reading.text == "000"
    assert signs_of(reading) == [True, False, True, False, True]


def test_what_holds_no_digit_is_refused(recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError, match="No ink was found") as blank:
        read_picture(recognizer, sheet())
    assert not isinstance(blank.value, NoDigitError)
    picture = sheet()
    write(picture, 60, 60, MINUS)
    write(picture, 200, 60, MINUS, PLUS)
    with pytest.raises(NoDigitError, match=r"No digit was found .* Crop it to the number, .* more light"):
        read_picture(recognizer, picture)
    with pytest.raises(NoInkError, match=r"too small, .* Crop it"):
        read_picture(recognizer, np.zeros((2, 40), np.uint8))


@pytest.mark.parametrize("name", ["bars", "waves"])
def test_a_page_with_more_than_the_limit_is_refused(recognizer: Recognizer, name: str) -> None:
    with pytest.raises(CrowdedImageError, match="More than the 3,000 things"):
        read_picture(recognizer, CROWDED[name]())


@pytest.mark.parametrize("length", [40, 300, 1600])
@pytest.mark.parametrize("width", [3, 7, 8, 9, 10, 12, 15, 20])
def test_a_strip_of_paper_is_read_or_refused_and_crashes_nothing(width: int, length: int) -> None:
    strip = np.full((length, width), 255, np.uint8)
    strip[length // 4 : length // 2, 1:-1] = 0
    for pixels in (strip, np.ascontiguousarray(strip.T)):
        with contextlib.suppress(ImageError):
            read_picture(Recognizer.load(shipped_model()), pixels)


def test_a_stroke_of_which_nothing_is_left_in_a_reduced_line_stays_on_the_way(mnist: Mnist) -> None:
    paper, _ = handwritten(mnist, "123")
    segments, signs = shipped_network(Shipped.SEGMENTS), shipped_network(Shipped.SIGNS)
    writing = find_writing(find_foreground(paper, even_light=True))
    (lattice,) = take_apart(Recognizer.load(shipped_model()), segments, signs, writing)
    strokes = [one.span for one in lattice.candidates if lattice.chain.is_stroke(one.first, one.last)]
    left = without_unlikely(replace(lattice, boxes=np.zeros_like(lattice.boxes)))
    assert [one.span for one in left.candidates] == strokes
    assert len(decode(left, shipped_decoding().fitted)) == 3


@pytest.mark.parametrize("shape", [(0, 0), (0, 40), (40, 0, 3)])
def test_a_picture_without_pixels_is_too_small(recognizer: Recognizer, shape: tuple[int, ...]) -> None:
    with pytest.raises(NoInkError, match="too small"):
        read_picture(recognizer, np.zeros(shape, np.uint8))


def test_the_text_has_no_empty_line_where_a_line_holds_only_signs() -> None:
    signs = ReadDigit(1, 0.2, False, (0, 20, 5, 5), 1)
    reading = Reading(
        (ReadDigit(2, 0.9, True, (0, 0, 9, 9), 0), signs, ReadDigit(4, 0.9, True, (0, 40, 9, 9), 2)), 50, 50
    )
    assert reading.lines == ("2", "", "4")
    assert reading.text == "2\n4"


@pytest.mark.parametrize("gap", [0, 20])
def test_digits_in_the_boxes_of_a_form_are_read(recognizer: Recognizer, mnist: Mnist, gap: int) -> None:
    picture = np.full((300, 1100), 235, np.uint8)
    for k in range(6):
        cv2.rectangle(picture, (60 + k * (140 + gap), 80), (200 + k * (140 + gap), 220), 40, 3)
        if k not in (3, 4):
            digit = cv2.resize(mnist.x_test[k], (100, 100), interpolation=cv2.INTER_CUBIC)
            left = 80 + k * (140 + gap)
            picture[100:200, left : left + 100] -= np.rint(digit * 0.8).astype(np.uint8)
    assert read_picture(recognizer, picture).text == "".join(str(mnist.y_test[k]) for k in (0, 1, 2, 5))


def test_a_heading_and_smaller_writing_under_it_are_both_read(recognizer: Recognizer, mnist: Mnist) -> None:
    small = handwritten(mnist, "71", "5556789")[0]
    heading = np.asarray(cv2.resize(handwritten(mnist, "24")[0], None, fx=2.6, fy=2.6, interpolation=cv2.INTER_CUBIC))
    width = max(heading.shape[1], small.shape[1])
    parts = [np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=255) for one in (heading, small)]
    assert read_picture(recognizer, np.vstack(parts)).text == "24\n71\n5556789"


@pytest.mark.parametrize("form", [0, 1, 3, 5, 9])
@pytest.mark.parametrize("pen", [5, 9])
def test_a_1_is_not_cut_in_two(recognizer: Recognizer, form: int, pen: int) -> None:
    picture = sheet()
    (stroke,) = DIGITS[1][form]
    for left, points in ((40, RING), (150, list(stroke)), (280, RING)):
        ink = np.zeros_like(picture)
        draw_curve(ink, np.array(points) * 80 + (left, 60), pen)
        np.copyto(picture, 30, where=ink > 0)
    assert read_picture(recognizer, picture).text == "010"
