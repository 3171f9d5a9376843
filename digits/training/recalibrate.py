"""Fits temperature and thresholds of a trained model again: python -m digits.training.recalibrate [MODEL]

Use this when the preprocessing has changed and the weights stay. It fits them on the held-out MNIST images, augmented
as the model's recipe says, and writes them on the card with the version of the preprocessing. MNIST's test images
decide nothing; the share of them that is refused goes on the card. The weights stay as they are. An int8 form, which
has thresholds of its own, is dropped: `digits model quantize` makes it anew.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.data.mnist import Mnist, load, split
from digits.errors import DigitsError
from digits.model.acceptance import Thresholds
from digits.model.artifact import read, replace_card
from digits.model.calibration import apply_temperature, fit_temperature
from digits.model.card import Card
from digits.model.engine import Engine
from digits.model.input_form import INPUT_FORMS
from digits.recognizer import shipped_model
from digits.training.config import TrainingConfig
from digits.training.run import calibrate_thresholds, share_refused
from digits.vision.mnist_form import PREPROCESSING_VERSION


@dataclass(frozen=True)
class Fitted:
    """What is fitted on the held-out MNIST images.

    Args:
        temperature: divides the logits.
        thresholds: for acceptance.
        rejection: shares of images that are refused with these thresholds, for the card.
        test_probabilities: uncalibrated, of shape (10000, 10), of the MNIST test images, which decide nothing.
    """

    temperature: float
    thresholds: Thresholds
    rejection: dict[str, float]
    test_probabilities: npt.NDArray[np.float32]


def fit_to(engine: Engine, data: Mnist, config: TrainingConfig) -> Fitted:
    """Fits temperature and thresholds of a network on MNIST's held-out images.

    Args:
        engine: runs the network.
        data: MNIST.
        config: names the recipe, whose augmentation counts, and the seed.
    """
    parts = split(data)
    temperature = fit_temperature(engine(parts.x_validation), parts.y_validation)
    thresholds, rejection = calibrate_thresholds(engine, parts, config, temperature)
    test = engine(data.x_test)
    rejection["test_digits"] = share_refused(apply_temperature(test, temperature), thresholds)
    return Fitted(temperature, thresholds, rejection, test)


def recalibrate(path: Path, data: Mnist) -> Card:
    """Fits temperature and thresholds of a model on held-out images, and writes them on its card.

    Args:
        path: of a model file that Digits made or converted; it is changed.
        data: MNIST.

    Returns:
        The new card.

    Raises:
        ModelFileError: the file cannot be read.
        SettingError: its recipe is not known.
    """
    artifact = read(path)
    card = artifact.card
    engine = Engine(artifact.onnx, INPUT_FORMS[card.input_form])
    # A network from elsewhere has no recipe: it is held to plain digits, as the reference recipe is.
    recipe = TrainingConfig.recipe if card.recipe == Card.recipe else card.recipe
    fitted = fit_to(engine, data, TrainingConfig(recipe, seed=card.seed or 0))
    card = replace(
        card,
        temperature=fitted.temperature,
        thresholds=asdict(fitted.thresholds),
        rejection=fitted.rejection,
        preprocessing=PREPROCESSING_VERSION,
        int8=None,
    )
    replace_card(path, card)
    return card


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", default=shipped_model(), help="default: the shipped one")
    options = parser.parse_args(argv)
    try:
        before = read(options.model).card
        card = recalibrate(options.model, load())
    except DigitsError as error:
        print(f"recalibrate: {error}", file=sys.stderr)
        return 1
    if before.int8 is not None:
        print(f"The int8 form was dropped. This makes it anew: digits model quantize {options.model}")
    print(f"Preprocessing: version {before.preprocessing} -> {card.preprocessing}")
    print(f"Temperature:   {before.temperature:.4f} -> {card.temperature:.4f}")
    for name, value in card.thresholds.items():
        print(f"Threshold {name}: {before.thresholds.get(name)} -> {value}")
    for name, share in card.rejection.items():
        print(f"Refused of {name}: {before.rejection.get(name, 0.0):.2%} -> {share:.2%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
