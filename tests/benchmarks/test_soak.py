"""A short run of `python -m benchmarks.faults.soak`, and whether it would notice."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from benchmarks.faults import soak
from benchmarks.faults.soak import GROWTH, Ask, Outcome, is_right, verdict
from benchmarks.support.client import Answer

NO_INK = "urn:digits:problem:no-ink"
PROBLEM = {"type": NO_INK, "status": 422}


def answer(status: int, body: Any, media_type: str = "application/problem+json") -> Answer:
    return Answer(status, {"content-type": media_type}, json.dumps(body).encode(), 0.0)


def test_good_and_bad_requests_get_the_answers_that_they_should(capfd: pytest.CaptureFixture[str]) -> None:
    code = soak.main(["--requests", "1000", "--clients", "2"])
    printed = capfd.readouterr().out
    assert "unexpected or unanswered: 0 of 1,000" in printed
    assert "malformed form" in printed
    grown = re.search(r"at the end \(([+-][\d.]+)%", printed)
    assert grown
    # So short a run may still be on its way to the size that a long one begins with.
    assert code == (1 if float(grown[1]) > 100 * GROWTH else 0)
    assert float(grown[1]) < 300 * GROWTH


def test_each_image_of_a_digit_has_one_right_answer() -> None:
    mixture = soak.kinds(0)
    told = [ask.told for name in ("28x28 form", "28x28 raw", "12-megapixel photo") for ask in mixture[name].asks]
    # The first digits of MNIST's test set, as everybody knows them.
    assert told[:6] == [7, 2, 1, 0, 4, 1]
    assert mixture["batch of 8"].asks[0].told == tuple(told[:8])
    assert {ask.told for ask in mixture["damaged"].asks} == {"urn:digits:problem:broken-image"}


@pytest.mark.parametrize(
    ("given", "ask"),
    [
        (answer(200, {"predicted_digit": 7}), Ask(b"", 200, 3)),
        (answer(200, {"predicted_digit": 7}), Ask(b"", 422, NO_INK)),
        (answer(422, PROBLEM), Ask(b"", 200, 7)),
        (answer(422, PROBLEM), Ask(b"", 422, "urn:digits:problem:broken-image")),
        (answer(400, PROBLEM), Ask(b"", 422, NO_INK)),
        (answer(422, PROBLEM, "application/json"), Ask(b"", 422, NO_INK)),
        (answer(200, {}), Ask(b"", 200, 7)),
        (answer(200, [7]), Ask(b"", 200, 7)),
        (Answer(200, {}, b"7", 0.0), Ask(b"", 200, 7)),
        (Answer(200, {}, b"{", 0.0), Ask(b"", 200, 7)),
        (answer(200, {"results": [{"prediction": None, "problem": PROBLEM}]}), Ask(b"", 200, (7,))),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_noticed(given: Answer, ask: Ask) -> None:
    assert not is_right(given, ask)


def test_a_right_answer_is_right() -> None:
    assert is_right(answer(200, {"predicted_digit": 7}), Ask(b"", 200, 7))
    assert is_right(answer(422, PROBLEM), Ask(b"", 422, NO_INK))
    results = [{"prediction": {"predicted_digit": 7}, "problem": None}, {"prediction": None, "problem": PROBLEM}]
    assert is_right(answer(200, {"results": results}), Ask(b"", 200, (7, NO_INK)))


@pytest.mark.parametrize(
    ("counts", "growth", "code"),
    [
        ({"200": 5, "left": 1}, 0.0, 0),
        ({"200": 5}, GROWTH, 0),
        ({"200": 5}, GROWTH + 0.001, 1),
        ({"200": 5, "200 (unexpected)": 1}, 0.0, 1),
        ({"timeout": 1}, 0.0, 1),
    ],
)
def test_growing_memory_fails_it_as_a_wrong_answer_does(counts: dict[str, int], growth: float, code: int) -> None:
    assert verdict(Outcome({"a kind": Counter(counts)}), growth) == code
