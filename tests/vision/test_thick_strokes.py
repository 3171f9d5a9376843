"""Pictures of strokes so thick that ink and ground are alike in area."""

import cv2
import numpy as np
import pytest

from digits.arrays import Gray, Pixels
from digits.recognizer import Recognizer
from digits.vision.foreground import find_foreground
from digits.vision.thick_strokes import ground_of_thick_strokes, half_width

# Points of strokes in a box of 10 x 15 units.
STROKES = {
    3: [(1, 2), (4, 1), (7, 2), (8, 4), (7, 6), (4, 7), (7, 8), (8.5, 11), (7, 13.5), (4, 14), (1, 13)],
    7: [(1, 1), (9, 1), (6, 7), (4.5, 14)],
    9: [(9, 5), (6, 7), (2, 5), (4, 1), (8, 2), (9, 5), (8, 10), (6, 14)],
}


def thick(digit: int, shape: tuple[int, int], pen: float, at: tuple[float, float], scale: float) -> Gray:
    """Strokes, 255 on 0, drawn large and reduced; `pen`, `at` and `scale` in pixels."""
    large = np.zeros((8 * shape[0], 8 * shape[1]), np.uint8)
    line = np.rint((np.array(STROKES[digit]) * scale + at) * 8).astype(np.int32)
    cv2.polylines(large, [line], False, 255, round(8 * pen), cv2.LINE_AA)
    return np.asarray(cv2.resize(large, shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def cut_off(digit: int, share: float = 1.0) -> Gray:
    """A thick pen that the picture's border cuts off."""
    side = round(200 * share)
    return thick(digit, (round(1.15 * side), side), 0.24 * side, (0.02 * side, 0.02 * side), 0.078 * side)


def colored(strokes: Gray, ink: tuple[int, int, int], ground: tuple[int, int, int]) -> Pixels:
    share = strokes[..., np.newaxis] / 255.0
    return np.rint(share * ink + (1.0 - share) * np.array(ground)).astype(np.uint8)


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize("size", [1.0, 0.15])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [((30, 30, 30), (240, 240, 240)), ((240, 240, 240), (30, 30, 30)), ((30, 60, 170), (235, 225, 245))],
    ids=["dark", "light", "blue"],
)
def test_a_digit_of_a_thick_pen_that_the_border_cuts_off_is_read(
    recognizer: Recognizer, digit: int, size: float, ink: tuple[int, int, int], ground: tuple[int, int, int]
) -> None:
    answer = recognizer.recognize_pixels(colored(cut_off(digit, size), ink, ground))
    assert (answer.digit, answer.accepted) == (digit, True)


def test_thick_strokes_stay_whole() -> None:
    strokes = cut_off(9)
    foreground = find_foreground(255 - strokes)
    inside = cv2.erode(strokes, np.ones((5, 5), np.uint8)) > 250
    assert foreground.strength[inside].min() > foreground.strong


@pytest.mark.parametrize("turned", [False, True])
def test_the_ground_of_thick_strokes_has_its_color_and_polarity(turned: bool) -> None:
    picture = colored(cut_off(3, 0.5), (20, 40, 60), (200, 180, 160))
    picture = 255 - picture if turned else picture
    ground = ground_of_thick_strokes(picture)
    assert ground is not None
    color, is_light = ground
    assert color.tolist() == [[[55, 75, 95] if turned else [200, 180, 160]]]
    assert is_light is not turned


def test_thin_strokes_shadows_and_paper_on_a_table_are_no_thick_strokes() -> None:
    thin = thick(7, (100, 100), 4, (20, 15), 4.5)
    paper = np.full((100, 100), 60, np.uint8)
    cv2.fillConvexPoly(paper, np.array([(10, 0), (99, 8), (90, 94), (4, 90)]), 220)
    written = np.minimum(paper, 255 - thick(3, (100, 100), 6, (30, 25), 3.5))
    shadow = np.tile(np.r_[np.full(45, 90), np.full(55, 220)].astype(np.uint8), (100, 1))
    for picture in (thin, 255 - thin, paper, written, shadow, np.full((50, 50), 7, np.uint8)):
        assert ground_of_thick_strokes(picture) is None


def test_the_half_width_is_that_of_the_widest_place() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[10:14] = 1
    mask[30:50, 20:60] = 1
    width, (x, y) = half_width(mask)
    assert width == pytest.approx(10, abs=0.8)
    assert 28 <= x <= 52
    assert 38 <= y <= 41


def test_a_mask_goes_on_over_the_border() -> None:
    mask = np.zeros((40, 40), np.uint8)
    mask[:, :12] = 1
    assert half_width(mask)[0] == pytest.approx(12, abs=0.8)
