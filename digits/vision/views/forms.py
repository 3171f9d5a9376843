"""Ways to make a 28x28 image of the ink, or the picture, that a view shows."""

from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np

from digits.arrays import SIDE, Gray, Pixels
from digits.errors import NoInkError
from digits.histogram import histogram, mean_of_top
from digits.vision.components import Components, find_components, is_edge
from digits.vision.foreground import Foreground
from digits.vision.mnist_form import center, fit, image_of, margin_around
from digits.vision.normalize import Normalized, find_strokes, image_digit
from digits.vision.paper.ruling import digit_mask

# A picture is framed as MNIST's are if both sides have so many pixels, and are alike up to a factor.
_LEAST_FRAMED, _MOST_FRAMED, _SQUARE = 20, 44, 1.15
# The strongest ink is at least so strong, or nothing is left of it.
_FAINTEST = 16.0
# A stripe whose ends grain has worn comes so near to the border, as a share of its length.
NEAR_BORDER = 0.03
# What is so narrow, in pixels, and reaches the border, is no digit.
_HAIRLINE = 2
# What is in more pieces on a large picture is no digit but what is left of the paper's lines, or of its squares.
_MOST_PIECES = 7
# Ink that is stronger than this, of 255, counts for the box of a digit.
STRONG = 102


class Seen:
    """What a view makes of a picture, and the strokes in it, which are found once.

    Args:
        pixels: the strength of ink, or a picture, uint8 of shape (height, width) or (height, width, 3).
    """

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels

    @cached_property
    def strokes(self) -> tuple[Foreground, Components] | None:
        """The foreground and the strokes, where the pixels are the strength of ink; None if there is none."""
        return _strokes(self.pixels)

    @property
    def place(self) -> tuple[int, int, int, int] | None:
        """The left, top, right and bottom of the digit in pixels, the last two past it; None if there is no ink."""
        return self.strokes[1].box(self.strokes[1].digit) if self.strokes else None


def whole(seen: Seen) -> Gray | None:
    """Takes the whole picture for the image, if it is framed as MNIST's images are."""
    strength = seen.pixels
    height, width = strength.shape[:2]
    if min(height, width) < _LEAST_FRAMED or max(height, width) > min(_MOST_FRAMED, _SQUARE * min(height, width)):
        return None
    if (height, width) == (SIDE, SIDE):
        return strength
    method = cv2.INTER_AREA if min(height, width) > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(strength, (SIDE, SIDE), interpolation=method), dtype=np.uint8)


def box(seen: Seen) -> Gray | None:
    """Takes all ink for the digit, and fits its box."""
    strength = seen.pixels
    x, y, width, height = cv2.boundingRect((strength > STRONG).astype(np.uint8))
    if max(width, height) < 3 or is_edge((x, y, x + width, y + height), strength.shape, NEAR_BORDER):
        return None
    return center(fit((strength[y : y + height, x : x + width] / 255.0).astype(np.float32)))


def cut_out(seen: Seen) -> Gray | None:
    """Cuts the digit out."""
    return _image(*seen.strokes) if seen.strokes else None


def without_lines(seen: Seen) -> Gray | None:
    """Takes the lines of the paper off, and cuts the digit out."""
    strokes = _strokes(seen.pixels, digit_mask)
    return _image(*strokes) if strokes else None


def as_first(seen: Seen) -> Gray | None:
    """Takes what the view shows through the stages of the first view."""
    try:
        return _image(*find_strokes(seen.pixels))
    except NoInkError:
        return None


def things_apart(seen: Seen) -> Normalized | None:
    """Finds what may be separate digits in the ink that a view shows.

    Returns:
        Its image, with those of the things that lie apart; None if there are none.
    """
    if seen.strokes is None or len(seen.strokes[1]) == 1:
        return None
    normalized = image_digit(*seen.strokes)
    return normalized if normalized.together is not None else None


def _all_ink(foreground: Foreground) -> Gray:
    return (foreground.strength >= foreground.weak).astype(np.uint8)


def _strokes(
    strength: Pixels, mask_of: Callable[[Foreground], Gray] = _all_ink
) -> tuple[Foreground, Components] | None:
    """Returns the ink that a view shows and its strokes, as far as a mask has them; None if there is none."""
    strongest = max(8, strength.size // 500)
    level = mean_of_top(histogram(strength), strongest)
    if level < _FAINTEST:
        return None
    foreground = Foreground(strength, level, 0.0)
    components = find_components(foreground, mask_of(foreground))
    return (foreground, components) if len(components) else None


def _image(foreground: Foreground, components: Components) -> Gray | None:
    """Returns the image of the digit among strokes; None if it may be a fold, an edge, a band of light or lines."""
    if len(components.digit) > _MOST_PIECES and max(foreground.strength.shape) > _MOST_FRAMED:
        return None
    left, top, right, bottom = box = components.box(components.digit)
    if is_edge(box, foreground.strength.shape, NEAR_BORDER) or _is_hairline(box, foreground.strength.shape):
        return None
    where, mask = components.cut(components.digit, margin_around(right - left, bottom - top))
    return image_of(foreground.strength[where], mask, foreground.level)


def _is_hairline(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> bool:
    """Whether what lies in a box is a pixel or two wide and reaches the border: the rest of a line of the paper."""
    left, top, right, bottom = box
    height, width = shape[:2]
    reaches = left == 0 or top == 0 or right == width or bottom == height
    return reaches and min(right - left, bottom - top) <= _HAIRLINE
