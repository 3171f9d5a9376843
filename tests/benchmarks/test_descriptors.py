"""A short run of `python -m benchmarks.faults.descriptors`."""

import os
import subprocess
import sys

import pytest

from benchmarks.faults.descriptors import files_without_processes, main


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lists the files of a process")
def test_pipes_to_processes_are_no_files_that_were_left_open() -> None:
    before = files_without_processes(os.getpid())
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert files_without_processes(os.getpid()) == before
        process.communicate(b"\n")
    assert files_without_processes(os.getpid()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the limits of another process")
def test_a_service_that_may_open_few_files_loses_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--clients", "3", "--newcomers", "60", "--seconds", "1"]) == 0, capsys.readouterr().out
    assert "Nothing was lost." in capsys.readouterr().out
