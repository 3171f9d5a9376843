"""How fast `digits predict` reads many images: python -m benchmarks.speed.bulk

Writes MNIST's 60,000 training images as a folder of PNG files and as one npz, has the real command read each, and
compares with the bare network on arrays that are ready in memory. The answers are JSON lines in a file, from one
process, or with --out Parquet files, from a process per core.
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
    """Seconds for the bare network."""
    engine = Engine(read(model).onnx)
    start = time.perf_counter()
    for first in range(0, len(images), BATCH):
        engine(images[first : first + BATCH])
    return time.perf_counter() - start


def run_command(model: Path, source: Path, answers: Path) -> float:
    """Seconds for the command, from its start to its end.

    Args:
        model: the model file.
        source: what to read.
        answers: a file for JSON lines, or with no suffix a folder for Parquet files, which is emptied first.

    Raises:
        subprocess.CalledProcessError: it failed.
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
    """Prints the table, in Markdown."""
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
            raise RuntimeError("not every image was answered")
    bare = sum(next(iter(rates.values())))
    print(f"{read(options.model).card.recipe} network, {len(images):,} images; {describe_machine()}\n")
    print("| | images/s | of the network alone |\n| --- | --- | --- |")
    for name, found in rates.items():
        print(f"| {name} | {spread(found, 'images/s', 0)} | {sum(found) / bare:.2f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
