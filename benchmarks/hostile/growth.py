"""Shows that twice the picture takes about twice the time: python -m benchmarks.hostile.growth

Each family of pictures is read at some size and at twice as many pixels, as one digit and as numbers. The time is the
shortest of some, of the processor. The command fails if any takes more than 2.3 times as long.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence

import cv2

from benchmarks.hostile.growing_pictures import GROWING
from benchmarks.support.machine import describe_machine
from digits.cli.arguments import whole_number
from digits.errors import ImageError
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model

MOST = 2.3
# What takes less is measured with too large an error.
_LEAST_SECONDS = 0.02


def seconds_of(read: Callable[[bytes], object], side: int, name: str, repeats: int) -> tuple[float, str]:
    """Returns the shortest time that reading a picture takes, in seconds of the processor, and what came of it.

    Args:
        read: reads a file.
        side: of the picture, in pixels.
        name: of its family.
        repeats: how often it is read.
    """
    data = cv2.imencode(".png", GROWING[name](side))[1].tobytes()
    times, outcome = [], "read"
    for _ in range(repeats):
        start = time.process_time()
        try:
            read(data)
        except ImageError as error:
            outcome = type(error).__name__
        times.append(time.process_time() - start)
    return min(times), outcome


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; returns 1 if anything grows faster than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=whole_number(50, 1100), default=700, help="of the smaller one (default: 700)")
    parser.add_argument("--repeats", type=whole_number(1, 100), default=3, help="default: 3")
    options = parser.parse_args(argv)
    recognizer = Recognizer.load(shipped_model())
    recognizer.warm_up()
    ways: dict[str, Callable[[bytes], object]] = {
        "/predict/": recognizer.recognize,
        "/read/": lambda data: read_picture(recognizer, data),
    }
    print(f"{describe_machine()}; the shortest of {options.repeats}\n")
    print("| picture | for | ms | ms at twice the pixels | ratio | outcome |\n| --- | --- | --- | --- | --- | --- |")
    over = []
    for name in GROWING:
        for route, read in ways.items():
            once, before = seconds_of(read, options.side, name, options.repeats)
            twice, outcome = seconds_of(read, round(options.side * math.sqrt(2.0)), name, options.repeats)
            ratio = twice / once
            counts = before == outcome and twice >= _LEAST_SECONDS
            if counts and ratio > MOST:
                over.append(f"{name} for {route}")
            shown = f"{ratio:.2f}" if counts else f"({ratio:.2f})"
            print(f"| {name} | {route} | {once * 1e3:.1f} | {twice * 1e3:.1f} | {shown} | {outcome} |", flush=True)
    print(f"\nIn brackets: read in less than {_LEAST_SECONDS * 1e3:.0f} ms, or refused at one of the sizes alone.")
    print(f"Over {MOST}: {', '.join(over) or 'none'}, of {len(GROWING)} families.")
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
