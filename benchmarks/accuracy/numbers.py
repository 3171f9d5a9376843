"""How whole numbers are read, made of MNIST test digits: python -m benchmarks.accuracy.numbers

Writes the kinds of pictures in digits/synthetic/pages.py from MNIST test digits, reads each through the whole path, and
counts the pictures of which everything was read exactly, and the errors per digit (edit distance over length). A
picture that is refused counts as misread. Then counts how many letters and other signs among digits are taken for
digits; the code that draws those of training draws them anew. Then times a page: a 12-megapixel JPEG of 100 digits,
from the bytes of its file to the answer, on one core.
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

from benchmarks.support.machine import describe_machine, spread
from digits.cli.arguments import whole_number
from digits.data.labeled import LabeledPicture
from digits.data.mnist import Mnist, load
from digits.errors import ImageError
from digits.evaluation.numbers import NumbersMeasurement, measure_numbers
from digits.evaluation.statistics import Share
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import KINDS, Page, write_numbers
from digits.synthetic.symbols import draw_symbols

_PAGE = Page(lines=10, digits=(10, 10), height=(140, 150))
_HEIGHT, _WIDTH = 4000, 3000
_SIGNS = Page(signs=0.5)
# A box that shares so much with that of a sign (intersection over union) is the sign's.
_SAME_BOX = 0.3
# So many signs are drawn, with a seed that training does not use.
_SIGN_COUNT, _SIGN_SEED = 1_000, 1_000_003


def score(recognizer: Recognizer, page: Page, data: Mnist, count: int, seed: int = 0) -> NumbersMeasurement:
    """Reads `count` pictures of a kind, written from MNIST's test digits."""
    written = write_numbers(page, data.x_test, data.y_test, count, seed)
    return measure_numbers(
        recognizer,
        (LabeledPicture(str(i), one.text.replace("\n", " "), "", one.picture) for i, one in enumerate(written)),
    )


def score_signs(recognizer: Recognizer, data: Mnist, count: int, seed: int = 0) -> tuple[Share, Share]:
    """How many signs, and how many digits, are accepted as digits on pictures that have both.

    Returns:
        Of `count` pictures, the share of the signs and that of the digits.
    """
    drawn = draw_symbols(_SIGN_COUNT, np.random.default_rng(seed + _SIGN_SEED))
    accepted: dict[bool, list[bool]] = {True: [], False: []}
    for one in write_numbers(_SIGNS, data.x_test, data.y_test, count, seed, drawn):
        try:
            read = [digit.box for digit in read_picture(recognizer, one.picture).digits if digit.accepted]
        except ImageError:
            read = []
        for box, label in zip(one.boxes, one.labels, strict=True):
            accepted[label is None].append(any(_overlap(box, other) >= _SAME_BOX for other in read))
    signs, digits = (Share(sum(accepted[kind]), len(accepted[kind])) for kind in (True, False))
    return signs, digits


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes (left, top, width, height)."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0, wide) * max(0, high)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


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
    parser.add_argument("--pictures", type=whole_number(1, 100_000), default=300, help="of each kind (default: 300)")
    parser.add_argument("--pages", type=whole_number(2, 10_000), default=20, help="readings of a page (default: 20)")
    options = parser.parse_args(argv)
    recognizer, data = Recognizer.load(options.model), load()
    print(f"{recognizer.description}; 95% intervals in brackets\n")
    print(f"| {options.pictures} pictures each | read exactly | errors per digit |")
    print("| --- | --- | --- |")
    for name, page in KINDS.items():
        found = score(recognizer, page, data, options.pictures)
        print(f"| {name} | {found.exact} | {found.digit_errors} |", flush=True)
    signs, digits = score_signs(recognizer, data, options.pictures)
    print(f"\nLetters and other signs among digits accepted as digits: {signs}; digits beside them: {digits}")
    taken = time_page(recognizer, data, options.pages)
    print(f"\nA page of 100 digits, 12-megapixel JPEG, on one core of {describe_machine()}:")
    print(f"median {np.median(taken):.0f} ms; mean {spread(taken, 'ms', 0)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
