"""Adds the int8 form of a network to its model file, and measures it: what `digits model quantize` does.

The ranges of values between layers are seen on held-out training images, and temperature and thresholds are fitted on
them anew. Test images decide nothing: what comes of them goes on the card.
"""

import datetime
import importlib.util
import shlex
import time
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from digits.data.mnist import Mnist, split
from digits.errors import MissingInstallError, ModelFileError, QuantizationError
from digits.evaluation.classification import score
from digits.installation import install_command
from digits.model import artifact
from digits.model.acceptance import Thresholds, reasons_to_refuse
from digits.model.calibration import apply_temperature
from digits.model.card import Card
from digits.model.engine import Engine
from digits.model.input_form import INPUT_FORMS
from digits.training.config import TrainingConfig
from digits.training.quantization.int8_graph import to_int8
from digits.training.recalibrate import Fitted, fit_to

# Images on which the ranges of values between layers are seen.
_SEEN = 5_000
# A form that reads fewer held-out digits right than the float32 form, by more than this share, is not written.
_MOST_LOST = 0.001
# Sizes of the batches whose time is measured, with the passes that make one measurement.
_PASSES = {1: 200, 8: 40}
_ROUNDS = 7


def quantize(path: Path, data: Mnist, command: list[str]) -> Card:
    """Adds an int8 form to a model file, or replaces the one that is there; everything else in the file stays.

    Args:
        path: of a model file that Digits made or converted.
        data: on whose images the thresholds of the model were fitted.
        command: the command that asked for it, for the card.

    Returns:
        The card in the file, whose `int8` says how good the int8 form is.

    Raises:
        ModelFileError: the file cannot be read, or its network or its data is of a kind that cannot be quantized.
        QuantizationError: the int8 form is less accurate on held-out images; the file stays as it was.
    """
    model = artifact.read(path)
    card, form = model.card, INPUT_FORMS[model.card.input_form]
    if not card.is_calibrated:
        raise ModelFileError(f"{path} is uncalibrated: convert it first, with digits convert.")
    if card.data.get("digest") != data.digest:
        raise ModelFileError(
            f"The thresholds of {path} were fitted on {card.test_set}, and not on {data.name} as it is here. Name the "
            "same data with --data."
        )
    onnx = to_int8(model.onnx, form, split(data).x_validation[:_SEEN])
    recipe = TrainingConfig.recipe if card.recipe == Card.recipe else card.recipe
    engines = Engine(model.onnx, form), Engine(onnx, form)
    _check_held_out(engines, data, path)
    fitted = fit_to(engines[1], data, TrainingConfig(recipe, seed=card.seed or 0))
    calibrated = apply_temperature(fitted.test_probabilities, fitted.temperature)
    int8 = {
        "onnx_sha256": artifact.sha256(onnx),
        "temperature": fitted.temperature,
        "thresholds": asdict(fitted.thresholds),
        "rejection": fitted.rejection,
        "test": asdict(score(fitted.test_probabilities, calibrated, data.y_test)),
        "changed": asdict(_changed(engines[0](data.x_test), card, fitted)),
        "time": {str(size): ratio for size, ratio in time_ratios(engines, data.x_test).items()},
        "seen": min(_SEEN, len(split(data).x_validation)),
        "command": shlex.join(command),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {name: metadata.version(name) for name in ("onnx", "onnxruntime")},
    }
    card = replace(card, int8=int8)
    artifact.replace_card(path, card, onnx)
    return card


def require_quantizer() -> None:
    """Checks that what quantizes is installed.

    Raises:
        MissingInstallError: the package onnx, which is part of the training install, is not.
    """
    if importlib.util.find_spec("onnx") is None:
        raise MissingInstallError(
            "Quantizing needs the package onnx, which the serving install leaves out. Install it with: "
            f"{install_command('train')}"
        )


@dataclass(frozen=True)
class Changed:
    """What the int8 form changes on the test images.

    Args:
        digits: how many are read as another digit.
        accepted: how many are accepted in one form alone.
        probability: largest change of a calibrated probability, 0..1.
    """

    digits: int
    accepted: int
    probability: float


def _changed(before: npt.NDArray[np.float32], card: Card, fitted: Fitted) -> Changed:
    float32 = apply_temperature(before, card.temperature)
    int8 = apply_temperature(fitted.test_probabilities, fitted.temperature)
    accepted = [
        [reason is None for reason in reasons_to_refuse(probabilities, thresholds)]
        for probabilities, thresholds in ((float32, Thresholds(**card.thresholds)), (int8, fitted.thresholds))
    ]
    return Changed(
        digits=int((float32.argmax(axis=1) != int8.argmax(axis=1)).sum()),
        accepted=sum(one != other for one, other in zip(*accepted, strict=True)),
        probability=float(np.abs(float32 - int8).max()),
    )


def _check_held_out(engines: tuple[Engine, Engine], data: Mnist, path: Path) -> None:
    parts = split(data)
    float32, int8 = (
        float((engine(parts.x_validation).argmax(axis=1) == parts.y_validation).mean()) for engine in engines
    )
    if int8 < float32 - _MOST_LOST:
        raise QuantizationError(
            f"In int8 the network reads {int8:.2%} of the held-out images, and {float32:.2%} in float32. That is a "
            f"loss of more than {_MOST_LOST:.1%}, so no int8 form was added to {path}."
        )


def time_ratios(engines: tuple[Engine, Engine], images: npt.NDArray[np.uint8]) -> dict[int, float]:
    """Measures the processor time of a forward pass of the second network over that of the first.

    Args:
        engines: the two networks, which take turns.
        images: uint8 of shape (n, 28, 28), at least as many as the largest batch has.

    Returns:
        The median ratio, by the size of the batch.
    """
    ratios = {}
    for size, passes in _PASSES.items():
        batch = images[:size]
        seconds = [[_seconds(engine, batch, passes) for engine in engines] for _ in range(_ROUNDS)]
        ratios[size] = median(second / first for first, second in seconds)
    return ratios


def _seconds(engine: Engine, batch: npt.NDArray[np.uint8], passes: int) -> float:
    start = time.process_time()
    for _ in range(passes):
        engine(batch)
    return time.process_time() - start


def describe(card: Card) -> list[str]:
    """Returns lines that tell people how good the int8 form is."""
    int8 = card.int8 or {}
    test, changed = int8["test"], int8["changed"]
    return [
        f"int8: test accuracy {test['accuracy']:.2%} of {test['n']:,} images (float32: "
        f"{card.test_accuracy or 0.0:.2%}); {changed['digits']} read as another digit, {changed['accepted']} accepted "
        "in one of the two alone",
        f"refused: {int8['rejection']['test_digits']:.2%} of the test images (float32: "
        f"{card.rejection.get('test_digits', 0.0):.2%}), {int8['rejection']['held_out_outliers']:.1%} of images "
        f"of other things (float32: {card.rejection.get('held_out_outliers', 0.0):.1%})",
        "processor time of a forward pass, int8 over float32, on this machine: "
        + ", ".join(f"{ratio:.2f} for {size} image{'s' * (size != '1')}" for size, ratio in int8["time"].items()),
    ]
