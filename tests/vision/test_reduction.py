"""Pictures of fewer pixels, masks, and the median of a few numbers."""

import cv2
import numpy as np
import pytest

from digits.vision.reduction import LEVELS, at_least, mapped, median_of_few, shrink

GRAY = np.random.default_rng(5).integers(0, 256, (37, 53), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 2, 3, 40, 41])
def test_the_median_of_a_few_values(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    assert median_of_few(values) == np.median(values)
    assert median_of_few(GRAY[0, :count].astype(np.int64)) == np.median(GRAY[0, :count])


def test_levels_are_mapped_as_each_pixel_would_be() -> None:
    computed = np.clip((GRAY.astype(np.float32) - 40.0) * 1.7, 0.0, 255.0).astype(np.uint8)
    np.testing.assert_array_equal(mapped(GRAY, (LEVELS - 40.0) * 1.7), computed)


@pytest.mark.parametrize("value", [0.0, 0.5, 99.999, 100.0, 100.001, 255.0])
def test_the_mask_of_what_is_at_least_a_value(value: float) -> None:
    np.testing.assert_array_equal(at_least(GRAY, value), (value <= GRAY).astype(np.uint8))


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("side", [160, 120, 60])
def test_a_quick_copy_that_is_nearly_as_large_shows_the_same(side: int, channels: tuple[int, ...]) -> None:
    drawn = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (150, 200, *channels)).astype(np.uint8), (9, 9), 3
    )
    pixels = np.asarray(drawn, dtype=np.uint8)
    whole, quick = shrink(pixels, side), shrink(pixels, side, quick=True)
    assert whole.shape == quick.shape == (round(0.75 * side), side, *channels)
    # What is reduced further is averaged over all that it stands for.
    assert np.array_equal(whole, quick) == (side < 140)
    assert np.abs(whole.astype(int) - quick).max() <= 6
