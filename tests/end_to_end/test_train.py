import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from digits.errors import SettingError
from digits.model import artifact
from digits.model.card import Card
from digits.training.config import TrainingConfig
from tests.conftest import ROOT, child_environment, copy_repository, run_python

MODEL = Path("models/mnist_model.keras")


@pytest.fixture(scope="session")
def card(repository: Path) -> Card:
    return artifact.read(repository / MODEL).card


def test_the_reference_recipe_reaches_its_accuracy(card: Card) -> None:
    # One seed; `digits evaluate MODEL --seeds 5` prints the mean over several.
    assert card.test_accuracy is not None
    assert card.test_accuracy >= 0.97
    assert card.metrics["training"]["accuracy"] > 0.99


def test_the_card_says_how_the_model_was_made(card: Card) -> None:
    assert (card.recipe, card.seed, card.epochs, card.batch_size) == ("reference", 0, 10, 32)
    assert card.command == "python train.py"
    assert card.parameters == 784 * 128 + 128 + 128 * 10 + 10
    assert (card.data["fit"], card.data["validation"], card.data["test"]) == (55_000, 5_000, 10_000)
    assert all(len(values) == 10 for values in card.history.values())
    assert card.onnx_difference is not None
    assert card.onnx_difference < 1e-4


def test_the_thresholds_refuse_few_digits_and_more_of_other_things(card: Card) -> None:
    assert 0.0 < card.thresholds["confidence"] < card.thresholds["digit"] < 1.0
    # One in a hundred for each of two reasons, and what another set of digits differs.
    assert card.rejection["held_out_digits"] == pytest.approx(0.02, abs=0.002)
    assert card.rejection["test_digits"] < 0.04
    assert card.rejection["held_out_outliers"] > 5.0 * card.rejection["test_digits"]


def test_calibration_makes_confidence_honest(card: Card) -> None:
    assert card.temperature > 1.0  # Ten epochs leave the network too sure of itself.
    assert card.metrics["test"]["calibration_error"] < 0.01


def test_the_run_says_what_came_of_it(repository: Path, card: Card) -> None:
    log = (repository / "train.log").read_text()
    assert len(re.findall(r"^Epoch \d+/10  loss .* validation loss .* accuracy", log, re.MULTILINE)) == 10
    assert f"Test accuracy {card.test_accuracy:.2%}, test loss {card.metrics['test']['loss']:.4f}" in log
    assert re.search(
        r"^Calibration error .*; not accepted: .*% of the test images, .*% of images of other", log, re.MULTILINE
    )
    assert re.search(r"Most confused: \d read as \d: \d+ times, ", log)
    assert "Model:   models/mnist_model.keras" in log


def test_the_report_is_written(repository: Path, card: Card) -> None:
    reports = repository / "reports"
    for name in ("training_curves.png", "confusion_matrix.png", "reliability.png", "mistakes.png"):
        with Image.open(reports / name) as picture:
            assert min(picture.size) > 300
    metrics = json.loads((reports / "metrics.json").read_text())
    assert metrics["metrics"]["test"]["accuracy"] == card.test_accuracy
    confusion = metrics["metrics"]["test"]["confusion"]
    assert sum(map(sum, confusion)) == 10_000
    assert sum(one["n"] for one in metrics["metrics"]["test"]["reliability"]) == 10_000
    assert sum(confusion[i][i] for i in range(10)) == round(card.test_accuracy * 10_000)  # type: ignore[operator]


def test_nothing_is_left_lying_about(repository: Path) -> None:
    assert [file.name for file in (repository / "models").iterdir()] == ["mnist_model.keras"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    digests = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        done = run_python(
            ["train.py", "--epochs", "1", "--seed", str(seed), "--out", str(tmp_path / f"{name}.keras")], ROOT
        )
        assert done.returncode == 0, done.stderr
        digests.append(artifact.read(tmp_path / f"{name}.keras").card.onnx_sha256)
    assert digests[0] == digests[1] != digests[2]
    assert (tmp_path / "reports" / "metrics.json").is_file()


def test_a_model_under_the_floor_is_not_kept(repository: Path, tmp_path: Path) -> None:
    out = tmp_path / "good.keras"
    out.write_bytes((repository / MODEL).read_bytes())
    before = out.read_bytes()
    done = run_python(["train.py", "--epochs", "1", "--batch-size", "20000", "--out", str(out)], ROOT)
    assert done.returncode == 1
    assert "is under the 95% that recipe reference must reach" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert out.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["good.keras"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopping_a_run_leaves_the_model_as_it_was(repository: Path, tmp_path: Path, number: int) -> None:
    folder = copy_repository(tmp_path)
    (folder / "models").mkdir()
    (folder / MODEL).write_bytes((repository / MODEL).read_bytes())
    before = (folder / MODEL).read_bytes()
    with subprocess.Popen(
        # So many epochs that some are left when the signal comes.
        [sys.executable, "train.py", "--epochs", "500"],
        cwd=folder,
        env=child_environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Epoch 2/"):
                break
        os.kill(process.pid, number)
        _, errors = process.communicate(timeout=60)
    assert (folder / MODEL).read_bytes() == before
    artifact.read(folder / MODEL)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert errors.strip().splitlines() == [
            "Stopped; models/mnist_model.keras is as it was.",
            "The same command with --resume goes on after the last whole epoch.",
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "resnet"], "argument --recipe: 'resnet' is not one of: reference"),
        (["--epochs", "0"], "argument --epochs: '0' is not a whole number from 1 to 1000"),
        (["--batch-size", "many"], "argument --batch-size: 'many' is not a whole number from 1 to 55000"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number from 0 to 2147483647"),
        (["--out", "model.h5"], "argument --out: 'model.h5' does not end in .keras"),
    ],
)
def test_a_wrong_value_gets_one_line_that_lists_the_right_ones(arguments: list[str], message: str) -> None:
    start = time.monotonic()
    done = run_python(["train.py", *arguments], ROOT)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert time.monotonic() - start < 20.0  # Before TensorFlow is loaded.


@pytest.mark.parametrize(("field", "value"), [("epochs", 0), ("batch_size", 55_001), ("seed", -1)])
def test_a_config_is_checked_when_built(field: str, value: int) -> None:
    with pytest.raises(SettingError, match=f"{field} is {value}; it must be a whole number from"):
        TrainingConfig(**{field: value})  # type: ignore[arg-type]


def test_evaluate_gives_the_accuracy_of_the_card(repository: Path, card: Card) -> None:
    done = run_python(["-m", "digits.cli.main", "evaluate", str(MODEL)], repository)
    assert done.returncode == 0, done.stderr
    assert f"models/mnist_model.keras: test accuracy {card.test_accuracy:.2%} (10,000 images)" in done.stdout


def test_evaluate_prints_mean_and_spread_over_seeds(tmp_path: Path) -> None:
    out = tmp_path / "quick.keras"
    assert run_python(["train.py", "--epochs", "1", "--out", str(out)], ROOT).returncode == 0
    done = run_python(["-m", "digits.cli.main", "evaluate", str(out), "--seeds", "2"], ROOT)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Test accuracy over seeds: \d\d\.\d\d ± \d\.\d\d % \(n = 2, ", done.stdout)
