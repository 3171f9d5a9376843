"""A page with too many things on it."""

import cv2
import numpy as np
import pytest

from digits import budget
from digits.arrays import Floats
from digits.errors import CrowdedImageError
from digits.numbers.networks import shipped_networks
from digits.numbers.reader import NumberReader, read_lines
from digits.numbers.segmentation import find_writing
from digits.numbers.segments.lattice import Candidate
from digits.numbers.segments.windows import ReducedLine, Windows, draw_windows
from digits.numbers.signs.kinds import SIGNS, UNKNOWN
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.glyphs import draw_strokes
from digits.synthetic.writers import invent_writer
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
    writing, networks = find_writing(find_foreground(page, even_light=True)), shipped_networks(recognizer)
    drawn: list[ReducedLine] = []

    def draw(line: ReducedLine, candidates: list[Candidate]) -> tuple[Windows, Floats]:
        drawn.append(line)
        return draw_windows(line, candidates)

    monkeypatch.setattr("digits.numbers.segmentation.draw_windows", draw)
    with budget.bounded_work(3_000_000):
        assert sum(len(line.entries) for line in read_lines(recognizer, writing, networks)) == 78
    assert len(drawn) >= 6
    drawn.clear()
    # Enough for some of the lines.
    with budget.bounded_work(230_000), pytest.raises(CrowdedImageError):
        read_lines(recognizer, writing, networks)
    assert not drawn


def test_a_number_stands_beside_one_that_is_crossed_out_again_and_again() -> None:
    rng, height, pen = np.random.default_rng(0), 230, 7
    writer, page, right = invent_writer(rng), np.full((460, 1610), 235, np.uint8), 115

    def write(digit: int) -> int:
        ink = draw_strokes(writer.digit(digit, rng), height, 0.1, pen, rng).ink
        rows, columns = slice(115, 115 + ink.shape[0]), slice(right, right + ink.shape[1])
        page[rows, columns] = np.minimum(page[rows, columns], 235 - (175 * ink).astype(np.uint8))
        return right + ink.shape[1] + 46

    for digit in (4, 0, 8):
        right = write(digit)
    left = right = right + 115
    for digit in (2, 1):
        right = write(digit)
    for count, down in ((34, True), (17, False)):
        along, turns = np.linspace(0.0, 1.0, count), np.arange(count) % 2
        x, y = (along, turns) if down else (turns, along)
        way = np.stack([left - 5 + (right - left + 10) * x, 115 + height * y], 1) + rng.normal(0.0, 12.0, (count, 2))
        cv2.polylines(page, [np.rint(way).astype(np.int32)], False, 60, pen, cv2.LINE_AA)
    reading = NumberReader.load().read(page)
    assert reading.transcript.startswith("408")
    # What is crossed out is no digit, and is not left out either.
    assert set(reading.transcript[3:].strip()) <= {*SIGNS, UNKNOWN}
    assert len(reading.digits) > 3
    assert not reading.accepted
