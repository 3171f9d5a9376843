"""What files cost that ask for far more than they are: python -m benchmarks.hostile.bombs

Decompression bombs and their like in every supported format, and large blank images within the limits for comparison;
then pages of which reading a number would take long, if there were no limit to what is looked at on one.
Each is read by the recognizer in a process that has read small images before. The time is the shortest of some, the
memory what the process needed more at its highest point than before.
"""

import argparse
import multiprocessing
import re
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.hostile.bomb_files import BOMBS
from benchmarks.hostile.crowded_pages import CROWDED
from benchmarks.hostile.large_files import LARGE
from benchmarks.hostile.piecemeal import PIECEMEAL
from benchmarks.hostile.specimens import specimens
from benchmarks.support.machine import describe_machine
from digits.cli.arguments import whole_number
from digits.errors import ImageError
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.service.process.decoders import one_thread_for_each_image
from digits.service.process.heap import keep_heap_small

# What a bomb may cost before it is refused.
SECONDS, MEGABYTES = 0.050, 50.0

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Cost:
    """What came of a file.

    Args:
        outcome: the digit, or how many of a number, or the name of the error.
        seconds: until then.
        busy: seconds of the processor until then, on which other programs have less influence.
        megabytes: more memory than before, at the highest point.
    """

    outcome: str
    seconds: float
    busy: float
    megabytes: float

    @property
    def is_cheap(self) -> bool:
        """Whether it stayed within what a bomb may cost."""
        return self.seconds <= SECONDS and self.megabytes <= MEGABYTES


def resident(name: str) -> float:
    """Memory in MB: `VmRSS` now, `VmHWM` at its highest."""
    found = re.search(rf"{name}:\s+(\d+)", _STATUS.read_text())
    return int(found[1]) / 1024.0 if found else float("nan")


def measure(recognizer: Recognizer, file: bytes, repeats: int, *, whole: bool) -> Cost:
    """Reads a file some times, as one digit or as a whole page; the shortest time, the most memory."""
    outcome, costs = "", []
    for _ in range(repeats):
        # From here on the highest point counts anew.
        Path("/proc/self/clear_refs").write_text("5")
        before, start, busy = resident("VmRSS"), time.perf_counter(), time.process_time()
        try:
            if whole:
                outcome = f"{len(read_picture(recognizer, file).digits)} digits"
            else:
                outcome = str(recognizer.recognize(file).digit)
        except ImageError as error:
            outcome = type(error).__name__
        spent = time.perf_counter() - start, time.process_time() - busy
        costs.append((*spent, resident("VmHWM") - before))
    seconds, processor, megabytes = zip(*costs, strict=True)
    return Cost(outcome, min(seconds), min(processor), max(megabytes))


def _serve(pipe: Connection) -> None:
    """The other process: reads files until there are no more."""
    warnings.simplefilter("ignore")
    keep_heap_small()
    one_thread_for_each_image()
    recognizer = Recognizer.load(shipped_model())
    for file in specimens().values():
        recognizer.recognize(file)
    while True:
        path, repeats, whole = pipe.recv()
        pipe.send(measure(recognizer, Path(path).read_bytes(), repeats, whole=whole))


class Meter:
    """Measures what files cost, in a process of its own that has made none of them.

    Args:
        folder: where they are put.
    """

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._file = folder / "file"
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        self._process.start()

    def measure(self, file: bytes, repeats: int, *, whole: bool = False) -> Cost:
        """What a file costs that is read as one digit, or as a whole page."""
        self._file.write_bytes(file)
        self._pipe.send((str(self._file), repeats, whole))
        cost: Cost = self._pipe.recv()
        return cost

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.join()


def table(
    meter: Meter, files: Mapping[str, Callable[[], bytes]], repeats: int, *, whole: bool = False
) -> list[tuple[str, Cost]]:
    """Measures files and prints a line of a table for each."""
    print("| file | size, kB | outcome | time, ms | memory, MB |\n| --- | --- | --- | --- | --- |")
    costs = []
    for name, make in files.items():
        file = make()
        cost = meter.measure(file, repeats, whole=whole)
        costs.append((name, cost))
        figures = f"{cost.seconds * 1e3:.1f} | {cost.megabytes:.1f}"
        print(f"| {name} | {len(file) / 1e3:,.1f} | {cost.outcome} | {figures} |", flush=True)
    return costs


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables; fails if a bomb cost more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=whole_number(1, 100), default=3, help="default: 3")
    options = parser.parse_args(argv)
    print(f"{describe_machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        meter = Meter(Path(folder))
        try:
            print("Bombs: refused, or read without what is in them for no purpose.\n")
            costs = table(meter, BOMBS, options.repeats)
            print("\nFiles of very many pieces, and of as many as are allowed: the same.\n")
            costs += table(meter, PIECEMEAL, options.repeats)
            print("\nLarge blank images within the limit of 50,000,000 pixels: read.\n")
            table(meter, LARGE, options.repeats)
            print("\nCrowded pages, read as numbers: refused, or read.\n")
            table(meter, CROWDED, options.repeats, whole=True)
        finally:
            meter.stop()
    dear = [name for name, cost in costs if not cost.is_cheap]
    print(f"\nBombs over {SECONDS * 1e3:.0f} ms or {MEGABYTES:.0f} MB: {', '.join(dear) or 'none'} of {len(costs)}.")
    return 1 if dear else 0


if __name__ == "__main__":
    raise SystemExit(main())
