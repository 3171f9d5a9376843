"""Measures the time limit of computations: python -m benchmarks.faults.time_limit

Reads each family of costly pictures with a limit of one second. The table says when the computation ended, and the
longest time between two checks of the budget, by which a computation may exceed its limit. The last line measures the
process in which the service computes: its start, its memory, and the time to hand a picture over.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import closing

import cv2

from benchmarks.hostile.costly_pictures import COSTLY
from benchmarks.support.images import MEGAPIXEL, image_files
from benchmarks.support.machine import describe_machine, spread
from digits import budget
from digits.budget import MemoryBound
from digits.errors import DigitsError
from digits.numbers.reader import PAGE_SIDE, read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.service.compute import jobs
from digits.service.compute.pool import ComputeProcesses

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


def measure_processes() -> None:
    """Prints what a compute process of the service takes: to start, to keep, and to hand a picture over."""
    image = image_files(1)[MEGAPIXEL][0]
    recognizer = Recognizer.load(shipped_model())
    recognizer.warm_up()
    processes = ComputeProcesses(MemoryBound(2**30, 1.0))

    def seconds(function: Callable[[], object]) -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    def there() -> None:
        processes.run(jobs.recognize, recognizer, image, 1)

    with closing(processes):
        started = seconds(there)
        rounds = [(seconds(there), seconds(lambda: recognizer.recognize(image))) for _ in range(_ROUNDS)]
        memory = processes.memory_bytes() / 2**20
    away, here = (spread([each[i] * 1e3 for each in rounds], "ms", 1) for i in (0, 1))
    print(
        f"\nA compute process: {started:.2f} s to its first answer, {memory:.0f} MB of its own. A one-megapixel PNG "
        f"takes {away} there and {here} in a thread."
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
