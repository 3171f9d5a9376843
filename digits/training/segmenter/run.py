"""Trains the segment classifier and fits the decoding: python -m digits.training.segmenter.run

Writes digits/shipped/segment_classifier.onnx and segment_classifier.json. Numbers are written from MNIST's training
digits and taken apart; a small network learns from the images that the recipes learn from, and the weights of the
decoding and the threshold of acceptance are fitted on the training images that are held out. MNIST's test images are
not looked at: `python -m benchmarks.accuracy.numbers` measures with those. The same seed on the same machine gives the
same files.

The decoding belongs to the recognizer that it was fitted with. After a change of that model, fit the decoding alone, in
some minutes on one core:

    nice -n 15 python -m digits.training.segmenter.run --decoding-only
"""

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES
from digits.data.mnist import Split, load, split
from digits.evaluation.statistics import auroc
from digits.model.convert import to_onnx
from digits.numbers.acceptance import RECOGNIZER_ACCEPTANCE_FEATURES
from digits.numbers.decoding import (
    FEATURES,
    NEVER_SURE,
    RECOGNIZER_FEATURES,
    Decoding,
    Pool,
    pooled_probabilities,
)
from digits.numbers.decoding_file import DecodingFile
from digits.numbers.lines.network import shipped_line_network
from digits.numbers.networks import Networks
from digits.numbers.segments.windows import Windows
from digits.numbers.window_network import (
    NOTHING_WHOLE,
    SEGMENT_CLASSES,
    Shipped,
    WindowNetwork,
    shipped_network,
)
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.lines import write_lines
from digits.synthetic.pages import KINDS, Page, WrittenNumber, write_numbers
from digits.synthetic.sums import write_sums
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.acceptance import fit_acceptance, fit_choice, fit_confidence, read_ways
from digits.training.segmenter.crf import fit_weights
from digits.training.segmenter.dataset import CHUNK, ReadLine, draw_dataset, read_dataset, write_dataset
from digits.training.segmenter.network import build_network, fit_network
from digits.training.segmenter.options import parse
from digits.training.segmenter.targets import SegmentTargets
from digits.training.segmenter.written import made_with, write_network

# The range and the default of each number on the command line.
_OPTIONS = {
    "windows": (1_000, 10_000_000, 400_000),
    "epochs": (1, 1_000, 8),
    "numbers": (10, 1_000_000, 300),
    "seed": (0, 2**31 - 1, 0),
}
# Of L-BFGS, for the weights of the decoding.
_ITERATIONS = 80
# For a recognizer for which nothing was fitted, both networks count alike.
_DEFAULT_POOL = Pool(0.5, 0.5)
# Of each kind of pictures that hold numbers alone, one for each so many of the others.
_SHARE = 2
# In half of the pictures digits lean alike: only there a slash leans otherwise.
_EVEN = 0.5
# Drawn writers write none of it: the line network has learned from their forms, and would seem better than it is.
_SUM = Page(digits=(1, 4), height=(36, 100), uneven=0.25, even_slant=_EVEN)
# Lines of all kinds, for the choice between two ways to read a line: so many for each number.
_LINE, _TIMES_LINES = Page(digits=(1, 4), height=(28, 90), thin_pen=0.4, uneven=0.1, even_slant=_EVEN), 3
# Letters and other signs among digits, which neither way may take for digits; so many are drawn.
_STRANGE, _SYMBOLS = Page(signs=0.5), 600


def build() -> Any:
    """The network: windows of shape (n, SIDE, SIDE, 2) in 0..1 to probabilities of shape (n, SEGMENT_CLASSES)."""
    return build_network((24, 48, 64), 2, 96, SEGMENT_CLASSES)


def measure_network(classifier: WindowNetwork, windows: Windows, classes: npt.NDArray[np.int64]) -> dict[str, float]:
    """Measures how well held-out windows are told apart."""
    segment_probabilities = classifier(windows)
    whole, something = 1.0 - segment_probabilities[:, NOTHING_WHOLE], classes != NOTHING_WHOLE
    return {
        "windows": len(windows),
        "accuracy": float((segment_probabilities.argmax(axis=1) == classes).mean()),
        "auroc_whole": auroc(whole[something], whole[~something]),
    }


def fit_pool(lines: list[ReadLine]) -> tuple[Pool, dict[str, float]]:
    """Fits the exponents with which both networks' probabilities of whole digits make the right ones most likely.

    Args:
        lines: that were read.

    Returns:
        The exponents; and how many digits there were, and with these exponents the mean negative log-likelihood of the
        right digit, and the share for which it is the most likely.
    """
    segment, recognized, labels = [], [], []
    for line in lines:
        whole, digits = _digits_in(line.targets)
        segment.append(line.lattice.segment_probabilities[whole])
        recognized.append(line.lattice.probabilities[whole])
        labels.append(digits)
    of_segments, of_recognizer, right = np.concatenate(segment), np.concatenate(recognized), np.concatenate(labels)

    def negative_log_likelihood(pool: Pool) -> float:
        likely = pooled_probabilities(of_segments, of_recognizer, pool)[np.arange(len(right)), right]
        return -float(np.log(np.maximum(likely, 1e-12)).mean())

    exponents = [k / 20 for k in range(31)]
    pool = min((Pool(segment, other) for segment in exponents for other in exponents), key=negative_log_likelihood)
    accuracy = float((pooled_probabilities(of_segments, of_recognizer, pool).argmax(axis=1) == right).mean())
    measured = {"negative_log_likelihood": negative_log_likelihood(pool), "accuracy": accuracy}
    return pool, {"whole_digits": len(right), **measured}


def _digits_in(targets: SegmentTargets) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The candidate that comes nearest to each digit, of those that are a whole digit; and which digit it is."""
    nearest = targets.overlaps.argmax(axis=0)
    classes = targets.classes()[nearest]
    whole = (classes >= 0) & (classes < CLASSES)
    return nearest[whole], classes[whole]


def fit_decoding(
    lines: list[ReadLine], pool: Pool, iterations: int, without: Sequence[str] = ()
) -> tuple[dict[str, float], float]:
    """Fits the weights of the decoding.

    Args:
        lines: that were read.
        pool: how the probabilities of both networks are combined.
        iterations: of the fit, at the most.
        without: features whose weights stay 0.

    Returns:
        The weights by name, and the share of the lines that can be read at all.
    """
    readable = [example for example in (line.example(pool) for line in lines) if example.can_be_read]
    weights = fit_weights(readable, iterations, [FEATURES.index(name) for name in without])
    named = {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)}
    return named, len(readable) / len(lines)


def train_network(parts: Split, windows: int, epochs: int, seed: int) -> tuple[bytes, dict[str, Any]]:
    """Trains the network; returns the ONNX file's bytes, and how it was made."""
    import keras

    keras.utils.set_random_seed(seed)
    print(f"Writing numbers for {windows} windows ...", flush=True)
    drawn, classes = draw_dataset(parts.x_fit, parts.y_fit, windows, seed)
    model = build()
    fit_network(model, drawn, classes, epochs, seed)
    onnx = to_onnx(model)
    held_out = draw_dataset(parts.x_validation, parts.y_validation, CHUNK, seed + 1)
    measured = measure_network(WindowNetwork(onnx), *held_out)
    print(f"Held out: {measured}", flush=True)
    return onnx, {
        "seed": seed,
        "windows": windows,
        "epochs": epochs,
        **made_with(onnx),
        "held_out": measured,
    }


def train_decoding(
    parts: Split, onnx: bytes, recognizer: Recognizer, numbers: int, seed: int
) -> tuple[DecodingFile, dict[str, Any]]:
    """Fits the decoding on the training images that are held out; returns it, and how it was made.

    The networks have not learned from these images. The figures beside the fit are of the very lines that it was made
    on, though: choice and confidence are cross-fitted, the weights of the decoding and the threshold of acceptance are
    not. `python -m benchmarks.accuracy.numbers` measures on other images.
    """
    print(f"Reading {numbers} numbers with {recognizer.description} ...", flush=True)
    classifier, signs = WindowNetwork(onnx), shipped_network(Shipped.SIGNS)
    images, labels = parts.x_validation, parts.y_validation

    def read(written: Iterable[WrittenNumber]) -> list[ReadLine]:
        return read_dataset(recognizer, classifier, signs, written)

    touching = read(write_dataset(images, labels, numbers, seed + 2))
    sums = read(write_sums(_SUM, images, labels, numbers, seed + 4))
    # Most lines that people send hold no sign: without them, a thin or small digit would be taken for one too often.
    numbers_alone = [
        line
        for kind, page in enumerate(KINDS.values())
        for line in read(
            write_numbers(replace(page, even_slant=_EVEN), images, labels, numbers // _SHARE, seed + 10 + kind)
        )
    ]
    pool, told_apart = fit_pool(numbers_alone)
    known = [*sums, *numbers_alone]
    lines = [*touching, *known]
    weights, readable = fit_decoding(lines, pool, _ITERATIONS)
    fitted, accepted = fit_acceptance(lines, _without_fit(weights, pool), signs)
    default_weights, _ = fit_decoding(lines, _DEFAULT_POOL, _ITERATIONS, RECOGNIZER_FEATURES)
    default, _ = fit_acceptance(
        lines, _without_fit(default_weights, _DEFAULT_POOL), signs, RECOGNIZER_ACCEPTANCE_FEATURES
    )
    networks = Networks(classifier, signs, shipped_line_network(), fitted)
    mixed = read(write_lines(_LINE, images, labels, _TIMES_LINES * numbers, seed + 6))
    symbols = draw_symbols(_SYMBOLS, np.random.default_rng((seed, 8)))
    strange = read(write_numbers(_STRANGE, images, labels, numbers, seed + 8, symbols))
    ways = read_ways([*mixed, *known], networks)
    choice, chosen, told = fit_choice([*ways, *read_ways([*touching, *strange], networks)])
    # Lines of strange signs and of digits that touch more than most people's would make it too low.
    confidence, of_confidence = fit_confidence(ways, chosen[: len(ways)])

    def with_confidence(decoding: Decoding, sure: float) -> Decoding:
        return replace(
            decoding,
            choice=choice,
            confidence=confidence.weights,
            lattice_confidence=confidence.by_lattice,
            sure=sure,
            sure_path=confidence.sure_path,
            sure_alone=confidence.sure_alone,
        )

    measured = {"lines": len(lines), "can_be_read": readable, **told_apart, **accepted, **told, **of_confidence}
    print(f"On the lines of the fit: {measured}", flush=True)
    decoding = DecodingFile(
        recognizer.card.onnx_sha256,
        with_confidence(fitted, confidence.sure),
        # How sure the lattice is with another recognizer is not known.
        with_confidence(default, NEVER_SURE),
    )
    made = {"seed": seed, "numbers": numbers, "line_network": networks.lines.digest, "held_out": measured}
    return decoding, made


def _without_fit(weights: dict[str, float], pool: Pool) -> Decoding:
    """The decoding before acceptance, choice and confidence are fitted."""
    return Decoding(
        weights,
        confidence={},
        lattice_confidence={},
        sure=NEVER_SURE,
        sure_path=1.0,
        sure_alone=1.0,
        choice={},
        acceptance={},
        digit=0.5,
        pool=pool,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, and writes both files."""
    network, card_file = Shipped.SEGMENTS.network.name, Shipped.SEGMENTS.card.name
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=Shipped.SEGMENTS.network.parent, help="folder (default: the package's)"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=shipped_model(),
        help="recognizer to fit the decoding for (default: the shipped one)",
    )
    parser.add_argument(
        "--decoding-only", action="store_true", help="keep the network that is in the folder, and fit the decoding"
    )
    options = parse(parser, _OPTIONS, argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    cv2.setNumThreads(1)
    data = load()
    parts = split(data)
    if options.decoding_only:
        onnx = (options.out / network).read_bytes()
        made = json.loads((options.out / card_file).read_text())["network"]
    else:
        onnx, made = train_network(parts, options.windows, options.epochs, options.seed)
        made["data"] = data.digest
    recognizer = Recognizer.load(options.model)
    decoding, fit = train_decoding(parts, onnx, recognizer, options.numbers, options.seed)
    card = {"decoding": decoding.to_json(), "fit": fit, "network": made}
    write_network(options.out, network, onnx, card_file, card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
