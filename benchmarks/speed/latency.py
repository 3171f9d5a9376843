"""Measures how long one answer takes on one core: python -m benchmarks.speed.latency

Measures one forward pass of the network, and the whole way from the bytes of an image file to the answer. All happens
in this process: the time that a server adds is not included.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np

from benchmarks.support.images import SMALL, image_files
from benchmarks.support.machine import describe_machine
from digits.cli.arguments import whole_number
from digits.model.artifact import read
from digits.model.engine import Engine
from digits.recognizer import Recognizer, shipped_model


def times(call: Callable[[], object], count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Returns the milliseconds of each of `count` calls, after some calls to warm up: float array of shape (count,)."""
    for _ in range(max(3, count // 20)):
        call()
    taken = np.empty(count)
    for i in range(count):
        start = time.perf_counter()
        call()
        taken[i] = (time.perf_counter() - start) * 1000.0
    return taken


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped_model(), help="default: the shipped one")
    parser.add_argument("--calls", type=whole_number(20, 1_000_000), default=2_000, help="of a small image")
    options = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    artifact = read(options.model)
    recognizer, engine = Recognizer(artifact), Engine(artifact.onnx)
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    print(f"{recognizer.description}; one core of {describe_machine()}\n")
    print("| | median | 99th percentile | mean ± standard deviation | n |")
    print("| --- | --- | --- | --- | --- |")

    def row(name: str, taken: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        median, late = np.percentile(taken, (50, 99))
        print(
            f"| {name} | {median:.3f} ms | {late:.3f} ms | {taken.mean():.3f} ± {taken.std(ddof=1):.3f} ms | "
            f"{len(taken)} |",
            flush=True,
        )

    row("forward pass", times(lambda: engine(image), options.calls))
    for kind, files in image_files(100).items():
        each = cycle(files)
        count = options.calls if kind == SMALL else max(20, options.calls // 50)
        row(f"bytes to answer, {kind}", times(lambda each=each: recognizer.recognize(next(each)), count))  # type: ignore[misc]
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
