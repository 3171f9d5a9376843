"""The client of `python -m benchmarks.speed.under_load` that keeps a service busy."""

import time

import numpy as np
import pytest

from benchmarks.speed.under_load import costly_pictures, uploading
from tests.conftest import encode_png

BLANK = encode_png(np.full((60, 60), 255, np.uint8))


def test_a_client_sends_pictures_in_a_loop_that_may_be_refused(api: str) -> None:
    with uploading(api + "/predict/", [BLANK], "/read/", refused=True) as taken:
        deadline = time.monotonic() + 30.0
        while len(taken) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_what_is_refused_is_noticed_unless_it_may_be(api: str) -> None:
    with pytest.raises(RuntimeError, match="answered with 422"), uploading(api + "/predict/", [BLANK]):
        time.sleep(0.1)


def test_the_costly_pictures_are_files() -> None:
    assert all(len(file) > 1_000 for file in costly_pictures().values())
