"""Trains the network that tells digits and signs apart: python -m digits.training.segmenter.signs

Writes digits/shipped/sign_classifier.onnx and sign_classifier.json. Sums are written from MNIST's training digits and
from signs that are drawn by code; the network learns from the images that the recipes learn from, and is measured on
sums of the training images that are held out. MNIST's test images are not looked at: `python -m
benchmarks.accuracy.numbers` measures with those.

With --continue, the network that is in the folder goes on learning, from new windows. That takes fewer of them, where
the data set has got new kinds of writing:

    python -m digits.training.segmenter.signs --continue --windows 20000 --epochs 4 --seed 20
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digits.arrays import CLASSES
from digits.data.mnist import load, split
from digits.evaluation.statistics import auroc
from digits.model.convert import to_onnx
from digits.numbers.segments.windows import CHANNELS, Windows
from digits.numbers.signs.kinds import PIECE, SIGN_CLASSES
from digits.numbers.window_network import Shipped, WindowNetwork
from digits.training.segmenter.network import build_network, fit_network, restore
from digits.training.segmenter.options import parse
from digits.training.segmenter.sign_dataset import Targets, draw_sign_examples
from digits.training.segmenter.written import made_with, write_network

_HELD_OUT = 3_000
# The range and the default of each number on the command line.
_OPTIONS = {"windows": (1_000, 10_000_000, 300_000), "epochs": (1, 1_000, 10), "seed": (0, 2**31 - 1, 0)}


def build() -> Any:
    """The network: windows of shape (n, SIDE, SIDE, CHANNELS) in 0..1 to probabilities of shape (n, SIGN_CLASSES)."""
    return build_network((16, 40, 64), CHANNELS, 80, SIGN_CLASSES)


def negative_log_likelihood(targets: Any, probabilities: Any) -> Any:
    """The negative logarithm of the probability of all classes that are right, for each window."""
    from keras import ops

    return -ops.log(ops.maximum(ops.sum(targets * probabilities, axis=-1), 1e-7))


def measure_network(classifier: WindowNetwork, windows: Windows, targets: Targets) -> dict[str, float]:
    """Measures how well held-out windows are told apart; windows and targets are as `draw_sign_examples` gives them."""
    probabilities = classifier(windows)
    is_digit, is_piece = targets[:, :CLASSES].any(axis=1), targets[:, PIECE]
    is_sign = ~is_digit & ~is_piece
    known = targets.sum(axis=1) == 1
    score = probabilities[:, :CLASSES].sum(axis=1)
    threshold = float(np.quantile(score[is_digit], 0.002))
    right = targets[np.arange(len(targets)), probabilities.argmax(axis=1)]
    return {
        "windows": len(windows),
        "accuracy": float(right.mean()),
        "accuracy_signs": float(right[known & is_sign].mean()),
        "accuracy_pieces": float(right[is_piece].mean()),
        "auroc_digit": auroc(score[is_digit], score[is_sign]),
        "signs_taken_for_digits_where_0.2%_of_digits_are_refused": float((score[is_sign] >= threshold).mean()),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, and writes both files."""
    network_file, card_file = Shipped.SIGNS.network, Shipped.SIGNS.card
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=network_file.parent, help="folder (default: the package's)")
    parser.add_argument("--continue", dest="go_on", action="store_true", help="train the network of the folder further")
    options = parse(parser, _OPTIONS, argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    cv2.setNumThreads(1)
    import keras

    keras.utils.set_random_seed(options.seed)
    data = load()
    parts = split(data)
    print(f"Writing sums for {options.windows} windows ...", flush=True)
    windows, targets = draw_sign_examples(parts.x_fit, parts.y_fit, options.windows, options.seed)
    model = build()
    before = None
    if options.go_on:
        before = json.loads((options.out / card_file.name).read_text())
        restore(model, (options.out / network_file.name).read_bytes(), windows)
    fit_network(
        model,
        windows,
        targets.astype(np.float32),
        options.epochs,
        options.seed,
        negative_log_likelihood,
        is_trained=options.go_on,
    )
    onnx = to_onnx(model)
    held_out = draw_sign_examples(parts.x_validation, parts.y_validation, _HELD_OUT, options.seed + 1)
    measured = measure_network(WindowNetwork(onnx), *held_out)
    print(f"Held out: {measured}", flush=True)
    card = {
        "seed": options.seed,
        "windows": options.windows,
        "epochs": options.epochs,
        **made_with(onnx),
        "data": data.digest,
        "held_out": measured,
    }
    if before is not None:
        card["before"] = {name: value for name, value in before.items() if name != "held_out"}
    write_network(options.out, network_file.name, onnx, card_file.name, card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
