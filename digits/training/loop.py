"""Fitting a network: what `model.fit` does, in a fraction of its time."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress

from digits.data.mnist import Images, Split
from digits.errors import SettingError
from digits.model.engine import CLASSES
from digits.training.recipes import Recipe, find_recipe

# An epoch is run as compiled pieces of this many steps: few enough calls to cost nothing, enough to show progress.
_STEPS_PER_CALL = 100
MAX_EPOCHS = 1_000
MAX_BATCH_SIZE = 55_000
MAX_SEED = 2**31 - 1

# The label of a training image that shows no digit.
OUTLIER = CLASSES
_LOSS = "sparse_categorical_crossentropy"


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


def scale(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Pixels of 0..255 as float32 in 0..1, which is what networks see."""
    return images.astype(np.float32) / np.float32(255.0)


def fit(model: Any, parts: Split, config: TrainingConfig, *, show_progress: bool) -> dict[str, list[float]]:
    """What `model.fit` does, in a fraction of its time.

    `model.fit` hands every batch from Python to TensorFlow on its own, which for a network this small costs
    several times the arithmetic. Here the images lie in TensorFlow's memory, and Keras' own `train_step` is compiled
    together with the loop around it (by XLA, where the recipe wants it), so that Python is asked once per
    `_STEPS_PER_CALL` batches. Images are shuffled anew in every epoch; the few that do not fill a last batch wait
    for the next one.

    Returns:
        Per epoch, `loss` and `accuracy` (running means over the epoch) and `val_loss` and `val_accuracy`. In `loss`,
        and in nothing else, outliers count as well.
    """
    import tensorflow as tf

    recipe = find_recipe(config.recipe)
    batch_size, epochs = int(config.batch_size or 0), int(config.epochs or 0)
    outliers = round(recipe.outlier_share * len(parts.x_fit))
    count = len(parts.x_fit) + outliers
    labels = tf.constant(np.concatenate([parts.y_fit.astype(np.int32), np.full(outliers, OUTLIER, np.int32)]))
    x_validation, y_validation = scale(parts.x_validation), parts.y_validation.astype(np.int32)
    steps = count // batch_size
    optimizer = recipe.optimizer(steps * epochs)
    if outliers:
        model.compile(optimizer=optimizer, loss=unsure_of_outliers, metrics=[_accuracy_on_digits()])
    else:
        model.compile(optimizer=optimizer, loss=_LOSS, metrics=["accuracy"])
    # The optimizer's and the metrics' variables must exist before the compiled loop starts.
    model.optimizer.build(model.trainable_variables)
    model.test_on_batch(x_validation[:1], y_validation[:1])

    @tf.function(jit_compile=recipe.use_xla)  # type: ignore[untyped-decorator]
    def run_steps(images: Any, batches: Any, count: Any) -> None:
        for step in tf.range(count):
            chosen = batches[step]
            model.train_step((tf.gather(images, chosen), tf.gather(labels, chosen)))

    shuffler = np.random.default_rng(config.seed)
    history: dict[str, list[float]] = {"loss": [], "accuracy": [], "val_loss": [], "val_accuracy": []}
    with _progress(show_progress) as progress, _epochs_of_images(recipe, parts, config) as images_of:
        for epoch, images in enumerate(images_of, start=1):
            bar = progress.add_task(f"Epoch {epoch}/{epochs}", total=steps)
            batches = shuffler.permutation(count)[: steps * batch_size].reshape(steps, batch_size)
            on_device = tf.constant(scale(images))
            model.reset_metrics()
            for first in range(0, steps, _STEPS_PER_CALL):
                piece = batches[first : first + _STEPS_PER_CALL]
                # A shorter last piece is padded, and the padding not run: XLA compiles each shape anew.
                padded = np.zeros((_STEPS_PER_CALL, batch_size), dtype=np.int32)
                padded[: len(piece)] = piece
                run_steps(on_device, tf.constant(padded), tf.constant(len(piece)))
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
    if outliers:
        # Whoever loads the file needs no loss of ours; the optimizer keeps its state.
        model.compile(optimizer=model.optimizer, loss=_LOSS, metrics=["accuracy"])
        model.test_on_batch(x_validation[:1], y_validation[:1])
    return history


def unsure_of_outliers(labels: Any, probabilities: Any) -> Any:
    """Cross-entropy in which each digit is as likely as another for an image with the label `OUTLIER`.

    Args:
        labels: int tensor of shape (n,) or (n, 1): 0..9, or `OUTLIER`.
        probabilities: float tensor of shape (n, 10).

    Returns:
        Loss of each image, of shape (n,), in nats. Source: Hendrycks et al., "Deep Anomaly Detection with Outlier
        Exposure", ICLR 2019.
    """
    from keras import ops

    labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
    anything = ops.cast(labels == OUTLIER, probabilities.dtype)[:, None] / CLASSES
    targets = ops.one_hot(ops.minimum(labels, CLASSES), CLASSES + 1)[:, :CLASSES] + anything
    return ops.categorical_crossentropy(targets, probabilities)


def _accuracy_on_digits() -> Any:
    """Keras' accuracy, for which outliers do not count."""
    from keras import metrics, ops

    class AccuracyOnDigits(metrics.SparseCategoricalAccuracy):  # type: ignore[misc]
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            is_digit = ops.cast(ops.reshape(y_true, (-1,)) != OUTLIER, "float32")
            return super().update_state(y_true, y_pred, sample_weight=is_digit)

    return AccuracyOnDigits(name="accuracy")


@contextmanager
def _epochs_of_images(recipe: Recipe, parts: Split, config: TrainingConfig) -> Iterator[Iterator[Images]]:
    """The images of each epoch, outliers last; if they are augmented, the next ones while these are used."""
    epochs = int(config.epochs or 0)
    change, make_outliers = recipe.augment, recipe.outliers
    if change is None and make_outliers is None:
        yield itertools.repeat(parts.x_fit, epochs)
        return

    def prepare(epoch: int) -> Images:
        rng = np.random.default_rng((config.seed, epoch))
        images = parts.x_fit if change is None else change(parts.x_fit, parts.y_fit, rng)
        if make_outliers is None:
            return images
        count = round(recipe.outlier_share * len(images))
        return np.concatenate([images, make_outliers(count, parts.x_fit, parts.y_fit, rng)])

    def prepared() -> Iterator[Images]:
        coming = executor.submit(prepare, 0)
        for epoch in range(1, epochs + 1):
            present = coming.result()
            if epoch < epochs:
                coming = executor.submit(prepare, epoch)
            yield present

    with ThreadPoolExecutor(max_workers=1) as executor:
        yield prepared()


def _progress(show: bool) -> Progress:
    """A progress bar on a terminal; on anything else only the lines printed beside it."""
    console = Console(quiet=not show, soft_wrap=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
