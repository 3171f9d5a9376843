"""MNIST's form: tells which images are in it already, and draws strokes in it.

MNIST's images are white ink on black, anti-aliased, fitted into 20x20 with the aspect kept, and placed so that
the center of mass of the ink is the center of the 28x28 field (LeCun et al., "Gradient-Based Learning Applied to
Document Recognition", 1998).
"""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import SIDE, Flags, Gray, Images, Ink
from digits.vision.masks import dilate_by_ellipse
from digits.vision.reduction import pool

# Raise it with every change of the 28x28 image of any picture: models state for which version they were made.
PREPROCESSING_VERSION = 6

# A digit is so many pixels long on its longer side.
BOX = 20

# MNIST puts the center of mass at the middle of pixel 14, which is half a pixel right of the field's middle.
CENTER = 14.5

# A matrix that turns an image, as a row of pixels, into its mass and its first moments along x and y.
_MIDDLES = np.arange(SIDE, dtype=np.float32) + 0.5
_MOMENTS = np.stack([np.ones(SIDE * SIDE, np.float32), np.tile(_MIDDLES, SIDE), np.repeat(_MIDDLES, SIDE)], axis=1)

_PLACES = np.arange(SIDE, dtype=np.float64)
_AROUND = np.ones((3, 3), np.uint8)

# The digit is brought to this many pixels on its longer side before strokes are measured and thickened.
_CANVAS = 100
# MNIST's strokes are about this wide on the 20x20 box; thinner ones vanish when they are reduced to it.
_MIN_STROKE = 2.0
# Strokes get an even strength within neighborhoods of this share of the digit's longer side,
_NEIGHBORHOOD = 0.12
# on a copy of at least so many pixels on the digit's longer side, and less than twice as many.
_EVEN_SIDE = 200


def like_mnist(images: Images) -> tuple[Images, Flags]:
    """Tells which images are already in MNIST's form.

    Args:
        images: uint8 of shape (n, 28, 28), of either polarity.

    Returns:
        The images as white on black, and whether each is in MNIST's form, bool of shape (n,).
    """
    # Every bit turned over where the first pixel is light: 255 minus the value.
    gray = images ^ -(images[:, :1, :1] > 127).astype(np.uint8)
    across, down = gray.max(axis=1), gray.max(axis=2)
    # An exactly black ground around a box of 20 pixels is what tells: photos and drawings have neither.
    longer = np.maximum(_extent(across > 0), _extent(down > 0))
    fits = (longer >= BOX - 1) & (longer <= BOX) & (across.max(axis=1) >= 128)
    moments = gray.reshape(-1, SIDE * SIDE).astype(np.float32) @ _MOMENTS
    center = moments[:, 1:] / np.maximum(moments[:, :1], 1.0)
    return gray, fits & (np.abs(center - CENTER).max(axis=1) <= 1.0)


def is_like_mnist(gray: Gray) -> tuple[Gray, bool]:
    """Does for one image what `like_mnist` does for many, in a third of the time that it takes for one.

    Args:
        gray: uint8 of shape (28, 28), of either polarity.

    Returns:
        The image as white on black, and whether it is in MNIST's form.
    """
    white = gray.copy() if gray[0, 0] <= 127 else np.asarray(cv2.bitwise_not(gray), dtype=np.uint8)
    _, _, width, height = cv2.boundingRect(white)
    if not BOX - 1 <= max(width, height) <= BOX or white.max() < 128:
        return white, False
    moments = white.reshape(-1).astype(np.float32) @ _MOMENTS
    return white, bool(np.abs(moments[1:] / moments[0] - CENTER).max() <= 1.0)


def _extent(inked: Flags) -> npt.NDArray[np.int64]:
    """From the first to the last True in each row of shape (n, length), in pixels; `length` if there is none."""
    return inked.shape[1] - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)


def margin_around(width: int, height: int) -> int:
    """How far around strokes of a size `image_of` looks, in pixels."""
    return _window(max(width, height)) + 2


def image_of(strength: Gray, mask: Gray, level: float) -> Gray:
    """Draws strokes as MNIST's makers would have drawn them.

    Args:
        strength: uint8 of shape (height, width), how much each pixel differs from the ground; what lies farther than
            `margin_around` from the strokes does not count.
        mask: uint8 of the same shape, 1 where the strokes are, at least one pixel.
        level: the strength of full ink in the picture.

    Returns:
        uint8 of shape (28, 28), white ink on black; all black if no ink is left of the strokes.
    """
    # A pixel takes a fraction of the time here that it takes where crops are searched for cuts.
    budget.spend(mask.size // 4)
    digit = thicken(crop(*even(strength, mask, level)))
    return center(fit(digit)) if digit.any() else np.zeros((SIDE, SIDE), np.uint8)


def to_gray(ink: npt.NDArray[np.floating]) -> Gray:
    """Ink of any shape, 0..1, as gray values of that shape, 0..255."""
    return np.rint(_within(ink) * 255.0).astype(np.uint8)


def _within(ink: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Ink within 0..1; NumPy's `clip` takes longer on small arrays than all that is done with them."""
    return np.minimum(np.maximum(ink, 0.0), 1.0)


def _window(longer: int) -> int:
    """The width of the neighborhood in which strokes are made even, for a digit's longer side, in pixels."""
    return max(3, round(_NEIGHBORHOOD * longer) | 1)


def even(strength: Gray, mask: Gray, level: float) -> tuple[Ink, Gray]:
    """Gives strokes an even strength: a pen that presses less here and there writes the same stroke.

    Large strokes are reduced first: what follows needs no more pixels, and the neighborhood's cost grows with the
    square of its width.

    Returns:
        The ink of the strokes, 0..1, and their mask, of the same shape.
    """
    _, _, width, height = cv2.boundingRect(mask)
    window = _window(max(width, height))
    ink = cv2.copyTo(strength, cv2.dilate(mask, _AROUND))
    factor = max(width, height) // _EVEN_SIDE
    strongest = np.asarray(ink, dtype=np.uint8)
    if factor > 1:
        size = -(-mask.shape[1] // factor), -(-mask.shape[0] // factor)
        strongest, mask = pool(strongest, factor), pool(mask, factor)
        ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
        window = max(3, round(window / factor) | 1)
    around = dilate_by_ellipse(strongest, window)
    local = np.maximum(cv2.blur(around, (window, window)), np.float32(0.3 * level))
    return np.minimum(ink / (np.float32(0.85) * local), np.float32(1.0)), mask


def tight(ink: Ink, mask: Gray) -> Ink:
    """The part of the ink in the box of the mask."""
    x, y, width, height = cv2.boundingRect(mask)
    return ink[y : y + height, x : x + width]


def crop(ink: Ink, mask: Gray) -> Ink:
    """Cuts the digit's box out, and brings its longer side to `_CANVAS` pixels."""
    box = tight(ink, mask)
    scale = _CANVAS / max(box.shape)
    size = (max(1, round(box.shape[1] * scale)), max(1, round(box.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    return np.asarray(_within(cv2.resize(box, size, interpolation=method)), dtype=np.float32)


def _stroke_width(digit: Ink) -> float:
    """Typical width of the strokes, in pixels of `digit`.

    On the medial axis the distance to the ground is half the stroke's width; over the whole of a stroke it
    averages a quarter of it.
    """
    binary = (digit >= 0.5).view(np.uint8)
    if not (area := cv2.countNonZero(binary)):
        return 0.0
    padded = cv2.copyMakeBorder(binary, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    # Off the strokes the distance is 0.
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)
    return 4.0 * cv2.sumElems(distance)[0] / area - 1.0


def thicken(digit: Ink) -> Ink:
    """Thickens strokes too thin to survive the reduction to 20x20 to `_MIN_STROKE`; others stay as they are."""
    per_box = max(digit.shape) / BOX
    lacking = round(_MIN_STROKE * per_box - _stroke_width(digit))
    if lacking < 1:
        return digit
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (lacking + 1, lacking + 1))
    padded = cv2.copyMakeBorder(digit, lacking, lacking, lacking, lacking, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.dilate(padded, kernel), dtype=np.float32)


def fit(digit: Ink) -> Ink:
    """Reduces the digit so that its longer side is 20 pixels, and its darkest ink full white."""
    x, y, width, height = cv2.boundingRect((digit > 0.25 * float(digit.max())).view(np.uint8))
    cut = digit[y : y + height, x : x + width]
    scale = BOX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small / max(float(small.max()), 1e-6), dtype=np.float32)


def center(small: Ink) -> Gray:
    """Puts the fitted digit, ink in 0..1, on the 28x28 field, its center of mass in the middle."""
    height, width = small.shape
    center_x, center_y = _center_of_mass(small)
    left = min(max(round(CENTER - center_x), 0), SIDE - width)
    top = min(max(round(CENTER - center_y), 0), SIDE - height)
    field = np.zeros((SIDE, SIDE), dtype=np.uint8)
    field[top : top + height, left : left + width] = np.rint(small * 255.0)
    return field


def _center_of_mass(ink: Ink) -> tuple[float, float]:
    """(x, y) in pixels from the top left corner of the top left pixel."""
    # Not cv2.moments: it takes an image two pixels wide for a list of points.
    columns, rows = ink.sum(axis=0, dtype=np.float64), ink.sum(axis=1, dtype=np.float64)
    total = float(columns.sum())
    return (
        float(columns @ _PLACES[: columns.size]) / total + 0.5,
        float(rows @ _PLACES[: rows.size]) / total + 0.5,
    )
