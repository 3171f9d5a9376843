"""Finds a sheet of paper on a dark table, and takes the table off the picture: it is no ink."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]

# The sheet is looked for on a copy of so many pixels on the longer side.
_SIDE = 200
# A table has at most this share of the sheet's light; a shadow on paper has more.
_DARK = 0.25
# The sheet's least share of the picture, and the table's.
_SHEET, _TABLE = 0.2, 0.04
# This share of the sheet, with the writing on it, is light; and so much of its convex hull is filled.
_LIGHT, _CONVEX = 0.75, 0.88
# Ink on the sheet is at least this share of it.
_INK = 0.002
# So much of the sheet's edge is taken off with the table, as a share of the longer side.
_EDGE = 0.012


def without_table(pixels: Pixels) -> Pixels:
    """Replaces a dark table around a light sheet by paper.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).

    Returns:
        Pixels of the same shape, in which what lies beside the sheet has the color of the sheet's nearest edge; the
        same pixels if there is no sheet on a table.
    """
    sheet = _find_sheet(pixels)
    if sheet is None:
        return pixels
    height, width = pixels.shape[:2]
    inside = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_NEAREST)
    # Each pixel's label is that of the nearest pixel of the sheet.
    _, labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(inside)
    nearest = np.zeros(int(labels.max()) + 1, np.int64)
    nearest[labels[rows, columns]] = np.arange(rows.size)
    chosen = nearest[labels]
    # Ink at the sheet's edge must not be drawn out over the table.
    window = max(3, round(0.05 * max(height, width)) | 1)
    paper = cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8))
    spread = np.asarray(paper)[rows[chosen], columns[chosen]]
    keep = inside > 0
    return np.where(keep if pixels.ndim == 2 else keep[..., np.newaxis], pixels, spread).astype(np.uint8)


def _find_sheet(pixels: Pixels) -> Mask | None:
    """The mask of the sheet, 1 where it is, on a copy of at most `_SIDE` pixels; None if there is none on a table."""
    scale = min(1.0, _SIDE / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    copy = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    gray = copy if copy.ndim == 2 else cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY)
    light = float(np.quantile(gray, 0.9))
    bright = (gray >= 0.6 * light).astype(np.uint8)
    # Most pictures have no table: their border is as light as the rest.
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    if (border <= _DARK * light).mean() < 0.15:
        return None
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if len(stats) > 1 else 0
    if not largest or stats[largest, cv2.CC_STAT_AREA] < _SHEET * gray.size:
        return None
    region = (labels == largest).astype(np.uint8)
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(outlines, key=cv2.contourArea)
    filled = cv2.drawContours(np.zeros_like(region), [outline], -1, 1, cv2.FILLED)
    area, hull = float(filled.sum()), float(cv2.contourArea(cv2.convexHull(outline)))
    outside = gray[filled == 0]
    if (
        float(region.sum()) < _LIGHT * area
        or area < _CONVEX * hull
        or outside.size < _TABLE * gray.size
        or float(np.median(outside)) > _DARK * light
    ):
        return None
    edge = max(1, round(_EDGE * max(size)))
    # Where the sheet reaches the picture's border, it has no edge.
    padded = cv2.copyMakeBorder(filled, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    inner = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=edge)[edge:-edge, edge:-edge]
    if float((gray[inner > 0] < 0.75 * light).sum()) < _INK * area:
        return None
    return np.asarray(inner, dtype=np.uint8)
