"""The copy of a picture of which views are made."""

from collections.abc import Callable
from functools import cached_property

import cv2
import numpy as np

from digits.arrays import SIDE, Floats, Gray, Pixels
from digits.images.channels import channels_of
from digits.vision.mnist_form import is_like_mnist
from digits.vision.reduction import as_gray, median_of_few, quantile_of, shrink
from digits.vision.views import pen
from digits.vision.views.forms import Seen

# Pictures of at most so many pixels on the longer side are small: they have views of their own.
SMALL_SIDE = 48
# Large pictures are reduced to so many pixels on the longer side.
_LARGE_SIDE = 128
# A picture is in color if the channels of a pixel differ by more than this.
_COLORED = 24
# Ink differs from the ground by so many levels at the least. Its full strength is this quantile of all pixels.
_LEAST_INK, _FULL_INK = 12.0, 0.995
# The border that is cut off, as a share of the picture.
_BORDER = 0.09
# The part around a box has a margin of this share of the box's longer side, and so many pixels on a side at the least.
_MARGIN, _LEAST_PART = 0.3, 8

Find = Callable[["Copy"], Pixels | None]


class Copy:
    """A copy of a picture of which views are made, with what several of them need.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3), RGB, at least 5 pixels on a side.
        side: the copy has at most so many pixels on the longer side.
    """

    def __init__(self, pixels: Pixels, side: int = _LARGE_SIDE) -> None:
        self.is_small = max(pixels.shape[:2]) <= SMALL_SIDE
        self.original = pixels
        self._found: dict[Find, Seen | None] = {}
        self.pixels = np.ascontiguousarray(shrink(pixels, side))

    def seen(self, find: "Find") -> Seen | None:
        """Returns what a function makes of this copy: several views share it, and the strokes in it."""
        if find not in self._found:
            made = find(self)
            self._found[find] = None if made is None else Seen(made)
        return self._found[find]

    def found(self, find: "Find") -> Pixels | None:
        """Returns the pixels of what a function makes of this copy."""
        seen = self.seen(find)
        return None if seen is None else seen.pixels

    @cached_property
    def light(self) -> Pixels:
        """The picture without its grain, in which a pen's strokes are looked for."""
        return pen.without_grain(self.pixels)

    @cached_property
    def gray(self) -> Gray:
        """The picture in gray levels: of a colored one, along the axis on which its colors differ most."""
        if self.pixels.ndim == 2 or not self.is_colored:
            return as_gray(self.pixels)
        # Each channel in a row of its own: NumPy takes several times as long for sums over three values at a time.
        colors = np.stack(channels_of(self.pixels)).reshape(3, -1).astype(np.float32)
        colors -= colors.mean(axis=1, keepdims=True)
        axis = np.linalg.eigh(colors @ colors.T)[1][:, -1]
        along = (axis if axis.sum() >= 0.0 else -axis) @ colors
        # Of a page, it takes 30 MB.
        del colors
        low, high = (np.float32(quantile_of(along, share)) for share in (0.001, 0.999))
        stretched = np.maximum((along - low) * np.float32(255.0 / max(float(high - low), 1.0)), np.float32(0.0))
        return np.asarray(np.minimum(stretched, np.float32(255.0)).reshape(self.pixels.shape[:2]), dtype=np.uint8)

    @cached_property
    def is_like_mnist(self) -> bool:
        """Whether the picture is an image in MNIST's form already."""
        return self.original.shape[:2] == (SIDE, SIDE) and is_like_mnist(as_gray(self.original))[1]

    @cached_property
    def is_colored(self) -> bool:
        """Whether any pixel has a color."""
        if self.pixels.ndim == 2:
            return False
        red, green, blue = channels_of(self.pixels)
        spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
        return int(np.asarray(spread).max()) > _COLORED

    @cached_property
    def inner(self) -> "Copy":
        """The picture without its border."""
        height, width = self.pixels.shape[:2]
        y, x = round(_BORDER * height), round(_BORDER * width)
        return Copy(self.pixels[y : height - y, x : width - x])

    def around(self, left: int, top: int, right: int, bottom: int) -> Pixels | None:
        """Returns the part of the original picture around a box, reduced as this copy is; None if it is too small.

        Args:
            left: of the box, in pixels of this copy, like `top`, `right` and `bottom`; the last two are past it.
            top: of the box.
            right: of the box.
            bottom: of the box.
        """
        scale = max(self.original.shape[:2]) / max(self.pixels.shape[:2])
        margin = _MARGIN * max(right - left, bottom - top) + 2.0
        first = [max(0, round(scale * (start - margin))) for start in (top, left)]
        last = [round(scale * (end + margin)) for end in (bottom, right)]
        part = self.original[first[0] : last[0], first[1] : last[1]]
        return np.ascontiguousarray(shrink(part, _LARGE_SIDE)) if min(part.shape[:2]) >= _LEAST_PART else None

    @cached_property
    def against_border(self) -> Gray | None:
        """The ink: how much each pixel differs from the median of the border."""
        return against_border(self.gray)


def against_border(gray: Gray) -> Gray | None:
    """Returns the strength of ink, as `as_ink`: how much each pixel differs from the median of the border."""
    border = median_of_few(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]], dtype=np.float32))
    return as_ink(np.abs(gray - np.float32(border)))


def as_ink(difference: Floats) -> Gray | None:
    """Turns differences from the ground into the strength of ink.

    Args:
        difference: of shape (height, width), 0..255.

    Returns:
        uint8 of the same shape, the strongest ink 255; None if nothing stands out.
    """
    full = quantile_of(difference, _FULL_INK)
    if full < _LEAST_INK:
        return None
    return np.asarray(np.minimum(difference * np.float32(255.0 / full), np.float32(255.0)), dtype=np.uint8)
