"""The ground of pictures, and on which side of it the ink is."""

import cv2
import numpy as np
import pytest

from digits.arrays import Gray, Pixels
from digits.vision.foreground import find_foreground
from digits.vision.ground import find_even_ground, find_ground, strongest_channel


def eight(shape: tuple[int, int], center: tuple[int, int], radius: int, pen: int) -> Gray:
    """Strokes, 255 on 0."""
    picture = np.zeros(shape, np.uint8)
    for sign in (-1, 1):
        cv2.circle(picture, (center[0], center[1] + sign * radius), radius, 255, pen, cv2.LINE_AA)
    return picture


def on_paper(strokes: Gray, paper: Gray) -> Pixels:
    return np.where(strokes > 127, np.uint8(40), paper).astype(np.uint8)


@pytest.mark.parametrize("is_page", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_the_ground_follows_the_light_and_bridges_the_strokes(is_page: bool, turned: bool) -> None:
    light = np.tile(np.linspace(120, 240, 300), (240, 1)).astype(np.uint8)
    picture = on_paper(eight((240, 300), (150, 120), 40, 12), light)
    picture, light = (255 - picture, 255 - light) if turned else (picture, light)
    ground = find_ground(picture, is_page=is_page)
    assert ground.is_light is not turned
    assert np.abs(ground.enlarge(picture).astype(int) - light).max() < 45


@pytest.mark.parametrize("place", [0.35, 0.7])
def test_paper_is_not_taken_for_the_ink_where_it_lies_beside_a_digit_on_a_table(place: float) -> None:
    table = np.full((300, 300), 90, np.uint8)
    cv2.fillConvexPoly(table, np.array([(12, 8), (285, 20), (292, 285), (6, 290)]), 215)
    strokes = eight((300, 300), (round(300 * place), 150), 32, 14)
    picture = on_paper(strokes, table)
    ground = find_ground(picture, is_page=False)
    assert ground.is_light
    strength = ground.difference(picture)
    assert strength[strokes > 200].min() > 100


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("pen", [1, 6, 12])
def test_the_ground_of_a_clean_drawing_is_found_in_two_ways_and_is_the_same(
    turned: bool, pen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    strokes = eight((140, 140), (70, 70), 24, pen)
    picture = strokes if turned else 255 - strokes
    quickly = find_ground(picture, is_page=False)
    assert quickly.is_even
    monkeypatch.setattr("digits.vision.ground._plain_ground", lambda _copy: None)
    slowly = find_ground(picture, is_page=False)
    assert not slowly.is_even
    assert quickly.is_light is slowly.is_light
    np.testing.assert_array_equal(quickly.difference(picture), slowly.difference(picture))


@pytest.mark.parametrize("ink_first", [True, False])
def test_the_ground_of_a_tiny_picture_is_one_color(ink_first: bool) -> None:
    strokes = eight((28, 28), (14, 14), 5, 2)
    picture = 230 - strokes // 2 if ink_first else 20 + strokes // 2
    ground = find_even_ground(picture.astype(np.uint8))
    assert ground.color.shape == (1, 1)
    assert ground.color[0, 0] == (230 if ink_first else 20)
    assert ground.is_light is ink_first


def test_the_strongest_channel_is_the_largest() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    np.testing.assert_array_equal(strongest_channel(picture), picture.max(axis=2))
    np.testing.assert_array_equal(strongest_channel(picture[..., 0]), picture[..., 0])


@pytest.mark.parametrize("even_light", [False, True])
def test_brown_paper_inside_a_blue_0_is_no_ink(even_light: bool) -> None:
    # Blue ink is darker than brown paper in red and green, and lighter in blue.
    pixels = np.full((200, 340, 3), (175, 140, 95), np.uint8)
    cv2.ellipse(pixels, (170, 100), (40, 60), 0, 0, 360, (40, 50, 160), 14)
    strength = find_foreground(pixels, even_light=even_light).strength
    assert strength[100, 170] < 10
    assert strength[100, 130] > 100


@pytest.mark.parametrize("height", [400, 1600])
def test_the_noise_of_a_page_is_that_of_some_of_its_rows(height: int) -> None:
    rng = np.random.default_rng(2)
    page = np.full((height, 1200), 200.0)
    page[height // 4 : height // 2, 100:1100] = 40.0
    pixels = np.clip(page + rng.normal(0.0, 6.0, page.shape), 0, 255).astype(np.uint8)
    told = find_foreground(pixels, even_light=True)
    # Light that swallows all is 255, and half of what neighbors do not share is lost with their median.
    assert told.noise == pytest.approx(6.0 * 255.0 / 200.0, rel=0.3)


def test_a_small_number_on_a_large_page_is_darker_than_the_page() -> None:
    rows, columns = np.indices((1600, 1100))
    # The lamp shines on a corner, which is lighter than the rest by a few levels.
    light = 230.0 + 8.0 * np.exp(-np.hypot(columns - 900, rows - 1300) / 100.0)
    pixels = np.repeat(light.astype(np.uint8)[..., None], 3, axis=2)
    for x in (100, 130, 160):
        cv2.ellipse(pixels, (x, 110), (7, 10), 0, 0, 360, (60, 70, 150), 2, cv2.LINE_AA)
    assert find_ground(pixels, is_page=True).is_light
