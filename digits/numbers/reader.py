"""Reads a picture of any count of digits.

Segmentation by recognition: everything on a line that may be a digit is looked at by two networks, and the best way to
take the line apart is found by dynamic programming (LeCun et al., "Gradient-Based Learning Applied to Document
Recognition", 1998, on graph transformers).
"""

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.errors import NoInkError
from digits.images.decode import OpenedImage, open_image
from digits.numbers.decoding import acceptance_scores, decode, pooled_probabilities
from digits.numbers.decoding_file import shipped_decoding
from digits.numbers.reading import ReadDigit, Reading
from digits.numbers.segment_classifier import shipped_segment_classifier
from digits.numbers.segmentation import take_apart
from digits.recognizer import Recognizer
from digits.vision.foreground import NO_INK, find_foreground
from digits.vision.reduction import shrink

NO_DIGIT = "No digit was found in this picture: what is written on it looks like none."

# A page is read at so many pixels on its longer side, if its shorter one then has as many as a small digit.
PAGE_SIDE = 1600
# The crops of a page may have as many pixels as two pages, and these for each candidate that the limits allow.
_PIXELS_OF_CANDIDATE = 10_000
SMALLEST = 10


class NumberReader:
    """Reads the numbers in pictures. May be called from several threads at a time.

    Args:
        recognizer: the network that reads single digits, and the limits on what a picture may cost.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        self.recognizer = recognizer

    @classmethod
    def load(cls) -> "NumberReader":
        """Loads the model that `digits.recognizer.find_model` finds.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: the file cannot be used.
        """
        return cls(Recognizer.load())

    def read(self, picture: bytes | OpenedImage | npt.NDArray[np.uint8]) -> Reading:
        """Reads the digits in a picture; arguments, result and errors are those of `read_picture`."""
        return read_picture(self.recognizer, picture)


def read_picture(
    recognizer: Recognizer,
    picture: bytes | OpenedImage | npt.NDArray[np.uint8],
    size: tuple[int, int] | None = None,
) -> Reading:
    """Reads the digits in a picture; boxes are in pixels of the whole picture, turned upright.

    Args:
        recognizer: whose network and limits to use.
        picture: an image file's bytes; what `open_image` made of them; or pixels, uint8 of shape (height, width) or
            (height, width, 3), RGB, ink of either polarity.
        size: (width, height) in pixels of the whole picture, if the pixels given are a reduced copy of it.

    Raises:
        NoInkError: nothing is written on it, or no digit.
        CrowdedImageError: more is on it than the recognizer's limits allow.
        ImageError: the file cannot be answered; the message says why and what to do.
    """
    with budget.bounded_work(2 * PAGE_SIDE**2 + _PIXELS_OF_CANDIDATE * recognizer.limits.max_candidates):
        if isinstance(picture, np.ndarray):
            return _read(recognizer, picture, *(size or picture.shape[1::-1]))
        opened = open_image(picture, recognizer.limits) if isinstance(picture, bytes) else picture
        pixels = opened.decode(PAGE_SIDE)
        return _read(recognizer, pixels, *opened.upright_size)


def _read(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], width: int, height: int) -> Reading:
    """Reads pixels, which may be a reduced copy of a picture of `width` x `height` pixels, in which boxes are given."""
    page = shrink(pixels, PAGE_SIDE)
    if min(page.shape[:2]) < SMALLEST:
        raise NoInkError(
            f"The image has {width} x {height} pixels: too small, or too narrow for its length, to hold a digit."
        )
    foreground = find_foreground(page, even_light=True)
    scale = np.array([width / page.shape[1], height / page.shape[0]])
    decoding = shipped_decoding().decoding_for(recognizer.card.onnx_sha256)
    digits = []
    for number, lattice in enumerate(take_apart(recognizer, shipped_segment_classifier(), foreground)):
        path = decode(lattice, decoding)
        segment, recognized = lattice.segment_probabilities[path], lattice.probabilities[path]
        pooled = pooled_probabilities(segment, recognized, decoding.pool)
        accepted = acceptance_scores(segment, recognized) >= decoding.digit
        for k, probabilities, is_digit in zip(path, pooled, accepted.tolist(), strict=True):
            candidate = lattice.candidates[k]
            (rows, columns), mask = lattice.chain.ink_between(candidate.first, candidate.last)
            if not mask.any():
                continue
            left, top, right, bottom = (
                np.array([columns.start, rows.start, columns.stop, rows.stop]) - foreground.margin
            )
            start = np.clip(np.floor((left, top) * scale), 0, (width - 1, height - 1)).astype(int)
            end = np.clip(np.ceil((right, bottom) * scale), start + 1, (width, height)).astype(int)
            digits.append(
                ReadDigit(
                    int(probabilities.argmax()),
                    float(probabilities.max()),
                    is_digit,
                    (int(start[0]), int(start[1]), int(end[0] - start[0]), int(end[1] - start[1])),
                    number,
                )
            )
    if not any(digit.accepted for digit in digits):
        raise NoInkError(NO_DIGIT if digits else NO_INK)
    return Reading(tuple(digits), width, height)
