"""Puts images with transparency on a ground that shows what is drawn on them."""

import cv2
import numpy as np
import numpy.typing as npt

_OPAQUE = 255


def flatten_transparency(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Puts an image with transparency on an opaque ground.

    Programs commonly store black strokes on a transparent ground as black on transparent black, so that only the
    color of the ground can make the strokes visible. Where most of the image is opaque, it has a ground of its own,
    and its average color fills the rest.

    Args:
        rgba: uint8 of shape (height, width, 4).

    Returns:
        uint8 of shape (height, width, 3), RGB; white where everything is transparent.
    """
    *channels, alpha = (np.asarray(channel, dtype=np.uint8) for channel in cv2.split(rgba))
    if cv2.minMaxLoc(alpha)[0] == _OPAQUE:
        return np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), dtype=np.uint8)
    weight = int(alpha.sum(dtype=np.int64))
    if weight == 0:
        return np.full((*rgba.shape[:2], 3), 255, dtype=np.uint8)
    visible = [float(np.vdot(channel.astype(np.float32), alpha.astype(np.float32))) / weight for channel in channels]
    if weight > _OPAQUE * alpha.size / 2:
        ground = [round(value) for value in visible]
    else:
        ground = [255 if sum(visible) < 3 * 128.0 else 0] * 3
    return np.dstack([_blend(channel, alpha, value) for channel, value in zip(channels, ground, strict=True)])


def _blend(channel: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8], ground: int) -> npt.NDArray[np.uint8]:
    """Returns (channel * alpha + ground * (255 - alpha)) / 255, rounded."""
    # The largest sum is 255 * 255 + 127, which fits into 16 bits.
    total = channel.astype(np.uint16) * alpha
    total += (_OPAQUE - alpha) * np.uint16(ground) + np.uint16(_OPAQUE // 2)
    return np.asarray(total // _OPAQUE, dtype=np.uint8)
