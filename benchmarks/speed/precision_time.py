"""How much processor time int8 takes, beside float32: python -m benchmarks.speed.precision_time

Measures the network alone, the whole path from the bytes of a file to the answer in this process, and a request to a
server, for pictures of the workloads in `workload_files`. Both precisions take turns, round after round, so that a busy
machine slows both alike. The ratio is int8 over float32: the median of the rounds, with their range.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.speed.workload_files import workload_files
from benchmarks.support.machine import describe_machine
from benchmarks.support.servers import DIGITS, Running, load, running
from digits.cli.arguments import whole_number
from digits.model.engine import PRECISIONS
from digits.recognizer import Recognizer, shipped_model

_BATCHES = (1, 8)
_CONNECTIONS = 8
# Each measurement in this process takes about this long.
_SECONDS = 0.2

# Returns the processor time of one picture, in ms.
Measure = Callable[[], float]


def of_calls(call: Callable[[], object], pictures: int) -> Measure:
    """Returns what measures a call in this process that reads so many pictures."""
    start = time.perf_counter()
    call()
    call()
    repeats = max(1, int(2 * _SECONDS / (time.perf_counter() - start)))

    def measure() -> float:
        start = time.process_time()
        for _ in range(repeats):
            call()
        return (time.process_time() - start) * 1e3 / repeats / pictures

    return measure


def of_requests(server: Running, file: bytes, seconds: float) -> Measure:
    """Returns what measures requests to a server.

    Raises:
        RuntimeError: when it measures, a request fails.
    """

    def measure() -> float:
        before = server.processor_seconds()
        result = load(server.url, file, raw=False, connections=_CONNECTIONS, seconds=seconds)
        if result.errors:
            raise RuntimeError(f"{result.errors} of {result.requests} requests failed.")
        return (server.processor_seconds() - before) * 1e3 / result.requests

    return measure


def row(name: str, measures: Sequence[Measure], rounds: int) -> str:
    """Measures both precisions in turn; returns a row of the table in Markdown."""
    times: list[list[float]] = [[] for _ in measures]
    for number in range(rounds):
        # Each goes first in every other round.
        for i in range(len(measures)) if number % 2 == 0 else range(len(measures) - 1, -1, -1):
            times[i].append(measures[i]())
    ratios = sorted(int8 / float32 for float32, int8 in zip(*times, strict=True))
    cells = [f"{median(taken):.3f} ms" for taken in times]
    return f"| {name} | {' | '.join(cells)} | {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped_model(), help="default: the shipped one")
    parser.add_argument("--rounds", type=whole_number(1, 1_000), default=9, help="default: 9")
    parser.add_argument("--seconds", type=whole_number(1, 600), default=1, help="length of a load (default: 1)")
    parser.add_argument("--only", default="abcef", metavar="LETTERS", help="workloads (default: abcef)")
    parser.add_argument("--served", default="ab", metavar="LETTERS", help="workloads sent to servers (default: ab)")
    options = parser.parse_args(argv)
    cv2.setNumThreads(1)
    recognizers = [Recognizer.load(options.model, precision=precision) for precision in PRECISIONS]
    if note := recognizers[1].precision_note:
        print(note, file=sys.stderr)
        return 1
    workloads = {name[0]: (name, files) for name, files in workload_files().items()}
    print(f"{describe_machine()}; processor time of a picture, {options.rounds} rounds\n")
    print("| | float32 | int8 | int8 / float32 |\n| --- | --- | --- | --- |")
    rng = np.random.default_rng(0)
    for size in _BATCHES:
        images = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        measures = [of_calls(partial(recognizer.classify, images), size) for recognizer in recognizers]
        print(row(f"network alone, {size} at a time", measures, options.rounds), flush=True)
    for letter in options.only:
        name, files = workloads[letter]
        measures = [of_calls(partial(_read_all, recognizer, files), len(files)) for recognizer in recognizers]
        print(row(f"bytes to answer, {name}", measures, options.rounds), flush=True)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                running(
                    DIGITS,
                    workloads["a"][1][0],
                    {"DIGITS_MODEL": str(options.model.resolve()), "DIGITS_PRECISION": precision},
                )
            )
            for precision in (PRECISIONS if options.served else ())
        ]
        for letter in options.served:
            name, files = workloads[letter]
            measures = [of_requests(server, files[0], options.seconds) for server in servers]
            print(row(f"request, {_CONNECTIONS} connections, {name}", measures, options.rounds), flush=True)
    return 0


def _read_all(recognizer: Recognizer, files: Sequence[bytes]) -> None:
    for file in files:
        recognizer.recognize(file)


if __name__ == "__main__":
    raise SystemExit(main())
