"""Puts images with transparency on a ground that shows what is drawn on them."""

import numpy as np
import numpy.typing as npt


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
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    color = rgba[..., :3].astype(np.float32)
    coverage = float(alpha.mean())
    if coverage == 0.0:
        return np.full((*rgba.shape[:2], 3), 255, dtype=np.uint8)
    visible = (color * alpha).mean(axis=(0, 1)) / coverage
    contrast = np.full(3, 255.0 if visible.mean() < 128.0 else 0.0, dtype=np.float32)
    ground = visible if coverage > 0.5 else contrast
    flat: npt.NDArray[np.uint8] = np.rint(color * alpha + ground * (1.0 - alpha)).astype(np.uint8)
    return flat
