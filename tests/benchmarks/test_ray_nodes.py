"""The processes of a benchmark's cluster are found, all of them, and end with it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.faults import ray_bulk
from benchmarks.faults.cluster import main
from benchmarks.faults.ray_nodes import processes_with, short_folder
from digits.data.mnist import Mnist
from tests.processes import is_running

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="tells processes by /proc")
# It starts another without its environment, that has a file open; and ends, or waits.
STARTER = "import subprocess, sys; print(subprocess.Popen(['sleep', '60'], env={}, stdout=open('log', 'w')).pid)"


def start(folder: Path, then: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-uc", f"{STARTER}; {then}"]
    environment = {**os.environ, "RAY_TMPDIR": str(folder)}
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    return int(process.stdout.readline())


@LINUX
def test_what_a_process_started_counts_without_its_environment() -> None:
    with short_folder() as folder, start(folder, "input()") as parent:
        child = said(parent)
        assert set(processes_with(f"RAY_TMPDIR={folder}")) == {parent.pid, child}
        parent.kill()


@LINUX
def test_what_is_left_over_without_a_parent_ends_with_the_folder() -> None:
    with short_folder() as folder:
        with start(folder, "0") as parent:
            child = said(parent)
        assert not processes_with(f"RAY_TMPDIR={folder}")
        assert Path(f"/proc/{child}").exists()
    end = time.monotonic() + 10
    while is_running(child):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not folder.exists()


def test_the_images_are_all_there(tmp_path: Path, mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_bulk, "_FILE_ROWS", 61_000)
    ray_bulk.write_images(tmp_path, 61_500)
    first, second = (np.load(file)["images"] for file in sorted(tmp_path.iterdir()))
    assert (len(first), len(second)) == (61_000, 500)
    assert np.array_equal(first[:60_000], mnist.x_train)
    assert np.array_equal(second[0], np.minimum(mnist.x_train[1_000].astype(int) + 1, 255))


def test_a_run_of_bulk_is_one_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bulk", "--runs", "kill"])
    assert "local, ray, killed" in capsys.readouterr().err
