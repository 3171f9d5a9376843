"""The story of a training run: split, build, compile, fit, calibrate, evaluate. `digits.training.export` saves it.

What is clever stands one call below: the compiled loop in `loop`, the images of each epoch in `epochs`, the loss with
outliers in `losses`, calibration in `digits.model.calibration`, thresholds in `digits.model.acceptance`.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.data.mnist import Mnist, Split, split
from digits.errors import SettingError
from digits.evaluation.classification import Scores, score
from digits.model import artifact
from digits.model.acceptance import Thresholds, fit_thresholds, reasons_to_refuse
from digits.model.calibration import apply_temperature, fit_temperature
from digits.model.card import Card
from digits.synthetic.augmentation import make_outliers
from digits.training.config import TrainingConfig
from digits.training.epochs import epoch_images, epoch_labels
from digits.training.extra.folder import Extra
from digits.training.keras_install import require_keras
from digits.training.loop import Checkpoint, Schedule, fit, scale
from digits.training.losses import accuracy_on_digits, outlier_exposure_loss
from digits.training.recipes import find_recipe

_LOSS = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class Run:
    """A finished training run, not yet written.

    Args:
        config: what was asked for.
        model: the trained `keras.Model`.
        history: for each epoch `loss`, `accuracy`, `val_loss` and `val_accuracy`.
        temperature: fitted on the validation images.
        thresholds: fitted on the validation images, augmented as the training images are.
        rejection: shares of images that are refused with these thresholds, for the card.
        training: scores on the MNIST images that the network learned from.
        validation: scores on the validation images. The temperature was fitted on them, so their calibration error is
            lower than that of other images.
        test: scores on the test images, on which nothing was fitted. They decide whether a model is kept at all: by the
            floor of its recipe, and with `train.py --extra` by a comparison with the model before it.
        test_probabilities: uncalibrated, of shape (10000, 10).
        extra: other pictures that the network learned from, or None.
        started_from: the card of the model whose weights the run started from, or None.
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
    started_from: Card | None = None


def train(
    config: TrainingConfig,
    data: Mnist,
    extra: Extra | None = None,
    *,
    show_progress: bool = True,
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Trains a recipe on MNIST and tests it once.

    Args:
        config: what to train.
        data: MNIST.
        extra: other pictures to learn from.
        show_progress: whether to print a line for each epoch, and a progress bar on a terminal.
        checkpoint: keeps the state after each epoch, and perhaps holds that of a run that was stopped.

    Raises:
        MissingInstallError: TensorFlow is not installed.
        ModelFileError: the model to start from cannot be read.
        SettingError: its weights do not fit the recipe.
    """
    require_keras()
    import keras

    parts = split(data)
    keras.utils.set_random_seed(config.seed)
    model = find_recipe(config.recipe).build()
    started_from = load_weights(model, config.start) if config.start else None
    start_weights = model.get_weights()
    history = compile_and_fit(
        model, extra.join(parts) if extra else parts, config, show_progress=show_progress, checkpoint=checkpoint
    )
    if started_from:
        average_weights(model, start_weights, find_recipe(config.recipe).fine_tuned_share)

    validation = predict(model, parts.x_validation)
    temperature = fit_temperature(validation, parts.y_validation)
    thresholds, rejection = calibrate_thresholds(functools.partial(predict, model), parts, config, temperature)

    def scored(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> Scores:
        return score(probabilities, apply_temperature(probabilities, temperature), labels)

    test = predict(model, data.x_test)
    rejection["test_digits"] = share_refused(apply_temperature(test, temperature), thresholds)
    return Run(
        config=config,
        model=model,
        history=history,
        temperature=temperature,
        thresholds=thresholds,
        rejection=rejection,
        training=scored(predict(model, parts.x_fit), parts.y_fit),
        validation=scored(validation, parts.y_validation),
        test=scored(test, data.y_test),
        test_probabilities=test,
        extra=extra,
        started_from=started_from,
    )


def load_weights(model: Any, path: Path) -> Card:
    """Copies the weights of a model file into a network.

    Args:
        model: what the recipe built; it is changed.
        path: of the model file.

    Returns:
        The card of the file.

    Raises:
        ModelFileError: the file cannot be read.
        SettingError: the file's network has weights of other shapes.
    """
    import keras

    card = artifact.read(path).card
    weights = keras.models.load_model(path, compile=False).get_weights()
    expected = [tuple(variable.shape) for variable in model.weights]
    if [array.shape for array in weights] != expected:
        raise SettingError(
            f"The weights of {path} (recipe {card.recipe}) do not fit the network of this recipe. "
            "Name a model of the same recipe with --from, or leave --from out."
        )
    model.set_weights(weights)
    return card


def average_weights(model: Any, start: list[npt.NDArray[np.float32]], share: float) -> None:
    """Replaces the weights of a network by an average with those that it started from.

    Args:
        model: it is changed.
        start: the weights that it started from, as `get_weights` returns them, of the shapes of the present ones.
        share: of the present weights in the average, 0..1.
    """
    pairs = zip(start, model.get_weights(), strict=True)
    model.set_weights([(1.0 - share) * before + share * now for before, now in pairs])


def compile_and_fit(
    model: Any,
    parts: Split,
    config: TrainingConfig,
    *,
    show_progress: bool = True,
    checkpoint: Checkpoint | None = None,
) -> dict[str, list[float]]:
    """Compiles a recipe's network and fits it.

    Args:
        model: what the recipe built.
        parts: MNIST's parts, perhaps with other pictures.
        config: of the run.
        show_progress: as for `train`.
        checkpoint: as for `train`.

    Returns:
        For each epoch `loss`, `accuracy`, `val_loss` and `val_accuracy`. Outliers count in `loss` alone.
    """
    recipe = find_recipe(config.recipe)
    epochs, batch_size = int(config.epochs or 0), int(config.batch_size or 0)
    labels = epoch_labels(recipe, parts)
    make_optimizer = recipe.fine_tuning_optimizer if config.start else recipe.optimizer
    optimizer = make_optimizer(len(labels) // batch_size * epochs)
    if recipe.outliers:
        model.compile(optimizer=optimizer, loss=outlier_exposure_loss, metrics=[accuracy_on_digits()])
    else:
        model.compile(optimizer=optimizer, loss=_LOSS, metrics=["accuracy"])
    validation = scale(parts.x_validation), parts.y_validation.astype(np.int32)
    first = checkpoint.done if checkpoint else 0
    with epoch_images(recipe, parts, epochs, config.seed, first) as images_of_epochs:
        history = fit(
            model,
            map(scale, images_of_epochs),
            labels,
            Schedule(epochs, batch_size, config.seed, use_xla=recipe.use_xla),
            validation=validation,
            show_progress=show_progress,
            checkpoint=checkpoint,
        )
    if recipe.outliers:
        # Keras loads the file without a loss of ours; the optimizer keeps its state.
        model.compile(optimizer=model.optimizer, loss=_LOSS, metrics=["accuracy"])
        model.test_on_batch(validation[0][:1], validation[1][:1])
    return history


def calibrate_thresholds(
    classify: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
    parts: Split,
    config: TrainingConfig,
    temperature: float,
) -> tuple[Thresholds, dict[str, float]]:
    """Fits thresholds on held-out digits that are augmented as the training images were.

    Args:
        classify: returns uncalibrated probabilities of shape (n, 10) for uint8 images of shape (n, 28, 28).
        parts: MNIST's parts.
        config: names the recipe, whose augmentation counts, and the seed.
        temperature: fitted on the validation images.

    Returns:
        The thresholds, and the shares that they refuse, 0..1: `held_out_digits`, of the very images that they were
        fitted on, so about the share that they are fitted to refuse; and `held_out_outliers`, on which nothing was
        fitted.
    """
    rng = np.random.default_rng(config.seed)
    augment = find_recipe(config.recipe).augment
    digits = parts.x_validation if augment is None else augment(parts.x_validation, parts.y_validation, rng)
    outliers = make_outliers(len(digits), parts.x_validation, parts.y_validation, rng)
    on_digits, on_outliers = (apply_temperature(classify(images), temperature) for images in (digits, outliers))
    thresholds = fit_thresholds(on_digits)
    return thresholds, {
        "held_out_digits": share_refused(on_digits, thresholds),
        "held_out_outliers": share_refused(on_outliers, thresholds),
    }


def predict(model: Any, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Returns uncalibrated probabilities of shape (n, 10) for uint8 images of shape (n, 28, 28)."""
    return np.asarray(model.predict(scale(images), batch_size=1_000, verbose=0), dtype=np.float32)


def share_refused(probabilities: npt.NDArray[np.floating], thresholds: Thresholds) -> float:
    """Returns the share of images that are refused, 0..1.

    Args:
        probabilities: calibrated, of shape (n, 10).
        thresholds: for acceptance.
    """
    return float(np.mean([reason is not None for reason in reasons_to_refuse(probabilities, thresholds)]))


def accuracies_over_seeds(
    config: TrainingConfig, data: Mnist, seeds: int, report: Callable[[Run], None]
) -> list[float]:
    """Trains one recipe with the seeds 0 to `seeds` - 1.

    Returns:
        The test accuracy of each run, 0..1. `report` is called with each run.
    """
    accuracies = []
    for seed in range(seeds):
        run = train(TrainingConfig(config.recipe, config.epochs, config.batch_size, seed), data, show_progress=False)
        report(run)
        accuracies.append(run.test.accuracy)
    return accuracies
