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

Gray = npt.NDArray[np.uint8]
Ink = npt.NDArray[np.float32]

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
# The least contrast between ink and ground, of 255, and in multiples of the ground's own noise.
_MIN_CONTRAST = 16.0
_MIN_SIGNAL = 4.5
_NOISE_SIDE = 20


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
    small = _reduce(pixels)
    if min(small.shape[:2]) < 3:
        raise NoInkError(f"The image has {width} x {height} pixels: too narrow to hold a digit. Crop it to the digit.")
    ink, level = _find_ink(small)
    mask = _select(ink, 0.4 * level)
    soft = np.where(cv2.dilate(mask, np.ones((3, 3), np.uint8)) > 0, np.clip(ink / level, 0.0, 1.0), 0.0)
    digit = _crop(soft.astype(np.float32), mask)
    drawn = _thicken(digit)
    image = _center(_fit(drawn))
    return Normalized(
        image,
        (
            Stage("Ink on its ground", _to_gray(ink / level)),
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


def _reduce(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = _WORK_SIDE / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _find_ink(pixels: npt.NDArray[np.uint8]) -> tuple[Ink, float]:
    """How much each pixel differs from the ground around it, towards the ink's side.

    Returns:
        float32 array of shape (height, width) in 0..255, and the typical value of ink in it.
    """
    height, width = pixels.shape[:2]
    smooth: npt.NDArray[np.uint8] = pixels
    if min(height, width) >= 100:
        smooth = np.asarray(cv2.medianBlur(pixels, 3), dtype=np.uint8)
    ink, noise = _against_ground(smooth, dark=_ink_is_dark(smooth))
    top = max(8, ink.size // 500)
    level = float(np.partition(ink, ink.size - top, axis=None)[-top:].mean())
    # In a picture of few pixels strokes and their edges are most of it, and pass for noise.
    noisy = min(height, width) >= _NOISE_SIDE and level < _MIN_SIGNAL * noise
    if level < _MIN_CONTRAST or noisy:
        raise NoInkError(
            "No ink was found: the image is blank or too faint. "
            "Write the digit with a darker pen, fill more of the picture with it, or give it more light."
        )
    return ink, level


def _ink_is_dark(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether the ink is darker than the ground; the ground is what most of the picture shows."""
    gray = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
    darkest, ground, lightest = np.percentile(gray, (0.2, 50.0, 99.8))
    return bool(ground - darkest >= lightest - ground)


def _against_ground(pixels: npt.NDArray[np.uint8], *, dark: bool) -> tuple[Ink, float]:
    """Ink per pixel as its distance from the ground, the largest over the color channels.

    The ground is a morphological closing (for dark ink) with a window wider than a stroke: it follows shadows
    and their edges, and bridges the strokes. Taking the channel that shows most finds ink of any color.
    """
    image = pixels if dark else 255 - pixels
    height, width = image.shape[:2]
    # The ground is found on a small copy, where the window costs little.
    scale = min(1.0, 160.0 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    copy = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    window = max(5, round(0.35 * max(size)) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window))
    padded = cv2.copyMakeBorder(copy, window, window, window, window, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[window:-window, window:-window]
    ground = cv2.resize(cv2.blur(closed, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    ink = np.clip(ground.astype(np.float32) - image.astype(np.float32), 0.0, None)
    if ink.ndim == 3:
        ink = ink.max(axis=2)
    # What the ground's own texture shows everywhere is not ink.
    typical = np.median(ink)
    noise = 1.4826 * float(np.median(np.abs(ink - typical)))
    return np.clip(ink - typical, 0.0, None).astype(np.float32), noise


def _select(ink: Ink, threshold: float) -> Gray:
    """The mask of the digit: its strokes without specks, page edges and frames.

    Returns:
        uint8 array of shape (height, width), 1 where the digit is.
    """
    height, width = ink.shape
    binary = (ink >= threshold).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count <= 2:
        return binary
    boxes = stats[1:, : cv2.CC_STAT_AREA]
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    touches = (left == 0) | (top == 0) | (right == width) | (bottom == height)
    spans = np.maximum(boxes[:, 2] / width, boxes[:, 3] / height)
    frame = (boxes[:, 2] > 0.8 * width) & (boxes[:, 3] > 0.8 * height) & (areas < 0.35 * boxes[:, 2] * boxes[:, 3])
    # An edge of the page or a line of a form runs along the border; a digit that is merely cut off does not.
    edge = touches & ((np.minimum(boxes[:, 2] / width, boxes[:, 3] / height) < 0.15) & (spans > 0.3))
    merit = areas * np.where(touches, 0.5, 1.0)
    apart = frame | edge
    if not apart.all():
        merit = np.where(apart, 0.0, merit)
    main = int(np.argmax(merit))
    reach = 0.35 * max(boxes[main, 2], boxes[main, 3])
    near = (
        (left <= right[main] + reach)
        & (right >= left[main] - reach)
        & (top <= bottom[main] + reach)
        & (bottom >= top[main] - reach)
    )
    keep = near & (merit >= 0.04 * areas[main])
    keep[main] = True
    return np.concatenate([[False], keep])[labels].astype(np.uint8)


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
