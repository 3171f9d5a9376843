"""Pictures and colors as the app shows them."""

import cv2
import numpy as np
import numpy.typing as npt

# Each stands out from light and dark ground, three to one or better.
BLUE, GRAY, ORANGE = "#2b78d0", "#8794a2", "#d95f02"

# Larger pictures are shown reduced; the network gets them whole.
_SHOWN_SIDE = 480


def for_display(pixels: npt.NDArray[np.uint8], side: int = _SHOWN_SIDE) -> npt.NDArray[np.uint8]:
    """A picture in the size in which it is shown: large ones reduced, small ones with their pixels to be seen.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        side: the longer side of what is shown, in pixels.
    """
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST))
