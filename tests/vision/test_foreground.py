"""The strength of ink on its ground."""

import cv2
import numpy as np
import pytest

from digits.vision.foreground import median_of_nine


@pytest.mark.parametrize("shape", [(3, 3), (28, 28), (90, 7), (7, 90), (40, 71), (40, 72), (28, 28, 3)])
def test_medians_of_a_narrow_picture_are_those_of_opencv(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(median_of_nine(pixels), cv2.medianBlur(pixels, 3))
