"""Decodes damaged files of one format: python -m benchmarks.hostile.mutants --format JPEG2000 --files 5000 --seed 0

The files are those of the fuzzer, damaged at random and repeatably, of which those that are told for another format or
for none are left out. A process of its own decodes them, small and as a page; if a decoder brings it down or takes
longer than ten seconds, that is a finding, another process goes on, and the exit code is 1. So it is without a file
of the format.
"""

import argparse
import multiprocessing
import random
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.hostile.bombs import resident
from benchmarks.hostile.mutations import mutate
from benchmarks.hostile.specimens import specimens
from benchmarks.support.machine import describe_machine
from digits.cli.arguments import whole_number
from digits.errors import ImageError
from digits.images.decode import decode, open_image
from digits.images.formats import FORMATS, format_name, format_of
from digits.numbers.reader import PAGE_SIDE
from digits.service.process.heap import keep_heap_small

_PATIENCE = 10.0


@dataclass(frozen=True)
class Trial:
    """What came of a damaged file.

    Args:
        number: of the file; with the seed it makes it again.
        what: what was done to it.
        outcome: "decoded", the name of the error, "crash" or "hang".
        seconds: of the processor, for both sizes.
        megabytes: more memory than before, at the highest point.
    """

    number: int
    what: str
    outcome: str
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def is_finding(self) -> bool:
        """Whether anything came of it but pixels or an error that the decoder means."""
        return self.outcome in ("crash", "hang") or self.outcome.startswith("unexpected")


def damaged_files(form: str, files: int, seed: int) -> Iterator[tuple[int, str, bytes]]:
    """Yields number, what was done, and bytes of damaged files that are told for the format."""
    originals = specimens()
    own = {name: file for name, file in originals.items() if name.split()[0].upper() == form}
    # Mutations that need another file take one; some need a PNG file.
    own["png 28x28"] = originals["png 28x28"]
    found = 0
    for number in range(100 * files):
        what, file = mutate(random.Random(f"{seed}/{number}"), own)  # noqa: S311 - it has to be repeatable
        told = format_of(file)
        if told and told.name == form:
            found += 1
            yield number, what, file
        if found == files:
            return


def _decode_all(pipe: Connection) -> None:
    """The other process: decodes files until there are no more."""
    warnings.simplefilter("ignore")
    keep_heap_small()
    for file in specimens().values():
        decode(file)
    pipe.send("ready")
    while True:
        file = pipe.recv_bytes()
        Path("/proc/self/clear_refs").write_text("5")
        before, start = resident("VmRSS"), time.process_time()
        try:
            open_image(file).decode()
            open_image(file).decode(PAGE_SIDE)
            outcome = "decoded"
        except ImageError as error:
            outcome = type(error).__name__
        except Exception as error:  # noqa: BLE001 - any other is a finding
            outcome = f"unexpected {error!r}"
        pipe.send((outcome, time.process_time() - start, resident("VmHWM") - before))


class Decoder:
    """Decodes files in a process of its own, which is started anew when it is lost."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._start()

    def _start(self) -> None:
        self._pipe, other = self._context.Pipe()
        self._process = self._context.Process(target=_decode_all, args=(other,), daemon=True)
        self._process.start()
        other.close()
        self._pipe.recv()

    def attempt(self, number: int, what: str, file: bytes) -> Trial:
        """Decodes one file."""
        self._pipe.send_bytes(file)
        try:
            if self._pipe.poll(_PATIENCE):
                outcome, seconds, megabytes = self._pipe.recv()
                return Trial(number, what, outcome, seconds, megabytes)
            outcome = "hang"
        except EOFError:
            outcome = "crash"
        self.stop()
        self._start()
        return Trial(number, what, outcome)

    def stop(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.join()


def main(argv: Sequence[str] | None = None) -> int:
    """Prints what came of the files, and the dearest of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", type=format_name, choices=FORMATS, required=True)
    parser.add_argument("--files", type=whole_number(1, 10_000_000), default=5_000, help="default: 5000")
    parser.add_argument("--seed", type=whole_number(0, 2**31), default=0, help="default: 0")
    options = parser.parse_args(argv)
    print(f"{describe_machine()}\n")
    decoder = Decoder()
    try:
        trials = [decoder.attempt(*file) for file in damaged_files(options.format, options.files, options.seed)]
    finally:
        decoder.stop()
    if not trials:
        print(f"No file was told for {options.format}: this machine can write none to damage.")
        return 1
    print("| outcome | files |\n| --- | --- |")
    for outcome, count in Counter(trial.outcome for trial in trials).most_common():
        print(f"| {outcome} | {count:,} |")
    slowest = max(trials, key=lambda trial: trial.seconds)
    largest = max(trials, key=lambda trial: trial.megabytes)
    print(f"\nslowest: {slowest.seconds * 1e3:.0f} ms, file {slowest.number}: {slowest.what}: {slowest.outcome}")
    print(f"largest: {largest.megabytes:.0f} MB, file {largest.number}: {largest.what}: {largest.outcome}")
    findings = [trial for trial in trials if trial.is_finding]
    print(f"findings: {len(findings)} of {len(trials):,}")
    for finding in findings:
        print(f"- --seed {options.seed}, file {finding.number}: {finding.what}: {finding.outcome}")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
