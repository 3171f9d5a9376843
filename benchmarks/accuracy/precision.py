"""What int8 changes in the answers, beside float32: python -m benchmarks.accuracy.precision

Reads the same pictures with the model in float32 and in int8, each with the thresholds that were fitted to it: all
MNIST test images as they are; test images and drawn things, spoilt in the ways of digits/synthetic/bad_pictures/ and
read through the whole path with its other views; and numbers of every kind in digits/synthetic/pages.py. Counts the
pictures whose answer or acceptance changes, and says how good each of the two is. The numbers on a picture are one
answer. A picture that is refused has no answer, and counts as misread and not accepted.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digits.arrays import Pixels
from digits.cli.arguments import whole_number
from digits.data.mnist import Mnist, load
from digits.errors import ImageError
from digits.evaluation.statistics import Share
from digits.model.acceptance import reasons_to_refuse
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.bad_pictures.spoil import BAD_PICTURES, spoil
from digits.synthetic.outliers import draw_outlier
from digits.synthetic.pages import KINDS, write_numbers

# The seed of the pictures, which nothing was fitted to, and the side of drawn things.
_SEED, _DRAWN_SIDE = 78, 112
# Images that go through the network at a time.
_BATCH = 500

# A picture, and what it shows; None for a thing that is no digit.
Labeled = tuple[Pixels, str | None]
# An answer, and whether it is accepted.
Answer = tuple[str | None, bool]


@dataclass
class Beside:
    """What two precisions answer to the same pictures.

    Args:
        answers: of each precision, one for each picture.
        labels: what the pictures show; None for things that are no digit.
    """

    answers: tuple[list[Answer], list[Answer]]
    labels: list[str | None]

    def row(self, name: str) -> str:
        """Returns a row of the table in Markdown."""
        first, second = self.answers
        changed = sum(one[0] != other[0] for one, other in zip(first, second, strict=True))
        accepted = sum(one[1] != other[1] for one, other in zip(first, second, strict=True))
        right, wrong = [], []
        for answers in self.answers:
            pairs = list(zip(answers, self.labels, strict=True))
            right.append(str(Share(sum(answer[0] == label for answer, label in pairs), len(pairs))))
            wrong.append(str(sum(answer[1] and answer[0] != label for answer, label in pairs)))
        # To a thing that is no digit, no digit is the right answer.
        shown = "" if None in self.labels else ", ".join(right)
        return f"| {name} | {len(first):,} | {changed} | {accepted} | {shown} | {', '.join(wrong)} |"


def read_digit(recognizer: Recognizer, picture: Pixels) -> Answer:
    """Reads a single digit through the whole path."""
    try:
        answer = recognizer.recognize_pixels(picture)
    except ImageError:
        return None, False
    return str(answer.digit), answer.accepted


def read_number(recognizer: Recognizer, picture: Pixels) -> Answer:
    """Reads numbers through the whole path."""
    try:
        reading = read_picture(recognizer, picture)
    except ImageError:
        return None, False
    return reading.text, reading.reason is None


def compare(
    recognizers: tuple[Recognizer, Recognizer],
    read: Callable[[Recognizer, Pixels], Answer],
    pictures: Iterator[Labeled],
) -> Beside:
    """Reads pictures in both precisions."""
    answers: tuple[list[Answer], list[Answer]] = [], []
    labels = []
    for picture, label in pictures:
        labels.append(label)
        for recognizer, given in zip(recognizers, answers, strict=True):
            given.append(read(recognizer, picture))
    return Beside(answers, labels)


def test_images(recognizers: tuple[Recognizer, Recognizer], data: Mnist) -> Beside:
    """Compares on MNIST's test images as they are."""
    answers: tuple[list[Answer], list[Answer]] = [], []
    for recognizer, given in zip(recognizers, answers, strict=True):
        for start in range(0, len(data.x_test), _BATCH):
            probabilities = recognizer.classify(data.x_test[start : start + _BATCH])
            reasons = reasons_to_refuse(probabilities, recognizer.thresholds)
            digits = probabilities.argmax(axis=1).tolist()
            given += [(str(digit), reason is None) for digit, reason in zip(digits, reasons, strict=True)]
    return Beside(answers, [str(label) for label in data.y_test])


def spoilt_pictures(data: Mnist, count: int, *, digits: bool) -> Iterator[Labeled]:
    """Yields `count` pictures of each kind of bad picture: of test digits, or of drawn things that are no digit."""
    rng = np.random.default_rng(_SEED)
    for number, kind in enumerate(BAD_PICTURES):
        chosen = rng.choice(len(data.x_test), count, replace=False)
        if digits:
            images = data.x_test[chosen]
        else:
            images = np.stack([draw_outlier(_DRAWN_SIDE, data.x_test, data.y_test, rng) for _ in range(count)])
        labels = [str(label) if digits else None for label in data.y_test[chosen]]
        yield from zip(spoil(kind, images, _SEED * 100 + number), labels, strict=True)


def numbers(data: Mnist, count: int) -> Iterator[Labeled]:
    """Yields `count` pictures of each kind of numbers."""
    for page in KINDS.values():
        for written in write_numbers(page, data.x_test, data.y_test, count, _SEED):
            yield written.picture, written.text


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table in Markdown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped_model(), help="default: the shipped one")
    parser.add_argument("--pictures", type=whole_number(2, 10_000), default=20, help="of each kind (default: 20)")
    options = parser.parse_args(argv)
    recognizers = Recognizer.load(options.model), Recognizer.load(options.model, precision="int8")
    if recognizers[1].precision_note:
        print(recognizers[1].precision_note, file=sys.stderr)
        return 1
    data, count = load(), options.pictures
    print(f"{recognizers[1].description}; float32 first, then int8; 95% intervals in brackets\n")
    print("| pictures | n | answer changes | acceptance changes | read right | accepted though wrong |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(test_images(recognizers, data).row("MNIST test images"), flush=True)
    for name, digits in (("spoilt test digits", True), ("spoilt things that are no digit", False)):
        pictures = spoilt_pictures(data, count, digits=digits)
        print(compare(recognizers, read_digit, pictures).row(name), flush=True)
    print(compare(recognizers, read_number, numbers(data, count)).row("numbers"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
