import tracemalloc

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.numbers.segments.cuts import Cut, find_cuts

HEIGHT = 60


def two_rings(lean: float = 0.0) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Two rings whose strokes touch; and which pixels are of the left one. They may lean to the right."""
    left, right = np.zeros((2, HEIGHT, 140), np.uint8)
    cv2.ellipse(left, (45, HEIGHT // 2), (20, 26), 0, 0, 360, 1, 6)
    cv2.ellipse(right, (89, HEIGHT // 2), (20, 26), 0, 0, 360, 1, 6)
    matrix = np.array([[1.0, -lean, lean * HEIGHT / 2], [0.0, 1.0, 0.0]])
    left, right = (
        np.asarray(cv2.warpAffine(ring, matrix, (140, HEIGHT), flags=cv2.INTER_NEAREST), np.uint8)
        for ring in (left, right)
    )
    return np.asarray(left | right, dtype=np.uint8), np.asarray(left > 0)


def left_of(cut: Cut, mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (mask > 0) & (np.arange(mask.shape[1]) + 0.5 < cut.columns[:, None])


def overlap(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_cut_parts_digits_that_touch() -> None:
    mask, left = two_rings()
    assert max(overlap(left_of(cut, mask), left) for cut in find_cuts(mask, HEIGHT)) > 0.95


def test_a_cut_parts_slanted_digits_that_touch() -> None:
    mask, left = two_rings(lean=0.5)
    assert max(overlap(left_of(cut, mask), left) for cut in find_cuts(mask, HEIGHT)) > 0.85


@pytest.mark.parametrize("lean", [0.0, 0.2, 0.4])
def test_a_cut_goes_between_strokes_that_touch_all_along(lean: float) -> None:
    left, right = np.zeros((2, HEIGHT, 140), np.uint8)
    foot, top, pen = 40, 40 + round(lean * (HEIGHT - 9)), 7
    # A 7 and a 1 beside its stem, whose inks overlap by a pixel or two.
    cv2.line(left, (top - 25, 4), (top, 4), 1, pen)
    cv2.line(left, (top, 4), (foot, HEIGHT - 5), 1, pen)
    cv2.line(right, (top + pen, 4), (foot + pen, HEIGHT - 5), 1, pen)
    mask = np.asarray(left | right, dtype=np.uint8)
    assert cv2.connectedComponents(mask)[0] == 2
    assert max(overlap(left_of(cut, mask), left > 0) for cut in find_cuts(mask, HEIGHT)) > 0.85


def test_a_cut_knows_how_much_ink_it_goes_through() -> None:
    mask = np.zeros((HEIGHT, 120), np.uint8)
    mask[40:46, 5:115] = 1
    cuts = find_cuts(mask, HEIGHT)
    assert cuts
    assert all(abs(cut.ink - 6 / HEIGHT) < 0.04 for cut in cuts)


def test_cuts_go_from_left_to_right_and_no_two_part_the_ink_alike() -> None:
    mask, _ = two_rings()
    cuts = find_cuts(mask, HEIGHT)
    amounts = [int(left_of(cut, mask).sum()) for cut in cuts]
    assert len(cuts) > 5
    assert np.all(np.diff(amounts) >= -0.01 * mask.sum())
    sides = np.stack([left_of(cut, mask) for cut in cuts])
    alike = [(sides[i] ^ sides[j]).sum() for i in range(len(cuts)) for j in range(i)]
    assert min(alike) > 0.005 * HEIGHT**2


def test_a_dot_has_no_cuts() -> None:
    assert find_cuts(np.ones((3, 3), np.uint8), HEIGHT) == []


def test_cuts_of_a_very_long_stroke_take_no_more_memory_than_of_one_of_sixty_digits() -> None:
    most = []
    for width in (60 * 8, 200 * 8):
        mask = np.zeros((8, width), np.uint8)
        mask[3:6] = 1
        tracemalloc.start()
        cuts = find_cuts(mask, 8)
        most.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(cuts) > 50
        assert all(abs(cut.ink - 3 / 8) < 0.1 for cut in cuts)
    assert most[1] < 1.2 * most[0]


def test_a_solid_blot_is_not_cut() -> None:
    stamp = np.zeros((HEIGHT, 140), np.uint8)
    cv2.rectangle(stamp, (40, 5), (100, 55), 1, cv2.FILLED)
    for row in (15, 30, 45):
        cv2.line(stamp, (2, row), (138, row), 1, 2)
    assert find_cuts(stamp, HEIGHT) == []
    bold, _ = two_rings()
    assert find_cuts(np.asarray(cv2.dilate(bold, np.ones((9, 9), np.uint8)), dtype=np.uint8), HEIGHT)
