"""Lines that the first view of a page is sure of are not read again in another."""

from dataclasses import replace

import pytest

from digits.data.mnist import Mnist
from digits.numbers.looks.known import KnownLine, known_among, sure_lines
from digits.numbers.reader import read_picture
from digits.numbers.segments.layout import Line
from digits.recognizer import Recognizer
from tests.numbers.looks.readings import line_of, page_of
from tests.pictures import handwritten


def test_sure_lines_are_those_of_several_digits_that_may_be_acted_on() -> None:
    page = page_of(("123", 0.9), ("456", 0.7), ("1", 0.95), ("78", 0.8))
    unknown = replace(page.digits[0], accepted=False)
    assert [line.confidence for line in sure_lines(page, 0.8)] == [0.9, 0.8]
    assert [line.confidence for line in sure_lines(replace(page, digits=(unknown, *page.digits[1:])), 0.8)] == [0.8]


def test_a_known_line_is_found_again_where_its_strokes_are_a_little_wider() -> None:
    first, second = (KnownLine(line_of(text, number), 0.9) for number, text in enumerate(("123", "4567")))
    assert first.box == (10, 10, 56, 30)
    found = known_among([first, second], [(8, 8, 60, 34), (10, 60, 30, 30), (10, 60, 78, 30), (200, 10, 56, 30)])
    assert found == [first, None, second, None]
    assert known_among([], [(8, 8, 60, 34)]) == [None]
    assert known_among([first], []) == []


def test_in_another_view_only_doubtful_lines_are_read_again(
    recognizer: Recognizer, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    from digits.numbers import reader

    page, _ = handwritten(mnist, "2024", "715", "3908")
    counts: list[int] = []
    read_lines = reader.read_lines

    def counted(*arguments: object) -> object:
        lines = arguments[-1]
        assert isinstance(lines, list)
        assert all(isinstance(line, Line) for line in lines)
        counts.append(len(lines))
        found = read_lines(*arguments)  # type: ignore[arg-type]
        # The second line is doubtful in the first view.
        return [replace(one, leaves_ink=True) if k == 1 and len(found) == 3 else one for k, one in enumerate(found)]

    monkeypatch.setattr(reader, "read_lines", counted)
    monkeypatch.setattr(reader, "LEAST_QUALITY", 0.99)
    reading = read_picture(recognizer, page)
    assert reading.text == "2024\n715\n3908"
    assert counts[0] == 3
    assert set(counts[1:]) == {1}
    assert [digit.line for digit in reading.digits] == [0] * 4 + [1] * 3 + [2] * 4
