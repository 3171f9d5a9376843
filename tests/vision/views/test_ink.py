"""What views take off a picture, so that the digit is left."""

import cv2
import numpy as np
import pytest

from digits.arrays import Flags, Gray, Pixels
from digits.vision.reduction import as_gray, quantile_of
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
    seen = copy.seen(find)
    assert seen is not None
    assert seen is copy.seen(find)
    assert seen.pixels is copy.found(find)
    assert seen.strokes is seen.strokes
    assert len(calls) == 1


@pytest.mark.parametrize("share", [0.0, 0.002, 0.5, 0.995, 1.0])
@pytest.mark.parametrize("count", [1, 2, 784])
def test_a_quantile_is_that_of_numpy(share: float, count: int) -> None:
    values = np.random.default_rng(count).random((1, count)).astype(np.float32)
    assert quantile_of(values, share) == pytest.approx(float(np.quantile(values, share)), abs=1e-6)


def under_a_hard_shadow(side: int = 400) -> tuple[Pixels, Gray]:
    """A cross on paper, which the edge of a shadow runs through, and the mask of the cross."""
    ink = np.zeros((side, side), np.uint8)
    for start, end in ((180, 220), (220, 180)):
        cv2.line(ink, (start, 180), (end, 220), 255, 5)
    paper = np.where(ink > 0, 60.0, 220.0)
    paper[:, side // 2 :] *= 0.45
    return cv2.GaussianBlur(paper, (0, 0), 0.7).astype(np.uint8), ink


@pytest.mark.parametrize("find", [ink.wide_pen_strokes, ink.narrow_pen_strokes])
def test_the_edge_of_a_hard_shadow_is_no_pen_stroke(find: Find) -> None:
    picture, drawn = under_a_hard_shadow()
    found = ink_of(find(Copy(picture)))
    near = cv2.dilate(cv2.resize(drawn, found.shape, interpolation=cv2.INTER_AREA), np.ones((5, 5), np.uint8)) > 0
    assert found[near].sum() > 40
    assert not found[~near].any()


def test_pen_strokes_are_seen_closer_around_the_digit_alone() -> None:
    picture, _ = under_a_hard_shadow()
    strength = ink.close_pen_strokes(Copy(picture))
    assert strength is not None
    assert 60 <= max(strength.shape) <= 128
    x, y, width, height = cv2.boundingRect((strength > 102).astype(np.uint8))
    assert min(x, y, strength.shape[1] - x - width, strength.shape[0] - y - height) > 5
    assert min(width, height) > 0.5 * max(strength.shape)


def test_the_gray_of_a_colored_picture_parts_its_colors() -> None:
    # To the eye, both colors are equally light.
    picture = np.full((60, 60, 3), (200, 100, 100), np.uint8)
    picture[stroke(60) > 0] = (92, 155, 100)
    gray = Copy(picture).gray
    assert np.ptp(as_gray(picture)) < 3
    assert np.abs(gray[stroke(60) > 0].astype(int) - gray[0, 0]).min() > 250


def test_a_picture_without_pen_strokes_has_none_closer() -> None:
    assert ink.close_pen_strokes(Copy(np.full((200, 200), 200, np.uint8))) is None


def test_the_part_around_a_box_keeps_the_pixels_of_the_original() -> None:
    original = np.random.default_rng(0).integers(0, 256, (640, 320), dtype=np.uint8)
    copy = Copy(original)
    assert copy.pixels.shape == (128, 64)
    part = copy.around(10, 10, 14, 14)
    assert part is not None
    # The margin is 0.3 of the box and two pixels of the copy, of which each stands for five.
    assert np.array_equal(part, original[34:86, 34:86])
    assert copy.around(0, 0, 1, 1) is not None
    assert Copy(np.zeros((20, 20), np.uint8)).around(0, 0, 1, 1) is None
