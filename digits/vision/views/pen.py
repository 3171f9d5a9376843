"""Finds the strokes of a pen in a photo: narrow, and darker than what lies right around them on all sides."""

import cv2
import numpy as np

from digits.arrays import Gray, Ink, Pixels
from digits.vision.masks import label_components
from digits.vision.reduction import quantile_of

# Grain is smoothed by a Gaussian of this standard deviation, in pixels.
_SMOOTHED = 0.8
# The sensor's own light, which keeps ratios of dark pixels from running away.
_DARK_LEVEL = 4.0
# Texture is looked at in windows of this share of the longer side, and counts for so much at the most.
_GRAIN, _MOST_GRAIN = 0.04, 0.3
# What is around a pixel reaches over this share of the longer side.
_AROUND = 0.25
# A table is rough if its texture, at the border of the picture, swallows so much light. The sheet on it has at most
# this share of that, and covers so much of the picture.
_ROUGH, _SMOOTH, _SHEET = 0.012, 0.5, (0.06, 0.97)
# A sheet's edge cuts no strokes: at most so much of it lies on ink of half the full strength or more.
_BORDER, _CUT = 0.03, 0.03


def without_grain(pixels: Pixels) -> Pixels:
    """Smooths a picture a little.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
    """
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), _SMOOTHED), dtype=np.uint8)


def swallowed_light(light: Pixels, width: float) -> Ink:
    """How much of the light that falls on what lies right around each pixel its ink swallows.

    A ratio, so that ink in a shadow is as strong as ink in the light. The edge of a shadow or of a sheet is darker on
    one side alone: a closing by a narrow window leaves it as it is, and no light is missing there.

    Args:
        light: of the picture, as `without_grain` returns it.
        width: of the widest stroke, as a share of the longer side.

    Returns:
        float32 of shape (height, width), 0..1; of a colored picture, of the channel in which it is the most.
    """
    window = _window(light, width)
    # Farther out, the window sees no other pixels.
    reach = window // 2
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window))
    padded = cv2.copyMakeBorder(light, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    ground = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[reach:-reach, reach:-reach]
    return _share_missing(light, np.asarray(ground, dtype=np.uint8))


def missing_light(light: Pixels, width: float) -> Ink:
    """How much of the light of the brightest pixel near each one is missing there: in a shadow, and more so on ink.

    Args:
        light: of the picture, as `without_grain` returns it.
        width: of the widest shadow or stroke that is looked into, as a share of the longer side.

    Returns:
        float32 of shape (height, width), 0..1; of a colored picture, of the channel in which it is the most.
    """
    window = _window(light, width)
    ground = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8))
    return _share_missing(light, np.asarray(ground, dtype=np.uint8))


def _window(light: Pixels, width: float) -> int:
    """The side of a window, in pixels, into which a thing fits that is as wide as this share of the longer side."""
    return max(3, round(width * max(light.shape[:2])) | 1)


def _share_missing(light: Pixels, ground: Pixels) -> Ink:
    dark = np.float32(_DARK_LEVEL)
    left = (light.astype(np.float32) + dark) / (ground.astype(np.float32) + dark)
    if left.ndim == 3:
        red, green, blue = cv2.split(left)
        left = np.asarray(cv2.min(cv2.min(red, green), blue), dtype=np.float32)
    return np.float32(1.0) - left


def above_texture(swallowed: Ink, times: float) -> Ink:
    """What stands out from a texture, such as that of a table, a carpet or squared paper.

    Args:
        swallowed: as `swallowed_light` returns it.
        times: how many times as dark as everything around, on the average, the ground may be.
    """
    side = max(3, round(_AROUND * max(swallowed.shape)))
    return np.maximum(swallowed - np.float32(times) * cv2.blur(swallowed, (side, side)), np.float32(0.0))


def on_smooth_sheet(swallowed: Ink) -> Ink | None:
    """The same on a smooth sheet that lies on a rough table, and nothing beside the sheet; None if there is none."""
    height, width = swallowed.shape
    window, border = max(3, round(_GRAIN * max(height, width)) | 1), max(2, round(_BORDER * max(height, width)))
    texture = cv2.blur(np.minimum(swallowed, np.float32(_MOST_GRAIN)), (window, window))
    ring = texture[:border], texture[-border:], texture[:, :border], texture[:, -border:]
    rough = float(np.median(np.concatenate([part.ravel() for part in ring])))
    if rough < _ROUGH:
        return None
    labels, stats = label_components((texture < _SMOOTH * rough).astype(np.uint8))
    if len(stats) < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    outlines, _ = cv2.findContours((labels == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    if not _SHEET[0] * swallowed.size < cv2.contourArea(hull) < _SHEET[1] * swallowed.size:
        return None
    blank = np.zeros((height, width), np.uint8)
    sheet = np.asarray(cv2.drawContours(blank.copy(), [hull], -1, 1, cv2.FILLED), dtype=np.uint8)
    edge = np.asarray(cv2.drawContours(blank, [hull], -1, 1, 1), dtype=np.uint8) > 0
    strong = swallowed[edge] > 0.5 * float(np.quantile(swallowed[sheet > 0], 0.995))
    return None if float(strong.mean()) > _CUT else swallowed * sheet


def as_strength(swallowed: Ink, full_share: float, least: float) -> Gray | None:
    """Turns what ink swallows into its strength.

    Args:
        swallowed: of shape (height, width), 0..1.
        full_share: ink that swallows more than this share of the pixels is of full strength.
        least: full ink swallows at least so much of the light.

    Returns:
        uint8 of the same shape, full ink 255; None if no ink swallows enough.
    """
    full = quantile_of(swallowed, full_share)
    if full < least:
        return None
    return np.asarray(np.minimum(swallowed * np.float32(255.0 / full), np.float32(255.0)), dtype=np.uint8)
