"""Ink on its ground: where in a picture something is written."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray, Pixels
from digits.errors import NoInkError
from digits.vision.reduction import shrink

NO_INK = (
    "No ink was found: the image is blank, too faint or too noisy. "
    "Write the digit with a darker pen, fill more of the picture with it, or give it more light."
)

# Pictures up to this size are taken for a digit cut out already: of even ground, and often touching the edges.
_TINY_SIDE = 40
_MARGIN = 2
# The ground is found on a copy of this many pixels on the longer side.
_GROUND_SIDE = 160
# The least contrast between ink and ground, of 255, and in multiples of the ground's own noise.
_MIN_CONTRAST = 16.0
_MIN_SIGNAL = 4.5
_NOISE_SIDE = 20
# Ink this strong, as a share of the strongest, starts a stroke; ink half as strong goes on with it.
_STRONG = 0.45
_WEAK = 0.2


@dataclass(frozen=True)
class Foreground:
    """Ink in a picture.

    Args:
        strength: uint8 array of shape (height, width), how much each pixel differs from the ground.
        level: the strength of full ink.
        noise: standard deviation of the ground's strength.
        margin: width of the ground that was put around the picture, in pixels.
    """

    strength: Gray
    level: float
    noise: float
    margin: int = 0

    @property
    def strong(self) -> float:
        """The least strength of a stroke's middle."""
        return _STRONG * self.level

    @property
    def weak(self) -> float:
        """The least strength of ink that goes on with a stroke; where the ground is noisy, weaker ink is lost in it."""
        return float(np.clip(5.0 * self.noise, _WEAK * self.level, _STRONG * self.level))


def find_foreground(pixels: Pixels, *, even_light: bool = False) -> Foreground:
    """How much each pixel differs from the ground around it, towards the ink's side.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        even_light: whether dark ink is measured as the share of the ground's light that it swallows, so that ink in a
            shadow is as strong as ink in the light; noise is stronger there, too.

    Raises:
        NoInkError: nothing stands out from the ground.
    """
    smooth = np.asarray(cv2.medianBlur(pixels, 3), dtype=np.uint8)
    noise = _noise(pixels, smooth)
    tiny = max(pixels.shape[:2]) <= _TINY_SIDE
    # A clean picture is not smoothed: a line one pixel wide would be lost.
    if tiny:
        strength = _against_even_ground(pixels)
    else:
        strength, gain = _against_ground(smooth if noise > 0.0 else pixels, even_light)
        noise *= gain
    # What the ground's own texture shows everywhere is not ink.
    counts = _histogram(strength)
    median = _quantile(counts, 0.5)
    strength = np.maximum(strength, np.uint8(median)) - np.uint8(median)
    level = _mean_of_top(counts, max(8, strength.size // 500)) - median
    if level < max(_MIN_CONTRAST, _MIN_SIGNAL * noise):
        raise NoInkError(NO_INK)
    return Foreground(strength, level, noise, _MARGIN if tiny else 0)


def _histogram(gray: Gray) -> npt.NDArray[np.int64]:
    """How many pixels have each of the 256 values. Order statistics from it take a tenth of the time of sorting."""
    return np.asarray(cv2.calcHist([gray], [0], None, [256], [0.0, 256.0]), dtype=np.int64).ravel()


def _quantile(counts: npt.NDArray[np.int64], share: float) -> int:
    """The value under or at which a share of the pixels lies."""
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum()))


def _mean_of_top(counts: npt.NDArray[np.int64], top: int) -> float:
    """The mean of the `top` largest values."""
    falling = counts[::-1]
    taken = np.clip(top - (np.cumsum(falling) - falling), 0, falling)
    return float(taken @ np.arange(255, -1, -1)) / float(taken.sum())


def _noise(pixels: Pixels, smooth: Pixels) -> float:
    """Standard deviation of what neighboring pixels do not share, from its median, which strokes do not move.

    In a picture of very few pixels strokes are most of it, and would pass for noise: there it is 0.
    """
    if min(pixels.shape[:2]) < _NOISE_SIDE:
        return 0.0
    rough = _strongest_channel(np.asarray(cv2.absdiff(pixels, smooth), dtype=np.uint8))
    return 1.4826 * _quantile(_histogram(rough), 0.5)


def _ink_is_dark(picture: Pixels, ground: Pixels) -> bool:
    """Whether ink is darker than the ground, in the color channel in which they differ most."""
    darker, lighter = cv2.subtract(ground, picture), cv2.subtract(picture, ground)

    def most(difference: Pixels) -> int:
        channels = cv2.split(difference)
        return max(_quantile(_histogram(np.asarray(channel, dtype=np.uint8)), 0.995) for channel in channels)

    return most(np.asarray(darker, dtype=np.uint8)) >= most(np.asarray(lighter, dtype=np.uint8))


def _against_even_ground(pixels: Pixels) -> Gray:
    """Ink as the distance from a ground that is the same everywhere, with a margin of it around the picture."""
    channels = [np.asarray(channel, dtype=np.uint8) for channel in cv2.split(pixels)]

    def ground(share: float) -> Pixels:
        values = [_quantile(_histogram(channel), share) for channel in channels]
        return np.full_like(pixels, values[0] if len(values) == 1 else values)

    if _ink_is_dark(pixels, ground(0.5)):
        strength = cv2.subtract(ground(0.75), pixels)
    else:
        strength = cv2.subtract(pixels, ground(0.25))
    ink = _strongest_channel(np.asarray(strength, dtype=np.uint8))
    return np.asarray(
        cv2.copyMakeBorder(ink, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_CONSTANT, value=0), dtype=np.uint8
    )


def _against_ground(pixels: Pixels, even_light: bool) -> tuple[Gray, float]:
    """Ink as the distance from the ground around it, the largest over the color channels.

    The ground is a morphological closing (for dark ink) with a window wider than a stroke: it follows shadows
    and their edges, and bridges the strokes. Taking the channel that shows most finds ink of any color.

    Returns:
        The ink, and by how much `even_light` has multiplied it on the average.
    """
    copy = shrink(pixels, _GROUND_SIDE)
    # The median of a wide window keeps to the ground and follows the edges of shadows.
    around = np.asarray(cv2.medianBlur(copy, round(0.5 * min(copy.shape[:2])) | 1), dtype=np.uint8)
    dark = _ink_is_dark(copy, around)
    if not dark:
        pixels, copy = 255 - pixels, 255 - copy
    height, width = pixels.shape[:2]
    window = max(5, round(0.35 * max(copy.shape[:2])) | 1)
    # A square window costs the same at any width; a round one would cost its area.
    kernel = np.ones((window, window), np.uint8)
    padded = cv2.copyMakeBorder(copy, window, window, window, window, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[window:-window, window:-window]
    ground = cv2.resize(cv2.blur(closed, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    strength = cv2.subtract(ground, pixels)
    if not (dark and even_light):
        return _strongest_channel(np.asarray(strength, dtype=np.uint8)), 1.0
    strength = cv2.divide(strength, ground, scale=255.0)
    return _strongest_channel(np.asarray(strength, dtype=np.uint8)), 255.0 / max(float(closed.mean()), 1.0)


def _strongest_channel(image: Pixels) -> Gray:
    """The largest value of each pixel's channels; several times faster than NumPy's maximum over the last axis."""
    if image.ndim == 2:
        return image
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(red, green), blue), dtype=np.uint8)
