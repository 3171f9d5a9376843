"""What outlines enclose is ink, and what lies inside the outline of a loop is not."""

import cv2
import numpy as np
import pytest

from digits.arrays import Gray
from digits.vision.views.copy import Copy
from digits.vision.views.outlines import filled_outlines


def ring(radii: tuple[int, ...], gap: bool = False) -> Gray:
    """Circles around each other, black on white; with `gap`, each is open on a pixel."""
    picture = np.full((120, 120), 255, np.uint8)
    for radius in radii:
        cv2.circle(picture, (60, 60), radius, 0, 2)
    if gap:
        picture[60] = 255
    return picture


@pytest.mark.parametrize("gap", [False, True])
def test_the_outline_of_a_loop_becomes_a_loop(gap: bool) -> None:
    filled = filled_outlines(Copy(ring((50, 28), gap)))
    assert filled is not None
    middle = filled[len(filled) // 2]
    starts = np.flatnonzero(np.diff((middle > 128).astype(np.int8)) == 1)
    assert len(starts) == 2
    assert middle[len(middle) // 2] == 0
    # The band between the circles is a fifth of the width.
    assert (middle > 128).sum() == pytest.approx(2 * 0.24 * 96, rel=0.15)


def test_ink_inside_a_loop_stays() -> None:
    picture = ring((50, 40))
    cv2.circle(picture, (60, 60), 5, 0, -1)
    filled = filled_outlines(Copy(picture))
    assert filled is not None
    assert filled[len(filled) // 2, len(filled) // 2] == 255


@pytest.mark.parametrize("picture", [np.full((40, 40), 90, np.uint8), np.eye(40, dtype=np.uint8) * 255])
def test_ink_that_encloses_nothing_offers_nothing(picture: Gray) -> None:
    assert filled_outlines(Copy(picture)) is None


def test_a_crowd_of_outlines_is_no_digit() -> None:
    picture = np.full((128, 128), 255, np.uint8)
    for y in range(8, 128, 16):
        for x in range(8, 128, 16):
            cv2.circle(picture, (x, y), 5, 0, 1)
    assert filled_outlines(Copy(picture)) is None
