"""Twice the picture takes about twice the work, which is counted here: times would depend on the machine."""

import contextlib
import sys
import tracemalloc
from types import FrameType

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.hostile import growth
from benchmarks.hostile.growing_pictures import GROWING
from digits.errors import ImageError
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model

SIDE = 400


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    recognizer = Recognizer.load(shipped_model())
    with contextlib.suppress(ImageError):
        # What is loaded at the first use is no work of the picture.
        read_picture(recognizer, GROWING["digits"](SIDE))
    return recognizer


def work(recognizer: Recognizer, picture: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Returns how many functions reading a picture calls, and the bytes that it holds at the most."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    tracemalloc.start()
    sys.setprofile(count)
    try:
        with contextlib.suppress(ImageError):
            read_picture(recognizer, picture)
    finally:
        sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return calls, peak


@pytest.mark.parametrize("name", ["dots", "bars", "crosses", "small rings", "digits", "form", "ruled paper", "maze"])
def test_two_pictures_on_one_page_take_no_more_than_both_alone(recognizer: Recognizer, name: str) -> None:
    picture = GROWING[name](SIDE)
    calls, peak = work(recognizer, picture)
    calls_of_both, peak_of_both = work(recognizer, np.vstack([picture, picture]))
    assert calls_of_both <= growth.MOST * calls
    assert peak_of_both <= growth.MOST * peak


def test_the_benchmark_measures_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    growth.main(["--side", "60", "--repeats", "1"])
    table = capsys.readouterr().out
    assert len(GROWING) >= 20
    assert all(f"| {name} | /read/ |" in table for name in GROWING)
