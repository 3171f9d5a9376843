"""Pixels to the 28x28 image that the network sees: the same that MNIST's makers would have made of them.

MNIST's images are white ink on black, anti-aliased, fitted into 20x20 with the aspect kept, and placed so that
the center of mass of the ink is the center of the 28x28 field (LeCun et al., "Gradient-Based Learning Applied to
Document Recognition", 1998). A picture that is already like that passes through unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.errors import NoInkError
from digits.images.reducing import ENOUGH_SIDE
from digits.vision.components import Components, find_components, find_digit, find_separate_digits
from digits.vision.foreground import NO_INK, Foreground, Gray, find_foreground, shrink

Ink = npt.NDArray[np.float32]

SIDE = 28
BOX = 20

# Raise it with every change of the 28x28 image of any picture: models state for which version they were made.
PREPROCESSING_VERSION = 1

# MNIST puts the center of mass at the middle of pixel 14, which is half a pixel right of the field's middle.
CENTER = 14.5

# What turns an image, as a row of pixels, into its mass and its first moments along x and y.
_PLACES = np.arange(SIDE, dtype=np.float32) + 0.5
_MOMENTS = np.stack([np.ones(SIDE * SIDE, np.float32), np.tile(_PLACES, SIDE), np.repeat(_PLACES, SIDE)], axis=1)

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
        draw_stages: makes the stages.
        separate: uint8 array of shape (n, 28, 28): if n >= 2 things of similar height lie apart in the picture, each
            of them alone, from left to right, normalized as if it were the only one; else n is 0.
        heights: of each of them, as shares of the highest, 0..1; empty if n is 0.
        together: uint8 array of shape (28, 28): the image of them all, as if they were one digit; None if n is 0.
    """

    image: Gray
    draw_stages: Callable[[], tuple[Stage, ...]]
    separate: Gray = field(default_factory=lambda: np.zeros((0, SIDE, SIDE), np.uint8))
    heights: tuple[float, ...] = ()
    together: Gray | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The steps from the picture to the image, in order; drawn when asked for, since most callers never ask."""
        return self.draw_stages()


def normalize(pixels: npt.NDArray[np.uint8]) -> Normalized:
    """Finds the digit in a picture and makes an MNIST-style image of it.

    Args:
        pixels: uint8 array of shape (height, width) or (height, width, 3) in RGB order, ink of either polarity.

    Returns:
        The 28x28 image and the stages that led to it.

    Raises:
        NoInkError: the picture is blank, or has too little contrast to tell ink from ground.
    """
    if pixels.shape[:2] == (SIDE, SIDE):
        images, fits = like_mnist(as_gray(pixels)[np.newaxis])
        if fits[0]:
            return already_normalized(images[0])
    return fetch_digit(pixels)


def fetch_digit(pixels: npt.NDArray[np.uint8]) -> Normalized:
    """What `normalize` does with a picture that is not in MNIST's form; arguments, result and errors are the same."""
    height, width = pixels.shape[:2]
    if min(height, width) < 3:
        raise NoInkError(
            f"The image has {width} x {height} pixels: too small to hold a digit. Send one of 8 x 8 or more."
        )
    small = shrink(pixels, ENOUGH_SIDE)
    if min(small.shape[:2]) < 3:
        raise NoInkError(f"The image has {width} x {height} pixels: too narrow to hold a digit. Crop it to the digit.")
    found = find_foreground(small)
    parts = find_components(found)
    if not len(parts):
        raise NoInkError(NO_INK)
    members = find_digit(parts)
    strength, mask = _cut(found, parts, members)
    image = image_of(strength, mask, found.level)

    def stages() -> tuple[Stage, ...]:
        where, _ = parts.cut(members, 0)
        alone = np.zeros_like(found.strength)
        soft = _even(strength, mask, found.level)
        alone[where] = _to_gray(_tight(soft, mask))
        return (
            Stage("Ink on its ground", _to_gray(found.strength / found.level)),
            Stage("The digit alone", alone),
            Stage("Cut out, strokes of even width", _to_gray(_thicken(_crop(soft, mask)))),
            Stage("Fitted and centered", image),
        )

    separate, together = find_separate_digits(parts)
    if len(separate) < 2:
        return Normalized(image, stages)
    return Normalized(
        image,
        stages,
        separate=np.stack([image_of(*_cut(found, parts, group), found.level) for group in separate]),
        heights=_relative_heights(parts, separate),
        together=image_of(*_cut(found, parts, together), found.level),
    )


def _cut(found: Foreground, parts: Components, members: list[int]) -> tuple[Gray, Gray]:
    """The strength and the mask of some strokes, cut out with as much around them as `image_of` looks at."""
    width = int(parts.right[members].max() - parts.left[members].min())
    height = int(parts.bottom[members].max() - parts.top[members].min())
    where, mask = parts.cut(members, margin_around(width, height))
    return found.strength[where], mask


def _relative_heights(parts: Components, groups: list[list[int]]) -> tuple[float, ...]:
    heights = [int(parts.bottom[one].max() - parts.top[one].min()) for one in groups]
    return tuple(height / max(heights) for height in heights)


def margin_around(width: int, height: int) -> int:
    """How far around strokes of a size `image_of` looks, in pixels."""
    return _window(width, height) + 2


def image_of(strength: Gray, mask: Gray, level: float) -> Gray:
    """Draws strokes as MNIST's makers would have drawn them.

    Args:
        strength: uint8 array of shape (height, width), how much each pixel differs from the ground; what lies farther
            than `margin_around` from the strokes does not count.
        mask: uint8 array of the same shape, 1 where the strokes are, at least one pixel.
        level: the strength of full ink in the picture.

    Returns:
        uint8 array of shape (28, 28), white ink on black.
    """
    budget.spend(mask.size)
    return _center(_fit(_thicken(_crop(_even(strength, mask, level), mask))))


def _to_gray(ink: npt.NDArray[np.floating]) -> Gray:
    return np.rint(np.clip(ink, 0.0, 1.0) * 255.0).astype(np.uint8)


def as_gray(pixels: npt.NDArray[np.uint8]) -> Gray:
    """Pixels of shape (height, width) or (height, width, 3), in RGB order, as gray ones of shape (height, width)."""
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def like_mnist(images: npt.NDArray[np.uint8]) -> tuple[Gray, npt.NDArray[np.bool_]]:
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


def _extent(inked: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """From the first to the last True in each row of shape (n, length), in pixels; `length` if there is none."""
    return inked.shape[1] - inked.argmax(axis=1) - inked[:, ::-1].argmax(axis=1)


def already_normalized(image: Gray) -> Normalized:
    """The result for an image that is in MNIST's form, white on black: itself."""
    return Normalized(image, lambda: (Stage("Already like MNIST", image),))


def _center_of_mass(image: Ink) -> tuple[float, float]:
    """(x, y) in pixels from the top left corner of the top left pixel."""
    # Not cv2.moments: it takes an image two pixels wide for a list of points.
    total = float(image.sum(dtype=np.float64))
    columns, rows = image.sum(axis=0, dtype=np.float64), image.sum(axis=1, dtype=np.float64)
    return (
        float(columns @ np.arange(columns.size)) / total + 0.5,
        float(rows @ np.arange(rows.size)) / total + 0.5,
    )


def _window(width: int, height: int) -> int:
    """The width of the neighborhood in which strokes are made even, for strokes of a size, in pixels."""
    return max(3, round(0.12 * max(width, height)) | 1)


def _even(strength: Gray, mask: Gray, level: float) -> Ink:
    """Gives strokes an even strength, 0..1: a pen that presses less here and there writes the same stroke."""
    _, _, width, height = cv2.boundingRect(mask)
    window = _window(width, height)
    ink = np.where(cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0, strength, 0).astype(np.uint8)
    around = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window)))
    local = np.maximum(cv2.blur(around, (window, window)), np.float32(0.3 * level))
    return np.minimum(ink / (np.float32(0.85) * local), np.float32(1.0))


def _tight(soft: Ink, mask: Gray) -> Ink:
    """The part of the ink in the mask's box."""
    x, y, width, height = cv2.boundingRect(mask)
    return soft[y : y + height, x : x + width]


def _crop(soft: Ink, mask: Gray) -> Ink:
    """The digit's box out of the picture, its longer side `_CANVAS` pixels."""
    cut = _tight(soft, mask)
    scale = _CANVAS / max(cut.shape)
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
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
    left = int(np.clip(round(CENTER - center_x), 0, SIDE - width))
    top = int(np.clip(round(CENTER - center_y), 0, SIDE - height))
    field = np.zeros((SIDE, SIDE), dtype=np.float32)
    field[top : top + height, left : left + width] = small
    return _to_gray(field)
