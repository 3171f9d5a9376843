"""Trains the network that finds whole digits in a line: python -m digits.training.segmenter.run

Writes digits/shipped/segment_classifier.onnx and segment_classifier.json. Numbers are written from MNIST's training
digits and taken apart; a small network learns from the images that the recipes learn from, and the weights of paths and
the threshold of acceptance are fitted on the training images that are held out. MNIST's test images are not looked at:
`python -m benchmarks.accuracy.numbers` measures with those. The same seed on the same machine gives the same files.
"""

import argparse
import hashlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.cli.arguments import whole_number
from digits.data.mnist import Split, load, split
from digits.model.acceptance import auroc
from digits.model.convert import to_onnx
from digits.model.engine import CLASSES
from digits.numbers.decoding import FEATURES, acceptance_scores, digits_of
from digits.numbers.segment_classifier import (
    NOTHING_WHOLE,
    OPINIONS,
    SIGN,
    Pool,
    SegmentClassifier,
    SegmentClassifierCard,
    segment_classifier_files,
)
from digits.numbers.windows import SIDE, Windows
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import KINDS, write_numbers
from digits.training.segmenter.crf import fit_weights
from digits.training.segmenter.dataset import CHUNK, ReadLine, draw_example, read_example, write_example
from digits.training.segmenter.targets import SegmentTargets

_BATCH = 256
# Epochs of the fit of paths: its loss no longer falls after them.
_PATH_EPOCHS = 60
# So many rightly read digits may be refused as other signs: a number has several, and one of them spoils it.
_REFUSED = 0.001
# TensorFlow is called once for so many steps.
_STEPS_PER_CALL = 50
# Taking lines apart and looking at windows need nothing that is fitted later.
_UNFITTED = SegmentClassifierCard((0.0,) * len(FEATURES), 0.5, Pool(1.0, 1.0))


def build() -> Any:
    """The network: windows of shape (n, SIDE, SIDE, 2) in 0..1 to probabilities of shape (n, OPINIONS)."""
    from keras import Input, Sequential
    from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, ReLU

    def convolution(filters: int) -> list[Any]:
        return [Conv2D(filters, 3, padding="same", use_bias=False), BatchNormalization(), ReLU(), MaxPooling2D()]

    return Sequential(
        [
            Input((SIDE, SIDE, 2)),
            *(*convolution(24), *convolution(48), *convolution(96)),
            *(Flatten(), Dropout(0.2), Dense(96, activation="relu"), Dense(OPINIONS, activation="softmax")),
        ]
    )


def fit_network(model: Any, windows: Windows, classes: npt.NDArray[np.int64], epochs: int, seed: int) -> None:
    """Fits the network with AdamW, whose learning rate rises for a tenth of the run and falls along a cosine."""
    import tensorflow as tf
    from keras.optimizers import AdamW
    from keras.optimizers.schedules import CosineDecay

    each = len(windows) // _BATCH
    steps = epochs * each
    warm_up = max(1, steps // 10)
    rate = CosineDecay(1e-4, max(1, steps - warm_up), warmup_target=4e-3, warmup_steps=warm_up)
    model.compile(AdamW(rate, weight_decay=0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    # The optimizer's and the metrics' variables must exist before the compiled loop starts.
    model.optimizer.build(model.trainable_variables)
    model.test_on_batch(windows[:1].astype(np.float32), classes[:1])
    inputs, targets = tf.constant(windows), tf.constant(classes.astype(np.int32))

    @tf.function  # type: ignore[untyped-decorator]
    def run(batches: Any, count: Any) -> None:
        for step in tf.range(count):
            chosen = batches[step]
            model.train_step((tf.cast(tf.gather(inputs, chosen), tf.float32) / 255.0, tf.gather(targets, chosen)))

    rng = np.random.default_rng(seed)
    for epoch in range(1, epochs + 1):
        batches = rng.permutation(len(windows))[: each * _BATCH].reshape(each, _BATCH).astype(np.int32)
        model.reset_metrics()
        for start in range(0, each, _STEPS_PER_CALL):
            some = batches[start : start + _STEPS_PER_CALL]
            padded = np.zeros((_STEPS_PER_CALL, _BATCH), np.int32)
            padded[: len(some)] = some
            run(tf.constant(padded), tf.constant(len(some)))
        figures = {name: float(value) for name, value in model.get_metrics_result().items()}
        print(f"Epoch {epoch}/{epochs}  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.2%}", flush=True)


def measure_network(splitter: SegmentClassifier, windows: Windows, classes: npt.NDArray[np.int64]) -> dict[str, float]:
    """How well held-out windows are told apart."""
    segment_probabilities = splitter(windows)
    whole, something = 1.0 - segment_probabilities[:, NOTHING_WHOLE], classes != NOTHING_WHOLE
    return {
        "windows": len(windows),
        "accuracy": float((segment_probabilities.argmax(axis=1) == classes).mean()),
        "auroc_whole": auroc(whole[something], whole[~something]),
    }


def fit_pool(lines: list[ReadLine]) -> tuple[Pool, dict[str, float]]:
    """The powers with which the two networks' segment_probabilities of whole digits, multiplied, are the most likely.

    Returns:
        They; and how many digits there were, the mean negative logarithm of the probability of the right one, and the
        share for which it is the largest.
    """
    whole = []
    for line in lines:
        some, classes = _digits_in(line.truth)
        whole.append((line.lattice.segment_probabilities[some], line.lattice.probabilities[some], classes))
    segment_probabilities, read, digits = (np.concatenate(parts) for parts in zip(*whole, strict=True))

    def surprise(pool: Pool) -> float:
        right = digits_of(segment_probabilities, read, pool)[np.arange(len(digits)), digits]
        return -float(np.log(np.maximum(right, 1e-12)).mean())

    pool = min((Pool(one / 20, other / 20) for one in range(31) for other in range(31)), key=surprise)
    accuracy = float((digits_of(segment_probabilities, read, pool).argmax(axis=1) == digits).mean())
    return pool, {"whole_digits": len(digits), "surprise": surprise(pool), "accuracy": accuracy}


def _digits_in(truth: SegmentTargets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The candidate that comes nearest to each digit, of those that are one whole; and which digit it is."""
    nearest = truth.overlaps.argmax(axis=0)
    classes = truth.classes()[nearest]
    whole = (classes >= 0) & (classes < CLASSES)
    return nearest[whole], classes[whole]


def fit_paths(lines: list[ReadLine], pool: Pool, epochs: int, seed: int) -> tuple[npt.NDArray[np.float64], float]:
    """The weights of paths, of shape (len(FEATURES),), and the share of the lines that can be read at all."""
    readable = [one for one in (line.example(pool) for line in lines) if one.can_be_read]
    return fit_weights(readable, epochs, seed), len(readable) / len(lines)


def fit_acceptance(lines: list[ReadLine], card: SegmentClassifierCard) -> tuple[float, dict[str, float]]:
    """The threshold that refuses a given share of rightly read digits, and what it does with other signs.

    Args:
        lines: that were read.
        card: with the weights of paths; its threshold does not count.

    Returns:
        It; and how many digits and signs there were, and the share of each that is accepted.
    """
    digits: list[float] = []
    signs: list[float] = []
    for line in lines:
        path = line.lattice.best(card)
        scores = acceptance_scores(line.lattice.segment_probabilities[path], line.lattice.probabilities[path])
        classes = line.truth.classes()[path]
        digits += scores[classes == line.digits(card.pool)[path]].tolist()
        signs += scores[classes == SIGN].tolist()
    threshold = math.floor(float(np.quantile(digits, _REFUSED)) * 1e4) / 1e4
    return threshold, {
        "digits": len(digits),
        "digits_accepted": float((np.array(digits) >= threshold).mean()),
        "signs": len(signs),
        "signs_accepted": float((np.array(signs) >= threshold).mean()) if signs else 0.0,
    }


def train_network(parts: Split, windows: int, epochs: int, seed: int) -> tuple[bytes, dict[str, Any]]:
    """Trains the network; returns the ONNX file's bytes, and how it was made."""
    import keras

    keras.utils.set_random_seed(seed)
    print(f"Writing numbers for {windows} windows ...", flush=True)
    drawn, classes = draw_example(parts.x_fit, parts.y_fit, windows, seed)
    model = build()
    fit_network(model, drawn, classes, epochs, seed)
    onnx = to_onnx(model)
    held_out = draw_example(parts.x_validation, parts.y_validation, CHUNK, seed + 1)
    found = measure_network(SegmentClassifier(onnx, _UNFITTED), *held_out)
    print(f"Held out: {found}", flush=True)
    return onnx, {
        "seed": seed,
        "windows": windows,
        "epochs": epochs,
        "onnx_sha256": hashlib.sha256(onnx).hexdigest(),
        "libraries": {name: version(name) for name in ("keras", "tensorflow", "numpy")},
        "held_out": found,
    }


def train_paths(parts: Split, onnx: bytes, numbers: int, seed: int) -> dict[str, Any]:
    """Fits what belongs to the network, on the training images that are held out."""
    print(f"Reading {numbers} numbers ...", flush=True)
    splitter = SegmentClassifier(onnx, _UNFITTED)
    recognizer = Recognizer.load(shipped_model())
    images, labels = parts.x_validation, parts.y_validation
    ordinary = [
        one
        for kind in ("digits apart", "digits touching")
        for one in write_numbers(KINDS[kind], images, labels, numbers // 2, seed + 3)
    ]
    pool, told_apart = fit_pool(read_example(recognizer, splitter, ordinary))
    lines = read_example(recognizer, splitter, write_example(images, labels, numbers, seed + 2))
    weights, readable = fit_paths(lines, pool, _PATH_EPOCHS, seed)
    threshold, accepted = fit_acceptance(lines, SegmentClassifierCard(tuple(weights), 0.0, pool))
    found = {"lines": len(lines), "can_be_read": readable, **told_apart, **accepted}
    print(f"Held out: {found}", flush=True)
    return {
        "weights": {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)},
        "digit": threshold,
        "pool": asdict(pool),
        "paths": {"seed": seed, "numbers": numbers, "epochs": _PATH_EPOCHS, "held_out": found},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, and writes both files."""
    network, card_file = (file.name for file in segment_classifier_files())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=segment_classifier_files()[0].parent, help="folder (default: the package's)"
    )
    parser.add_argument("--windows", type=whole_number(1_000, 10_000_000), default=400_000)
    parser.add_argument("--epochs", type=whole_number(1, 1_000), default=8)
    parser.add_argument("--numbers", type=whole_number(10, 1_000_000), default=600, help="that paths are fitted on")
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0)
    parser.add_argument("--paths-only", action="store_true", help="keep the network that is in the folder")
    options = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    cv2.setNumThreads(1)
    data = load()
    parts = split(data)
    if options.paths_only:
        onnx = (options.out / network).read_bytes()
        made = json.loads((options.out / card_file).read_text())["network"]
    else:
        onnx, made = train_network(parts, options.windows, options.epochs, options.seed)
        made["data"] = data.digest
    card = {**train_paths(parts, onnx, options.numbers, options.seed), "network": made}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / network).write_bytes(onnx)
    (options.out / card_file).write_text(json.dumps(card, indent=2) + "\n")
    print(f"{options.out / network} ({len(onnx):,} bytes) and {card_file}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
