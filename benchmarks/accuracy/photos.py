"""Whether pictures are read as well on a small copy as whole: python -m benchmarks.accuracy.photos

A large digit is read on a copy of a quarter or less of the pixels (`digits.vision.normalize.glance`), and only where
that answer is doubtful on all of them. This draws photos and smaller pictures by code, each of one digit of some size
by some hand and pen, in uneven light, with grain, half of them on ruled paper; reads each in both ways; and prints how
many are read right, refused and read wrong, by whether the copy showed a large digit. Answers that differ are named.
"""

import argparse
import io
from collections import Counter
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from PIL import Image

from benchmarks.accuracy.corpus.pen import seeded, write_digit
from digits.cli.arguments import whole_number
from digits.errors import ImageError
from digits.images.decode import decode
from digits.recognizer import Recognizer, shipped_model
from digits.vision.normalize import Normalized, glance

_SIZES = (1080, 1440), (280, 280), (1440, 1080), (640, 480), (1500, 2000), (200, 240), (400, 600)
_KINDS = ("right", "refused", "wrong")


def photos(count: int) -> Iterator[tuple[str, int, bytes]]:
    """Yields a name, the digit, and a JPEG file of each photo; the same in every run."""
    for number in range(count):
        digit, size = number % 10, _SIZES[number % len(_SIZES)]
        yield f"photo {number} of a {digit}", digit, _photo(digit, size, seeded(f"photos/{number}"))


def _photo(digit: int, size: tuple[int, int], rng: np.random.Generator) -> bytes:
    width, height = size
    share = int(rng.integers(8, 75))
    thickness = max(1, round(min(size) * share / 100 * rng.uniform(0.015, 0.13)))
    strokes = write_digit(digit, (height, width), rng, share, thickness)
    ink = cv2.GaussianBlur(strokes.astype(np.float32) / 255.0, (0, 0), rng.uniform(0.5, 2.5))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if rng.random() < 0.5:
        ink = np.maximum(ink, np.where(y % rng.integers(60, 160) < 3, np.float32(0.35), np.float32(0.0)))
    light = rng.uniform(150, 245) - rng.uniform(-60, 60) * x / width - rng.uniform(-60, 60) * y / height
    tint = np.array((1.0, rng.uniform(0.9, 1.0), rng.uniform(0.75, 1.0)), dtype=np.float32)
    grain = cv2.GaussianBlur(rng.normal(0.0, rng.uniform(2, 10), (height, width, 3)).astype(np.float32), (0, 0), 1.0)
    pixels = ((1.0 - rng.uniform(0.35, 0.85) * ink) * light)[..., np.newaxis] * tint + grain
    file = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(70, 95)))
    return file.getvalue()


class _Whole(Recognizer):
    """Reads large pictures as all others, and not on a copy first."""

    def _answer_if_sure(self, copy: Normalized | None) -> None:
        return None


def _answer(recognizer: Recognizer, file: bytes) -> int | None:
    """Returns the digit that is read, or None if none is accepted."""
    try:
        prediction = recognizer.recognize(file)
    except ImageError:
        return None
    return prediction.digit if prediction.accepted else None


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=whole_number(1, 100_000), default=300, help="photos (default: 300)")
    options = parser.parse_args(argv)
    recognizer, whole = Recognizer.load(shipped_model()), _Whole.load(shipped_model())
    counts: dict[tuple[bool, bool], Counter[str]] = {}
    for name, digit, file in photos(options.count):
        is_large = glance(decode(file)) is not None
        answers = [_answer(whole, file), _answer(recognizer, file)]
        for is_copy, answer in zip((False, True), answers, strict=True):
            kind = "refused" if answer is None else "right" if answer == digit else "wrong"
            counts.setdefault((is_large, is_copy), Counter())[kind] += 1
        if answers[0] != answers[1]:
            print(f"{name}: {answers[0]} whole, {answers[1]} on a copy")
    print(f"\n| digit on the copy | read | n | {' | '.join(_KINDS)} |\n| --- | --- |{' ---: |' * (1 + len(_KINDS))}")
    for (is_large, is_copy), counter in sorted(counts.items(), reverse=True):
        cells = [str(counter.total()), *(str(counter[kind]) for kind in _KINDS)]
        print(f"| {'large' if is_large else 'small'} | {'copy' if is_copy else 'whole'} | {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
