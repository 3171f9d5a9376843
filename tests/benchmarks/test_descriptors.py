"""A short run of `python -m benchmarks.faults.descriptors`."""

import sys

import pytest

from benchmarks.faults.descriptors import main


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the limits of another process")
def test_a_service_that_may_open_few_files_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--clients", "3", "--newcomers", "60", "--seconds", "1"]) == 0, capsys.readouterr().out
    assert "Nothing was lost." in capsys.readouterr().out
