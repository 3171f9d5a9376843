"""Fits temperature and thresholds of a trained model again: python -m digits.training.recalibrate [MODEL]

Use this when the preprocessing has changed and the weights stay. It fits them on the held-out MNIST images, augmented
as the model's recipe says, and writes them on the card with the version of the preprocessing. MNIST's test images
decide nothing; the share of them that is refused goes on the card. The weights stay as they are.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from digits.data.mnist import Mnist, load, split
from digits.errors import DigitsError
from digits.model.acceptance import reasons_to_refuse
from digits.model.artifact import read, replace_card
from digits.model.calibration import apply_temperature, fit_temperature
from digits.model.card import Card
from digits.model.engine import Engine
from digits.model.input_form import INPUT_FORMS
from digits.recognizer import shipped_model
from digits.training.config import TrainingConfig
from digits.training.run import calibrate_thresholds
from digits.vision.mnist_form import PREPROCESSING_VERSION


def recalibrate(path: Path, data: Mnist) -> Card:
    """Fits temperature and thresholds of a model on held-out images, and writes them on its card.

    Args:
        path: of a model file that Digits made; it is changed.
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
    parts = split(data)
    config = TrainingConfig(card.recipe, seed=card.seed or 0)
    temperature = fit_temperature(engine(parts.x_validation), parts.y_validation)
    thresholds, rejection = calibrate_thresholds(engine, parts, config, temperature)
    reasons = reasons_to_refuse(apply_temperature(engine(data.x_test), temperature), thresholds)
    rejection["test_digits"] = float(np.mean([reason is not None for reason in reasons]))
    card = replace(
        card,
        temperature=temperature,
        thresholds=asdict(thresholds),
        rejection=rejection,
        preprocessing=PREPROCESSING_VERSION,
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
    print(f"Preprocessing: version {before.preprocessing} -> {card.preprocessing}")
    print(f"Temperature:   {before.temperature:.4f} -> {card.temperature:.4f}")
    for name, value in card.thresholds.items():
        print(f"Threshold {name}: {before.thresholds.get(name)} -> {value}")
    for name, share in card.rejection.items():
        print(f"Refused of {name}: {before.rejection.get(name, 0.0):.2%} -> {share:.2%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
