"""Figures with four sides, as a camera sees them."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.quadrilateral import corners_of, upright_from

Corners = list[tuple[int, int]]


def drawn(corners: Corners, thickness: int = 3) -> npt.NDArray[np.uint8]:
    """The outline of a figure, in an array of its size."""
    mask = np.zeros((400, 700), np.uint8)
    cv2.polylines(mask, [np.array(corners)], True, 1, thickness)
    x, y, width, height = cv2.boundingRect(mask)
    return mask[y : y + height, x : x + width].copy()


@pytest.mark.parametrize(
    "corners",
    [
        [(50, 50), (500, 50), (500, 150), (50, 150)],
        [(80, 50), (530, 90), (500, 190), (50, 150)],
        [(40, 120), (500, 40), (530, 160), (90, 210)],
        [(60, 60), (190, 80), (170, 210), (40, 190)],
    ],
)
def test_the_corners_of_a_frame_are_found_however_it_is_seen(corners: Corners) -> None:
    found = corners_of(drawn(corners))
    assert found is not None
    wanted = np.array(corners) - np.array(corners).min(axis=0) + 1
    # A corner lies on the outer edges of the lines.
    assert np.abs(found - wanted).max() <= 5.0


def test_a_stroke_that_crosses_the_sides_of_a_frame_does_not_move_its_corners() -> None:
    mask = np.zeros((260, 700), np.uint8)
    corners = np.array([(80, 60), (530, 90), (500, 190), (50, 160)])
    cv2.polylines(mask, [corners], True, 1, 3)
    cv2.line(mask, (200, 50), (190, 200), 1, 9)
    cv2.line(mask, (300, 120), (320, 210), 1, 9)
    x, y, width, height = cv2.boundingRect(mask)
    found = corners_of(mask[y : y + height, x : x + width].copy())
    assert found is not None
    assert np.abs(found + np.array([x, y]) - corners).max() <= 5.0


def test_what_is_round_or_pointed_has_no_four_corners() -> None:
    ring = np.zeros((121, 301), np.uint8)
    cv2.ellipse(ring, (150, 60), (148, 58), 0, 0, 360, 1, 3)
    assert corners_of(ring) is None
    assert corners_of(drawn([(250, 50), (251, 50), (400, 250), (100, 250)])) is None


def test_what_is_seen_from_the_side_becomes_upright() -> None:
    corners = np.array([(80.0, 50.0), (530.0, 90.0), (500.0, 190.0), (50.0, 150.0)])
    view = upright_from(corners, 200, 100, margin=10)
    upright = cv2.perspectiveTransform(corners[np.newaxis], view)[0]
    assert np.allclose(upright, [(10, 10), (210, 10), (210, 110), (10, 110)], atol=1e-3)
