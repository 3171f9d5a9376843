"""Connected components of masks, and gaps in them."""

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import pytest

from digits.vision.masks import fill_gaps, label_components


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("side", [1, 50, 400])
def test_the_labels_are_those_of_opencv(connectivity: Literal[4, 8], share: float, side: int) -> None:
    mask = (np.random.default_rng(side).random((side, side + 3)) < share).astype(np.uint8)
    labels, stats = label_components(mask, connectivity)
    _, expected, expected_stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(stats, expected_stats)


@pytest.mark.parametrize("shape", [(600, 600), (510, 510), (512, 512)])
def test_every_dot_of_a_picture_full_of_them_has_a_label_of_its_own(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, np.uint8)
    mask[::2, ::2] = 1
    labels, stats = label_components(mask)
    assert len(np.unique(labels)) == len(stats) == mask.sum() + 1
    assert (stats[1:, cv2.CC_STAT_AREA] == 1).all()


@pytest.mark.parametrize("gap", [1, 2, 7, 10, 300])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_gaps_of_less_than_so_many_pixels_are_filled_in_each_row_for_itself(gap: int, share: float) -> None:
    mask = (np.random.default_rng(gap).random((30, 90)) < share).astype(np.uint8)
    expected = mask.copy()
    for row in expected:
        inked = np.flatnonzero(row)
        for before, after in pairwise(inked):
            if after - before - 1 < gap:
                row[before:after] = 1
    np.testing.assert_array_equal(fill_gaps(mask, gap), expected)
