"""Says what an answer for one digit leaves out: other writing in the picture."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import ImageError
from digits.explain.speech import Say, english, with_article
from digits.images.reducing import ENOUGH_SIDE
from digits.recognizer import Prediction, Recognizer
from digits.vision.components import Components, find_components, find_digit
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import digit_mask
from digits.vision.reduction import shrink
from digits.vision.views.table import FIRST, GLANCE

# Other writing is mentioned from this height on, as a share of the digit's height: a speck or a dot is none.
_LEAST_HEIGHT = 0.2


def find_left_out(
    recognizer: Recognizer, pixels: npt.NDArray[np.uint8], prediction: Prediction, say: Say = english
) -> str | None:
    """Returns a sentence that names the writing which the answer leaves out, or None if it leaves nothing out.

    A stroke beside the digit counts if the network reads it as a digit of its own and reads the same digit without it,
    so that a second stroke of a 4 or the halves of a broken 0 do not count.

    Args:
        recognizer: the model that answered.
        pixels: the picture, uint8 of shape (height, width) or (height, width, 3).
        prediction: the answer.
        say: puts the sentence into the reader's language.
    """
    # Another view shows other strokes than those that are found here; a smaller copy of the picture shows the same.
    if not prediction.accepted or prediction.view not in (FIRST, GLANCE):
        return None
    small = shrink(pixels, ENOUGH_SIDE)
    try:
        foreground = find_foreground(small)
        parts = find_components(foreground, digit_mask(foreground))
    except ImageError:
        return None
    if len(parts) < 2:
        return None
    members = find_digit(parts)
    main = max(members, key=lambda i: float(parts.ink[i]))
    height = int(parts.bottom[main] - parts.top[main])
    for i in np.argsort(-parts.ink).tolist():
        if i == main or parts.apart[i] or parts.bottom[i] - parts.top[i] < _LEAST_HEIGHT * height:
            continue
        if i not in members:
            # What the border cuts off may be the table beside the sheet.
            if parts.touches[i] and not _is_digit(recognizer, small, parts, i):
                continue
            return say(
                "There is more writing in the picture. The answer is about the largest digit, {digit}.",
                digit=with_article(prediction.digit, say),
            )
        beside = parts.left[i] >= parts.right[main] or parts.right[i] <= parts.left[main]
        alone = _read_without(recognizer, small, parts, [k for k in range(len(parts)) if k != i]) if beside else None
        rest = _read_without(recognizer, small, parts, [i]) if alone is not None and alone.accepted else None
        if alone is not None and rest is not None and rest.accepted and rest.digit == prediction.digit:
            return say(
                "Beside the {digit} is a smaller sign, perhaps {other}, which was left out.",
                digit=prediction.digit,
                other=with_article(alone.digit, say),
            )
    return None


def _is_digit(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], parts: Components, i: int) -> bool:
    """Returns whether the network reads a part of a picture, without all others, as a digit."""
    alone = _read_without(recognizer, pixels, parts, [k for k in range(len(parts)) if k != i])
    return alone is not None and alone.accepted


def _read_without(
    recognizer: Recognizer, pixels: npt.NDArray[np.uint8], parts: Components, removed: list[int]
) -> Prediction | None:
    """Reads a picture with some strokes painted over by the background; returns None if there is no answer."""
    height, width = pixels.shape[:2]
    margin = (parts.labels.shape[0] - height) // 2
    labels = parts.labels[margin : margin + height, margin : margin + width]
    strokes = np.isin(labels, parts.ids[removed])
    # Past the soft edges of the strokes, but not over other strokes.
    mask = cv2.dilate(strokes.astype(np.uint8), np.ones((5, 5), np.uint8)) * (strokes | (labels == 0))
    painted = np.where((mask if pixels.ndim == 2 else mask[..., np.newaxis]) > 0, _background(pixels), pixels)
    try:
        return recognizer.recognize_pixels(painted.astype(np.uint8))
    except ImageError:
        return None


def _background(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Returns the median color, which is the background's, because ink covers little of a picture."""
    return np.asarray(np.median(pixels.reshape(-1, *pixels.shape[2:]), axis=0))
