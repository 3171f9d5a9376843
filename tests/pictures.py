"""Pictures for tests, as pixels and as files."""

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.hostile.specimens import encode as encode_image
from digits.arrays import Pixels
from digits.data.mnist import Mnist, Split
from digits.images.decode import decode
from digits.recognizer import Prediction, Recognizer
from digits.synthetic.bad_pictures.spoil import spoil
from digits.vision.views.copy import SMALL_SIDE
from tests.conftest import ROOT

# 30 x 40, a dark bar left of the middle near the top, so that every turn shows.
PICTURE = np.full((40, 30, 3), (230, 225, 220), np.uint8)
PICTURE[5:15, 4:10] = (20, 30, 90)
ORIENTATION = 0x0112


def encode(image: Image.Image | npt.NDArray[Any], form: str = "PNG", **options: Any) -> bytes:
    """Returns a picture as the bytes of a file of some format, with options of Pillow's `save`."""
    return encode_image(image if isinstance(image, Image.Image) else Image.fromarray(image), form, **options)


def side_by_side(*names: str, gap: int = 120) -> npt.NDArray[np.uint8]:
    """The pictures of several sample digits beside one another, with so many pixels of paper between them."""
    pictures = [decode((ROOT / "digits" / "samples" / f"{name}.png").read_bytes()) for name in names]
    colored = [picture if picture.ndim == 3 else np.dstack([picture] * 3) for picture in pictures]
    return np.hstack([np.pad(picture, ((0, 0), (0, gap), (0, 0)), mode="edge") for picture in colored])


def handwritten(mnist: Mnist, *lines: str) -> tuple[npt.NDArray[np.uint8], list[list[int]]]:
    """Lines of MNIST test digits on white paper, and the box of each digit: left, top, width, height."""
    size, apart = 84, 96
    paper = np.full((40 + 130 * len(lines), 40 + apart * max(map(len, lines))), 255, np.uint8)
    boxes: list[list[int]] = []
    for row, line in enumerate(lines):
        for column, digit in enumerate(line):
            left, top = 20 + apart * column, 40 + 130 * row
            # Not the first of each: one after the other, so that no two digits of a picture are the same.
            which = np.flatnonzero(mnist.y_test == int(digit))[len(boxes) % 7]
            image = cv2.resize(mnist.x_test[which], (size, size), interpolation=cv2.INTER_CUBIC)
            paper[top : top + size, left : left + size] = 255 - image
            x, y, width, height = cv2.boundingRect((image > 100).astype(np.uint8))
            boxes.append([left + x, top + y, width, height])
    return paper, boxes


def tiff_of(*pages: npt.NDArray[np.uint8], **options: Any) -> bytes:
    """A TIFF file with these pages."""
    first, *others = map(Image.fromarray, pages)
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=others, **options)
    return file.getvalue()


def large_bad_pictures(kind: str, held_out: Split, count: int) -> tuple[list[Pixels], list[int]]:
    """Those bad pictures of the first so many held-out digits that are large, and their digits."""
    spoilt = spoil(kind, held_out.x_validation[:count], seed=31)
    large = [n for n, picture in enumerate(spoilt) if max(picture.shape) > SMALL_SIDE]
    return [spoilt[n] for n in large], [int(held_out.y_validation[n]) for n in large]


def accepted(
    recognizer: Recognizer, pictures: Sequence[Pixels], digits: Sequence[int], *, first_view_only: bool = False
) -> tuple[int, int]:
    """How many pictures of digits are accepted rightly, and how many wrongly."""
    answers = recognizer.recognize_many(pictures, first_view_only=first_view_only)
    hits = [
        answer.digit == digit
        for answer, digit in zip(answers, digits, strict=True)
        if isinstance(answer, Prediction) and answer.accepted
    ]
    return sum(hits), len(hits) - sum(hits)
