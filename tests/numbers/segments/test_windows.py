import itertools
import tracemalloc
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.numbers.segments.lattice import Candidate, Chain, Place, find_candidates, find_chain
from digits.numbers.segments.layout import find_lines
from digits.numbers.segments.windows import CHANNELS, HEIGHT, SIDE, draw_windows, reduce_field, reduce_line
from digits.numbers.window_network import NOTHING_WHOLE, SIGN
from digits.synthetic.pages import Page, write_numbers
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.targets import owners_of_ink, targets_of
from digits.vision.components import find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import digit_mask

Picture = npt.NDArray[np.uint8]


def chain_of(picture: Picture, cut: bool = False) -> Chain:
    foreground = find_foreground(picture, even_light=True)
    parts = find_components(foreground, digit_mask(foreground))
    (line,) = find_lines(parts)
    return find_chain(parts, line, line.members if cut else ())


@pytest.fixture(scope="module")
def bars() -> Picture:
    """Three bars on paper, the last two joined at half their height."""
    paper = np.full((160, 300), 240, np.uint8)
    for x in (80, 110, 170):
        cv2.rectangle(paper, (x, 40), (x + 12, 120), 30, -1)
    cv2.rectangle(paper, (110, 76), (180, 84), 30, -1)
    return paper


def test_without_cuts_every_stroke_is_a_candidate_and_neighbors_are_together_if_near(bars: Picture) -> None:
    chain = chain_of(bars)
    assert [place.cut for place in chain.places] == [None] * 3
    # Two tall strokes so far apart are not one digit.
    assert find_candidates(chain) == [Candidate(0, 1), Candidate(1, 2)]
    assert all(chain.is_stroke(*one.span) for one in find_candidates(chain))


def columns_cross(one: Place, other: Place) -> bool:
    """Whether the cut of the first is right of the second's in any row."""
    assert one.cut is not None
    assert other.cut is not None
    return bool((other.cut.columns < one.cut.columns).any())


def test_the_ink_of_candidates_in_a_row_is_all_ink_once(bars: Picture) -> None:
    chain = chain_of(bars, cut=True)
    assert len(chain.places) > 5
    everything = chain.ink_between(0, len(chain.places) - 1)[1].sum()
    # Cuts may cross; those that are in order part the ink.
    orderly = [0]
    for k, place in enumerate(chain.places[1:-1], start=1):
        before = chain.places[orderly[-1]]
        together = place.stroke == before.stroke and place.cut is not None and before.cut is not None
        if not together or not columns_cross(before, place):
            orderly.append(k)
    orderly.append(len(chain.places) - 1)
    parts = [int(chain.ink_between(a, b)[1].sum()) for a, b in itertools.pairwise(orderly)]
    assert sum(parts) == everything
    assert min(parts) > 0


def test_a_window_shows_a_candidate_in_its_middle_and_its_neighbors_apart(bars: Picture) -> None:
    chain = chain_of(bars)
    windows, boxes = draw_windows(reduce_line(chain), [Candidate(0, 1), Candidate(1, 2)])
    assert windows.shape == (2, SIDE, SIDE, CHANNELS)
    first, second = windows.astype(int)
    for window in (first, second):
        rows, columns = np.nonzero(window[..., 0] > 64)
        assert abs(rows.mean() + 0.5 - SIDE / 2) <= 1.0
        assert abs(columns.mean() + 0.5 - SIDE / 2) <= 1.0
        assert rows.max() + 1 - rows.min() == pytest.approx(HEIGHT, abs=1)
        assert (window[..., :2].sum(axis=2) <= 256).all()
    # The neighbor to the right of the first, and to the left of the second.
    assert first[:, SIDE // 2 + 4 :, 1].sum() > 1000 > first[:, : SIDE // 2 - 5, 1].sum()
    assert second[:, : SIDE // 2 - 8, 1].sum() > 1000 > second[:, SIDE // 2 + 8 :, 1].sum()
    # At half the size, both are seen, each in the middle of its window.
    assert first[:, SIDE // 2 - 2 : SIDE // 2 + 2, 2].max() > 128
    assert first[..., 2].sum() == pytest.approx(second[..., 2].sum(), rel=0.02)
    assert boxes[:, 3] - boxes[:, 1] == pytest.approx(1.0, abs=0.1)


def test_windows_do_not_depend_on_the_size_of_the_picture(bars: Picture) -> None:
    large = np.asarray(cv2.resize(bars, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    one, other = (draw_windows(reduce_line(chain), [Candidate(1, 2)])[0] for chain in map(chain_of, (bars, large)))
    assert np.abs(one.astype(int) - other).mean() < 12


def test_no_candidates_have_no_windows(bars: Picture) -> None:
    windows, boxes = draw_windows(reduce_line(chain_of(bars)), [])
    assert len(windows) == len(boxes) == 0


def test_what_candidates_are_is_told_by_whose_ink_they_have(mnist: Mnist) -> None:
    signs = draw_symbols(20, np.random.default_rng(0))
    page = Page(digits=(4, 4), signs=0.5, touching=0.5, height=(60, 70))
    seen: set[int] = set()
    for one in write_numbers(page, mnist.x_test, mnist.y_test, 6, 1, signs):
        ink = find_foreground(one.picture, even_light=True)
        parts = find_components(ink, digit_mask(ink))
        owners = owners_of_ink(one.owners, ink)
        for line in find_lines(parts):
            chain = find_chain(parts, line, line.members)
            candidates = find_candidates(chain)
            targets = targets_of(reduce_line(chain), candidates, owners, one.labels)
            classes = targets.classes()
            assert set(targets.labels) <= set(one.labels)
            assert targets.overlaps.min() >= 0.0
            assert targets.overlaps.max() <= 1.0 + 1e-5
            for k in np.flatnonzero(targets.overlaps.max(axis=1) > 0.95):
                label = targets.labels[int(targets.overlaps[k].argmax())]
                assert classes[k] == (SIGN if label is None else label)
            seen.update(classes.tolist())
    assert {SIGN, NOTHING_WHOLE} < seen
    assert len(seen) > 8


def test_signs_are_drawn_anew_and_reach_no_further_than_their_field() -> None:
    signs = draw_symbols(30, np.random.default_rng(1))
    assert signs.shape == (30, 28, 28)
    assert signs.dtype == np.uint8
    assert (signs.reshape(30, -1).max(axis=1) > 64).all()
    assert len({sign.tobytes() for sign in signs}) > 28
    assert np.array_equal(signs, draw_symbols(30, np.random.default_rng(1)))


@pytest.mark.parametrize("scale", [0.09, 0.4, 1.0, 2.7])
def test_a_reduced_field_has_the_ink_of_the_page_that_lies_under_each_of_its_pixels(scale: float) -> None:
    field = (np.random.default_rng(0).random((31, 47)) < 0.4).astype(np.float32)
    reduced = reduce_field(field, 100, 333, scale)

    def overlaps(first: int, count: int, start: int, length: int) -> npt.NDArray[np.float64]:
        """Of each reduced pixel with each of the page's."""
        ours, theirs = np.arange(first, first + count)[:, None], np.arange(start, start + length) * scale
        return np.maximum(np.minimum(ours + 1, theirs + scale) - np.maximum(ours, theirs), 0.0)

    height, width = reduced.ink.shape
    expected = overlaps(reduced.top, height, 100, 31) @ field @ overlaps(reduced.left, width, 333, 47).T
    assert reduced.ink.dtype == np.float32
    assert np.allclose(reduced.ink, expected, atol=1e-6)
    assert reduced.ink.sum() == pytest.approx(field.sum() * scale**2, rel=1e-5)


def test_reducing_a_long_line_takes_memory_as_its_length_and_not_as_its_square() -> None:
    field = np.ones((6, 1_600), np.float32)
    tracemalloc.start()
    reduced = reduce_field(field, 0, 0, HEIGHT / 6)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12 * reduced.ink.nbytes


@pytest.mark.parametrize("number", ["uint8", "float32"])
def test_reducing_a_stroke_as_large_as_a_page_takes_little_memory_and_gives_the_same(number: str) -> None:
    field: npt.NDArray[Any] = (np.random.default_rng(0).random((1_600, 1_600)) < 0.4).astype(number)
    tracemalloc.start()
    reduced = reduce_field(field, 3, 5, HEIGHT / 40)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Running sums of the whole page would be 20 MB.
    assert most < 18e6
    narrow = reduce_field(field[:, 100:140], 3, 105, HEIGHT / 40)
    assert (reduced.top, narrow.left) == (narrow.top, 42)
    assert np.array_equal(reduced.ink[:, 40:56], narrow.ink)
