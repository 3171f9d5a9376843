"""A pen's strokes are told from shadows, from the edges of things, and from a rough table."""

import cv2
import numpy as np
import pytest

from digits.arrays import Gray, Ink
from digits.vision.views.pen import above_texture, as_strength, on_smooth_sheet, swallowed_light, without_grain

SIDE, WIDTH = 200, 0.05


def written() -> Gray:
    """A cross of two strokes on white."""
    paper = np.full((SIDE, SIDE), 230, np.uint8)
    cv2.line(paper, (60, 60), (140, 140), 90, 4)
    return np.asarray(cv2.line(paper, (60, 140), (140, 60), 90, 4), dtype=np.uint8)


def on_table(roughness: float) -> tuple[Gray, tuple[slice, slice]]:
    """The same on a table that is as dark as the ink, and where the sheet is."""
    table = np.clip(np.random.default_rng(3).normal(80.0, roughness, (SIDE, SIDE)), 0.0, 255.0).astype(np.uint8)
    sheet = slice(30, 170), slice(40, 160)
    table[sheet] = written()[sheet]
    return table, sheet


def strokes(swallowed: Ink) -> Ink:
    return swallowed[60:140, 60:140]


def test_ink_in_a_shadow_is_as_strong_as_ink_in_the_light() -> None:
    light = np.where(np.arange(SIDE) < SIDE // 2, 1.0, 0.5)
    shaded = (written() * cv2.GaussianBlur(np.tile(light, (SIDE, 1)), (0, 0), 6.0)).astype(np.uint8)
    in_shade, in_light = (
        strokes(swallowed_light(without_grain(shaded), WIDTH)),
        strokes(swallowed_light(without_grain(written()), WIDTH)),
    )
    ink = in_light > 0.4
    assert ink.sum() > 400
    assert abs(in_shade[ink].mean() - in_light[ink].mean()) < 0.03
    assert in_shade[in_light < 0.01].max() < 0.1


def test_the_channel_that_shows_the_most_ink_counts() -> None:
    red_ink = np.stack([np.full((SIDE, SIDE), 230, np.uint8), written(), written()], axis=2)
    assert np.allclose(
        swallowed_light(without_grain(red_ink), WIDTH), swallowed_light(without_grain(written()), WIDTH), atol=1e-6
    )


def test_no_light_is_missing_at_the_edge_of_a_sheet() -> None:
    sheet = np.full((SIDE, SIDE), 60, np.uint8)
    sheet[:, SIDE // 2 :] = 230
    assert swallowed_light(without_grain(sheet), WIDTH).max() < 0.02


def test_what_lies_beside_a_sheet_on_a_rough_table_goes() -> None:
    picture, sheet = on_table(12.0)
    swallowed = swallowed_light(without_grain(picture), WIDTH)
    beside = np.ones((SIDE, SIDE), bool)
    # The sheet's edge is found to a pixel or two.
    beside[sheet[0].start - 3 : sheet[0].stop + 3, sheet[1].start - 3 : sheet[1].stop + 3] = False
    assert swallowed[beside].mean() > 0.05
    alone = on_smooth_sheet(swallowed)
    assert alone is not None
    assert alone[beside].max() == 0.0
    assert np.array_equal(strokes(alone), strokes(swallowed))


@pytest.mark.parametrize("roughness", [0.0, 0.5])
def test_a_smooth_table_is_no_rough_one(roughness: float) -> None:
    assert on_smooth_sheet(swallowed_light(without_grain(on_table(roughness)[0]), WIDTH)) is None


def test_a_sheet_whose_edge_would_cut_strokes_is_none() -> None:
    picture, _ = on_table(12.0)
    # Lines from end to end: no smooth area holds them.
    for x in range(45, 160, 12):
        cv2.line(picture, (x, 0), (x, SIDE), 20, 3)
    assert on_smooth_sheet(swallowed_light(without_grain(picture), WIDTH)) is None


def test_an_even_texture_is_no_ink() -> None:
    texture = np.full((SIDE, SIDE), 0.1, np.float32)
    texture[100, 50:150] = 0.6
    above = above_texture(texture, 1.0)
    assert above[20, 20] == 0.0
    assert above[100, 100] > 0.4


def test_strength_is_relative_to_full_ink_and_none_if_it_is_too_faint() -> None:
    swallowed = swallowed_light(without_grain(written()), WIDTH)
    strength = as_strength(swallowed, 0.99, 0.05)
    assert strength is not None
    assert strength.dtype == np.uint8
    assert (strength.min(), strength.max()) == (0, 255)
    assert as_strength(swallowed * np.float32(0.05), 0.99, 0.05) is None
