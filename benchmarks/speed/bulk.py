"""Measures how fast `digits predict` reads many images: python -m benchmarks.speed.bulk

Writes MNIST's 60,000 training images as a folder of PNG files and as one npz file. The real command reads both, and
the benchmark compares it with the bare network on arrays in memory. One process writes the answers as JSON lines, or,
with --out, one process per core writes Parquet files.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq

from benchmarks.support.machine import describe_machine, spread
from digits.cli.arguments import whole_number
from digits.data.mnist import Images, load
from digits.model.artifact import read
from digits.model.engine import Engine
from digits.recognizer import BATCH, shipped_model


def run_engine(model: Path, images: Images) -> float:
    """Returns the seconds that the bare network takes for images of shape (n, 28, 28)."""
    engine = Engine(read(model).onnx)
    start = time.perf_counter()
    for first in range(0, len(images), BATCH):
        engine(images[first : first + BATCH])
    return time.perf_counter() - start


def run_command(model: Path, source: Path, answers: Path) -> float:
    """Returns the seconds from the start of `digits predict` to its end.

    Args:
        model: the model file.
        source: the file or folder to read.
        answers: a file for JSON lines; or, without a suffix, a folder for Parquet files, which is deleted first.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    command = [sys.executable, "-m", "digits", "predict", "--model", str(model), str(source)]
    if answers.suffix:
        start = time.perf_counter()
        with answers.open("w") as file:
            subprocess.run([*command, "--json"], stdout=file, check=True)
        return time.perf_counter() - start
    shutil.rmtree(answers, ignore_errors=True)
    start = time.perf_counter()
    subprocess.run([*command, "--out", str(answers)], stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped_model(), help="default: the shipped one")
    parser.add_argument("--images", type=whole_number(1, 60_000), default=60_000, help="default: 60000")
    parser.add_argument("--rounds", type=whole_number(1, 100), default=3, help="default: 3")
    options = parser.parse_args(argv)
    images = load(say=lambda _line: None).x_train[: options.images]
    with tempfile.TemporaryDirectory() as temporary:
        folder, npz, answers, out = (
            Path(temporary) / name for name in ("images", "images.npz", "answers.jsonl", "answers")
        )
        folder.mkdir()
        for i, image in enumerate(images):
            cv2.imwrite(str(folder / f"{i:05}.png"), image)
        np.savez(npz, images=images)
        ways: dict[str, Callable[[], float]] = {
            "the network alone, on arrays": lambda: run_engine(options.model, images),
            "`digits predict images.npz`": lambda: run_command(options.model, npz, answers),
            "`digits predict FOLDER` of PNG files": lambda: run_command(options.model, folder, answers),
            "`digits predict images.npz --out FOLDER`": lambda: run_command(options.model, npz, out),
            "`digits predict FOLDER --out FOLDER` of PNG files": lambda: run_command(options.model, folder, out),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                rates[name].append(len(images) / way())
        parquet_rows = sum(pq.read_metadata(file).num_rows for file in out.glob("*.parquet"))
        if not len(answers.read_text().splitlines()) == parquet_rows == len(images):
            raise RuntimeError(f"{len(images):,} images were read, but the numbers of answers differ from that.")
    bare = sum(next(iter(rates.values())))
    print(f"{read(options.model).card.recipe} network, {len(images):,} images; {describe_machine()}\n")
    print("| | images/s | of the network alone |\n| --- | --- | --- |")
    for name, measured in rates.items():
        print(f"| {name} | {spread(measured, 'images/s', 0)} | {sum(measured) / bare:.2f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
