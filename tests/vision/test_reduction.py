"""Order statistics of gray values."""

import numpy as np
import pytest

from digits.vision.reduction import histogram, mean_of_top, quantile

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
