"""Trains the network that reads whole lines: python -m digits.training.lines.run

Writes digits/shipped/line_recognizer.onnx and line_recognizer.json. Lines are written by code, with MNIST's training
digits and drawn ones, put on paper and found on it again as in a reading. MNIST's test images are not looked at. After
it, fit the decoding: `python -m digits.training.segmenter.run --decoding-only`.
"""

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digits.data.mnist import load, split
from digits.model.engine import open_session
from digits.numbers.lines.image import LineImage
from digits.numbers.lines.network import CARD, FILE, SHOWN, LineNetwork
from digits.training.export import check_difference
from digits.training.lines.dataset import draw_lines
from digits.training.lines.graph import line_graph
from digits.training.lines.network import Line, batches, build, fit
from digits.training.segmenter.options import parse
from digits.training.segmenter.written import made_with, write_network

# The range and the default of each number on the command line.
_OPTIONS = {
    "lines": (100, 10_000_000, 60_000),
    "epochs": (1, 1_000, 8),
    "seed": (0, 2**31 - 1, 5),
}
# Lines are drawn in chunks, each of which depends on the seed and its number alone.
_CHUNK, _HELD_OUT = 2_000, 1_500
# The scores of the two forms of the network may differ by rounding only.
_MAX_ONNX_DIFFERENCE = 1e-3


def draw_all(count: int, seed: int, *, held_out: bool = False) -> Sequence[Line]:
    """Draws lines with as many processes as there are processors, of the training digits or the held-out ones."""
    chunks, size = -(-count // _CHUNK), min(count, _CHUNK)
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=processes) as pool:
        drawn = list(pool.map(partial(_draw_chunk, seed, size, held_out), range(chunks)))
    lines: list[Line] = []
    for chunk in drawn:
        lines.extend(chunk)
    return lines[:count]


def _draw_chunk(seed: int, count: int, held_out: bool, number: int) -> list[Line]:
    cv2.setNumThreads(1)
    parts = split(load())
    images, labels = (parts.x_validation, parts.y_validation) if held_out else (parts.x_fit, parts.y_fit)
    return draw_lines(images, labels, seed, number, count)


def check_agreement(model: Any, onnx: bytes, lines: Sequence[Line]) -> None:
    """Compares the two forms of a network on one batch of lines.

    Args:
        model: the Keras model.
        onnx: the same network, serialized.
        lines: at least one.

    Raises:
        ExportError: their scores differ by more than rounding.
    """
    pictures, _, _ = next(batches(lines, np.random.default_rng(0)))
    session = open_session(onnx)
    (scores,) = session.run(None, {session.get_inputs()[0].name: pictures})
    difference = float(np.abs(scores - np.asarray(model(pictures, training=False))).max())
    check_difference(difference, _MAX_ONNX_DIFFERENCE, "a batch of lines")


def measure(network: LineNetwork, lines: Sequence[Line]) -> dict[str, float]:
    """Counts the lines that are read exactly."""
    right = [
        network(LineImage(pixels, (), (), 1.0)).shown == tuple(SHOWN[shown] for shown in classes)
        for pixels, classes in lines
    ]
    return {"lines": len(right), "exact": float(np.mean(right))}


def main(argv: Sequence[str] | None = None) -> int:
    """Trains, and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FILE.parent, help="folder (default: the package's)")
    options = parse(parser, _OPTIONS, argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    keras.utils.set_random_seed(options.seed)
    print(f"Writing {options.lines:,} lines ...", flush=True)
    lines = draw_all(options.lines, options.seed)
    model = build()
    fit(model, lines, options.epochs, options.seed)
    onnx = line_graph(model)
    check_agreement(model, onnx, lines)
    measured = measure(LineNetwork(onnx), draw_all(min(options.lines, _HELD_OUT), options.seed + 1, held_out=True))
    print(f"Held out: {measured}", flush=True)
    card = {
        "seed": options.seed,
        "lines": options.lines,
        "epochs": options.epochs,
        "parameters": int(sum(np.prod(variable.shape) for variable in model.trainable_variables)),
        **made_with(onnx),
        "data": load().digest,
        "held_out": measured,
    }
    write_network(options.out, FILE.name, onnx, CARD.name, card)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
