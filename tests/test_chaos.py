"""Short runs of the benchmarks that break the service and load it."""

import pytest

from benchmarks import chaos, soak


@pytest.mark.parametrize("what", ["drain", "kill", "reload"])
def test_nothing_is_lost_that_need_not_be(what: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert chaos.main([what, "--rounds", "1", "--clients", "4"]) == 0, capfd.readouterr().out


def test_good_and_bad_requests_get_the_answers_that_they_should(capfd: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--requests", "1000", "--clients", "2"]) == 0, capfd.readouterr().out
    printed = capfd.readouterr().out
    assert "unexpected or unanswered: 0 of 1,000" in printed
    assert "malformed form" in printed
