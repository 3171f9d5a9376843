"""Order statistics of gray values."""

import numpy as np
import pytest

from digits.arrays import Gray
from digits.histogram import (
    find_quantile,
    histogram,
    interpolated_quantile,
    mean_of_top,
    quantile,
    quantile_of_sorted,
    sort_values,
)

GRAY = np.random.default_rng(5).integers(0, 256, (37, 53), dtype=np.uint8)


def test_a_histogram_counts_every_value() -> None:
    np.testing.assert_array_equal(histogram(GRAY), np.bincount(GRAY.ravel(), minlength=256))


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.995, 1.0])
def test_a_quantile_is_the_value_under_or_at_which_a_share_lies(share: float) -> None:
    value = quantile(histogram(GRAY), share)
    assert (value >= GRAY).mean() >= share - 1e-9
    assert (value - 1 >= GRAY.astype(int)).mean() < share


@pytest.mark.parametrize("share", [0.0, 0.001, 0.25, 0.5, 0.995, 0.9995, 1.0])
@pytest.mark.parametrize("gray", [GRAY, GRAY[:3, :3], GRAY // 200, np.zeros_like(GRAY), np.full_like(GRAY, 255)])
def test_every_way_to_find_a_quantile_finds_the_same(gray: Gray, share: float) -> None:
    expected = quantile(histogram(gray), share)
    assert find_quantile(gray, share) == expected
    # Nothing lies under no share: a histogram says 0, sorting the smallest value.
    assert quantile_of_sorted(sort_values(gray), share) == (expected if share else gray.min())


@pytest.mark.parametrize("top", [1, 8, 500])
def test_the_mean_of_the_largest_values(top: int) -> None:
    assert mean_of_top(histogram(GRAY), top) == pytest.approx(np.sort(GRAY.ravel())[-top:].mean())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("values", [[7], [3, 200], [0, 0, 9, 255], GRAY.ravel().tolist()])
def test_a_quantile_between_two_values_is_interpolated(values: list[int], share: float) -> None:
    pixels = np.array([values], dtype=np.uint8)
    assert interpolated_quantile(histogram(pixels), share) == pytest.approx(float(np.quantile(pixels, share)), abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 500])
def test_the_median_of_the_pixels_in_a_mask(count: int) -> None:
    mask = np.zeros(GRAY.shape, np.uint8)
    mask.flat[np.random.default_rng(count).choice(GRAY.size, count, replace=False)] = 255
    assert interpolated_quantile(histogram(GRAY, mask), 0.5) == np.median(GRAY[mask > 0])
