"""The array types and sizes that all of Digits speaks of."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

# Width and height of the network's images, in pixels.
SIDE = 28
# How many digits there are.
CLASSES = 10

# uint8 of shape (height, width): a gray picture, a strength of ink, or a mask of zeros and ones.
Gray: TypeAlias = npt.NDArray[np.uint8]
# uint8 of shape (height, width), gray, or (height, width, 3), RGB.
Pixels: TypeAlias = npt.NDArray[np.uint8]
# uint8 of shape (n, 28, 28), white ink on black.
Images: TypeAlias = npt.NDArray[np.uint8]
# float32 of shape (height, width), how much of each pixel is ink, 0..1.
Ink: TypeAlias = npt.NDArray[np.float32]
# float64 of any shape.
Floats: TypeAlias = npt.NDArray[np.float64]
# bool of any shape.
Flags: TypeAlias = npt.NDArray[np.bool_]
