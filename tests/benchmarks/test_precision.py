"""The benchmarks of int8 beside float32."""

import numpy as np

from benchmarks.accuracy.precision import Answer, Beside, spoilt_pictures
from benchmarks.speed.precision_time import row
from digits.data.mnist import Mnist
from digits.synthetic.bad_pictures.spoil import BAD_PICTURES


def test_changes_and_mistakes_are_counted_for_each_precision() -> None:
    float32: list[Answer] = [("1", True), ("2", True), ("3", False), (None, False)]
    int8: list[Answer] = [("1", True), ("7", True), ("3", True), ("4", False)]
    cells = Beside((float32, int8), ["1", "2", "8", "4"]).row("some").split(" | ")
    assert cells[:4] == ["| some", "4", "2", "1"]
    assert "2 of 4" in cells[4]
    assert cells[5] == "0, 2 |"


def test_of_things_that_are_no_digit_those_that_are_accepted_count_as_mistakes() -> None:
    answers: list[Answer] = [("1", True), ("2", False), (None, False)]
    assert Beside((answers, answers), [None] * 3).row("things").endswith(" | 0 | 0 |  | 1, 1 |")


def test_every_kind_of_bad_picture_is_read(mnist: Mnist) -> None:
    digits = list(spoilt_pictures(mnist, 2, digits=True))
    others = list(spoilt_pictures(mnist, 2, digits=False))
    assert len(digits) == len(others) == 2 * len(BAD_PICTURES)
    assert all(label in set("0123456789") for _, label in digits)
    assert {label for _, label in others} == {None}
    assert all(picture.dtype == np.uint8 for picture, _ in digits + others)


def test_the_ratio_is_that_of_rounds_side_by_side() -> None:
    times = {"float32": iter([1.0, 4.0, 2.0]), "int8": iter([0.5, 1.0, 1.0])}
    measured = row("network", [lambda: next(times["float32"]), lambda: next(times["int8"])], 3)
    assert measured == "| network | 2.000 ms | 1.000 ms | 0.50 (0.25 to 0.50) |"
