"""Puts images with transparency on a ground that shows what is drawn on them."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digits.histogram import histogram, interpolated_quantile
from digits.images.channels import channels_of

Gray = npt.NDArray[np.uint8]

_OPAQUE = 255
# Pixels of soft edges may have a color that is nobody's: they do not tell a ground.
_NEARLY_OPAQUE = 250
# The edge of the opaque part is so many pixels wide, less one, in both directions.
_EDGE = 5
# Of thin strokes, most pixels are edge: of a picture, more are inside.
_LEAST_INSIDE = 0.25
# Of a compact part, such as a picture, the edge has no larger share of what is inside than this.
_COMPACT = 0.15
# Colors of one ground differ by no more in any channel; those of the writing on it, by more than twice as much.
_ALIKE = 40.0
# The share of the edge that has the color of the ground.
_EVEN = 0.75
# The writing has at least so many pixels, and this share of the edge's.
_LEAST_PIXELS, _LEAST_SHARE = 8, 0.02
# A picture that is opaque but for its corners shows no strokes by its shape.
_MOSTLY_OPAQUE = 0.97


def flatten_transparency(rgba: Gray) -> Gray:
    """Puts an image with transparency on an opaque ground.

    Where the opaque part is strokes, all of one color, the ground is what contrasts with them: programs commonly store
    black strokes as black on transparent black, so that only the color of the ground can make them visible. Where the
    opaque part is a picture with a ground of its own, such as a cut-out of a scan, that ground goes on in the
    transparent part, so that no edge of the cut-out shows.

    Args:
        rgba: uint8 of shape (height, width, 4).

    Returns:
        uint8 of shape (height, width, 3), RGB, or (height, width) if the three channels are equal; white where
        everything is transparent.
    """
    *channels, alpha = channels_of(rgba)
    if all(np.array_equal(channels[0], channel) for channel in channels[1:]):
        # Most are: black strokes of a canvas.
        del channels[1:]
    is_opaque = cv2.minMaxLoc(alpha)[0] == _OPAQUE
    return _joined(channels if is_opaque else _flatten(channels, alpha))


def _joined(channels: Sequence[Gray]) -> Gray:
    return channels[0] if len(channels) == 1 else np.asarray(cv2.merge(channels), dtype=np.uint8)


def _flatten(channels: Sequence[Gray], alpha: Gray) -> list[Gray]:
    """Puts each channel of a picture that is not opaque on its ground."""
    left, top, width, height = cv2.boundingRect(alpha)
    if not width:
        return [np.full_like(alpha, 255) for _ in channels]
    # Nothing is to be seen beside this box. Its margin is transparent, as wide as an edge is looked for.
    box = (slice(max(0, top - _EDGE), top + height + _EDGE), slice(max(0, left - _EDGE), left + width + _EDGE))
    seen, seen_alpha = [channel[box] for channel in channels], alpha[box]
    edge, inside = _edge_and_inside(seen_alpha)
    color, is_even = _edge_color(seen, edge, inside)
    if not is_even and cv2.countNonZero(edge) < _COMPACT * cv2.countNonZero(inside):
        # A picture whose ground is uneven: it goes on as it is at the nearest place of the edge.
        nearest = _nearest_edge(_edge_and_inside(alpha)[0])
        return [_blend(channel, alpha, channel.ravel()[nearest]) for channel in channels]
    if color is None:
        weights = seen_alpha.astype(np.float32)
        weight = int(cv2.sumElems(seen_alpha)[0])
        visible = [float(np.vdot(channel.astype(np.float32), weights)) / weight for channel in seen]
        if weight > _MOSTLY_OPAQUE * _OPAQUE * alpha.size:
            color = [round(value) for value in visible]
        else:
            color = [255 if sum(visible) < len(visible) * 128.0 else 0] * len(visible)
    flat = [np.full_like(alpha, value) for value in color]
    for whole, channel, value in zip(flat, seen, color, strict=True):
        whole[box] = _blend(channel, seen_alpha, np.uint8(value))
    return flat


def _edge_and_inside(alpha: Gray) -> tuple[Gray, Gray]:
    """Returns masks, 255 or 0, of the opaque part's edge and of what is inside it."""
    opaque = np.asarray(cv2.inRange(alpha, np.array(_NEARLY_OPAQUE), np.array(_OPAQUE)), dtype=np.uint8)
    inside = np.asarray(cv2.erode(opaque, np.ones((_EDGE, _EDGE), np.uint8)), dtype=np.uint8)
    return opaque ^ inside, inside


def _edge_color(channels: Sequence[Gray], edge: Gray, inside: Gray) -> tuple[list[int] | None, bool]:
    """Finds the color of the opaque part's own ground: that of its edge, if it is even and other colors are inside.

    Returns:
        The color in each channel, None if the opaque part is strokes of one color, or too thin or uneven to tell; and
        whether it is not uneven.
    """
    count = cv2.countNonZero(edge)
    if not count or cv2.countNonZero(inside) < _LEAST_INSIDE * count:
        return None, True
    color = [interpolated_quantile(histogram(channel, edge), 0.5) for channel in channels]
    if cv2.countNonZero(_alike(channels, color, _ALIKE) & edge) < _EVEN * count:
        return None, False
    other = cv2.countNonZero(~_alike(channels, color, 2 * _ALIKE) & inside)
    has_writing = other >= max(_LEAST_PIXELS, _LEAST_SHARE * count)
    return [round(value) for value in color] if has_writing else None, True


def _alike(channels: Sequence[Gray], color: Sequence[float], difference: float) -> Gray:
    """Returns a mask, 255 or 0, of the pixels whose channels differ from a color's by no more than `difference`."""
    alike = np.full_like(channels[0], _OPAQUE)
    for channel, value in zip(channels, color, strict=True):
        alike &= np.asarray(cv2.inRange(channel, np.array(value - difference), np.array(value + difference)), np.uint8)
    return alike


def _nearest_edge(edge: Gray) -> npt.NDArray[np.int64]:
    """Returns, for each pixel, the flat index of the nearest pixel of the edge."""
    _, labels = cv2.distanceTransformWithLabels(~edge, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    places = np.zeros(int(np.count_nonzero(edge)) + 1, dtype=np.int64)
    at = np.flatnonzero(edge)
    places[np.asarray(labels).ravel()[at]] = at
    return places[np.asarray(labels)]


def _blend(channel: Gray, alpha: Gray, ground: Gray | np.uint8) -> Gray:
    """Returns (channel * alpha + ground * (255 - alpha)) / 255, rounded."""
    # The largest sum is 255 * 255 + 127, which fits into 16 bits.
    total = channel.astype(np.uint16) * alpha
    total += (_OPAQUE - alpha) * np.asarray(ground, dtype=np.uint16) + np.uint16(_OPAQUE // 2)
    return np.asarray(total // _OPAQUE, dtype=np.uint8)
