"""Finds strokes so thick that ink and ground are alike in area, which therefore cannot be told by their shares."""

import cv2
import numpy as np

from digits.arrays import Gray, Pixels
from digits.vision.masks import label_components
from digits.vision.reduction import as_gray

# A picture is in two tones if their difference explains this share of the variance of its gray values,
_LEAST_EXPLAINED = 0.8
# if the rarer one covers this share of it, and this share of its border: strokes that thick reach the border.
_LEAST_COVERED, _LEAST_OF_BORDER = 0.25, 0.03
# Half of a thick stroke's width, as a share of the picture's longer side: lines are narrower, shadows and tables wider.
_NARROWEST, _WIDEST = 0.06, 0.27
# A sheet of paper is wider than this, and convex: half its width and the share of its convex hull that it fills add up
# to so much.
_WIDE, _SHEET = 0.15, 1.06
# A component with less than this share of the picture is no part of the ground, nor of the ink.
_LEAST_COMPONENT = 0.01
# How much the number of components counts beside the border's share. Chosen by hand on drawings and photographs.
_COMPONENTS_WEIGHT = 0.75


def ground_of_thick_strokes(pixels: Pixels) -> tuple[Pixels, bool] | None:
    """Finds the ground of a picture of thick strokes, such as a digit cut out closely.

    Otsu's threshold (IEEE Transactions on Systems, Man, and Cybernetics, 1979) parts the picture into two tones. Ground
    covers more of the border than ink does, and strokes part it into more pieces: corners and holes.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3), at most some 100 pixels on a side.

    Returns:
        The ground's color, uint8 of shape (1, 1) or (1, 1, 3), and whether it is lighter than the ink. None if the
        picture is not in two tones, or if its ink is thin, so that a ground that follows the light shows it better.
    """
    gray = as_gray(pixels)
    _, above = cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = np.asarray(above, dtype=np.uint8)
    share = cv2.countNonZero(light) / light.size
    if min(share, 1.0 - share) < _LEAST_COVERED:
        return None
    of_border = _share_of_border(light)
    if min(of_border, 1.0 - of_border) < _LEAST_OF_BORDER:
        return None
    (low, high), deviation = _means(gray, light), float(gray.std())
    if share * (1.0 - share) * (high - low) ** 2 < _LEAST_EXPLAINED * deviation**2:
        return None
    dark = 1 - light
    pieces = np.log(max(1, _count_components(light)) / max(1, _count_components(dark)))
    is_light = bool(2.0 * of_border - 1.0 + _COMPONENTS_WEIGHT * pieces > 0.0)
    ground, ink = (light, dark) if is_light else (dark, light)
    width = half_width(ink)[0] / max(ink.shape)
    if not _NARROWEST <= width <= _WIDEST or (width > _WIDE and width + _convexity(ink) > _SHEET):
        return None
    color = np.rint(np.median(pixels[ground > 0], axis=0)).astype(np.uint8)
    return color.reshape(1, 1, *color.shape), is_light


def _means(gray: Gray, light: Gray) -> tuple[float, float]:
    """The mean gray value of the dark tone and of the light one."""
    return cv2.mean(gray, 1 - light)[0], cv2.mean(gray, light)[0]


def _share_of_border(mask: Gray) -> float:
    """Which share of a picture's border a mask covers."""
    border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float(border.mean())


def _count_components(mask: Gray) -> int:
    """The number of connected components that are more than specks."""
    _, stats = label_components(mask)
    return int((stats[1:, cv2.CC_STAT_AREA] >= _LEAST_COMPONENT * mask.size).sum())


def half_width(mask: Gray) -> tuple[float, tuple[int, int]]:
    """The largest distance from a pixel of a mask to what is outside of it; the mask goes on over the border.

    Returns:
        The distance in pixels, and the pixel's x and y.
    """
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    _, largest, _, (x, y) = cv2.minMaxLoc(distance)
    return largest, (x, y)


def _convexity(mask: Gray) -> float:
    """Which share of its convex hull a mask fills."""
    hull = cv2.convexHull(cv2.findNonZero(mask))
    # The hull goes through the middles of pixels.
    return cv2.countNonZero(mask) / (cv2.contourArea(hull) + cv2.arcLength(hull, True) / 2.0 + 1.0)
