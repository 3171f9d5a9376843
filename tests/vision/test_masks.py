"""Connected components of masks, gaps in them, and growth by an ellipse."""

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.arrays import Gray
from digits.vision import masks
from digits.vision.masks import LabeledMask, Labels, dilate_by_ellipse, fill_gaps, keep_long_runs, label_components


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 1.0])
@pytest.mark.parametrize("side", [1, 50, 400])
def test_the_labels_are_those_of_opencv(connectivity: Literal[4, 8], share: float, side: int) -> None:
    mask = (np.random.default_rng(side).random((side, side + 3)) < share).astype(np.uint8)
    labels, stats = label_components(mask, connectivity)
    _, expected, expected_stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(stats, expected_stats)


def test_a_mask_is_labeled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    labeled: list[int] = []

    def label(mask: Gray) -> tuple[Labels, npt.NDArray[np.int32]]:
        labeled.append(mask.size)
        return label_components(mask)

    monkeypatch.setattr(masks, "label_components", label)
    page = LabeledMask(np.eye(5, dtype=np.uint8))
    assert labeled == []
    assert page.components[0] is page.components[0]
    assert labeled == [25]


@pytest.mark.parametrize("shape", [(600, 600), (510, 510), (512, 512)])
def test_every_dot_of_a_picture_full_of_them_has_a_label_of_its_own(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, np.uint8)
    mask[::2, ::2] = 1
    labels, stats = label_components(mask)
    assert len(np.unique(labels)) == len(stats) == mask.sum() + 1
    assert (stats[1:, cv2.CC_STAT_AREA] == 1).all()


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("width", [131_067, 131_068, 131_069, 131_070, 131_071])
def test_a_row_of_as_many_dots_as_short_labels_or_one_more_is_labeled(width: int, connectivity: Literal[4, 8]) -> None:
    mask = np.zeros((1, width), np.uint8)
    mask[0, ::2] = 1
    labels, stats = label_components(mask, connectivity)
    assert len(stats) == mask.sum() + 1
    assert labels[0, ::2].tolist() == list(range(1, len(stats)))


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


@pytest.mark.parametrize("length", [5, 100, 101, 130, 399, 401])
@pytest.mark.parametrize("turned", [False, True])
def test_long_runs_are_what_the_opening_of_opencv_keeps(length: int, turned: bool) -> None:
    rng = np.random.default_rng(length)
    mask = (rng.random((40, 400)) < 0.995).astype(np.uint8)
    mask = np.ascontiguousarray(mask.T) if turned else mask
    across, down = (1, length) if turned else (length, 1)
    expected = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((down, across), np.uint8))
    np.testing.assert_array_equal(keep_long_runs(mask, across, down), expected)


@pytest.mark.parametrize("window", [3, 13, 15, 17, 47, 101])
@pytest.mark.parametrize("shape", [(1, 1), (5, 60), (90, 40)])
def test_growth_by_an_ellipse_is_that_of_opencv(window: int, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(window)
    gray = (rng.integers(0, 256, shape) * (rng.random(shape) < 0.1)).astype(np.uint8)
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (window, window))
    np.testing.assert_array_equal(dilate_by_ellipse(gray, window), cv2.dilate(gray, ellipse))
