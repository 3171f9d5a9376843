"""How whole numbers are read, made of MNIST test digits: python -m benchmarks.accuracy.numbers

Writes the kinds of pictures in digits/synthetic/pages.py from MNIST test digits, reads each through the whole path, and
counts the pictures of which everything was read exactly, and the errors per digit (edit distance over length). A
picture that is refused counts as misread. Beside it stands of how many pictures the recognizer reads every digit if it
is told which ink is whose: some of MNIST's digits are read by nobody. Then counts how many letters and other signs
among digits are taken for digits, and how many sums are read with all their signs; the code that draws those of
training draws them anew. Compares the confidence of what was read with how often it is right (expected calibration
error, in ten bins), and says what chance alone would give for as many answers. Then measures the processor time of a
page: a 12-megapixel JPEG of 100 digits, from the bytes of its file to the answer, on one core.
"""

import argparse
import io
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.support.machine import describe_machine, spread
from digits.cli.arguments import whole_number
from digits.data.labeled import LabeledPicture
from digits.data.mnist import Mnist, load
from digits.errors import ImageError
from digits.evaluation.numbers import NumbersMeasurement, measure_numbers
from digits.evaluation.statistics import Share, answer_calibration
from digits.numbers.reader import read_picture
from digits.numbers.signs.kinds import UNKNOWN
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import KINDS, Page, write_numbers
from digits.synthetic.sums import write_sums
from digits.synthetic.symbols import draw_symbols
from digits.vision.foreground import Foreground, find_foreground
from digits.vision.mnist_form import image_of, margin_around

_PAGE = Page(lines=10, digits=(10, 10), height=(140, 150))
_HEIGHT, _WIDTH = 4000, 3000
_SIGNS, _SUMS = Page(signs=0.5), Page(digits=(1, 4))
# A box that shares so much with that of a sign (intersection over union) is the sign's.
_SAME_BOX = 0.3
# So many signs are drawn, with a seed that training does not use.
_SIGN_COUNT, _SIGN_SEED = 1_000, 1_000_003


def score(recognizer: Recognizer, page: Page, data: Mnist, count: int, seed: int = 0) -> NumbersMeasurement:
    """Reads `count` pictures of a kind, written from MNIST's test digits."""
    written = write_numbers(page, data.x_test, data.y_test, count, seed)
    return measure_numbers(
        recognizer,
        (
            LabeledPicture(str(i), number.text.replace("\n", " "), "", number.picture)
            for i, number in enumerate(written)
        ),
    )


def score_told_apart(recognizer: Recognizer, page: Page, data: Mnist, count: int, seed: int = 0) -> Share:
    """The share of the pictures whose digits the recognizer reads, each by itself, if the ink of each is known."""
    right = []
    for written in write_numbers(page, data.x_test, data.y_test, count, seed):
        foreground = find_foreground(written.picture, even_light=True)
        images = [_image_of(foreground, written.owners == k) for k in range(len(written.boxes))]
        read = recognizer.classify(np.stack(images)).argmax(axis=1)
        right.append(read.tolist() == list(written.labels))
    return Share(sum(right), len(right))


def _image_of(foreground: Foreground, inked: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The 28x28 image of the ink in a mask of the picture's shape."""
    mask = inked.astype(np.uint8)
    x, y, wide, high = cv2.boundingRect(mask)
    margin = margin_around(high, wide)
    near = slice(max(0, y - margin), y + high + margin), slice(max(0, x - margin), x + wide + margin)
    return image_of(foreground.strength[near], mask[near], foreground.level)


def score_signs(recognizer: Recognizer, data: Mnist, count: int, seed: int = 0) -> tuple[Share, Share]:
    """How many signs, and how many digits, are accepted as digits on pictures that have both.

    Returns:
        Of `count` pictures, the share of the signs and that of the digits.
    """
    drawn = draw_symbols(_SIGN_COUNT, np.random.default_rng(seed + _SIGN_SEED))
    accepted: dict[bool, list[bool]] = {True: [], False: []}
    for written in write_numbers(_SIGNS, data.x_test, data.y_test, count, seed, drawn):
        try:
            read = [digit.box for digit in read_picture(recognizer, written.picture).digits if digit.accepted]
        except ImageError:
            read = []
        for box, label in zip(written.boxes, written.labels, strict=True):
            accepted[label is None].append(any(_overlap(box, other) >= _SAME_BOX for other in read))
    signs, digits = (Share(sum(accepted[kind]), len(accepted[kind])) for kind in (True, False))
    return signs, digits


@dataclass(frozen=True)
class SumsMeasurement:
    """How sums were read.

    Args:
        exact: share of the pictures whose digits and signs are all right, whatever the blanks.
        digits_exact: share of the pictures whose digits are all right.
        accepted_as_digits: share of the signs that are accepted as digits.
        named: share of the known signs that are named rightly.
        confidences: of each picture that was read, the confidence of the answer, and whether all of it is right.
    """

    exact: Share
    digits_exact: Share
    accepted_as_digits: Share
    named: Share
    confidences: list[tuple[float, bool]]


def score_sums(recognizer: Recognizer, data: Mnist, count: int, seed: int = 0) -> SumsMeasurement:
    """Reads `count` sums, written from MNIST's test digits and signs that are drawn anew."""
    exact, digits_exact, accepted, named = [], [], [], []
    confidences: list[tuple[float, bool]] = []
    for written in write_sums(_SUMS, data.x_test, data.y_test, count, seed + _SIGN_SEED):
        try:
            reading = read_picture(recognizer, written.picture)
        except ImageError:
            reading = None
        shown = reading.transcript.replace(" ", "") if reading else ""
        right = shown == written.transcript.replace(" ", "")
        exact.append(right)
        digits_exact.append(reading is not None and reading.text == written.text)
        if reading:
            confidences.append((reading.confidence, right))
        entries = reading.digits if reading else ()
        for box, sign in zip(written.boxes, written.signs, strict=True):
            if sign is None:
                continue
            beside = [entry for entry in entries if _overlap(box, entry.box) >= _SAME_BOX]
            accepted.append(any(entry.accepted for entry in beside))
            if sign != UNKNOWN:
                named.append(any(entry.sign == sign for entry in beside))
    shares = [Share(sum(hits), len(hits)) for hits in (exact, digits_exact, accepted, named)]
    return SumsMeasurement(shares[0], shares[1], shares[2], shares[3], confidences)


def score_confidence(recognizer: Recognizer, data: Mnist, count: int, seed: int = 0) -> list[tuple[float, bool]]:
    """For `count` pictures of each kind that are read, the confidence of the answer, and whether it is right."""
    confidences = []
    for page in KINDS.values():
        for written in write_numbers(page, data.x_test, data.y_test, count, seed):
            try:
                reading = read_picture(recognizer, written.picture)
            except ImageError:
                continue
            confidences.append((reading.confidence, reading.transcript.replace(" ", "") == written.text))
    return confidences


def _overlap(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes (left, top, width, height)."""
    wide = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    high = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    shared = max(0, wide) * max(0, high)
    return shared / (box[2] * box[3] + other[2] * other[3] - shared)


def page_file(data: Mnist, seed: int = 0) -> bytes:
    """A color JPEG of 3,000 x 4,000 pixels with ten lines of ten digits."""
    (page,) = write_numbers(_PAGE, data.x_test, data.y_test, 1, seed)
    written = page.picture[:_HEIGHT, :_WIDTH]
    sheet = np.full((_HEIGHT, _WIDTH), np.median(written), dtype=np.uint8)
    sheet[: written.shape[0], : written.shape[1]] = written
    colored = np.rint(sheet[..., np.newaxis] * np.array([1.0, 0.97, 0.9])).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(colored).save(file, "JPEG", quality=90)
    return file.getvalue()


def time_page(recognizer: Recognizer, data: Mnist, repeats: int) -> list[float]:
    """Milliseconds of processor time that each reading of a page took, of three pages in turn, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    files = [page_file(data, seed) for seed in range(3)]
    for file in files:
        read_picture(recognizer, file)
    taken = []
    for i in range(repeats):
        start = time.process_time()
        read_picture(recognizer, files[i % len(files)])
        taken.append((time.process_time() - start) * 1000.0)
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
    print(f"| {options.pictures} pictures each | read exactly | errors per digit | read exactly if told apart |")
    print("| --- | --- | --- | --- |")
    for name, page in KINDS.items():
        measured = score(recognizer, page, data, options.pictures)
        told_apart = score_told_apart(recognizer, page, data, options.pictures)
        print(f"| {name} | {measured.exact} | {measured.digit_errors} | {told_apart} |", flush=True)
    signs, digits = score_signs(recognizer, data, options.pictures)
    print(f"\nLetters and other signs among digits accepted as digits: {signs}; digits beside them: {digits}")
    sums = score_sums(recognizer, data, options.pictures)
    print(f"\nSums with signs, {options.pictures} pictures: digits and signs exactly {sums.exact}; digits exactly ")
    print(f"{sums.digits_exact}; signs accepted as digits {sums.accepted_as_digits}; known signs named {sums.named}")
    numbers = score_confidence(recognizer, data, options.pictures)
    for what, confidences in (("numbers", numbers), ("sums", sums.confidences)):
        confidence, hits = (np.array(values) for values in zip(*confidences, strict=True))
        calibration = answer_calibration(confidence, hits.astype(np.bool_))
        print(
            f"Expected calibration error of the confidence, {what}: {calibration.error:.2%}; chance alone would give "
            f"{calibration.by_chance:.2%}; right {Share(int(hits.sum()), len(hits))}"
        )
    taken = time_page(recognizer, data, options.pages)
    print(f"\nProcessor time of a page of 100 digits, 12-megapixel JPEG, on one core of {describe_machine()}:")
    print(f"median {np.median(taken):.0f} ms; mean {spread(taken, 'ms', 0)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
