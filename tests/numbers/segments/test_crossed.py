"""Digits through which something runs that is too large for writing."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.numbers.reader import NumberReader
from digits.numbers.segments.crossed import free_crossed
from digits.numbers.segments.layout import find_lines
from digits.recognizer import Recognizer
from digits.vision.components import find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import page_mask
from tests.pictures import handwritten

Picture = npt.NDArray[np.uint8]


def crossed_at(page: Picture, x: float) -> Picture:
    """A page with an edge from top to bottom, a little askew, at some place."""
    height = len(page)
    ends = [(round(x) + 20, 0), (round(x) - 20, height)]
    return np.asarray(cv2.line(page.copy(), ends[0], ends[1], 60, 4, cv2.LINE_AA), dtype=np.uint8)


@pytest.fixture(scope="module")
def page(mnist: Mnist) -> tuple[Picture, list[list[int]]]:
    paper, boxes = handwritten(mnist, "40258")
    return np.pad(paper, 160, constant_values=255), [[x + 160, y + 160, wide, high] for x, y, wide, high in boxes]


@pytest.mark.parametrize("crossed", [1, 2, 3, 4])
def test_a_digit_through_which_an_edge_runs_is_not_lost(page: tuple[Picture, list[list[int]]], crossed: int) -> None:
    paper, boxes = page
    x, _, wide, _ = boxes[crossed]
    foreground = find_foreground(crossed_at(paper, x + wide / 2), even_light=True)
    mask, _ = page_mask(foreground)
    parts = find_components(foreground, mask)
    freed = free_crossed(parts, find_lines(parts), foreground)
    assert freed is not None
    middles = [(freed.left[i] + freed.right[i]) / 2 for i in range(len(parts), len(freed))]
    assert any(x <= middle <= x + wide for middle in middles)


def test_a_number_of_which_a_digit_is_crossed_keeps_its_length(
    recognizer: Recognizer, page: tuple[Picture, list[list[int]]]
) -> None:
    paper, boxes = page
    x, _, wide, _ = boxes[3]
    reading = NumberReader(recognizer).read(crossed_at(paper, x + wide / 2))
    assert len(reading.transcript.replace(" ", "")) >= 5


def test_an_edge_between_digits_is_no_digit(page: tuple[Picture, list[list[int]]]) -> None:
    paper, boxes = page
    left, right = boxes[2], boxes[3]
    between = (left[0] + left[2] + right[0]) / 2
    moved = paper.copy()
    moved[:, round(between) + 40 :] = paper[:, round(between) : -40]
    moved[:, round(between) : round(between) + 40] = 255
    foreground = find_foreground(crossed_at(moved, between + 20), even_light=True)
    parts = find_components(foreground, page_mask(foreground)[0])
    assert free_crossed(parts, find_lines(parts), foreground) is None
