"""What the line network's answer says, and the network itself."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from digits.arrays import Floats
from digits.errors import ModelFileError
from digits.numbers.lines import network
from digits.numbers.lines.image import ROWS, LineImage
from digits.numbers.lines.network import BLANK, CARD, LINE_CLASSES, SHOWN, LineAnswer, LineNetwork, shipped_line_network
from digits.numbers.window_network import Shipped


def answer_of(*places: int) -> LineAnswer:
    """An answer in which these classes are the most likely at its places."""
    chances = np.full((len(places), LINE_CLASSES), 0.1 / (LINE_CLASSES - 1))
    chances[np.arange(len(places)), places] = 0.9
    return LineAnswer(np.log(chances))


def random_answer(places: int) -> LineAnswer:
    scores = np.random.default_rng(places).normal(0.0, 2.0, (places, LINE_CLASSES))
    return LineAnswer(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))


def collapsed(classes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(one for one, _ in itertools.groupby(classes) if one != BLANK)


def test_repeated_classes_are_one_and_blanks_part_them() -> None:
    answer = answer_of(BLANK, 1, 1, BLANK, 1, 7, 7, BLANK, SHOWN.index("/"), SHOWN.index("?"))
    assert answer.shown == ("1", "1", "7", "/", "?")
    assert [place.column for place in answer.places] == [3.0, 9.0, 11.0, 17.0, 19.0]
    assert all(place.probabilities.sum() == pytest.approx(1.0) for place in answer.places)
    assert [int(place.probabilities.argmax()) for place in answer.places] == [SHOWN.index(one) for one in answer.shown]


def test_blanks_alone_show_nothing() -> None:
    answer = answer_of(BLANK, BLANK)
    assert answer.shown == ()
    assert answer.logarithm_of(()) == pytest.approx(2.0 * np.log(0.9))


@pytest.mark.parametrize("shown", ["", "1", "11", "12", "121", "1122"])
def test_the_probability_of_a_text_is_that_of_all_ways_to_it(shown: str) -> None:
    answer = random_answer(5)
    classes = tuple(SHOWN.index(one) for one in shown)
    ways: list[Floats] = [
        answer.logarithms[range(5), way].sum()
        for way in itertools.product((*sorted(set(classes)), BLANK), repeat=5)
        if collapsed(way) == classes
    ]
    assert answer.logarithm_of(tuple(shown)) == pytest.approx(float(np.logaddexp.reduce(ways)))


def test_what_has_no_room_is_impossible() -> None:
    # Between two digits that are alike there is a blank.
    assert random_answer(2).logarithm_of(("1", "1")) == -np.inf


@pytest.mark.parametrize("width", [1, 17, 400])
def test_a_line_of_any_width_has_an_answer(width: int) -> None:
    answer = shipped_line_network()(LineImage(np.zeros((ROWS, width), np.uint8), (), (), 1.0))
    assert answer.logarithms.shape[1] == LINE_CLASSES
    assert np.exp(answer.logarithms).sum(axis=1) == pytest.approx(1.0)
    assert answer.shown == ()


@pytest.mark.parametrize("width", [1024, 1025, 1060, 2100, 3073])
def test_a_wide_line_has_the_same_answer_in_pieces_as_at_once(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    strokes = np.kron(np.random.default_rng(width).integers(0, 2, (ROWS // 4, width)), np.ones((4, 4)))
    line = LineImage((255 * strokes[:, :width]).astype(np.uint8), (0,), (0,), 1.0)
    in_pieces = shipped_line_network()(line).logarithms
    monkeypatch.setattr(network, "_PIECE", 10_000)
    np.testing.assert_allclose(in_pieces, shipped_line_network()(line).logarithms, atol=1e-5)


def test_a_missing_or_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "FILE", tmp_path / "line_recognizer.onnx")
    shipped_line_network.cache_clear()
    with pytest.raises(ModelFileError, match=r"line_recognizer\.onnx cannot be read"):
        shipped_line_network()
    with pytest.raises(ModelFileError):
        LineNetwork(b"nothing")


def test_the_cards_belong_to_the_file() -> None:
    digest = shipped_line_network().digest
    assert json.loads(CARD.read_text())["onnx_sha256"] == digest
    # The choice between two readings was fitted with it.
    assert json.loads(Shipped.SEGMENTS.card.read_text())["fit"]["line_network"] == digest
