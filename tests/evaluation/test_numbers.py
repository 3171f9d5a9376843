from pathlib import Path

import cv2
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from digits.data.labeled import LabeledPicture, read_labeled
from digits.data.mnist import Mnist
from digits.errors import DataMismatchError
from digits.evaluation.numbers import edit_distance, is_number, measure_numbers
from digits.numbers.drawing import draw_reading
from digits.numbers.reading import ReadDigit, Reading
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import encode_png
from tests.pictures import handwritten

TEXT = st.text("0123", max_size=7)


@hypothesis.given(TEXT, TEXT, TEXT)
@hypothesis.settings(max_examples=80)
def test_edit_distance_is_a_distance(one: str, two: str, three: str) -> None:
    assert (edit_distance(one, two) == 0) == (one == two)
    assert edit_distance(one, two) == edit_distance(two, one) <= max(len(one), len(two))
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)


@pytest.mark.parametrize(("read", "written", "errors"), [("2024", "2024", 0), ("224", "2024", 1), ("", "17", 2)])
def test_edit_distance_counts_what_is_left_out_put_in_and_replaced(read: str, written: str, errors: int) -> None:
    assert edit_distance(read, written) == errors


@pytest.mark.parametrize(
    ("label", "number"), [("2024", True), ("20 24", True), ("7", False), ("cat", False), ("2a", False), ("", False)]
)
def test_labels_of_several_digits_are_numbers(label: str, number: bool) -> None:
    assert is_number(label) == number


def test_pictures_of_numbers_are_scored_and_mistakes_saved(mnist: Mnist, tmp_path: Path) -> None:
    recognizer = Recognizer.load(shipped_model())
    year, _ = handwritten(mnist, "2024")
    lines, _ = handwritten(mnist, "24", "715")
    file = tmp_path / "wrong.png"
    file.write_bytes(encode_png(year))
    pictures = [
        LabeledPicture("year.png", "2024", "desk", year),
        LabeledPicture("lines.png", "24 715", "desk", lines),
        LabeledPicture("wrong.png", "2034", "wall", file),
        LabeledPicture("blank.png", "12", "wall", np.full((50, 50), 255, np.uint8)),
    ]
    found = measure_numbers(recognizer, pictures, tmp_path / "mistakes")
    assert (found.exact.hits, found.exact.n) == (2, 4)
    assert found.digit_errors.errors == (0, 0, 1, 2)
    assert found.digit_errors.lengths == (4, 5, 4, 2)
    assert {source: share.hits for source, share in found.by_source.items()} == {"desk": 2, "wall": 0}
    assert found.misread == ["2034 read as 2024", "12 read as nothing (NoInkError)"]
    blank, saved = sorted((tmp_path / "mistakes").iterdir())
    assert (blank.name, saved.name) == ("blank-12-read-as-nothing.png", "wrong-2034-read-as-2024.png")
    drawn = cv2.imread(str(saved))
    assert drawn is not None
    assert drawn.shape[:2] == year.shape
    assert found.to_json()["exact"]["n"] == 4


def test_a_picture_without_pixels_is_misread_and_not_saved(tmp_path: Path) -> None:
    empty = LabeledPicture("empty.npz", "12", "", np.zeros((0, 0), np.uint8))
    found = measure_numbers(Recognizer.load(shipped_model()), [empty], tmp_path / "mistakes")
    assert found.misread == ["12 read as nothing (NoInkError)"]
    assert not (tmp_path / "mistakes").exists()


def test_a_reading_is_drawn_in_blue_and_what_is_no_digit_in_gray() -> None:
    reading = Reading(
        (ReadDigit(4, 0.99, True, (40, 60, 30, 60), 0), ReadDigit(1, 0.4, False, (120, 60, 40, 60), 0)), 200, 160
    )
    paper = np.full((320, 400), 255, np.uint8)
    drawn = draw_reading(paper, reading)
    assert drawn.shape == (320, 400, 3)
    assert (paper == 255).all()
    # At twice the size of the picture that was read.
    assert drawn[180, 80, 2] > drawn[180, 80, 0] + 50
    assert np.ptp(drawn[180, 240].astype(int)) == 0
    assert drawn[180, 240, 0] < 200
    # Only the digit has its name above it.
    assert (drawn[90:118, 80:140] < 250).any()
    assert (drawn[90:118, 240:320] == 255).all()


def test_nothing_read_is_nothing_drawn() -> None:
    paper = np.full((20, 30, 3), 200, np.uint8)
    assert np.array_equal(draw_reading(paper, Reading((), 30, 20)), paper)


@pytest.mark.parametrize("label", ["", "  ", " 7", "7 "])
def test_blanks_make_no_number_of_a_label(label: str) -> None:
    assert not is_number(label)


def test_labels_of_an_npz_are_stripped_and_may_not_be_blank(tmp_path: Path) -> None:
    images = np.zeros((2, 28, 28), np.uint8)
    np.savez(tmp_path / "good.npz", images=images, labels=np.array([" 7", "20 24 "]))
    assert [picture.label for picture in read_labeled(tmp_path / "good.npz")] == ["7", "20 24"]
    np.savez(tmp_path / "blank.npz", images=images, labels=np.array(["7", "  "]))
    with pytest.raises(DataMismatchError, match="no label for image 1"):
        read_labeled(tmp_path / "blank.npz")
