"""Draws a reading on its picture, for people."""

import cv2
import numpy as np
import numpy.typing as npt

from digits.numbers.reading import Reading

# Digits in blue with their digit above them; what was not accepted in gray, with nothing.
_BLUE, _GRAY = (31, 95, 168), (150, 150, 150)
# Height of the letters, as a share of the boxes' typical height, and the least and most of them in pixels.
_LETTERS, _LEAST, _MOST = 0.3, 9.0, 60.0
# OpenCV's letters are so many pixels high at scale 1.
_FONT_HEIGHT = 27.0


def draw_reading(pixels: npt.NDArray[np.uint8], reading: Reading) -> npt.NDArray[np.uint8]:
    """Draws a box around everything that was read, and each digit at the top left corner of its box.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3), RGB: the picture that was read, at any size.
        reading: what was read in it.

    Returns:
        uint8 of shape (height, width, 3), RGB.
    """
    drawn = pixels.copy() if pixels.ndim == 3 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if not reading.digits:
        return drawn
    scale_x, scale_y = drawn.shape[1] / reading.width, drawn.shape[0] / reading.height
    height = float(np.median([digit.box[3] for digit in reading.digits])) * scale_y
    letters = float(np.clip(_LETTERS * height, _LEAST, _MOST))
    pen = max(1, round(letters / 9.0))
    for digit in reading.digits:
        x, y, wide, high = (round(v * s) for v, s in zip(digit.box, (scale_x, scale_y) * 2, strict=True))
        color = _BLUE if digit.accepted else _GRAY
        cv2.rectangle(drawn, (x, y), (x + wide - 1, y + high - 1), color, pen)
        if not digit.accepted:
            continue
        # Smaller where there is little room above.
        size = float(np.clip(y - 3 * pen, 0.5 * letters, letters)) / _FONT_HEIGHT
        (text_wide, text_high), _ = cv2.getTextSize(str(digit.digit), cv2.FONT_HERSHEY_SIMPLEX, size, pen)
        # Above the box, or below where the picture ends; inside only if it ends there, too.
        above, below = y - pen, y + high + text_high + 2 * pen
        foot = above if above >= text_high + pen else below if below + pen < drawn.shape[0] else y + text_high + 2 * pen
        cv2.rectangle(drawn, (x, foot + pen), (x + text_wide + pen, foot - text_high - pen), (255, 255, 255), -1)
        cv2.putText(drawn, str(digit.digit), (x + pen // 2, foot), cv2.FONT_HERSHEY_SIMPLEX, size, color, pen)
    return drawn
