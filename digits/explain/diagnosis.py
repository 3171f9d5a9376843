"""Says why a picture is hard to read, and what to try."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import ImageError, MemoryBusyError, NoInkError, ProcessorBusyError, ProcessStartError
from digits.explain.speech import Say, english, later, with_article
from digits.explain.wording import two_most_likely
from digits.images.reducing import ENOUGH_SIDE
from digits.recognizer import Prediction
from digits.vision.components import find_digit
from digits.vision.foreground import find_foreground
from digits.vision.normalize import find_strokes
from digits.vision.reduction import as_gray, shrink

# Ink is called faint if its contrast with the background is lower than this, of 255.
_FAINT = 60.0
# A digit is called small if its longer side has fewer pixels than this.
_SMALL = 14
# The same for a picture that was reduced, in which a thin stroke is narrower than a pixel and turns gray.
_SMALL_WHEN_REDUCED = 32
# A picture is called grainy if its noise is more than this share of the ink's contrast.
_NOISY = 0.12
# Noise of this strength, of 255, hides even strong ink.
_VERY_NOISY = 25.0
# Other writing is mentioned if its ink is more than this share of the digit's ink.
_MORE_WRITING = 0.3
# The margin around a digit in which ink is compared with the background, as a share of the digit's size.
_AROUND = 0.3


@dataclass(frozen=True)
class Hint:
    """One thing that makes a picture hard to read.

    Args:
        why: a sentence that names the difficulty.
        what_to_try: a sentence that says what may help.
    """

    why: str
    what_to_try: str

    def said(self, say: Say) -> "Hint":
        """Returns the hint in another language. Its sentences have no {names}."""
        return Hint(say(self.why), say(self.what_to_try))


_FAINT_HINT = Hint(later("The writing is faint."), later("Press harder, take a darker pen, or give it more light."))
_GRAINY_HINT = Hint(later("The picture is grainy."), later("Give it more light, and hold the camera still."))


def diagnose(
    pixels: npt.NDArray[np.uint8],
    prediction: Prediction,
    whole: Callable[[], npt.NDArray[np.uint8]] | None = None,
    say: Say = english,
    *,
    drawn: bool = False,
) -> list[Hint]:
    """Returns what may have kept a picture from being read, the likeliest cause first.

    Args:
        pixels: the picture that was read, uint8 of shape (height, width) or (height, width, 3).
        prediction: the answer, which was not accepted.
        whole: returns the upright picture at full size, if `pixels` are a reduced copy. It is called only if the
            reduction may have changed a measurement. If it cannot be decoded once more, that measurement is not told.
        say: puts the hints into the reader's language.
        drawn: whether the picture was drawn on a screen, so that no advice for photos applies.

    Returns:
        One hint or more.
    """
    hints = _examine_picture(pixels, whole, say, drawn)
    first, second = two_most_likely(prediction)
    if prediction.reason == "not_a_digit":
        unlike = say("Its shape is unlike the digits that the network was trained on.")
        hints.append(Hint(unlike, say("Write one digit, large and plain.")))
    else:
        both = {"first": with_article(first, say), "second": with_article(second, say)}
        hints.append(
            Hint(say("It looks partly like {first} and partly like {second}.", **both), say("Write it more clearly."))
        )
    return hints


def hints_without_ink(pixels: npt.NDArray[np.uint8], say: Say = english) -> list[Hint]:
    """Returns what may have hidden the ink of a picture in which none was found; often an empty list.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        say: puts the hints into the reader's language.
    """
    gray = as_gray(shrink(pixels, ENOUGH_SIDE))
    # The median absolute deviation ignores strokes; 1.4826 times it estimates the standard deviation of the noise.
    noise = 1.4826 * float(np.median(cv2.absdiff(gray, cv2.medianBlur(gray, 3))))
    return [_GRAINY_HINT.said(say)] if noise > _VERY_NOISY else []


def _examine_picture(
    pixels: npt.NDArray[np.uint8], whole: Callable[[], npt.NDArray[np.uint8]] | None, say: Say, drawn: bool
) -> list[Hint]:
    """Returns the hints that the pixels give without the answer."""
    small = shrink(pixels, ENOUGH_SIDE)
    try:
        foreground, parts = find_strokes(small)
    except NoInkError:
        return []
    members = find_digit(parts)
    left, right = int(parts.left[members].min()), int(parts.right[members].max())
    top, bottom = int(parts.top[members].min()), int(parts.bottom[members].max())
    reach = max(right - left, bottom - top)
    full, is_known = pixels, True
    if whole is not None and (reach < _SMALL_WHEN_REDUCED or foreground.level < _FAINT):
        try:
            full = whole()
        except (ImageError, MemoryBusyError, ProcessorBusyError, ProcessStartError):
            is_known = False
    scale = max(full.shape[:2]) / max(small.shape[:2])
    hints = []
    if reach < (_SMALL_WHEN_REDUCED if scale > 1.0 or not is_known else _SMALL):
        size = round(scale * reach)
        if drawn:
            hints.append(Hint(say("The digit is small."), say("Draw it larger.")))
        elif not is_known:
            hints.append(Hint(say("The digit is small."), say("Go closer, or crop the picture to the digit.")))
        elif scale > 1.0:
            large = say("The digit is only {size} pixels large, of {whole}.", size=size, whole=max(full.shape[:2]))
            hints.append(Hint(large, say("Go closer, or crop the picture to the digit.")))
        else:
            large = say("The digit is only {size} pixels large.", size=size)
            hints.append(Hint(large, say("Go closer, or use the picture in its full size.")))
    box = (left - foreground.margin, top - foreground.margin, right - foreground.margin, bottom - foreground.margin)
    if is_known and not drawn and foreground.level < _FAINT and (scale == 1.0 or _level(full, box, scale) < _FAINT):
        hints.append(_FAINT_HINT.said(say))
    if not foreground.margin and parts.touches[members].any():
        cut = say("The writing is cut off at the edge of the picture.")
        hints.append(Hint(cut, say("Leave some room on every side of the digit.")))
    ink = parts.ink * ~parts.apart
    if ink.sum() - ink[members].sum() > _MORE_WRITING * ink[members].sum():
        one = say("Draw one digit at a time.") if drawn else say("Show one digit at a time: crop to it.")
        hints.append(Hint(say("There is more writing beside it."), one))
    if not drawn and foreground.noise > _NOISY * foreground.level:
        hints.append(_GRAINY_HINT.said(say))
    return hints


def _level(full: npt.NDArray[np.uint8], box: tuple[int, int, int, int], scale: float) -> float:
    """Returns the contrast of the ink, 0..255, in the full picture around a box of the reduced one; 0 without ink."""
    left, top, right, bottom = (round(scale * side) for side in box)
    around = round(_AROUND * max(right - left, bottom - top)) + 1
    part = full[max(0, top - around) : bottom + around, max(0, left - around) : right + around]
    try:
        return find_foreground(np.ascontiguousarray(part)).level
    except NoInkError:
        return 0.0
