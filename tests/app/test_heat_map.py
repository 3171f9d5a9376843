import numpy as np

from digits.app.components.heat_map import heat_map
from digits.explain.occlusion import Explanation


def test_what_spoke_for_the_digit_is_blue_what_spoke_against_it_orange_and_the_rest_gray() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    evidence = np.zeros((28, 28))
    evidence[4:10], evidence[18:24] = 5.0, -5.0
    drawn = heat_map(image, Explanation(1, evidence)).astype(int)
    assert drawn.shape == (336, 336, 4)
    red, _, blue, _ = drawn[7 * 12, 14 * 12]
    assert blue > red + 50
    red, _, blue, _ = drawn[21 * 12, 14 * 12]
    assert red > blue + 50
    assert np.ptp(drawn[14 * 12, 14 * 12, :3]) == 0


def test_empty_places_far_from_every_stroke_let_the_page_through() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    drawn = heat_map(image, Explanation(1, np.ones((28, 28))))
    assert (drawn[:, : 5 * 12, 3] == 0).all()


def test_a_map_of_nothing_is_empty() -> None:
    drawn = heat_map(np.zeros((28, 28), np.uint8), Explanation(1, np.zeros((28, 28))))
    assert (drawn[..., 3] == 0).all()
