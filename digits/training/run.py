"""Training: fit, calibrate, test once, export, check, write."""

import datetime
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits import __version__
from digits.data.mnist import Mnist, Split, split
from digits.errors import AccuracyFloorError, ExportError, MissingInstallError
from digits.evaluation.classification import Scores, score
from digits.installation import install_command
from digits.model import artifact
from digits.model.acceptance import Thresholds, fit_thresholds, reasons_to_refuse
from digits.model.artifact import Card
from digits.model.calibration import apply_temperature, fit_temperature
from digits.model.convert import to_onnx
from digits.model.engine import Engine
from digits.model.examples import choose_examples
from digits.synthetic.augmentation import make_outliers
from digits.training.extra import Extra
from digits.training.loop import TrainingConfig, fit, scale
from digits.training.recipes import find_recipe

# The two forms of a network may differ by rounding only.
_MAX_ONNX_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Run:
    """A finished training run, not yet written.

    Args:
        config: what was asked for.
        model: the trained `keras.Model`.
        history: per epoch, `loss`, `accuracy`, `val_loss` and `val_accuracy`.
        temperature: fitted on the validation split.
        thresholds: fitted on the validation split, changed as the training images are.
        rejection: shares of images refused with them, for the card.
        training: scores on the MNIST images that the network learned from.
        validation: scores on the validation split.
        test: scores on the test set, which was used for nothing else; `train.py --extra` also compares models on it.
        test_probabilities: uncalibrated, of shape (10000, 10).
        extra: other pictures that the network learned from, or None.
    """

    config: TrainingConfig
    model: Any
    history: dict[str, list[float]]
    temperature: float
    thresholds: Thresholds
    rejection: dict[str, float]
    training: Scores
    validation: Scores
    test: Scores
    test_probabilities: npt.NDArray[np.float32]
    extra: Extra | None = None


def require_keras() -> None:
    """Raises `MissingInstallError` unless the training install is there."""
    try:
        with _native_stderr_hushed():
            import keras  # noqa: F401
            import tensorflow as tf
            import tf2onnx  # noqa: F401

            # Each new network is traced anew; the log would call that a mistake.
            tf.get_logger().setLevel("ERROR")
            tf.config.list_physical_devices()  # Looks for a GPU now, while its complaints go unheard.
    except ImportError as error:
        raise MissingInstallError(
            f"Training needs TensorFlow, which the serving install leaves out ({error}). "
            f"Install it with: {install_command('train')}"
        ) from error


@contextmanager
def _native_stderr_hushed() -> Iterator[None]:
    """TensorFlow's C++ part greets on standard error, past every logging setting, with notes on the processor."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def train(config: TrainingConfig, data: Mnist, extra: Extra | None = None, *, show_progress: bool = True) -> Run:
    """Trains a recipe on MNIST and tests it once.

    Args:
        config: what to train.
        data: MNIST.
        extra: other pictures to learn from, too.
        show_progress: a progress bar and a line of figures per epoch on standard output.
    """
    require_keras()
    import keras

    parts = split(data)
    keras.utils.set_random_seed(config.seed)
    model = find_recipe(config.recipe).build()
    history = fit(model, extra.join(parts) if extra else parts, config, show_progress=show_progress)

    training, validation = _probabilities(model, parts.x_fit), _probabilities(model, parts.x_validation)
    temperature = fit_temperature(validation, parts.y_validation)

    def scored(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> Scores:
        return score(probabilities, apply_temperature(probabilities, temperature), labels)

    test = _probabilities(model, data.x_test)
    thresholds, rejection = _thresholds(model, parts, config, temperature)
    rejection["test_digits"] = _share_refused(apply_temperature(test, temperature), thresholds)
    return Run(
        config=config,
        model=model,
        history=history,
        temperature=temperature,
        thresholds=thresholds,
        rejection=rejection,
        training=scored(training, parts.y_fit),
        validation=scored(validation, parts.y_validation),
        test=scored(test, data.y_test),
        test_probabilities=test,
        extra=extra,
    )


def _thresholds(
    model: Any, parts: Split, config: TrainingConfig, temperature: float
) -> tuple[Thresholds, dict[str, float]]:
    """Thresholds from held-out digits that are varied as the training images were, and what they refuse."""
    rng = np.random.default_rng(config.seed)
    change = find_recipe(config.recipe).augment
    digits = parts.x_validation if change is None else change(parts.x_validation, parts.y_validation, rng)
    outliers = make_outliers(len(digits), parts.x_validation, parts.y_validation, rng)
    on_digits, on_outliers = (
        apply_temperature(_probabilities(model, images), temperature) for images in (digits, outliers)
    )
    thresholds = fit_thresholds(on_digits)
    return thresholds, {
        "held_out_digits": _share_refused(on_digits, thresholds),
        "held_out_outliers": _share_refused(on_outliers, thresholds),
    }


def _share_refused(probabilities: npt.NDArray[np.floating], thresholds: Thresholds) -> float:
    return float(np.mean([reason is not None for reason in reasons_to_refuse(probabilities, thresholds)]))


def _probabilities(model: Any, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(model.predict(scale(images), batch_size=1_000, verbose=0), dtype=np.float32)


def save(run: Run, data: Mnist, path: Path, command: list[str]) -> Card:
    """Writes a run as a model file, after checking that it is worth it and that its two forms agree.

    Args:
        run: the finished run.
        data: MNIST, whose test images both forms have to read alike.
        path: of the model file.
        command: that made the run, for the card.

    Returns:
        The card in the file.

    Raises:
        AccuracyFloorError: the test accuracy is under the recipe's floor; an existing file stays.
        ExportError: the ONNX form gives other probabilities than Keras; an existing file stays.
    """
    recipe = find_recipe(run.config.recipe)
    if run.test.accuracy < recipe.floor:
        raise AccuracyFloorError(
            f"The test accuracy of {run.test.accuracy:.2%} is under the {recipe.floor:.0%} that recipe "
            f"{recipe.name} must reach, so it was not written, and any model that was there is as it was. "
            "Train for more epochs or with a smaller batch size."
        )
    onnx = to_onnx(run.model)
    difference = float(np.abs(Engine(onnx)(data.x_test) - run.test_probabilities).max())
    if difference > _MAX_ONNX_DIFFERENCE:
        raise ExportError(
            f"The ONNX form of the network differs from Keras by {difference:.1e} on the test set, more than "
            f"{_MAX_ONNX_DIFFERENCE:.0e}; nothing was written. This is a fault of the export: please report it."
        )

    def make_card(weights_sha256: str, onnx_sha256: str) -> Card:
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
                "name": "MNIST",
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
            history=run.history,
            temperature=run.temperature,
            thresholds=asdict(run.thresholds),
            rejection=run.rejection,
            versions=_versions(),
            weights_sha256=weights_sha256,
            onnx_sha256=onnx_sha256,
            onnx_difference=difference,
        )

    calibrated = apply_temperature(run.test_probabilities, run.temperature)
    examples = choose_examples(data.x_test, data.y_test, calibrated)
    return artifact.write(path, run.model.save, onnx, make_card, examples)


def _versions() -> dict[str, str]:
    packages = ("tensorflow", "keras", "numpy", "onnx", "tf2onnx", "onnxruntime")
    return {"digits": __version__, "python": platform.python_version()} | {
        name: metadata.version(name) for name in packages
    }


def accuracies_over_seeds(
    config: TrainingConfig, data: Mnist, seeds: int, report: Callable[[Run], None]
) -> list[float]:
    """Test accuracy of one recipe trained with the seeds 0 to `seeds` - 1; `report` is given each run."""
    accuracies = []
    for seed in range(seeds):
        run = train(TrainingConfig(config.recipe, config.epochs, config.batch_size, seed), data, show_progress=False)
        report(run)
        accuracies.append(run.test.accuracy)
    return accuracies
