"""How each model reads difficult pictures of digits: python -m benchmarks.accuracy.robustness

Makes every kind of picture in digits/synthetic/perturbations.py from MNIST test images and reads them in three ways: as
most projects do (gray, dark on light turned around, shrunk to 28x28), and through the whole path of this product with
the models that are named. A picture in which no single digit is found counts as misread; an answer that is not accepted
counts by its digit.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.support.machine import models_to_measure
from digits.cli.arguments import whole_number
from digits.data.mnist import load
from digits.errors import ImageError
from digits.evaluation.statistics import Share, describe_intervals
from digits.recognizer import Recognizer
from digits.synthetic.perturbations import PERTURBATIONS, perturb

Picture = npt.NDArray[np.uint8]


def usual(recognizer: Recognizer) -> Callable[[Picture], int]:
    """The usual preprocessing in front of a model: turned to white on black if it is light, shrunk to 28x28."""

    def read(picture: Picture) -> int:
        turned = 255 - picture if np.median(picture) > 127 else picture
        small = np.asarray(cv2.resize(turned, (28, 28), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return int(recognizer.classify(small[np.newaxis])[0].argmax())

    return read


def whole_path(recognizer: Recognizer) -> Callable[[Picture], int]:
    """The whole path; -1 where no single digit was found."""

    def read(picture: Picture) -> int:
        try:
            return recognizer.recognize_pixels(picture).digit
        except ImageError:
            return -1

    return read


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "models",
        nargs="*",
        type=Path,
        help="model files (default: the trained one, if there is one, and the shipped one)",
    )
    parser.add_argument("--usual", type=Path, help="model for the usual preprocessing (default: the first)")
    parser.add_argument("--images", type=whole_number(1, 10_000), default=1_000, help="of each kind (default: 1000)")
    options = parser.parse_args(argv)
    recognizers = [Recognizer.load(path) for path in options.models or models_to_measure()]
    first = Recognizer.load(options.usual) if options.usual else recognizers[0]
    ways = {f"usual preprocessing, {first.card.recipe}": usual(first)}
    ways |= {f"Digits, {recognizer.card.recipe}": whole_path(recognizer) for recognizer in recognizers}
    data = load()
    images, labels = data.x_test[: options.images], data.y_test[: options.images]
    print(f"| {options.images} MNIST test images each | {' | '.join(ways)} |")
    print(f"| --- |{' --- |' * len(ways)}")
    for name in PERTURBATIONS:
        pictures = perturb(name, images)
        shares = []
        for read in ways.values():
            hits = sum(read(picture) == label for picture, label in zip(pictures, labels, strict=True))
            shares.append(f"{Share(hits, len(labels)).value:.1%}")
        print(f"| {name} | {' | '.join(shares)} |", flush=True)
    print(f"\n{describe_intervals(len(labels))}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
