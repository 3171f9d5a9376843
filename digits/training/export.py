"""Writes a training run as one model file, after checking that its two forms agree."""

import datetime
import functools
import platform
import shlex
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from digits import __version__
from digits.data.mnist import Mnist
from digits.errors import AccuracyFloorError, ExportError
from digits.model import artifact
from digits.model.calibration import apply_temperature
from digits.model.card import Card
from digits.model.convert import to_onnx
from digits.model.engine import Engine
from digits.model.examples import choose_examples
from digits.training.recipes import find_recipe
from digits.training.run import Run
from digits.vision.mnist_form import PREPROCESSING_VERSION

# The two forms of a network may differ by rounding only.
_MAX_ONNX_DIFFERENCE = 1e-4


def save(run: Run, data: Mnist, path: Path, command: list[str], keep: int = 0) -> Card:
    """Writes a run as a model file, if it is good enough and its two forms agree.

    Args:
        run: the finished run.
        data: MNIST, on whose test images both forms have to agree.
        path: of the model file.
        command: the command that asked for the run, for the card.
        keep: how many replaced model files are kept beside it.

    Returns:
        The card in the file.

    Raises:
        AccuracyFloorError: the test accuracy is under the recipe's floor; an existing file stays.
        ExportError: the ONNX form gives other probabilities than Keras; an existing file stays.
    """
    recipe = find_recipe(run.config.recipe)
    # What can be reached on data of one's own, nobody knows.
    if type(data) is Mnist and run.test.accuracy < recipe.floor:
        raise AccuracyFloorError(
            f"The test accuracy of {run.test.accuracy:.2%} is under the {recipe.floor:.0%} that recipe "
            f"{recipe.name} must reach, so the model was not written, and any model that was there is as it was. "
            "Train for more epochs or with a smaller batch size."
        )
    onnx = to_onnx(run.model)
    difference = float(np.abs(Engine(onnx)(data.x_test) - run.test_probabilities).max())
    check_difference(difference, _MAX_ONNX_DIFFERENCE, "the test set")
    calibrated = apply_temperature(run.test_probabilities, run.temperature)
    examples = choose_examples(data.x_test, data.y_test, calibrated)
    make_card = functools.partial(_make_card, run, data, command, difference)
    return artifact.write(path, run.model.save, onnx, make_card, examples, keep)


def check_difference(difference: float, most: float, compared_on: str) -> None:
    """Checks that the ONNX form of a network gives what Keras gives.

    Args:
        difference: the greatest between their outputs.
        most: how large it may be.
        compared_on: what both were given, for people.

    Raises:
        ExportError: it is larger, or no number.
    """
    if not difference <= most:
        raise ExportError(
            f"The ONNX form of the network differs from Keras by {difference:.1e} on {compared_on}, more than "
            f"{most:.0e}; nothing was written. This is a fault of the export: please report it."
        )


def _make_card(
    run: Run, data: Mnist, command: list[str], difference: float, weights_sha256: str, onnx_sha256: str
) -> Card:
    """Returns the card of a run, with the digests of its weights and of its ONNX form."""
    recipe = find_recipe(run.config.recipe)
    return Card(
        recipe=recipe.name,
        description=recipe.description,
        seed=run.config.seed,
        epochs=run.config.epochs,
        batch_size=run.config.batch_size,
        command=shlex.join(command),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        parameters=int(run.model.count_params()),
        data={
            "name": data.name,
            "digest": data.digest,
            "fit": run.training.n,
            "validation": run.validation.n,
            "test": run.test.n,
        }
        | ({"extra": run.extra.to_json()} if run.extra else {}),
        metrics={
            "training": asdict(run.training),
            "validation": asdict(run.validation),
            "test": asdict(run.test),
        },
        started_from=_origin(run.started_from) if run.started_from else None,
        history=run.history,
        temperature=run.temperature,
        thresholds=asdict(run.thresholds),
        rejection=run.rejection,
        preprocessing=PREPROCESSING_VERSION,
        versions=_versions(),
        weights_sha256=weights_sha256,
        onnx_sha256=onnx_sha256,
        onnx_difference=difference,
    )


def _origin(card: Card) -> dict[str, Any]:
    """Returns what the card of a new model says of the model whose weights it started from."""
    return {name: getattr(card, name) for name in ("recipe", "epochs", "command", "created", "weights_sha256")}


def _versions() -> dict[str, str]:
    """Returns the versions of Digits, Python and the libraries that made the file, by name."""
    packages = ("tensorflow", "keras", "numpy", "onnx", "tf2onnx", "onnxruntime")
    return {"digits": __version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in packages
    }
