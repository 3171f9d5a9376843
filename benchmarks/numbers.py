"""How whole numbers are read, made of MNIST test digits: python -m benchmarks.numbers

Writes the kinds of pictures in digits/numerals.py from MNIST test digits, reads each through the whole path, and
counts the pictures of which everything was read exactly, and the errors per digit (edit distance over length). A
picture that is refused counts as misread. Then times a page: a 12-megapixel JPEG of 100 digits, from the bytes of its
file to the answer, on one core.
"""

import argparse
import io
import os
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.machine import describe_machine, spread
from digits.arguments import whole_number
from digits.labeled import LabeledPicture
from digits.mnist import Mnist, load
from digits.numerals import KINDS, Page, write_numbers
from digits.reading import read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.transcripts import NumbersMeasurement, measure_numbers

_PAGE = Page(lines=10, digits=(10, 10), height=(140, 150))
_HEIGHT, _WIDTH = 4000, 3000


def score(recognizer: Recognizer, page: Page, data: Mnist, count: int, seed: int = 0) -> NumbersMeasurement:
    """Reads `count` pictures of a kind, written from MNIST's test digits."""
    written = write_numbers(page, data.x_test, data.y_test, count, seed)
    return measure_numbers(
        recognizer,
        (LabeledPicture(str(i), one.text.replace("\n", " "), "", one.picture) for i, one in enumerate(written)),
    )


def page_file(data: Mnist, seed: int = 0) -> bytes:
    """A color JPEG of 3,000 x 4,000 pixels with ten lines of ten digits."""
    (one,) = write_numbers(_PAGE, data.x_test, data.y_test, 1, seed)
    written = one.picture[:_HEIGHT, :_WIDTH]
    sheet = np.full((_HEIGHT, _WIDTH), np.median(written), dtype=np.uint8)
    sheet[: written.shape[0], : written.shape[1]] = written
    colored = np.rint(sheet[..., np.newaxis] * np.array([1.0, 0.97, 0.9])).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colored).save(file, "JPEG", quality=90)
    return file.getvalue()


def time_page(recognizer: Recognizer, data: Mnist, repeats: int) -> list[float]:
    """Milliseconds that each reading of a page took, of three pages in turn, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    files = [page_file(data, seed) for seed in range(3)]
    for file in files:
        read_picture(recognizer, file)
    taken = []
    for i in range(repeats):
        start = time.perf_counter()
        read_picture(recognizer, files[i % len(files)])
        taken.append((time.perf_counter() - start) * 1000.0)
    return taken


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped_model(), help="default: the shipped one")
    parser.add_argument("--pictures", type=whole_number(1, 100_000), default=1_000, help="of each kind (default: 1000)")
    parser.add_argument("--pages", type=whole_number(2, 10_000), default=30, help="readings of a page (default: 30)")
    options = parser.parse_args(argv)
    recognizer, data = Recognizer.load(options.model), load()
    print(f"{recognizer.description}; 95% intervals in brackets\n")
    print(f"| {options.pictures} pictures each | read exactly | errors per digit |")
    print("| --- | --- | --- |")
    for name, page in KINDS.items():
        found = score(recognizer, page, data, options.pictures)
        print(f"| {name} | {found.exact} | {found.digit_errors} |", flush=True)
    taken = time_page(recognizer, data, options.pages)
    print(f"\nA page of 100 digits, 12-megapixel JPEG, on one core of {describe_machine()}:")
    print(f"median {np.median(taken):.0f} ms; mean {spread(taken, 'ms', 0)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
