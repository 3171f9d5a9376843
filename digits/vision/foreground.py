"""Ink on its ground: where in a picture something is written."""

from dataclasses import dataclass

import cv2
import numpy as np

from digits.arrays import Gray, Pixels
from digits.errors import NoInkError
from digits.histogram import Counts, find_quantile, histogram, mean_of_top, quantile, quantile_of_sorted, sort_values
from digits.vision.ground import find_even_ground, find_ground, strongest_channel

NO_INK = (
    "No ink was found: the image is blank, too faint or too noisy. "
    "Write the digit with a darker pen, fill more of the picture with it, or give it more light."
)

# Pictures up to this size are taken for a digit cut out already: of even ground, and often touching the edges.
_TINY_SIDE = 40
_MARGIN = 2
# The least contrast between ink and ground, of 255, and in multiples of the ground's own noise.
_MIN_CONTRAST = 16.0
_MIN_SIGNAL = 4.5
# A small digit on a large sheet is less than the share of the pixels by which ink is measured. Where that shows none,
# the strongest pixels count, one of so many; they must stand out so many times more, and be part of something that is
# so many pixels long, which dust is not.
_LITTLE_INK, _TIMES_CLEARER, LITTLE_SIDE = 8_000, 3.0, 12
_NOISE_SIDE = 20
# OpenCV takes the medians of narrower gray pictures one by one, which takes eight times as long.
_WIDE_MEDIAN = 72
# The noise of a page is measured on rows with at least so many pixels together.
_NOISE_PIXELS = 400_000
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
        swallowed: uint8 array of shape (height, width, 3), the share of the light that ink on a light ground swallows
            in each channel, of 255; None if it is not known, or the picture is gray.
        is_little: whether the ink covers so little of the picture that it may be dust.
    """

    strength: Gray
    level: float
    noise: float
    margin: int = 0
    swallowed: Pixels | None = None
    is_little: bool = False

    @property
    def strong(self) -> float:
        """The least strength of a stroke's middle."""
        return _STRONG * self.level

    @property
    def weak(self) -> float:
        """The least strength of ink that goes on with a stroke; where the ground is noisy, weaker ink is lost in it."""
        return min(max(5.0 * self.noise, _WEAK * self.level), _STRONG * self.level)


def find_foreground(pixels: Pixels, *, even_light: bool = False, quick: bool = False) -> Foreground:
    """How much each pixel differs from the ground around it, towards the ink's side.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        even_light: for pages; whether dark ink is measured as the share of the ground's light that it swallows, so that
            ink in a shadow is as strong as ink in the light; noise is stronger there, too.
        quick: whether the ground is found with less detail, in a part of the time.

    Raises:
        NoInkError: nothing stands out from the ground.
    """
    smooth = median_of_nine(pixels)
    step = max(1, smooth.shape[0] * smooth.shape[1] // _NOISE_PIXELS) if even_light else 1
    noise = _noise(pixels[::step], smooth[::step])
    tiny = max(pixels.shape[:2]) <= _TINY_SIDE
    # A clean picture is not smoothed: a line one pixel wide would be lost.
    clear = pixels if tiny or noise == 0.0 else smooth
    ground = find_even_ground(pixels) if tiny else find_ground(clear, is_page=even_light, quick=quick)
    colors: Pixels | None = None
    if even_light and ground.is_light and not tiny:
        light = ground.enlarge(clear)
        swallowed = np.asarray(cv2.divide(cv2.subtract(light, clear), light, scale=255.0), dtype=np.uint8)
        strength = strongest_channel(swallowed)
        colors = swallowed if swallowed.ndim == 3 else None
        noise *= 255.0 / max(ground.light, 1.0)
    else:
        strength = ground.difference(clear)
    if tiny:
        margin = (_MARGIN,) * 4
        strength = np.asarray(cv2.copyMakeBorder(strength, *margin, cv2.BORDER_CONSTANT, value=0), dtype=np.uint8)
    median, strongest = _median_and_strongest(strength, tiny)
    # What the ground's own texture shows everywhere is not ink. Half of a picture of thick strokes may be ink.
    if ground.is_even:
        median = 0
    if median:
        strength = np.asarray(cv2.subtract(strength, np.full_like(strength, median)), dtype=np.uint8)
    level = strongest - median
    least = max(_MIN_CONTRAST, _MIN_SIGNAL * noise)
    is_little = level < least
    if is_little:
        if not (tiny or even_light or quick):
            level = mean_of_top(_histogram_of_ink(strength), max(8, strength.size // _LITTLE_INK))
        if level < _TIMES_CLEARER * least:
            raise NoInkError(NO_INK)
    return Foreground(strength, level, noise, _MARGIN if tiny else 0, colors, is_little)


def median_of_nine(pixels: Pixels) -> Pixels:
    """Gives each pixel the median of the nine around it, in each channel."""
    width = pixels.shape[1]
    if pixels.ndim == 3 or width >= _WIDE_MEDIAN:
        return np.asarray(cv2.medianBlur(pixels, 3), dtype=np.uint8)
    # OpenCV goes over the border likewise.
    wide = cv2.copyMakeBorder(pixels, 0, 0, 0, _WIDE_MEDIAN - width, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.medianBlur(wide, 3)[:, :width], dtype=np.uint8)


def _median_and_strongest(strength: Gray, tiny: bool) -> tuple[int, float]:
    """Returns the median strength of a picture, and the mean of its largest values."""
    count = max(8, strength.size // 500)
    if tiny:
        rising = sort_values(strength)
        return quantile_of_sorted(rising, 0.5), sum(rising[-count:].tolist()) / count
    counts = _histogram_of_ink(strength)
    return quantile(counts, 0.5), mean_of_top(counts, count)


def _noise(pixels: Pixels, smooth: Pixels) -> float:
    """Standard deviation of what neighboring pixels do not share, from its median, which strokes do not move.

    In a picture of very few pixels strokes are most of it, and would pass for noise: there it is 0.
    """
    if min(pixels.shape[:2]) < _NOISE_SIDE:
        return 0.0
    rough = strongest_channel(np.asarray(cv2.absdiff(pixels, smooth), dtype=np.uint8))
    # Most drawings are clean.
    if 2 * cv2.countNonZero(rough) <= rough.size:
        return 0.0
    return 1.4826 * find_quantile(rough, 0.5)


def _histogram_of_ink(strength: Gray) -> Counts:
    """The histogram of a picture, of which only the box around all that is not 0 is counted."""
    left, top, width, height = cv2.boundingRect(strength)
    width, height = max(1, width), max(1, height)
    counts = histogram(strength[top : top + height, left : left + width])
    counts[0] += strength.size - width * height
    return counts
