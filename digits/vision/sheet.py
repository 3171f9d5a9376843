"""Finds a sheet of paper on a darker table, and takes the table off the picture: it is no ink."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Floats, Gray, Pixels
from digits.histogram import histogram, interpolated_quantile
from digits.images.channels import channels_of
from digits.vision.masks import label_components
from digits.vision.reduction import at_least

# The sheet is looked for on a copy of so many pixels on the longer side; in a picture that is only glanced at, on a
# smaller one.
_SIDE, _QUICK_SIDE = 300, 125
# Whether there may be one is judged by so many pixels a side: this share of the border must be darker than paper.
_SAMPLED, _DARK_BORDER = 100, 0.12
# What is lighter than one of these shares of the paper's light may be the sheet.
_LEVELS = (0.76, 0.68, 0.6, 0.52, 0.44, 0.36, 0.28, 0.2)
# Of the pixels, this share is darker than the paper.
_PAPER = 0.97
# A table is at most so light beside the sheet's edge, as a share of the sheet; and along so much of the edge.
_DARKER, _ALONG = 0.8, 0.85
# One that has at most this share of the sheet's light needs no corner of the sheet: a shadow has more.
_DARK = 0.25
# The sheet's least share of the picture, and the table's.
_SHEET, _TABLE = 0.06, 0.04
# This share of the sheet, with the writing on it, is light; and so much of its convex hull is filled.
_LIGHT, _CONVEX = 0.75, 0.9
# An outline has at most so many corners, from whose straight sides it is this far away, as a share of its length. At so
# many of these it turns by this angle or more, in degrees, and they lie this far from the picture's border, as a share
# of its longer side.
_CORNERS, _STRAIGHT, _INSIDE, _TURN, _BORDER = 7, 0.02, 2, 30.0, 0.04
# A sheet of which no corner is in the picture may be told from a shadow by what lies beside it. A table is so many
# times as rough as the sheet in gray levels, which grain is not; at least so rough, as a share of its light; and darker
# along so much of the edge. Most of its pixels say how rough it is, so that writing in a shadow does not count.
_ROUGHER, _ROUGH, _ALL_ALONG = 2.0, 0.015, 0.95
# It is told from what is around each pixel, within so many pixels.
_ROUGH_WINDOW = 5
# Light on both sides of the sheet's edge is compared so far from it, as a share of the longer side.
_AWAY = 0.01
# A sheet with straight sides has at most so many, and so much of it lies within the polygon of its corners. It covers
# at least this share of a picture of at least so many pixels on the longer side.
_MOST_SIDES, _FILLED, _LARGE, _FEW_PIXELS = 6, 0.94, 0.15, 240
# The table beside it is somewhere at least so wide, as a share of the longer side, and so much of it is dark.
_WIDE, _MOSTLY = 0.08, 0.75
# No stroke is wider than twice this share of the longer side.
_STROKE = 0.03
# What else has this share of a sheet's light is at most so large, as a share of the sheet.
_AS_LIGHT, _ELSEWHERE = 0.85, 0.5
# Ink on the sheet is at least this share of it.
_INK = 0.002
# So much of the sheet's edge is taken off with the table, as a share of the longer side.
_EDGE = 0.012
# Rows of the picture that are filled in at a time: whole tables of places take many times its memory.
_ROWS = 64


def crop_to_sheet(pixels: Pixels) -> tuple[Pixels, tuple[int, int]]:
    """Cuts a light sheet on a darker table out of a picture; what else is in its box is replaced by paper.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).

    Returns:
        The pixels of the sheet's box, and its left and its upper edge in the picture; the same pixels if there is no
        sheet on a table.
    """
    seen = _find_sheet(pixels)
    if seen is None:
        return pixels, (0, 0)
    inside = _enlarged(seen[0], pixels)
    left, top, width, height = cv2.boundingRect(inside)
    where = slice(top, top + height), slice(left, left + width)
    return _spread_paper(pixels[where], inside[where]), (left, top)


def without_table(pixels: Pixels, *, quick: bool = False) -> Pixels:
    """Replaces a darker table around a light sheet by paper, in a picture of a single digit.

    There, only a sheet with straight sides counts, and none in a picture of few pixels: a white digit on black is light
    and convex, too, and its hole would be the ink.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        quick: whether the sheet is looked for with less detail, in half of the time.

    Returns:
        Pixels of the same shape, in which what lies beside the sheet has the color of the sheet's nearest edge; the
        same pixels if there is no sheet on a table.
    """
    if max(pixels.shape[:2]) < _FEW_PIXELS:
        return pixels
    seen = _find_sheet(pixels, _QUICK_SIDE if quick else _SIDE)
    if seen is None:
        return pixels
    sheet, light = seen
    if not (_has_straight_sides(sheet) and _is_on_table(sheet, light)):
        return pixels
    return _spread_paper(pixels, _enlarged(sheet, pixels))


def _enlarged(sheet: Gray, pixels: Pixels) -> Gray:
    """The mask of a sheet at the size of a picture."""
    height, width = pixels.shape[:2]
    return np.asarray(cv2.resize(sheet, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _spread_paper(pixels: Pixels, inside: Gray) -> Pixels:
    """Gives what lies outside of a sheet, whose mask has the picture's shape, the color of its nearest edge."""
    height, width = pixels.shape[:2]
    # Each pixel's label is that of the nearest pixel of the sheet.
    labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)[1]
    # Ink at the sheet's edge must not be drawn out over the table.
    window = max(3, round(0.05 * max(height, width)) | 1)
    paper = np.asarray(cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8)), np.uint8)
    keep = inside > 0
    spread = pixels.copy()
    layers = [array.reshape(height, width, -1) for array in (pixels, paper, spread)]
    color = np.zeros(int(labels.max()) + 1, np.uint8)
    blocks = [slice(top, top + _ROWS) for top in range(0, height, _ROWS)]
    for ink, light, shown in zip(*(np.moveaxis(layer, 2, 0) for layer in layers), strict=True):
        # The lightest of noisy paper is lighter than most of it: without this, the sheet would keep an edge.
        lighter = interpolated_quantile(histogram(np.asarray(cv2.subtract(light, ink), np.uint8), inside), 0.5)
        darkened = np.clip(np.arange(256) - lighter, 0, 255).astype(np.uint8)
        for rows in blocks:
            color[labels[rows][keep[rows]]] = darkened[light[rows][keep[rows]]]
        for rows in blocks:
            shown[rows][~keep[rows]] = color[labels[rows][~keep[rows]]]
    return spread


def _find_sheet(pixels: Pixels, side: int = _SIDE) -> tuple[Gray, Gray] | None:
    """The mask of the sheet, 1 where it is, and the light, on a copy of at most `side` pixels; None if no table."""
    if not _may_have_table(pixels):
        return None
    scale = min(1.0, side / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    copy = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    light = _light_of(copy)
    paper = interpolated_quantile(histogram(light), _PAPER)
    best, most = None, 0.0
    for level in _LEVELS:
        region = _largest_light_area(light, level * paper)
        if region is None:
            continue
        filled, outline = _fill(region)
        if _fills_picture(region, filled):
            break
        told = _rate_sheet(light, paper, region, filled, outline)
        # Of levels that tell a sheet equally well, the lowest counts.
        if told > 0.0 and told >= most:
            best, most = filled, told
    if best is None or not _has_wide_table(best):
        return None
    edge = max(1, round(_EDGE * max(size)))
    # Where the sheet reaches the picture's border, it has no edge.
    padded = cv2.copyMakeBorder(best, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    inner = np.asarray(cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=edge), np.uint8)[edge:-edge, edge:-edge]
    if not inner.any():
        return None
    # A bar of light between shadows, or between lines of the paper, is not the only one: there is writing beside it.
    as_light = (light >= _AS_LIGHT * float(np.median(light[inner > 0]))) & (best == 0)
    if np.count_nonzero(as_light) > _ELSEWHERE * cv2.countNonZero(inner):
        return None
    # Ink is darker than the paper around it, which may lie in a shadow.
    around = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    inked = float((light[inner > 0] < 0.75 * np.asarray(around)[inner > 0]).sum())
    return (inner, light) if inked >= _INK * float(best.sum()) else None


def _has_wide_table(sheet: Gray) -> bool:
    """Whether what is beside a sheet is wide: dark strokes are not, which lines of the paper join to the border."""
    reach = max(2, round(_STROKE * max(sheet.shape)))
    # A table goes on beyond the picture's border.
    padded = cv2.copyMakeBorder(1 - sheet, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    wide = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return cv2.countNonZero(wide[reach:-reach, reach:-reach]) >= _TABLE * sheet.size


def _light_of(pixels: Pixels) -> Gray:
    """How light each pixel is. Paper is light in all colors, and a colored table is not."""
    if pixels.ndim == 2:
        return pixels
    red, green, blue = channels_of(pixels)
    return np.asarray(cv2.min(cv2.min(red, green), blue), dtype=np.uint8)


def _may_have_table(pixels: Pixels) -> bool:
    """Whether enough of the border is darker than paper: most pictures' borders are as light as the rest."""
    step = -(-max(pixels.shape[:2]) // _SAMPLED)
    light = _light_of(pixels[::step, ::step])
    border = _light_of(
        np.concatenate([pixels[0, ::step], pixels[-1, ::step], pixels[::step, 0], pixels[::step, -1]])[None]
    )
    paper = interpolated_quantile(histogram(np.ascontiguousarray(light)), _PAPER)
    return bool(np.count_nonzero(border <= _DARKER * paper) / border.size >= _DARK_BORDER)


def _has_straight_sides(sheet: Gray) -> bool:
    """Whether a sheet is a polygon of few corners; of a circle, such a polygon leaves much out (a hexagon, 17%)."""
    outlines, _ = cv2.findContours(sheet, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))
    corners = cv2.approxPolyDP(hull, _STRAIGHT * cv2.arcLength(hull, True), True)
    filled = float(cv2.contourArea(corners)) / max(1.0, float(cv2.contourArea(hull)))
    return len(corners) <= _MOST_SIDES and filled >= _FILLED and float(sheet.mean()) >= _LARGE


def _is_on_table(sheet: Gray, light: Gray) -> bool:
    """Whether what lies beside a sheet is wide and dark; beside the inside of a frame, it is thin or light."""
    beside = sheet == 0
    widest = float(cv2.distanceTransform(beside.astype(np.uint8), cv2.DIST_L2, 3).max())
    dark = float((light[beside] <= _DARKER * float(np.median(light[sheet > 0]))).mean())
    return widest >= _WIDE * max(sheet.shape) and dark >= _MOSTLY


def _largest_light_area(light: Gray, threshold: float) -> Gray | None:
    """The mask of the largest area that is at least as light as a threshold; None if a sheet is larger."""
    labels, stats = label_components(at_least(light, threshold), connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA]
    areas[0] = 0
    largest = int(areas.argmax())
    return np.asarray(labels == largest).view(np.uint8) if areas[largest] >= _SHEET * light.size else None


def _fill(region: Gray) -> tuple[Gray, npt.NDArray[np.int32]]:
    """The mask of an area with all that it encloses, and its outline, of shape (n, 1, 2)."""
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    filled = cv2.drawContours(np.zeros_like(region), [outline], -1, 1, cv2.FILLED)
    return np.asarray(filled, np.uint8), np.asarray(outline, np.int32)


def _fills_picture(region: Gray, filled: Gray) -> bool:
    """Whether an area leaves too little of the picture for a table: those of all lower levels enclose it."""
    size = region.size
    return size - cv2.countNonZero(filled) < _TABLE * size and 2 * cv2.countNonZero(region) > size


def _rate_sheet(light: Gray, paper: float, region: Gray, filled: Gray, outline: npt.NDArray[np.int32]) -> float:
    """How well an area is told from what is around it, if it is a sheet on a table.

    Args:
        light: of the picture, uint8 of shape (height, width).
        paper: how light the paper is.
        region: the mask of the area.
        filled: the mask of it with all that it encloses.
        outline: of it, of shape (n, 1, 2).

    Returns:
        The share of its edge that tells it from the table, 0..1; 0 if it is no sheet.
    """
    hull, area = cv2.convexHull(outline), cv2.countNonZero(filled)
    if (
        cv2.countNonZero(region) < _LIGHT * area
        or area < _CONVEX * float(cv2.contourArea(hull))
        or light.size - area < _TABLE * light.size
    ):
        return 0.0
    if interpolated_quantile(histogram(light, 1 - filled), 0.5) <= _DARK * paper:
        return _told_apart(light, filled, outline)
    corners = np.asarray(cv2.approxPolyDP(hull, _STRAIGHT * cv2.arcLength(hull, True), True)[:, 0], dtype=np.int32)
    height, width = light.shape
    border = max(2, round(_BORDER * max(height, width)))
    inside = (corners >= border).all(axis=1) & (corners < (width - border, height - border)).all(axis=1)
    inside &= _turns(corners) >= _TURN
    if len(corners) > _CORNERS:
        return 0.0
    has_corners = bool(inside.sum() >= _INSIDE)
    if not (has_corners or _is_rougher_beside(light, filled)):
        return 0.0
    told = _told_apart(light, filled, outline)
    return told if told >= (_ALONG if has_corners else _ALL_ALONG) else 0.0


def _is_rougher_beside(light: Gray, filled: Gray) -> bool:
    """Whether what lies beside a sheet is rough, as wood, cloth or stone are, and paper in a shadow is not."""
    roughness = cv2.absdiff(light, np.asarray(cv2.blur(light, (_ROUGH_WINDOW, _ROUGH_WINDOW)), np.uint8))
    # The edge itself is rough on both sides.
    inside, beside = (
        np.asarray(cv2.erode(mask, np.ones((_ROUGH_WINDOW, _ROUGH_WINDOW), np.uint8))) > 0
        for mask in (filled, 1 - filled)
    )
    if not (inside.any() and beside.any()):
        return False
    table, sheet = (float(np.median(roughness[where])) for where in (beside, inside))
    return table >= max(_ROUGH * float(np.median(light[beside])), _ROUGHER * max(sheet, 1.0))


def _turns(corners: npt.NDArray[np.int32]) -> Floats:
    """By how many degrees a closed outline turns at each of its corners, which are of shape (n, 2)."""
    arriving, leaving = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    directions = [np.degrees(np.arctan2(way[:, 1], way[:, 0])) for way in (arriving, leaving)]
    return np.asarray(np.abs((directions[1] - directions[0] + 180.0) % 360.0 - 180.0), dtype=np.float64)


def _told_apart(light: Gray, filled: Gray, outline: npt.NDArray[np.int32]) -> float:
    """The share of a sheet's edge, 0..1, beyond which it is darker; where the picture ends, there is no edge."""
    height, width = light.shape
    away = max(2, round(_AWAY * max(height, width)))
    square = np.ones((2 * away + 1, 2 * away + 1), np.uint8)
    within = np.asarray(cv2.dilate(np.where(filled > 0, light, 0), square))
    beyond = np.asarray(cv2.erode(np.where(filled > 0, 255, light).astype(np.uint8), square))
    x, y = outline[:, 0, 0], outline[:, 0, 1]
    visible = (x > away) & (x < width - 1 - away) & (y > away) & (y < height - 1 - away)
    if not visible.any():
        return 0.0
    return float((beyond[y[visible], x[visible]] <= _DARKER * within[y[visible], x[visible]].astype(float)).mean())
