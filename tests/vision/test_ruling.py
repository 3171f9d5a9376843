import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.vision.foreground import find_foreground
from digits.vision.ruling import writing_mask

Picture = npt.NDArray[np.uint8]
# Where the ring is that is written on each sheet.
RING = (slice(130, 271), slice(180, 281))


def sheet(*, across: int = 0, down: int = 0, falls: float = 0.0) -> tuple[Picture, npt.NDArray[np.bool_]]:
    """A ring on paper with lines so many pixels apart, which fall from left to right; and where the ring's ink is."""
    picture = np.full((400, 600), 240, np.uint8)
    for y in range(30, 400, across or 400):
        if across:
            cv2.line(picture, (0, round(y - 300 * falls)), (600, round(y + 300 * falls)), 170, 2)
    for x in range(20, 600, down or 600):
        if down:
            cv2.line(picture, (x, 0), (x, 400), 170, 2)
    ring = np.zeros_like(picture)
    cv2.ellipse(ring, (230, 200), (40, 60), 0, 0, 360, 1, 10)
    picture[ring > 0] = 30
    return picture, ring > 0


@pytest.mark.parametrize("falls", [0.0, 0.02, -0.03])
def test_ruled_lines_are_gone_and_what_is_written_on_them_is_whole(falls: float) -> None:
    picture, ring = sheet(across=60, falls=falls)
    mask = writing_mask(find_foreground(picture, even_light=True)) > 0
    assert mask[ring].mean() > 0.93
    assert mask[~cv2.dilate(ring.astype(np.uint8), np.ones((9, 9))).astype(bool)].mean() < 0.002
    assert cv2.connectedComponents(mask[RING].astype(np.uint8))[0] == 2


def test_squares_are_gone_and_what_is_written_on_them_is_whole() -> None:
    picture, ring = sheet(across=40, down=40)
    mask = writing_mask(find_foreground(picture, even_light=True)) > 0
    assert mask[ring].mean() > 0.9
    assert mask[~cv2.dilate(ring.astype(np.uint8), np.ones((9, 9))).astype(bool)].mean() < 0.004


def test_on_plain_paper_all_ink_stays() -> None:
    picture, ring = sheet()
    # A bar as long as that of a 7 is no line.
    picture[140:148, 300:380] = 30
    mask = writing_mask(find_foreground(picture, even_light=True)) > 0
    assert mask[ring].mean() > 0.97
    assert mask[140:148, 302:378].mean() > 0.97


def test_a_faint_pen_beside_a_strong_one_is_ink() -> None:
    picture, _ = sheet()
    cv2.ellipse(picture, (450, 200), (40, 60), 0, 0, 360, 165, 8)
    mask = writing_mask(find_foreground(picture, even_light=True)) > 0
    drawn = np.zeros_like(picture)
    cv2.ellipse(drawn, (450, 200), (40, 60), 0, 0, 360, 1, 6)
    assert mask[drawn > 0].mean() > 0.9
