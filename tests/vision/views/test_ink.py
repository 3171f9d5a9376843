"""What views take off a picture, so that the digit is left."""

import cv2
import numpy as np
import pytest

from digits.arrays import Flags, Gray, Pixels
from digits.vision.reduction import quantile_of
from digits.vision.views import ink
from digits.vision.views.copy import Copy, Find


def stroke(side: int = 32) -> Gray:
    """A stroke down the middle, white on black."""
    picture = np.zeros((side, side), np.uint8)
    picture[side // 4 : 3 * side // 4, side // 2 - 2 : side // 2 + 2] = 255
    return picture


def ink_of(strength: Pixels | None) -> Flags:
    assert strength is not None
    return strength > 102


@pytest.mark.parametrize("inset", [0, 1, 2])
@pytest.mark.parametrize("thickness", [1, 2])
@pytest.mark.parametrize("shade", [120, 255])
def test_a_frame_goes_and_the_stroke_stays(inset: int, thickness: int, shade: int) -> None:
    picture = stroke()
    cv2.rectangle(picture, (inset, inset), (31 - inset, 31 - inset), shade, thickness)
    for seen in (picture, 255 - picture):
        strength = ink.without_frame(Copy(seen))
        assert strength is not None
        assert cv2.boundingRect((strength > 102).astype(np.uint8))[2:] == (4, 16)


def test_one_line_of_a_form_along_the_border_goes_too() -> None:
    picture = stroke(60)
    picture[:, 55:57] = 180
    strength = ink.without_frame(Copy(picture))
    assert strength is not None
    assert cv2.boundingRect((strength > 102).astype(np.uint8))[2:] == (4, 30)


def test_a_picture_without_a_frame_has_no_view_without_it() -> None:
    assert ink.without_frame(Copy(stroke())) is None


def test_what_is_fainter_than_the_stroke_is_no_strong_ink() -> None:
    blotted = np.maximum(stroke(), cv2.circle(np.zeros((32, 32), np.uint8), (7, 20), 3, 110, -1))
    copy = Copy(np.asarray(blotted, dtype=np.uint8))
    assert ink_of(ink.light_strokes(copy))[20, 7]
    assert not ink_of(ink.strong_light_strokes(copy))[20, 7]


@pytest.mark.parametrize("find", [ink.strong_row_by_row, ink.strong_column_by_column])
def test_light_that_falls_off_towards_a_corner_is_no_ink(find: Find) -> None:
    light = np.add.outer(np.linspace(0.0, 70.0, 32), np.linspace(0.0, 70.0, 32))
    picture = np.clip(stroke() * 0.4 + light, 0.0, 255.0).astype(np.uint8)
    assert np.array_equal(ink_of(find(Copy(picture))), stroke() > 0)


def test_the_rarest_of_three_colors_is_the_ink() -> None:
    picture = np.full((40, 40, 3), (250, 210, 60), np.uint8)
    picture[::8] = (240, 90, 40)
    picture[stroke(40) > 0] = (20, 20, 120)
    assert np.array_equal(ink_of(ink.rarest_color(Copy(picture))), stroke(40) > 0)
    assert ink.rarest_color(Copy(stroke(40))) is None


def test_what_several_views_need_is_found_once() -> None:
    calls: list[Copy] = []

    def find(copy: Copy) -> Gray:
        calls.append(copy)
        return stroke()

    copy = Copy(stroke())
    assert copy.found(find) is copy.found(find)
    assert len(calls) == 1


@pytest.mark.parametrize("share", [0.0, 0.002, 0.5, 0.995, 1.0])
@pytest.mark.parametrize("count", [1, 2, 784])
def test_a_quantile_is_that_of_numpy(share: float, count: int) -> None:
    values = np.random.default_rng(count).random((1, count)).astype(np.float32)
    assert quantile_of(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)
