"""A training job, from its settings to its state."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import SettingError
from digits.model.artifact import read
from digits.recognizer import shipped_model
from digits.training.config import TrainingConfig
from digits.training.extra.own_data import load_data
from digits.training.job import Job, beside_shipped, train, train_and_write


def test_models_that_were_tested_on_different_pictures_are_not_ranked() -> None:
    shipped = read(shipped_model()).card
    own = replace(shipped, data={**shipped.data, "name": "own.npz"})
    lines = " ".join(beside_shipped(own, shipped))
    assert "Its test accuracy is that on own.npz. The model that ships was tested on MNIST." in lines
    assert "shipped --on SOURCE" in lines
    assert "worse" not in lines
    worse = replace(shipped, metrics={**shipped.metrics, "test": {**shipped.metrics["test"], "accuracy": 0.9}})
    assert "It is worse than the model that ships" in " ".join(beside_shipped(worse, shipped))


def test_a_run_goes_on_if_its_first_model_was_moved_and_not_if_it_was_replaced(
    tmp_path: Path, mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "own.npz", images=mnist.x_train[:600], labels=mnist.y_train[:600])
    data = load_data(tmp_path / "own.npz", print)

    def job(name: str, start: Path | None = None, *, seed: int = 0, resume: bool = False) -> Job:
        config = TrainingConfig(epochs=1, batch_size=100, seed=seed, start=start)
        return Job(config, data, tmp_path / name, ["test"], lambda: None, resume=resume)

    first, other, moved = (tmp_path / name for name in ("first.keras", "other.keras", "moved.keras"))
    train_and_write(job("first.keras"))
    train_and_write(job("other.keras", seed=1))
    # The state stays until the model is written.
    train(job("out.keras", first))
    shutil.move(first, moved)
    capsys.readouterr()
    train(job("out.keras", moved, resume=True))
    assert "Going on after epoch 1 of 1" in capsys.readouterr().out
    shutil.copy(other, first)
    with pytest.raises(SettingError, match=r"Name the same recipe, .* data and model to start from"):
        train(job("out.keras", first, resume=True))
