"""Finds the ground on which something is written: its color at each pixel, and whether ink is darker or lighter."""

from dataclasses import dataclass

import cv2
import numpy as np

from digits.arrays import Gray, Pixels
from digits.images.channels import channels_of
from digits.vision.reduction import Counts, histogram, quantile, shrink
from digits.vision.thick_strokes import ground_of_thick_strokes, half_width

# The ground is found on a copy of this many pixels on the longer side, and which side the ink is on a smaller one.
_SIDE, _SMALL_SIDE = 160, 100
# The ground of a picture that is only glanced at is found on a smaller copy, and the median around each pixel, which
# tells the side of the ink, on a still smaller one.
_QUICK_SIDE, _MEDIAN_SIDE = 100, 50
# Strokes are narrower than this window, as a share of the picture's longer side.
_WINDOW = 0.35
# What comes so near to the border, as a share of the picture's longer side, and has a half width of more than this
# share, and of more than so many times that of the ink of the other side, is no stroke but the ground.
_NEAR_BORDER, _BLOB, _TIMES_WIDER = 0.04, 0.13, 2.0
# Ink is so different from the ground as this quantile of all pixels.
_INK = 0.995
# Ink of at least this share of the strongest is looked at for that.
_STRONG = 0.6


@dataclass(frozen=True)
class Ground:
    """The ground of a picture.

    Args:
        color: uint8 of shape (h, w) or (h, w, 3), a small picture of the ground; one pixel if it is of one color.
        is_light: whether it is lighter than the ink.
        is_even: whether it is the same everywhere.
    """

    color: Pixels
    is_light: bool
    is_even: bool = False

    def enlarge(self, pixels: Pixels) -> Pixels:
        """The color of the ground at each pixel of a picture."""
        height, width = pixels.shape[:2]
        return np.asarray(cv2.resize(self.color, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)

    def difference(self, pixels: Pixels) -> Gray:
        """How far pixels are from the ground, towards the ink's side: the largest over the color channels."""
        return strongest_channel(_towards_ink(pixels, self.enlarge(pixels), self.is_light))


def find_even_ground(pixels: Pixels) -> Ground:
    """Finds the ground of a tiny picture, which is the same everywhere.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
    """
    if (thick := ground_of_thick_strokes(pixels)) is not None:
        return Ground(*thick, is_even=True)
    counts = [histogram(channel) for channel in channels_of(pixels)]
    most_light, most_dark = (max(each) for each in zip(*map(_ink_beside_median, counts), strict=True))
    is_light = most_dark >= most_light
    values = np.array([quantile(each, 0.75 if is_light else 0.25) for each in counts], dtype=np.uint8)
    return Ground(values.reshape(1, 1) if len(values) == 1 else values.reshape(1, 1, 3), is_light)


def _ink_beside_median(counts: Counts) -> tuple[int, int]:
    """How much lighter and how much darker than the median ink is, from a histogram: as `ink_is_dark` compares them."""
    ground = quantile(counts, 0.5)
    lighter, darker = counts[ground:].copy(), counts[ground::-1].copy()
    lighter[0] += counts[:ground].sum()
    darker[0] += counts[ground + 1 :].sum()
    return quantile(lighter, _INK), quantile(darker, _INK)


def find_ground(pixels: Pixels, *, is_page: bool, quick: bool = False) -> Ground:
    """Finds the ground of a picture, which may be in uneven light.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        is_page: whether all strokes are thin beside the picture; those of a single digit may be a third as wide.
        quick: whether it is found on smaller copies, with less detail, in a part of the time.
    """
    copy = shrink(pixels, _QUICK_SIDE if quick else _SIDE)
    if is_page:
        return _bridge_strokes(copy, is_light=_ink_is_darker_than_around(copy))
    small = shrink(copy, _SMALL_SIDE)
    if (thick := ground_of_thick_strokes(small)) is not None:
        return Ground(*thick, is_even=True)
    ground = _bridge_strokes(copy, is_light=_ink_is_darker_than_around(small, quick=quick))
    ink = _strong_ink(small, ground)
    width, (x, y) = half_width(ink)
    if width > _BLOB * max(ink.shape) and _comes_near_border(ink, x, y):
        other = _bridge_strokes(copy, is_light=not ground.is_light)
        if width > _TIMES_WIDER * half_width(_strong_ink(small, other))[0]:
            return other
    return ground


def _bridge_strokes(copy: Pixels, *, is_light: bool) -> Ground:
    """The ground as a morphological closing (for dark ink) with a window wider than a stroke.

    It follows shadows and their edges, and bridges the strokes.
    """
    window = max(5, round(_WINDOW * max(copy.shape[:2])) | 1)
    # A square window costs the same at any width; a round one would cost its area.
    kernel = np.ones((window, window), np.uint8)
    padded = cv2.copyMakeBorder(copy, window, window, window, window, cv2.BORDER_REPLICATE)
    method = cv2.MORPH_CLOSE if is_light else cv2.MORPH_OPEN
    bridged = cv2.morphologyEx(padded, method, kernel)[window:-window, window:-window]
    return Ground(np.asarray(cv2.blur(bridged, (3, 3)), dtype=np.uint8), is_light)


def _ink_is_darker_than_around(copy: Pixels, *, quick: bool = False) -> bool:
    """Whether ink is darker than the median of a wide window, which keeps to the ground and follows the light."""
    reduced = shrink(copy, _MEDIAN_SIDE) if quick else copy
    around = np.asarray(cv2.medianBlur(reduced, round(0.5 * min(reduced.shape[:2])) | 1), dtype=np.uint8)
    if reduced is not copy:
        around = np.asarray(cv2.resize(around, copy.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return ink_is_dark(copy, around)


def _strong_ink(copy: Pixels, ground: Ground) -> Gray:
    """A mask, 1 where ink is strong."""
    strength = ground.difference(copy)
    strongest = quantile(histogram(strength), 0.998)
    return np.asarray(strength >= max(1.0, _STRONG * strongest), dtype=np.uint8)


def _comes_near_border(mask: Gray, x: int, y: int) -> bool:
    """Whether the part of a mask that holds a pixel comes near to the picture's border."""
    part = np.asarray(cv2.connectedComponents(mask)[1])
    part = part == part[y, x]
    near = round(_NEAR_BORDER * max(mask.shape))
    return bool(part[:near].any() or part[-near:].any() or part[:, :near].any() or part[:, -near:].any())


def ink_is_dark(picture: Pixels, ground: Pixels) -> bool:
    """Whether ink is darker than the ground, in the color channel in which they differ most."""
    most_light, most_dark = (
        max(quantile(histogram(channel), _INK) for channel in channels_of(_towards_ink(picture, ground, is_light)))
        for is_light in (False, True)
    )
    return most_dark >= most_light


def _towards_ink(picture: Pixels, ground: Pixels, is_light: bool) -> Pixels:
    """How far each pixel and channel is from the ground, towards ink that is darker than a light ground, or lighter."""
    return np.asarray(cv2.subtract(ground, picture) if is_light else cv2.subtract(picture, ground), dtype=np.uint8)


def strongest_channel(image: Pixels) -> Gray:
    """The largest value of each pixel's channels; several times faster than NumPy's maximum over the last axis."""
    if image.ndim == 2:
        return image
    red, green, blue = channels_of(image)
    return np.asarray(cv2.max(cv2.max(red, green), blue), dtype=np.uint8)
