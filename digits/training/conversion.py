"""Makes a model file of Digits from a model that was made elsewhere: what `digits convert` does."""

import datetime
import hashlib
import platform
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from digits import __version__
from digits.data.mnist import Mnist
from digits.errors import ModelFileError, ModelNotFoundError
from digits.evaluation.classification import score
from digits.model import artifact, history
from digits.model.calibration import apply_temperature
from digits.model.card import Card
from digits.model.convert import read_foreign
from digits.model.engine import Engine
from digits.model.examples import Examples, choose_examples
from digits.model.foreign import kind_of
from digits.model.input_form import INPUT_FORMS
from digits.training.config import TrainingConfig
from digits.training.recalibrate import fit_to
from digits.vision.mnist_form import PREPROCESSING_VERSION


@dataclass(frozen=True)
class _Measured:
    """What goes on the card if MNIST is at hand, and test images to look at."""

    members: Mapping[str, Any]
    examples: Examples | None = None


def convert(path: Path, out: Path, data: Mnist | None, command: list[str], keep: int = history.KEPT) -> Card:
    """Converts a model, and measures and calibrates it if MNIST is at hand.

    Args:
        path: of a `.keras` or `.h5` file, a SavedModel folder or an ONNX file.
        out: the model file to write; a file that is there is kept as `digits.model.history` says.
        data: MNIST; without it the model stays uncalibrated, and none of its answers is accepted.
        command: the command that asked for it, for the card.
        keep: how many replaced files are kept.

    Returns:
        The card in the file.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it cannot be converted; the message says what was found and what is needed.
        SettingError: `out` cannot be written.
    """
    if not path.exists():
        raise ModelNotFoundError(f"There is no model {path}. Name a Keras, HDF5 or ONNX file, or a SavedModel folder.")
    kind = kind_of(path)
    try:
        if kind == "Keras file" and artifact.has_members(path):
            raise ModelFileError("it has the form of Digits already, so there is nothing to convert")
        foreign = read_foreign(path)
        form = artifact.require_input_form(foreign.onnx)
    except ModelFileError as error:
        raise ModelFileError(f"The model {path} cannot be converted: {error}.") from error
    artifact.check_writable(out)
    measured = _measure(Engine(foreign.onnx, form), data) if data else _Measured({})

    def make_card(weights_sha256: str, onnx_sha256: str) -> Card:
        return Card(
            description=f"converted from the {kind} {path.name}",
            command=shlex.join(command),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            parameters=foreign.parameters,
            converted_from={
                "file": path.name,
                "kind": kind,
                "sha256": _digest(path),
                "changes": foreign.changes,
            },
            input_form=form.name,
            preprocessing=PREPROCESSING_VERSION,
            versions={"digits": __version__, "python": platform.python_version(), **foreign.versions},
            weights_sha256=weights_sha256,
            onnx_sha256=onnx_sha256,
            **measured.members,
        )

    return artifact.write(out, foreign.save_keras, foreign.onnx, make_card, measured.examples, keep)


def _measure(engine: Engine, data: Mnist) -> _Measured:
    """Fits temperature and thresholds, and scores the network on MNIST's test images, which decide nothing."""
    fitted = fit_to(engine, data, TrainingConfig())
    calibrated = apply_temperature(fitted.test_probabilities, fitted.temperature)
    members = {
        "metrics": {"test": asdict(score(fitted.test_probabilities, calibrated, data.y_test))},
        "data": {"name": "unknown: the network learned elsewhere", "calibrated_on": "MNIST", "digest": data.digest},
        "temperature": fitted.temperature,
        "thresholds": asdict(fitted.thresholds),
        "rejection": fitted.rejection,
    }
    return _Measured(members, choose_examples(data.x_test, data.y_test, calibrated))


def _digest(path: Path) -> str:
    """Returns the SHA-256 of a file, or of the files of a folder with their names."""
    whole = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]:
        whole.update(file.relative_to(path).as_posix().encode() if path.is_dir() else b"")
        whole.update(file.read_bytes())
    return whole.hexdigest()


def describe(card: Card) -> list[str]:
    """Returns lines that tell people what was converted and how good it is."""
    origin = card.converted_from or {}
    lines = [
        f"{origin['kind']} {origin['file']}: {card.parameters:,} weights; it takes 28x28 images with pixels as "
        f"{INPUT_FORMS[card.input_form].name}, which was found by trying"
    ]
    lines += [f"changed: {change}" for change in origin["changes"]]
    test = card.metrics.get("test")
    if test is None:
        return [*lines, "uncalibrated: MNIST is not at hand, so its answers are given but none is accepted"]
    return [
        *lines,
        f"test accuracy {test['accuracy']:.2%} of {test['n']:,} MNIST images, calibration error "
        f"{test['calibration_error']:.2%} (temperature {card.temperature:.3f})",
        f"not accepted: {card.rejection['test_digits']:.2%} of the test images, "
        f"{card.rejection['held_out_outliers']:.1%} of images of other things",
    ]
