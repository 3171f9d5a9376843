"""Why a picture is hard to read, in plain words, and what to try."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import NoInkError
from digits.explain.wording import two_most_likely
from digits.images.decode import ENOUGH_SIDE
from digits.recognizer import Prediction
from digits.vision.components import find_components, find_digit
from digits.vision.foreground import find_foreground, shrink
from digits.vision.normalize import as_gray

# Ink that stands out less than this from its ground, of 255, is called faint.
_FAINT = 60.0
# A digit with fewer pixels than this on its longer side is called small.
_SMALL = 14
# The same where a large picture was reduced: a thin stroke is less than a pixel wide then, and turns gray.
_SMALL_WHEN_REDUCED = 32
# Of a picture whose noise is more than this share of the ink's strength.
_NOISY = 0.12
# Noise, of 255, in which strong ink drowns, too.
_VERY_NOISY = 25.0
# More writing than this beside the digit, as a share of the digit's own ink.
_MORE_WRITING = 0.3
# Paper that is looked at around a digit, as a share of its size: enough to tell ink from ground.
_AROUND = 0.3


@dataclass(frozen=True)
class Hint:
    """One thing that makes a picture hard to read.

    Args:
        why: what is the matter; a sentence.
        what_to_try: what may help; a sentence.
    """

    why: str
    what_to_try: str


_FAINT_HINT = Hint("The writing is faint.", "Press harder, take a darker pen, or give it more light.")
_GRAINY_HINT = Hint("The picture is grainy.", "Give it more light, and hold the camera still.")


def diagnose(
    pixels: npt.NDArray[np.uint8],
    prediction: Prediction,
    whole: Callable[[], npt.NDArray[np.uint8]] | None = None,
) -> list[Hint]:
    """What may have kept a picture from being read, the likeliest cause first.

    Args:
        pixels: that were read, uint8 of shape (height, width) or (height, width, 3).
        prediction: the answer, which was not accepted.
        whole: gives the picture at its full size, upright, if `pixels` are a reduced copy of it; asked for only where
            reducing may have changed what is measured.

    Returns:
        At least one hint.
    """
    hints = _about_the_picture(pixels, whole)
    first, second = two_most_likely(prediction)
    if prediction.reason == "not_a_digit":
        unlike = "Its shape is unlike the digits that the network learned."
        hints.append(Hint(unlike, "Write one digit, large and plain."))
    else:
        hints.append(
            Hint(f"It has something of a {first} and something of a {second}.", "Write it again, more clearly.")
        )
    return hints


def hints_without_ink(pixels: npt.NDArray[np.uint8]) -> list[Hint]:
    """What may have kept ink from being found, beyond what the error says; often nothing.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
    """
    gray = as_gray(shrink(pixels, ENOUGH_SIDE))
    # From the median, which strokes do not move (1.4826 of it is a standard deviation).
    noise = 1.4826 * float(np.median(cv2.absdiff(gray, cv2.medianBlur(gray, 3))))
    return [_GRAINY_HINT] if noise > _VERY_NOISY else []


def _about_the_picture(pixels: npt.NDArray[np.uint8], whole: Callable[[], npt.NDArray[np.uint8]] | None) -> list[Hint]:
    """What can be told from the pixels alone."""
    small = shrink(pixels, ENOUGH_SIDE)
    try:
        found = find_foreground(small)
    except NoInkError:
        return []
    parts = find_components(found)
    if not len(parts):
        return []
    members = find_digit(parts)
    left, right = int(parts.left[members].min()), int(parts.right[members].max())
    top, bottom = int(parts.top[members].min()), int(parts.bottom[members].max())
    reach = max(right - left, bottom - top)
    full = pixels
    if whole is not None and (reach < _SMALL_WHEN_REDUCED or found.level < _FAINT):
        full = whole()
    scale = max(full.shape[:2]) / max(small.shape[:2])
    hints = []
    if reach < (_SMALL_WHEN_REDUCED if scale > 1.0 else _SMALL):
        large = f"The digit is only {round(scale * reach)} pixels large"
        if scale > 1.0:
            hints.append(Hint(f"{large}, of {max(full.shape[:2])}.", "Go closer, or crop the picture to the digit."))
        else:
            hints.append(Hint(f"{large}.", "Go closer, or send the picture in its full size."))
    box = (left - found.margin, top - found.margin, right - found.margin, bottom - found.margin)
    if found.level < _FAINT and (scale == 1.0 or _level(full, box, scale) < _FAINT):
        hints.append(_FAINT_HINT)
    if not found.margin and parts.touches[members].any():
        hints.append(
            Hint("The writing is cut off at the edge of the picture.", "Leave some room on every side of the digit.")
        )
    ink = parts.ink * ~parts.apart
    if ink.sum() - ink[members].sum() > _MORE_WRITING * ink[members].sum():
        hints.append(Hint("There is more writing beside it.", "Show one digit at a time: crop to it."))
    if found.noise > _NOISY * found.level:
        hints.append(_GRAINY_HINT)
    return hints


def _level(full: npt.NDArray[np.uint8], box: tuple[int, int, int, int], scale: float) -> float:
    """How much ink stands out, of 255, at the full size around a box of the reduced picture; 0 if none does."""
    left, top, right, bottom = (round(scale * side) for side in box)
    around = round(_AROUND * max(right - left, bottom - top)) + 1
    part = full[max(0, top - around) : bottom + around, max(0, left - around) : right + around]
    try:
        return find_foreground(np.ascontiguousarray(part)).level
    except NoInkError:
        return 0.0
