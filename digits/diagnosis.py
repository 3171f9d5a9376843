"""Why a picture is hard to read, in plain words, and what to try."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.errors import NoInkError, SeveralDigitsError
from digits.image import ENOUGH_SIDE
from digits.ink import find_ink, shrink
from digits.recognizer import Prediction
from digits.segmentation import find_digit, find_parts
from digits.verdict import two_most_likely

# Ink that stands out less than this from its ground, of 255, is called faint.
_FAINT = 60.0
# A digit with fewer pixels than this on its longer side is called small.
_SMALL = 14
# Of a picture whose noise is more than this share of the ink's strength.
_NOISY = 0.12
# More writing than this beside the digit, as a share of the digit's own ink.
_MORE_WRITING = 0.3


@dataclass(frozen=True)
class Hint:
    """One thing that makes a picture hard to read.

    Args:
        why: what is the matter; a sentence.
        what_to_try: what may help; a sentence.
    """

    why: str
    what_to_try: str


_NOTHING = Hint("Nothing was found that is darker or lighter than its ground.", "Use a dark pen and more light.")


def diagnose(pixels: npt.NDArray[np.uint8], outcome: Prediction | Exception) -> list[Hint]:
    """What may have kept a picture from being read, the likeliest cause first.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        outcome: the answer that was not accepted, or the error in place of one.

    Returns:
        At least one hint.
    """
    if isinstance(outcome, SeveralDigitsError):
        return [
            Hint(f"There are {outcome.count} digits or more in the picture.", "Show one digit at a time: crop to it.")
        ]
    hints = _about_the_picture(pixels)
    if isinstance(outcome, Prediction):
        first, second = two_most_likely(outcome)
        if outcome.reason == "not_a_digit":
            hints.append(
                Hint("Its shape is unlike the digits that the network learned.", "Write one digit, large and plain.")
            )
        else:
            hints.append(
                Hint(f"It has something of a {first} and something of a {second}.", "Write it again, more clearly.")
            )
    return hints or [_NOTHING]


def _about_the_picture(pixels: npt.NDArray[np.uint8]) -> list[Hint]:
    """What can be told from the pixels alone."""
    small = shrink(pixels, ENOUGH_SIDE)
    if min(small.shape[:2]) < 3:
        return [Hint("The picture is tiny.", "Send one of 28 x 28 pixels or more.")]
    try:
        found = find_ink(small)
    except NoInkError:
        return []
    parts = find_parts(found)
    if not len(parts):
        return []
    members = find_digit(parts)
    hints = []
    if found.level < _FAINT:
        hints.append(Hint("The writing is faint.", "Press harder, take a darker pen, or give it more light."))
    if not found.margin and parts.touches[members].any():
        hints.append(
            Hint("The writing is cut off at the edge of the picture.", "Leave some room on every side of the digit.")
        )
    ink = parts.ink * ~parts.apart
    if ink.sum() - ink[members].sum() > _MORE_WRITING * ink[members].sum():
        hints.append(Hint("There is more writing beside it.", "Show one digit at a time: crop to it."))
    reach = max(
        int(parts.right[members].max() - parts.left[members].min()),
        int(parts.bottom[members].max() - parts.top[members].min()),
    )
    if reach < _SMALL:
        hints.append(
            Hint(f"The digit is only {reach} pixels large.", "Go closer, or send the picture in its full size.")
        )
    if found.noise > _NOISY * found.level:
        hints.append(Hint("The picture is grainy.", "Give it more light, and hold the camera still."))
    return hints
