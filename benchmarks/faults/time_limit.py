"""Measures the time limit of computations: python -m benchmarks.faults.time_limit

Reads each family of costly pictures with a limit of one second. The table says when the computation ended, and the
longest time between two checks of the budget, by which a computation may exceed its limit. The last lines measure the
alternative, a process that can be killed: its start, its memory, and the time to hand a picture over.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2

from benchmarks.hostile.costly_pictures import COSTLY
from benchmarks.support.images import MEGAPIXEL, image_files
from benchmarks.support.machine import describe_machine
from digits import budget
from digits.errors import DigitsError
from digits.numbers.reader import PAGE_SIDE, read_picture
from digits.recognizer import Recognizer, shipped_model

_SECONDS = 1.0
_ROUNDS = 20


class _Watched(budget.Budget):
    """Notes the longest time between two checks."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.checks = 0
        self.longest = 0.0
        self._last = time.monotonic()

    def check(self) -> None:
        now = time.monotonic()
        self.longest, self._last = max(self.longest, now - self._last), now
        self.checks += 1
        super().check()


def _read(recognizer: Recognizer, data: bytes, *, number: bool) -> str:
    try:
        if number:
            read_picture(recognizer, data)
        else:
            recognizer.recognize(data)
    except DigitsError as error:
        return type(error).__name__
    return "read"


def measure_checks(side: int) -> None:
    """Prints the table of the families of pictures.

    Args:
        side: side of the pictures for `/read/`, in pixels. The pictures for `/predict/` have half of it.
    """
    recognizer = Recognizer.load(shipped_model())
    recognizer.warm_up()
    print(f"\n| picture | for | bytes | seconds (limit {_SECONDS:g}) | longest between checks | checks | outcome |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, draw in COSTLY.items():
        for number in (True, False):
            data = cv2.imencode(".png", draw(side if number else side // 2))[1].tobytes()
            watched = _Watched(_SECONDS)
            start = time.monotonic()
            with budget.limited(watched):
                outcome = _read(recognizer, data, number=number)
            route = "/read/" if number else "/predict/"
            seconds = time.monotonic() - start
            print(
                f"| {name} | {route} | {len(data):,} | {seconds:.2f} | {watched.longest:.2f} | {watched.checks} |"
                f" {outcome} |",
                flush=True,
            )


_RECOGNIZER: list[Recognizer] = []


def _prepare() -> None:
    _RECOGNIZER.append(Recognizer.load(shipped_model()))
    _RECOGNIZER[0].warm_up()


def _memory() -> float:
    """Returns the memory of this process that it shares with no other, in MB."""
    pages = Path("/proc/self/statm").read_text().split()
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _digit(data: bytes) -> int:
    return _RECOGNIZER[0].recognize(data).digit


def measure_processes() -> None:
    """Prints what a process that can be killed would cost."""
    image = image_files(1)[MEGAPIXEL][0]
    _prepare()
    _digit(image)
    start = time.perf_counter()
    for _ in range(_ROUNDS):
        _digit(image)
    here = (time.perf_counter() - start) / _ROUNDS
    start = time.perf_counter()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare) as pool:
        pool.submit(_digit, image).result()
        started = time.perf_counter() - start
        start = time.perf_counter()
        for _ in range(_ROUNDS):
            pool.submit(_digit, image).result()
        there = (time.perf_counter() - start) / _ROUNDS
        memory = pool.submit(_memory).result()
    print(
        f"\nA process: {started:.2f} s to start, {memory:.0f} MB of its own; a one-megapixel PNG takes"
        f" {there * 1e3:.1f} ms there and {here * 1e3:.1f} ms in a thread (n = {_ROUNDS})."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measures both; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--side", type=int, default=PAGE_SIDE, help=f"side of the pictures in pixels (default: {PAGE_SIDE})"
    )
    options = parser.parse_args(argv)
    print(describe_machine())
    measure_checks(options.side)
    measure_processes()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
