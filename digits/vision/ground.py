"""Finds the ground on which something is written: its color at each pixel, and whether ink is darker or lighter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from digits.arrays import Flags, Gray, Pixels
from digits.histogram import find_quantile, quantile_of_sorted, sort_values
from digits.images.channels import channels_of
from digits.vision.reduction import shrink
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
# The ground of a drawing is of one value if ink covers less than this share of the picture.
_MOST_INK = 0.25
# Ink is so different from the ground as this quantile of all pixels; or as the other one, if that is less than so many
# levels: a small number on a large page covers less.
_INK, _UNSEEN, _LITTLE_INK = 0.995, 16, 0.9995
# Ink of at least this share of the strongest is looked at for that.
_STRONG = 0.6
# In a channel in which ink lies so many times farther on the other side, nothing is measured.
_OPPOSITE = 2.0

# How much lighter than the ground ink is, and how much darker, in one channel.
_Contrast: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Ground:
    """The ground of a picture.

    Args:
        color: uint8 of shape (h, w) or (h, w, 3), a small picture of the ground; one pixel if it is of one color. A
            channel in which ink lies on the other side is 0 where ink is dark, and 255 where it is light, so that
            nothing differs from it towards the ink.
        is_light: whether it is lighter than the ink.
        is_even: whether it is the same everywhere.
    """

    color: Pixels
    is_light: bool
    is_even: bool = False

    @property
    def light(self) -> float:
        """The mean of its color, without the channels that are left out."""
        means = [float(channel.mean()) for channel in channels_of(self.color)]
        return float(np.mean([mean for mean in means if mean] or [0.0]))

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
    channels = [sort_values(channel) for channel in channels_of(pixels)]
    is_light = _is_dark([_ink_beside_median(rising) for rising in channels])
    share = 0.75 if is_light else 0.25
    values = np.array([quantile_of_sorted(rising, share) for rising in channels], dtype=np.uint8)
    return Ground(values.reshape(1, 1) if len(values) == 1 else values.reshape(1, 1, 3), is_light)


def _ink_beside_median(rising: Gray) -> _Contrast:
    """How much lighter and how much darker than the median ink is.

    Args:
        rising: the values of a channel in rising order.
    """
    ground, light = quantile_of_sorted(rising, 0.5), quantile_of_sorted(rising, _INK)
    dark = int(rising[int(rising.size - _INK * rising.size)])
    return light - ground, ground - dark


def find_ground(pixels: Pixels, *, is_page: bool, quick: bool = False) -> Ground:
    """Finds the ground of a picture, which may be in uneven light.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        is_page: whether all strokes are thin beside the picture; those of a single digit may be a third as wide.
        quick: whether it is found on smaller copies, with less detail, in a part of the time.
    """
    copy = shrink(pixels, _QUICK_SIDE if quick else _SIDE)
    if is_page:
        contrasts = _contrasts_around(copy)
        return _bridge_strokes(copy, contrasts, is_light=_is_dark(contrasts))
    if (plain := _plain_ground(copy)) is not None:
        return plain
    small = shrink(copy, _SMALL_SIDE)
    if (thick := ground_of_thick_strokes(small)) is not None:
        return Ground(*thick, is_even=True)
    contrasts = _contrasts_around(small, quick=quick)
    ground = _bridge_strokes(copy, contrasts, is_light=_is_dark(contrasts))
    ink = _strong_ink(small, ground)
    width, (x, y) = half_width(ink)
    if width > _BLOB * max(ink.shape) and _comes_near_border(ink, x, y):
        other = _bridge_strokes(copy, contrasts, is_light=not ground.is_light)
        if width > _TIMES_WIDER * half_width(_strong_ink(small, other))[0]:
            return other
    return ground


def _plain_ground(copy: Pixels) -> Ground | None:
    """Returns the ground of a clean drawing in gray, such as of a canvas, in less time than `find_ground` takes.

    It finds the same, but for light strokes on black that are so thick that the median around them is ink.

    Returns:
        None unless the whole border has one value, the lightest or the darkest of the picture, and ink is thin and
        covers little of it: then a closing or an opening leaves nothing but that value.
    """
    value = int(copy.flat[0])
    if copy.ndim == 3 or value not in (int(copy.min()), light := int(copy.max())):
        return None
    ink = (copy != value).view(np.uint8)
    if _touches_border(ink, 1) or cv2.countNonZero(ink) >= _MOST_INK * ink.size:
        return None
    if half_width(ink)[0] > _BLOB * max(ink.shape):
        return None
    return Ground(np.full((1, 1), value, np.uint8), is_light=value == light, is_even=True)


def _bridge_strokes(copy: Pixels, contrasts: Sequence[_Contrast], *, is_light: bool) -> Ground:
    """The ground as a morphological closing (for dark ink) with a window wider than a stroke.

    It follows shadows and their edges, and bridges the strokes. Blue ink on brown paper is darker in two channels and
    lighter in the third, where the closing would take what the ink encloses for ink: that channel is left out.
    """
    window = max(5, round(_WINDOW * max(copy.shape[:2])) | 1)
    # A square window costs the same at any width; a round one would cost its area.
    kernel, reach = np.ones((window, window), np.uint8), window // 2
    padded = cv2.copyMakeBorder(copy, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    method = cv2.MORPH_CLOSE if is_light else cv2.MORPH_OPEN
    bridged = cv2.morphologyEx(padded, method, kernel)[reach:-reach, reach:-reach]
    color = np.asarray(cv2.blur(bridged, (3, 3)), dtype=np.uint8)
    for channel, (lighter, darker) in enumerate(contrasts):
        ours, theirs = (darker, lighter) if is_light else (lighter, darker)
        if len(contrasts) > 1 and theirs > _OPPOSITE * ours:
            color[..., channel] = 0 if is_light else 255
    return Ground(color, is_light)


def _contrasts_around(copy: Pixels, *, quick: bool = False) -> list[_Contrast]:
    """The contrasts with the median of a wide window, which keeps to the ground and follows the light."""
    reduced = shrink(copy, _MEDIAN_SIDE) if quick else copy
    around = np.asarray(cv2.medianBlur(reduced, round(0.5 * min(reduced.shape[:2])) | 1), dtype=np.uint8)
    if reduced is not copy:
        around = np.asarray(cv2.resize(around, copy.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    contrasts = _contrasts(copy, around, _INK)
    return contrasts if max(map(max, contrasts)) >= _UNSEEN else _contrasts(copy, around, _LITTLE_INK)


def _strong_ink(copy: Pixels, ground: Ground) -> Gray:
    """A mask, 1 where ink is strong."""
    strength = ground.difference(copy)
    strongest = find_quantile(strength, 0.998)
    return np.asarray(strength >= max(1.0, _STRONG * strongest), dtype=np.uint8)


def _comes_near_border(mask: Gray, x: int, y: int) -> bool:
    """Whether the part of a mask that holds a pixel comes near to the picture's border."""
    part = np.asarray(cv2.connectedComponents(mask)[1])
    part = part == part[y, x]
    return _touches_border(part, round(_NEAR_BORDER * max(mask.shape)))


def _touches_border(mask: Gray | Flags, width: int) -> bool:
    """Whether any pixel of a mask lies in the border of a picture, which is so many pixels wide."""
    return any(side.any() for side in (mask[:width], mask[-width:], mask[:, :width], mask[:, -width:]))


def _contrasts(picture: Pixels, ground: Pixels, share: float) -> list[_Contrast]:
    """How much lighter and how much darker than the ground a quantile of all pixels is, in each channel."""
    lighter, darker = (
        [find_quantile(channel, share) for channel in channels_of(_towards_ink(picture, ground, is_light))]
        for is_light in (False, True)
    )
    return list(zip(lighter, darker, strict=True))


def _is_dark(contrasts: Sequence[_Contrast]) -> bool:
    """Whether ink is darker than the ground, in the channel in which they differ most."""
    most_light, most_dark = (max(each) for each in zip(*contrasts, strict=True))
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
