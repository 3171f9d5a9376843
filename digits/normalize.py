"""Pixels to the 28x28 image that the network sees: the same that MNIST's makers would have made of them.

MNIST's images are white ink on black, anti-aliased, fitted into 20x20 with the aspect kept, and placed so that
the center of mass of the ink is the center of the 28x28 field (LeCun et al., "Gradient-Based Learning Applied to
Document Recognition", 1998). A picture that is already like that passes through unchanged.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import NoInkError
from digits.ink import FoundInk, Gray, Ink, digit_mask, find_ink, shrink, stroke_mask

SIDE = 28
BOX = 20

# MNIST puts the center of mass at the middle of pixel 14, which is half a pixel right of the field's middle.
_CENTER = 14.5

# Larger pictures are reduced to this many pixels on the longer side before anything is looked for.
_WORK_SIDE = 800
# The digit is brought to this many pixels on its longer side before strokes are measured and thickened.
_CANVAS = 100
# MNIST's strokes are about this wide on the 20x20 box; thinner ones vanish when they are reduced to it.
_MIN_STROKE = 2.0


@dataclass(frozen=True)
class Stage:
    """One step of the normalization, to be shown to a person.

    Args:
        name: what the step did, in a few words.
        image: uint8 array of shape (height, width).
    """

    name: str
    image: Gray


@dataclass(frozen=True)
class Normalized:
    """The result of `normalize`.

    Args:
        image: uint8 array of shape (28, 28), white ink on black.
        stages: the steps from the picture to the image, in order.
    """

    image: Gray
    stages: tuple[Stage, ...]


def normalize(pixels: npt.NDArray[np.uint8]) -> Normalized:
    """Finds the digit in a picture and makes an MNIST-style image of it.

    Args:
        pixels: uint8 array of shape (height, width) or (height, width, 3) in RGB order, ink of either polarity.

    Returns:
        The 28x28 image and the stages that led to it.

    Raises:
        NoInkError: the picture is blank, or has too little contrast to tell ink from ground.
    """
    like_mnist = _like_mnist(pixels)
    if like_mnist is not None:
        return Normalized(like_mnist, (Stage("Already like MNIST", like_mnist),))
    height, width = pixels.shape[:2]
    if min(height, width) < 3:
        raise NoInkError(
            f"The image has {width} x {height} pixels: too small to hold a digit. Send one of 8 x 8 or more."
        )
    small = shrink(pixels, _WORK_SIDE)
    if min(small.shape[:2]) < 3:
        raise NoInkError(f"The image has {width} x {height} pixels: too narrow to hold a digit. Crop it to the digit.")
    found = find_ink(small)
    mask = digit_mask(stroke_mask(found), found.strength)
    soft = _even(found, mask)
    digit = _crop(soft, mask)
    drawn = _thicken(digit)
    image = _center(_fit(drawn))
    return Normalized(
        image,
        (
            Stage("Ink on its ground", _to_gray(found.strength / found.level)),
            Stage("The digit alone", _to_gray(soft)),
            Stage("Cut out, strokes of even width", _to_gray(drawn)),
            Stage("Fitted and centered", image),
        ),
    )


def _to_gray(ink: npt.NDArray[np.floating]) -> Gray:
    return np.rint(np.clip(ink, 0.0, 1.0) * 255.0).astype(np.uint8)


def _like_mnist(pixels: npt.NDArray[np.uint8]) -> Gray | None:
    """The picture itself, as white on black, if it is already in MNIST's form; else None."""
    if pixels.shape[:2] != (SIDE, SIDE):
        return None
    gray = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if gray[0, 0] > 127:
        gray = 255 - gray
    # An exactly black ground around a box of 20 pixels is what tells: photos and drawings have neither.
    _, _, width, height = cv2.boundingRect(gray)
    if not BOX - 1 <= max(width, height) <= BOX or gray.max() < 128:
        return None
    center = _center_of_mass(gray.astype(np.float32))
    if max(abs(center[0] - _CENTER), abs(center[1] - _CENTER)) > 1.0:
        return None
    return np.ascontiguousarray(gray)


def _center_of_mass(image: Ink) -> tuple[float, float]:
    """(x, y) in pixels from the top left corner of the top left pixel."""
    # Not cv2.moments: it takes an image two pixels wide for a list of points.
    total = float(image.sum(dtype=np.float64))
    columns, rows = image.sum(axis=0, dtype=np.float64), image.sum(axis=1, dtype=np.float64)
    return (
        float(columns @ np.arange(columns.size)) / total + 0.5,
        float(rows @ np.arange(rows.size)) / total + 0.5,
    )


def _even(found: FoundInk, mask: Gray) -> Ink:
    """Ink of even strength, 0..1: a pen that presses less here and there writes the same stroke."""
    ink = np.where(cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0, found.strength, 0.0).astype(np.float32)
    _, _, width, height = cv2.boundingRect(mask)
    window = max(3, round(0.12 * max(width, height)) | 1)
    around = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window)))
    local = np.maximum(cv2.blur(around, (window, window)), 0.3 * found.level)
    return np.clip(ink / (0.85 * local), 0.0, 1.0).astype(np.float32)


def _crop(soft: Ink, mask: Gray) -> Ink:
    """The digit's box out of the picture, its longer side `_CANVAS` pixels, with room to thicken around it."""
    x, y, width, height = cv2.boundingRect(mask)
    cut = soft[y : y + height, x : x + width]
    scale = _CANVAS / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    digit = np.clip(cv2.resize(cut, size, interpolation=method), 0.0, 1.0)
    return np.asarray(digit, dtype=np.float32)


def _stroke_width(digit: Ink) -> float:
    """Typical width of the strokes, in pixels of `digit`.

    On the medial axis the distance to the ground is half the stroke's width; over the whole of a stroke it
    averages a quarter of it.
    """
    binary = (digit >= 0.5).astype(np.uint8)
    if not binary.any():
        return 0.0
    padded = cv2.copyMakeBorder(binary, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return 4.0 * float(distance[binary > 0].mean()) - 1.0


def _thicken(digit: Ink) -> Ink:
    """Strokes too thin to survive the reduction to 20x20 get `_MIN_STROKE`; others stay as they are."""
    per_box = max(digit.shape) / BOX
    lacking = round(_MIN_STROKE * per_box - _stroke_width(digit))
    if lacking < 1:
        return digit
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (lacking + 1, lacking + 1))
    padded = cv2.copyMakeBorder(digit, lacking, lacking, lacking, lacking, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.dilate(padded, kernel), dtype=np.float32)


def _fit(digit: Ink) -> Ink:
    """The digit reduced so that its longer side is 20 pixels, its darkest ink full white."""
    x, y, width, height = cv2.boundingRect((digit > 0.25 * float(digit.max())).astype(np.uint8))
    cut = digit[y : y + height, x : x + width]
    scale = BOX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small / max(float(small.max()), 1e-6), 0.0, 1.0), dtype=np.float32)


def _center(small: Ink) -> Gray:
    """Puts the fitted digit on the 28x28 field, its center of mass in the middle."""
    height, width = small.shape
    center_x, center_y = _center_of_mass(small)
    left = int(np.clip(round(_CENTER - center_x), 0, SIDE - width))
    top = int(np.clip(round(_CENTER - center_y), 0, SIDE - height))
    field = np.zeros((SIDE, SIDE), dtype=np.float32)
    field[top : top + height, left : left + width] = small
    return _to_gray(field)
