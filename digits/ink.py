"""Ink on its ground: where in a picture something is written, and which of it is the digit."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import NoInkError

Gray = npt.NDArray[np.uint8]
Ink = npt.NDArray[np.float32]

# Pictures up to this size are taken for a digit cut out already: of even ground, and often touching the edges.
_TINY_SIDE = 40
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
class FoundInk:
    """Ink in a picture.

    Args:
        strength: float32 array of shape (height, width), how much each pixel differs from the ground, 0..255.
        level: the strength of full ink.
        noise: standard deviation of the ground's strength.
    """

    strength: Ink
    level: float
    noise: float


def find_ink(pixels: npt.NDArray[np.uint8]) -> FoundInk:
    """How much each pixel differs from the ground around it, towards the ink's side."""
    smooth = np.asarray(cv2.medianBlur(pixels, 3), dtype=np.uint8)
    dark = _ink_is_dark(pixels)
    if max(pixels.shape[:2]) <= _TINY_SIDE:
        strength = _against_even_ground(pixels, dark=dark)
    else:
        strength = _against_ground(smooth, dark=dark)
    # What the ground's own texture shows everywhere is not ink.
    strength = np.clip(strength - np.median(strength), 0.0, None).astype(np.float32)
    top = max(8, strength.size // 500)
    level = float(np.partition(strength, strength.size - top, axis=None)[-top:].mean())
    noise = _noise(pixels, smooth)
    if level < max(_MIN_CONTRAST, _MIN_SIGNAL * noise):
        raise NoInkError(
            "No ink was found: the image is blank, too faint or too noisy. "
            "Write the digit with a darker pen, fill more of the picture with it, or give it more light."
        )
    return FoundInk(strength, level, noise)


def _noise(pixels: npt.NDArray[np.uint8], smooth: npt.NDArray[np.uint8]) -> float:
    """Standard deviation of what neighboring pixels do not share, from its median, which strokes do not move.

    In a picture of very few pixels strokes are most of it, and would pass for noise: there it is 0.
    """
    if min(pixels.shape[:2]) < _NOISE_SIDE:
        return 0.0
    rough = cv2.absdiff(pixels, smooth)
    return 1.4826 * float(np.median(_strongest_channel(rough)))


def _ink_is_dark(pixels: npt.NDArray[np.uint8]) -> bool:
    """Whether the ink is darker than the ground, in the color channel in which they differ most.

    The ground is what most of the surroundings show.
    """
    if max(pixels.shape[:2]) <= _TINY_SIDE:
        copy = pixels
        ground = np.median(pixels, axis=(0, 1))
    else:
        # The median of a wide window keeps to the ground and follows the edges of shadows.
        copy = shrink(pixels, _GROUND_SIDE)
        ground = cv2.medianBlur(copy, round(0.5 * min(copy.shape[:2])) | 1).astype(np.float64)
    darkest, lightest = np.percentile(copy - ground, (0.5, 99.5), axis=(0, 1))
    return bool(-np.min(darkest) >= np.max(lightest))


def shrink(image: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """The picture with at most `side` pixels on its longer side; a smaller one stays as it is.

    Args:
        image: uint8 of shape (height, width) or (height, width, 3).
        side: in pixels.
    """
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1.0:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _against_even_ground(pixels: npt.NDArray[np.uint8], *, dark: bool) -> Ink:
    """Ink as the distance from a ground that is the same everywhere, with a margin of it around the picture."""
    image = (pixels if dark else 255 - pixels).astype(np.float32)
    ground = np.percentile(image, 75.0, axis=(0, 1))
    strength = np.clip(ground - image, 0.0, None)
    return np.pad(_strongest_channel(strength.astype(np.float32)), 2)


def _against_ground(pixels: npt.NDArray[np.uint8], *, dark: bool) -> Ink:
    """Ink as the distance from the ground around it, the largest over the color channels.

    The ground is a morphological closing (for dark ink) with a window wider than a stroke: it follows shadows
    and their edges, and bridges the strokes. Taking the channel that shows most finds ink of any color.
    """
    image = pixels if dark else 255 - pixels
    height, width = image.shape[:2]
    copy = shrink(image, _GROUND_SIDE)
    window = max(5, round(0.35 * max(copy.shape[:2])) | 1)
    # A square window costs the same at any width; a round one would cost its area.
    kernel = np.ones((window, window), np.uint8)
    padded = cv2.copyMakeBorder(copy, window, window, window, window, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[window:-window, window:-window]
    ground = cv2.resize(cv2.blur(closed, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    strength = np.clip(ground.astype(np.float32) - image.astype(np.float32), 0.0, None)
    return _strongest_channel(strength)


def _strongest_channel(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The largest value of each pixel's channels; several times faster than NumPy's maximum over the last axis."""
    if image.ndim == 2:
        return image
    red, green, blue = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(red, green), blue))


def stroke_mask(found: FoundInk) -> Gray:
    """The mask of all ink: strong ink, and weaker ink that goes on with it (hysteresis, Canny, 1986).

    Returns:
        uint8 array of shape (height, width), 1 where ink is.
    """
    # Where the ground is noisy, weak ink cannot be told from it.
    threshold = np.clip(5.0 * found.noise, _WEAK * found.level, _STRONG * found.level)
    weak = (found.strength >= threshold).astype(np.uint8)
    strong = found.strength >= _STRONG * found.level
    weak = _without_lines(weak)
    count, labels = cv2.connectedComponents(weak, connectivity=8)
    keep = np.zeros(count, dtype=bool)
    keep[np.unique(labels[strong & (weak > 0)])] = True
    keep[0] = False
    return keep[labels].astype(np.uint8)


def _without_lines(mask: Gray) -> Gray:
    """The mask without the lines of ruled or squared paper and of frames, if there are two or more in a direction.

    A single line stays: it may be the bar of a 7. If little is left, the lines were the digit, and all of it stays.
    """
    height, width = mask.shape
    left = mask
    for across, length in ((True, width), (False, height)):
        if length < _TINY_SIDE:
            continue
        thick = cv2.dilate(mask, np.ones((3, 1) if across else (1, 3), np.uint8))
        reach = round(0.6 * length)
        runs = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, reach) if across else (reach, 1), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(runs, dtype=np.uint8), connectivity=8)
        thickness = stats[1:, cv2.CC_STAT_HEIGHT if across else cv2.CC_STAT_WIDTH]
        if count - 1 < 2 or thickness.max() > 0.15 * length:
            continue
        gap = int(thickness.max()) + 2
        # Strokes that a line crosses are joined again over the gap that it leaves.
        bridge = np.ones((gap, 1) if across else (1, gap), np.uint8)
        left = np.asarray(cv2.morphologyEx(np.where(runs > 0, 0, left).astype(np.uint8), cv2.MORPH_CLOSE, bridge))
    enough = int(left.sum()) >= 0.08 * int(mask.sum()) and int(left.sum()) >= 0.002 * mask.size
    return left if enough else mask


def digit_mask(binary: Gray, strength: Ink) -> Gray:
    """The mask of the digit alone: its strokes without specks, page edges and frames.

    Args:
        binary: uint8 mask of all ink, of shape (height, width).
        strength: of the ink.

    Returns:
        uint8 array of shape (height, width), 1 where the digit is.
    """
    height, width = binary.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
    if count <= 2:
        return binary
    boxes = stats[1:, : cv2.CC_STAT_AREA]
    areas = stats[1:, cv2.CC_STAT_AREA].astype(np.float64)
    ink = np.bincount(labels.ravel().astype(np.intp), weights=strength.ravel(), minlength=count)[1:]
    left, top = boxes[:, 0], boxes[:, 1]
    right, bottom = left + boxes[:, 2], top + boxes[:, 3]
    touches = (left == 0) | (top == 0) | (right == width) | (bottom == height)
    spans = np.maximum(boxes[:, 2] / width, boxes[:, 3] / height)
    frame = (boxes[:, 2] > 0.8 * width) & (boxes[:, 3] > 0.8 * height) & (areas < 0.35 * boxes[:, 2] * boxes[:, 3])
    # An edge of the page or a line of a form runs along the border; a digit that is merely cut off does not.
    edge = touches & ((np.minimum(boxes[:, 2] / width, boxes[:, 3] / height) < 0.15) & (spans > 0.3))
    apart = frame | edge
    merit = ink * np.where(touches, 0.5, 1.0)
    if not apart.all():
        merit = np.where(apart, 0.0, merit)
    main = int(np.argmax(merit))
    keep = np.zeros(count - 1, dtype=bool)
    keep[main] = True
    box = np.array([left[main], top[main], right[main], bottom[main]])
    # From the main stroke outwards: what lies near the strokes so far, and is more than a speck, is part of the
    # digit. Twice, since one stroke may lead to another.
    for i in np.concatenate([np.argsort(-merit)] * 2):
        reach = 0.35 * max(box[2] - box[0], box[3] - box[1], boxes[i, 2], boxes[i, 3])
        near = left[i] <= box[2] + reach and right[i] >= box[0] - reach
        near = near and top[i] <= box[3] + reach and bottom[i] >= box[1] - reach
        if near and merit[i] >= 0.05 * ink[main]:
            keep[i] = True
            box = np.array([min(box[0], left[i]), min(box[1], top[i]), max(box[2], right[i]), max(box[3], bottom[i])])
    return np.concatenate([[False], keep])[labels].astype(np.uint8)
