"""Cards whose members have other types than people can read: the fuzzer found that pages and answers failed on them."""

import json
from typing import Any

import pytest

from digits.errors import ModelFileError
from digits.explain.model_card import facts
from digits.model.artifact import read
from digits.model.card import Card
from digits.recognizer import shipped_model


def card_with(**changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(json.dumps(read(shipped_model()).card.to_json()))
    return card | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": 1e9},
        {"recipe": "\ud800"},
        {"created": 0.7},
        {"parameters": ["0..1"]},
        {"epochs": "4"},
        {"data": {"name": "MNIST", "fit": {}, "validation": 5}},
        {"data": {"name": "MNIST", "fit": 5, "validation": "5"}},
        {"data": {"name": [], "fit": 5, "validation": 5}},
        {"rejection": {"test_digits": "", "held_out_outliers": 0.5}},
    ],
    ids=str,
)
def test_a_member_of_another_type_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError, match="card"):
        Card.from_json(card_with(**changes))


@pytest.mark.parametrize("name", ["n", "loss", "calibration_error"])
def test_a_score_that_is_no_number_is_refused(name: str) -> None:
    card = card_with()
    card["metrics"]["test"][name] = [1]
    with pytest.raises(ModelFileError, match=name):
        Card.from_json(card)


def test_facts_leave_out_what_a_card_does_not_state() -> None:
    card = Card.from_json(card_with(thresholds={}, data={"fit": 5, "validation": 5}))
    assert "Trained on" not in facts(card)
    assert facts(card)["Accepted"] == "answers with 50% confidence or more"
