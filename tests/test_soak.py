"""A short run of `python -m benchmarks.soak`."""

import pytest

from benchmarks import soak


def test_good_and_bad_requests_get_the_answers_that_they_should(capfd: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--requests", "1000", "--clients", "2"]) == 0, capfd.readouterr().out
    printed = capfd.readouterr().out
    assert "unexpected or unanswered: 0 of 1,000" in printed
    assert "malformed form" in printed
