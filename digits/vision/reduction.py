"""Makes pictures smaller: fewer pixels, or one channel instead of three."""

import cv2
import numpy as np

from digits.arrays import Gray, Pixels


def shrink(image: Pixels, side: int) -> Pixels:
    """Reduces a picture to at most `side` pixels on its longer side; a smaller one stays as it is.

    Args:
        image: uint8 of shape (height, width) or (height, width, 3).
        side: in pixels.
    """
    height, width = image.shape[:2]
    if not image.size or max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def pool(gray: Gray, factor: int) -> Gray:
    """Reduces an array by a whole number, each pixel to the largest of the block that it stands for."""
    if factor == 1:
        return gray
    largest = cv2.dilate(gray, np.ones((factor, factor), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(largest[::factor, ::factor])


def as_gray(pixels: Pixels) -> Gray:
    """Turns a picture, gray or RGB, into a gray one of shape (height, width)."""
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
