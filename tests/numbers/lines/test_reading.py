"""A line is read by taking it apart and as a whole, and the likelier reading counts."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.numbers.decoding import NEVER_SURE
from digits.numbers.expectation import parse_expectation
from digits.numbers.line_reading import LineReading, PageLine
from digits.numbers.lines.entries import Entry
from digits.numbers.lines.features import CHOICE_FEATURES
from digits.numbers.lines.image import LineImage
from digits.numbers.lines.network import BLANK, COLUMNS, LINE_CLASSES, SHOWN, LineAnswer, LineNetwork
from digits.numbers.lines.reading import TwoWays, read_line
from digits.numbers.networks import Networks, shipped_networks
from digits.numbers.segmentation import find_writing, take_apart
from digits.numbers.signs.marks import Box, find_small_strokes
from digits.recognizer import Recognizer
from digits.vision.foreground import find_foreground

Picture = npt.NDArray[np.uint8]
# Weights by which any proposal of the network counts, or none.
ALWAYS, NEVER = ({name: sign if name == "each" else 0.0 for name in CHOICE_FEATURES} for sign in (9.0, -9.0))


class Says(LineNetwork):
    """A line network that sees what it is told to see, at the columns that it is told."""

    def __init__(self, seen: Mapping[float, str], sure: float = 0.98) -> None:
        self._seen, self._sure = seen, sure
        self.asked = 0

    def __call__(self, line: LineImage) -> LineAnswer:
        self.asked += 1
        places = line.pixels.shape[1] // COLUMNS
        chances = np.full((places, LINE_CLASSES), 1e-6)
        chances[:, BLANK] = 1.0
        for share, one in self._seen.items():
            place = int(share * places)
            chances[place] = (1.0 - self._sure) / LINE_CLASSES
            chances[place, SHOWN.index(one)] = self._sure
        return LineAnswer(np.log(chances / chances.sum(axis=1, keepdims=True)))


def written(mnist: Mnist, overlap: int = 0) -> Picture:
    """A 3 and a 7 beside one another, or over one another."""
    page = np.full((160, 260), 240, np.uint8)
    for k, label in enumerate((3, 7)):
        digit = mnist.x_test[np.flatnonzero(mnist.y_test == label)[1]].repeat(4, axis=0).repeat(4, axis=1)
        where = slice(24, 136), slice(20 + k * (112 - overlap), 132 + k * (112 - overlap))
        page[where] = np.minimum(page[where], 240 - (digit.astype(int) * 210 // 255).astype(np.uint8))
    return page


def page_line(recognizer: Recognizer, picture: Picture) -> PageLine:
    networks, foreground = shipped_networks(recognizer), find_foreground(picture, even_light=True)
    writing = find_writing(foreground)
    (lattice,) = take_apart(recognizer, networks.segments, networks.signs, writing)
    return PageLine(lattice, writing.parts, (), networks.decoding, networks.signs)


def read(recognizer: Recognizer, networks: Networks, picture: Picture, pattern: str | None = None) -> LineReading:
    foreground = find_foreground(picture, even_light=True)
    writing = find_writing(foreground)
    (lattice,) = take_apart(recognizer, networks.segments, networks.signs, writing)
    small = find_small_strokes(writing.parts, writing.members)
    expectation = None if pattern is None else parse_expectation(pattern)
    return read_line(lattice, writing.parts, small, networks, expectation)


def networks_of(
    recognizer: Recognizer,
    seen: Mapping[float, str],
    choice: Mapping[str, float],
    sure: float = NEVER_SURE,
    sure_path: float = 0.0,
    sure_alone: float = 0.0,
) -> Networks:
    shipped = shipped_networks(recognizer)
    decoding = replace(shipped.decoding, choice=choice, sure=sure, sure_path=sure_path, sure_alone=sure_alone)
    return replace(shipped, lines=Says(seen), decoding=decoding)


def test_what_both_read_is_agreed(recognizer: Recognizer, mnist: Mnist) -> None:
    line = read(recognizer, networks_of(recognizer, {0.25: "3", 0.7: "7"}, NEVER), written(mnist))
    assert line.shown == ("3", "7")
    assert line.is_agreed
    assert line.written is not None
    assert -0.2 < line.written < 0.0


@pytest.mark.parametrize(
    ("bounds", "asked"), [((0.0, 0.0, 0.0), 0), ((NEVER_SURE, 0.0, 0.0), 1), ((0.0, 1.1, 0.0), 1), ((0.0, 0.0, 1.1), 1)]
)
def test_the_line_network_is_not_asked_about_what_is_sure(
    recognizer: Recognizer, mnist: Mnist, bounds: tuple[float, float, float], asked: int
) -> None:
    networks = networks_of(recognizer, {0.25: "3", 0.7: "1"}, ALWAYS, *bounds)
    line = read(recognizer, networks, written(mnist))
    assert isinstance(networks.lines, Says)
    assert networks.lines.asked == asked
    assert line.shown == (("3", "1") if asked else ("3", "7"))
    assert (line.written is None) == (not asked)
    assert 0.5 < line.confidence(networks.decoding) < 1.0 or asked
    # A pattern that a sure line does not match has to be looked for.
    held = read(recognizer, networks, written(mnist), "#1")
    assert networks.lines.asked > asked
    assert held.shown == ("3", "1")


@pytest.mark.parametrize(("small", "asked"), [(False, 0), (True, 1)])
def test_the_line_network_is_asked_where_a_small_stroke_may_be_a_sign(
    recognizer: Recognizer, mnist: Mnist, small: bool, asked: int
) -> None:
    picture = written(mnist)
    if small:
        picture[60:66, 127:133] = 30
    networks = networks_of(recognizer, {0.25: "3", 0.7: "7"}, NEVER, 0.0)
    line = read(recognizer, networks, picture)
    assert isinstance(networks.lines, Says)
    assert (line.shown, networks.lines.asked) == (("3", "7"), asked)


@pytest.mark.parametrize("first", ["##", "3#", ""])
def test_what_was_read_before_changes_nothing(recognizer: Recognizer, mnist: Mnist, first: str) -> None:
    page = page_line(recognizer, written(mnist))
    if first:
        page.matching(parse_expectation(first))
    held = page.matching(parse_expectation("#7"))
    assert held is not None
    assert held.shown == page.best.shown == ("3", "7")


@pytest.mark.parametrize(("choice", "shown"), [(ALWAYS, ("3", "1")), (NEVER, ("3", "7"))])
def test_the_choice_decides_between_two_readings(
    recognizer: Recognizer, mnist: Mnist, choice: Mapping[str, float], shown: tuple[str, ...]
) -> None:
    line = read(recognizer, networks_of(recognizer, {0.25: "3", 0.7: "1"}, choice), written(mnist))
    assert line.shown == shown
    assert not line.is_agreed
    assert line.chance > 0.99
    assert not line.other_signs
    first, second = (entry.box for entry in line.entries)
    assert first.right <= second.left + 4
    assert all(box.bottom - box.top > 60 for box in (first, second))
    assert all(entry.digits.argmax() == int(entry.shown) for entry in line.entries)


def test_a_sign_that_the_network_sees_keeps_its_box(recognizer: Recognizer, mnist: Mnist) -> None:
    line = read(recognizer, networks_of(recognizer, {0.25: "3", 0.7: "/"}, ALWAYS), written(mnist))
    assert line.shown == ("3", "/")
    assert [entry.accepted for entry in line.entries] == [True, False]
    assert line.entries[1].sign_probability > 0.9
    # The lattice saw two digits.
    assert line.other_signs
    assert line.chance > 0.99


def test_digits_that_no_cut_parts_are_read_as_the_network_sees_them(recognizer: Recognizer, mnist: Mnist) -> None:
    seen = {0.2: "3", 0.4: "1", 0.6: "8", 0.8: "7"}
    line = read(recognizer, networks_of(recognizer, seen, ALWAYS), written(mnist, overlap=50))
    assert line.shown == ("3", "1", "8", "7")
    boxes = [entry.box for entry in line.entries]
    assert all(left.x < right.x for left, right in itertools.pairwise(boxes))
    assert all(box.left < box.right and box.top < box.bottom for box in boxes)


def test_a_pattern_is_held_to_whatever_the_network_sees(recognizer: Recognizer, mnist: Mnist) -> None:
    networks = networks_of(recognizer, {0.25: "3", 0.7: "/"}, ALWAYS)
    line = read(recognizer, networks, written(mnist), "##")
    assert (line.shown, line.matches) == (("3", "7"), True)
    line = read(recognizer, networks, written(mnist), "#/")
    assert (line.shown, line.matches) == (("3", "/"), True)
    assert not read(recognizer, networks, written(mnist), "####").matches


def test_a_pattern_finds_digits_where_the_network_sees_none(recognizer: Recognizer, mnist: Mnist) -> None:
    networks = networks_of(recognizer, {0.25: "/", 0.7: "/"}, ALWAYS)
    assert read(recognizer, networks, written(mnist)).shown == ("/", "/")
    line = read(recognizer, networks, written(mnist), "##")
    assert (line.shown, line.matches) == (("3", "7"), True)
    assert not read(recognizer, networks, written(mnist), "####").matches


def entry(left: float, right: float, top: float, shown: str, bottom: float = 60.0) -> Entry:
    """A digit or a sign of a line whose digits are from 0 to 60 pixels high."""
    digits = np.full(10, 0.01)
    digits[int(shown) if shown.isdecimal() else 0] = 0.91
    is_digit = shown.isdecimal()
    return Entry(Box(left, top, right, bottom), digits, 0.9, is_digit, "" if is_digit else shown, 0.9)


def test_a_speck_after_all_digits_is_left_to_the_line_network() -> None:
    two, point, four = entry(0, 40, 0, "2"), entry(80, 86, 54, "."), entry(130, 170, 0, "4")
    lattice, network = (LineReading(entries, 0.99) for entries in ((two, point, four), (two, four)))
    answer = LineAnswer(np.zeros((1, 1)))
    apart = TwoWays(answer, lattice, network, np.zeros(1)).chosen(0.9)
    assert apart.shown == ("2", ".", "4")
    assert apart.chance == pytest.approx(0.5)
    last = entry(220, 226, 54, ".")
    behind = replace(lattice, entries=(two, four, last))
    assert TwoWays(answer, behind, network, np.zeros(1)).chosen(0.9).shown == ("2", "4")
    near = replace(lattice, entries=(two, entry(46, 52, 54, "."), four))
    assert TwoWays(answer, near, network, np.zeros(1)).chosen(0.9).shown == ("2", ".", "4")
    over = replace(lattice, entries=(two, entry(38, 44, 54, "."), four))
    assert TwoWays(answer, over, network, np.zeros(1)).chosen(0.9).shown == ("2", "4")


def test_a_sign_whose_ink_is_no_speck_is_not_left_out() -> None:
    two, one = entry(60, 100, 0, "2"), entry(130, 140, 0, "1")
    network = LineReading((two, one), 0.99)
    for first, expected in (
        (entry(10, 34, 26, "-", 32), ("-", "2", "1")),
        (entry(20, 28, 26, "-", 32), ("2", "1")),
        (entry(10, 34, 0, "1"), ("2", "1")),
    ):
        lattice = LineReading((first, two, one), 0.99)
        assert TwoWays(LineAnswer(np.zeros((1, 1))), lattice, network, np.zeros(1)).chosen(0.9).shown == expected


@pytest.mark.parametrize("seen", [{0.25: "3", 0.6: "7"}, {0.2: "3", 0.45: "1", 0.6: "7"}])
def test_a_digit_that_takes_in_a_stroke_beside_it_is_doubtful(
    recognizer: Recognizer, mnist: Mnist, seen: Mapping[float, str]
) -> None:
    picture = written(mnist)
    networks = networks_of(recognizer, {0.25: "3", 0.7: "7"}, ALWAYS)
    assert not read(recognizer, networks, picture).takes_in
    wide = np.full((160, 340), 240, np.uint8)
    wide[:, :260] = picture
    wide[76:84, 265:315] = 30
    line = read(recognizer, networks_of(recognizer, seen, ALWAYS), wide)
    if line.shown[-1] == "7":
        assert line.takes_in
        assert line.confidence(networks.decoding) < 0.5
