"""A page with too many things on it."""

import cv2
import numpy as np
import pytest

from digits import budget
from digits.arrays import Floats
from digits.errors import CrowdedImageError
from digits.numbers.networks import shipped_networks
from digits.numbers.reader import read_lines
from digits.numbers.segments.lattice import Candidate
from digits.numbers.segments.windows import ReducedLine, Windows, draw_windows
from digits.recognizer import Recognizer, shipped_model
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import page_mask


def test_a_page_of_too_many_dots_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    page = np.full((120, 120), 240, np.uint8)
    page[::3, ::3] = 20
    foreground = find_foreground(page, even_light=True)
    monkeypatch.setattr("digits.vision.paper.ruling._MOST_STROKES", 1_600)
    page_mask(foreground)
    monkeypatch.setattr("digits.vision.paper.ruling._MOST_STROKES", 1_599)
    with pytest.raises(CrowdedImageError, match="1,599 strokes or dots"):
        page_mask(foreground)


def test_of_a_page_that_is_refused_for_its_work_no_window_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    page = np.full((600, 600), 240, np.uint8)
    for x in range(40, 560, 40):
        for y in range(60, 560, 90):
            cv2.line(page, (x, y), (x, y + 40), 20, 5)
    recognizer = Recognizer.load(shipped_model())
    foreground, networks = find_foreground(page, even_light=True), shipped_networks(recognizer)
    drawn: list[ReducedLine] = []

    def draw(line: ReducedLine, candidates: list[Candidate]) -> tuple[Windows, Floats]:
        drawn.append(line)
        return draw_windows(line, candidates)

    monkeypatch.setattr("digits.numbers.segmentation.draw_windows", draw)
    with budget.bounded_work(3_000_000):
        assert sum(len(line.entries) for line in read_lines(recognizer, foreground, networks)) == 78
    assert len(drawn) >= 6
    drawn.clear()
    # Enough for some of the lines.
    with budget.bounded_work(230_000), pytest.raises(CrowdedImageError):
        read_lines(recognizer, foreground, networks)
    assert not drawn
