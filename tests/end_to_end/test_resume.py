"""A run that is killed and goes on ends as one that was not stopped."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.model.artifact import read
from tests.conftest import ROOT, child_environment, run_python


@pytest.fixture
def data(tmp_path: Path, mnist: Mnist) -> Path:
    file = tmp_path / "own.npz"
    np.savez(file, images=mnist.x_train[:1500], labels=mnist.y_train[:1500])
    return file


@pytest.mark.parametrize(("recipe", "epochs"), [("reference", 30), ("convnet", 4)])
def test_a_killed_run_that_goes_on_ends_with_the_same_weights(
    tmp_path: Path, data: Path, recipe: str, epochs: int
) -> None:
    options = ["--data", str(data), "--recipe", recipe, "--epochs", str(epochs)]
    whole, stopped = tmp_path / "whole.keras", tmp_path / "stopped.keras"
    done = run_python(["train.py", *options, "--out", str(whole)], ROOT)
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "train.py", *options, "--out", str(stopped)]
    with subprocess.Popen(command, cwd=ROOT, env=child_environment(ROOT), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Epoch 3/"):
                break
        os.kill(process.pid, signal.SIGKILL)
    assert not stopped.exists()
    done = run_python(["train.py", *options, "--out", str(stopped), "--resume"], ROOT)
    assert done.returncode == 0, done.stderr
    assert "Going on after epoch" in done.stdout
    assert "Epoch 1/" not in done.stdout
    cards = read(whole).card, read(stopped).card
    assert cards[0].weights_sha256 == cards[1].weights_sha256 or cards[0].onnx_sha256 == cards[1].onnx_sha256
    assert cards[0].history == cards[1].history
    assert cards[0].thresholds == cards[1].thresholds
    assert not list(tmp_path.glob("*.unfinished.npz"))


def test_there_is_nothing_to_go_on_from_or_another_run(tmp_path: Path, data: Path) -> None:
    out = tmp_path / "own.keras"
    options = ["--data", str(data), "--out", str(out), "--resume"]
    done = run_python(["train.py", *options], ROOT)
    assert done.returncode == 1
    assert "so there is nothing to go on from. Leave --resume out." in done.stderr
    np.savez(tmp_path / "own.unfinished.npz", state=np.array('{"run": "{}", "done": 1, "history": {}}'))
    done = run_python(["train.py", *options], ROOT)
    assert done.returncode == 1
    assert "is the state of another run" in done.stderr
    (tmp_path / "own.unfinished.npz").write_bytes(b"cut off")
    assert "cannot be read" in run_python(["train.py", *options], ROOT).stderr
