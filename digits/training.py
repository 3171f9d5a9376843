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
from rich.console import Console
from rich.progress import Progress

from digits import __version__, artifact
from digits.artifact import Card
from digits.calibration import apply_temperature, fit_temperature
from digits.engine import Engine
from digits.errors import AccuracyFloorError, MissingInstallError, SettingError
from digits.evaluation import Scores, score
from digits.export import to_onnx
from digits.mnist import Mnist, Split, split
from digits.recipes import find_recipe

# The two forms of a network may differ by rounding only.
_MAX_ONNX_DIFFERENCE = 1e-4

# An epoch is run as compiled pieces of this many steps: few enough calls to cost nothing, enough to show progress.
_STEPS_PER_CALL = 100

MAX_EPOCHS = 1_000
MAX_BATCH_SIZE = 55_000
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Args:
        recipe: name of the recipe.
        epochs: passes over the training images; the recipe's own if None.
        batch_size: images per step; the recipe's own if None.
        seed: of the weights' start and the images' order. The same seed on the same machine gives the same weights.

    Raises:
        SettingError: a value out of range; the message says which are right.
    """

    recipe: str = "reference"
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        recipe = find_recipe(self.recipe)
        object.__setattr__(self, "epochs", recipe.epochs if self.epochs is None else self.epochs)
        object.__setattr__(self, "batch_size", recipe.batch_size if self.batch_size is None else self.batch_size)
        for name, lowest, highest in (
            ("epochs", 1, MAX_EPOCHS),
            ("batch_size", 1, MAX_BATCH_SIZE),
            ("seed", 0, MAX_SEED),
        ):
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise SettingError(f"{name} is {value}; it must be a whole number from {lowest} to {highest}.")


@dataclass(frozen=True)
class Run:
    """A finished training run, not yet written.

    Args:
        config: what was asked for.
        model: the trained `keras.Model`.
        history: per epoch, `loss`, `accuracy`, `val_loss` and `val_accuracy`.
        temperature: fitted on the validation split.
        training: scores on the images that the network learned from.
        validation: scores on the validation split.
        test: scores on the test set, which was used for nothing else.
        test_probabilities: uncalibrated, of shape (10000, 10).
    """

    config: TrainingConfig
    model: Any
    history: dict[str, list[float]]
    temperature: float
    training: Scores
    validation: Scores
    test: Scores
    test_probabilities: npt.NDArray[np.float32]


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
            f"Training needs TensorFlow, which the serving install leaves out ({error}). Install it with: make install"
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


def train(config: TrainingConfig, data: Mnist, *, show_progress: bool = True) -> Run:
    """Trains a recipe on MNIST and tests it once.

    Args:
        config: what to train.
        data: MNIST.
        show_progress: a progress bar and a line of figures per epoch on standard output.
    """
    require_keras()
    import keras

    parts = split(data)
    keras.utils.set_random_seed(config.seed)
    model = find_recipe(config.recipe).build()
    compile_model(model)
    history = fit(model, parts, config, show_progress=show_progress)

    training, validation = _probabilities(model, parts.x_fit), _probabilities(model, parts.x_validation)
    temperature = fit_temperature(validation, parts.y_validation)

    def scored(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> Scores:
        return score(probabilities, apply_temperature(probabilities, temperature), labels)

    test = _probabilities(model, data.x_test)
    return Run(
        config=config,
        model=model,
        history=history,
        temperature=temperature,
        training=scored(training, parts.y_fit),
        validation=scored(validation, parts.y_validation),
        test=scored(test, data.y_test),
        test_probabilities=test,
    )


def compile_model(model: Any) -> None:
    """Gives a network the optimizer, loss and metric that every recipe shares."""
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def scale(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Pixels of 0..255 as float32 in 0..1, which is what networks see."""
    return images.astype(np.float32) / np.float32(255.0)


def fit(model: Any, parts: Split, config: TrainingConfig, *, show_progress: bool) -> dict[str, list[float]]:
    """What `model.fit` does, in a fraction of its time.

    `model.fit` hands every batch from Python to TensorFlow on its own, which for a network this small costs
    several times the arithmetic. Here the images lie in TensorFlow's memory, and XLA compiles Keras' own
    `train_step` together with the loop around it, so that Python is asked once per `_STEPS_PER_CALL` batches.
    Images are shuffled anew in every epoch; the few that do not fill a last batch wait for the next one.

    Returns:
        Per epoch, `loss` and `accuracy` (running means over the epoch) and `val_loss` and `val_accuracy`.
    """
    import tensorflow as tf

    batch_size, epochs = int(config.batch_size or 0), int(config.epochs or 0)
    images, labels = tf.constant(scale(parts.x_fit)), tf.constant(parts.y_fit.astype(np.int32))
    x_validation, y_validation = scale(parts.x_validation), parts.y_validation.astype(np.int32)
    # The optimizer's and the metrics' variables must exist before the compiled loop starts.
    model.optimizer.build(model.trainable_variables)
    model.test_on_batch(x_validation[:1], y_validation[:1])

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def run_steps(batches: Any, count: Any) -> None:
        for step in tf.range(count):
            chosen = batches[step]
            model.train_step((tf.gather(images, chosen), tf.gather(labels, chosen)))

    steps = len(parts.x_fit) // batch_size
    shuffler = np.random.default_rng(config.seed)
    history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    with _progress(show_progress) as progress:
        for epoch in range(1, epochs + 1):
            bar = progress.add_task(f"Epoch {epoch}/{epochs}", total=steps)
            batches = shuffler.permutation(len(parts.x_fit))[: steps * batch_size].reshape(steps, batch_size)
            model.reset_metrics()
            for first in range(0, steps, _STEPS_PER_CALL):
                piece = batches[first : first + _STEPS_PER_CALL]
                # A shorter last piece is padded, and the padding not run: XLA compiles each shape anew.
                padded = np.zeros((_STEPS_PER_CALL, batch_size), dtype=np.int32)
                padded[: len(piece)] = piece
                run_steps(tf.constant(padded), tf.constant(len(piece)))
                progress.advance(bar, len(piece))
            figures = {name: float(value) for name, value in model.get_metrics_result().items()}
            loss, accuracy = model.evaluate(x_validation, y_validation, batch_size=1_000, verbose=0)
            figures |= {"val_loss": float(loss), "val_accuracy": float(accuracy)}
            for name, values in history.items():
                values.append(figures[name])
            progress.remove_task(bar)
            progress.console.print(
                f"Epoch {epoch}/{epochs}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.2%}  "
                f"validation loss {loss:.4f}  accuracy {accuracy:.2%}",
                highlight=False,
            )
    return history


def _progress(show: bool) -> Progress:
    """A progress bar on a terminal; on anything else only the lines printed beside it."""
    console = Console(quiet=not show, soft_wrap=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


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
        RuntimeError: the ONNX form gives other probabilities than Keras; an existing file stays.
    """
    recipe = find_recipe(run.config.recipe)
    if run.test.accuracy < recipe.floor:
        raise AccuracyFloorError(
            f"The test accuracy of {run.test.accuracy:.2%} is under the {recipe.floor:.0%} that recipe "
            f"{recipe.name} must reach, so nothing was written and any model at {path} is as it was. "
            "Train for more epochs or with a smaller batch size."
        )
    onnx = to_onnx(run.model)
    difference = float(np.abs(Engine(onnx)(data.x_test) - run.test_probabilities).max())
    if difference > _MAX_ONNX_DIFFERENCE:
        raise RuntimeError(
            f"The ONNX form of the network differs from Keras by {difference:.1e} on the test set, more than "
            f"{_MAX_ONNX_DIFFERENCE:.0e}; nothing was written. This is a fault of the export: please report it."
        )

    def make_card(weights_sha256: str, onnx_sha256: str) -> Card:
        return Card(
            recipe=recipe.name,
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
            },
            metrics={
                "training": asdict(run.training),
                "validation": asdict(run.validation),
                "test": asdict(run.test),
            },
            history=run.history,
            temperature=run.temperature,
            versions=_versions(),
            weights_sha256=weights_sha256,
            onnx_sha256=onnx_sha256,
            onnx_difference=difference,
        )

    return artifact.write(path, run.model.save, onnx, make_card)


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
