"""Order statistics of gray values."""

import cv2
import numpy as np
import pytest

from digits.vision.reduction import (
    at_least,
    histogram,
    interpolated_quantile,
    mean_of_top,
    median_of_few,
    quantile,
    shrink,
)

GRAY = np.random.default_rng(5).integers(0, 256, (37, 53), dtype=np.uint8)


def test_a_histogram_counts_every_value() -> None:
    np.testing.assert_array_equal(histogram(GRAY), np.bincount(GRAY.ravel(), minlength=256))


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.995, 1.0])
def test_a_quantile_is_the_value_under_or_at_which_a_share_lies(share: float) -> None:
    value = quantile(histogram(GRAY), share)
    assert (value >= GRAY).mean() >= share - 1e-9
    assert (value - 1 >= GRAY.astype(int)).mean() < share


@pytest.mark.parametrize("top", [1, 8, 500])
def test_the_mean_of_the_largest_values(top: int) -> None:
    assert mean_of_top(histogram(GRAY), top) == pytest.approx(np.sort(GRAY.ravel())[-top:].mean())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("values", [[7], [3, 200], [0, 0, 9, 255], GRAY.ravel().tolist()])
def test_a_quantile_between_two_values_is_interpolated(values: list[int], share: float) -> None:
    pixels = np.array([values], dtype=np.uint8)
    assert interpolated_quantile(histogram(pixels), share) == pytest.approx(float(np.quantile(pixels, share)), abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 40, 41])
def test_the_median_of_a_few_values(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    assert median_of_few(values) == np.median(values)
    assert median_of_few(GRAY[0, :count].astype(np.int64)) == np.median(GRAY[0, :count])


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
