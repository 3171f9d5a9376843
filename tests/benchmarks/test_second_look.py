"""The benchmark of the second look measures the pictures that have one."""

import numpy as np
import pytest

from benchmarks.speed.second_look import bad_pictures, main, measure, ratio
from digits.data.mnist import Mnist
from digits.recognizer import Recognizer, shipped_model


def test_only_pictures_that_the_first_view_does_not_show_are_measured(mnist: Mnist) -> None:
    recognizer = Recognizer.load(shipped_model())
    plain = np.pad(255 - mnist.x_test[0], 12, constant_values=255)
    assert recognizer.recognize_pixels(plain).accepted
    assert measure(recognizer, plain) is None
    times = measure(recognizer, plain, in_any_case=True)
    assert times is not None
    assert min(times.first, times.until_sure, times.all_views) > 0.0


def test_the_pictures_are_the_same_in_each_run() -> None:
    first, second = list(bad_pictures(2)), list(bad_pictures(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_ratio_holds_the_first_view() -> None:
    assert ratio(np.array([1.0, 3.0]), np.array([2.0, 6.0])) == "3.00, 3.00"


def test_the_table_has_a_row_for_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pictures", "2"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" |")]
    assert len(rows) == 5
