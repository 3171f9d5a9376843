"""The app's colors, and pictures in the size in which the app shows them."""

import base64

import cv2
import numpy as np
import numpy.typing as npt

# Each has a contrast of 3:1 or better on a light and on a dark background.
BLUE, GRAY, ORANGE = "#2b78d0", "#8794a2", "#d95f02"

# The longer side of a picture on the page, in pixels. The network gets the whole picture.
_SHOWN_SIDE = 480


def for_display(pixels: npt.NDArray[np.uint8], side: int = _SHOWN_SIDE) -> npt.NDArray[np.uint8]:
    """Returns a picture resized for the page. A small one is enlarged so that its pixels can be seen.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        side: the longer side of the result, in pixels.
    """
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST))


def data_url(pixels: npt.NDArray[np.uint8], side: int) -> str:
    """Returns a resized picture as the data URL of a JPEG file.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3), RGB.
        side: the longer side of the result, in pixels.
    """
    resized = for_display(pixels, side)
    channels = resized if resized.ndim == 2 else cv2.cvtColor(resized, cv2.COLOR_RGB2BGR)
    _, file = cv2.imencode(".jpg", channels, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return f"data:image/jpeg;base64,{base64.b64encode(file.tobytes()).decode()}"
