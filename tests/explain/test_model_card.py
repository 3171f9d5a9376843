import re
from dataclasses import replace

import pytest

from digits.explain.model_card import facts
from digits.model.card import Card
from tests.model_files import OWN_CARD

CARD = Card.from_json(OWN_CARD)


def test_a_card_is_told_in_facts_with_its_figures() -> None:
    stated = facts(replace(CARD, description="five convolutions"))
    assert stated["Network"] == f"recipe convnet (five convolutions), {CARD.parameters:,} weights"
    assert stated["Trained on"] == "55,000 images of handwritten digits (MNIST)"
    assert stated["Training"] == f"{CARD.epochs} epochs, watched on 5,000 more images"
    assert stated["Date"] == (CARD.created or "")[:10]
    test = CARD.metrics["test"]
    right = sum(row[digit] for digit, row in enumerate(test["confusion"]))
    assert stated["Test images"].startswith(
        f"{right:,} of 10,000 read correctly ({right / 10_000:.2%}), {10_000 - right} wrongly"
    )
    assert stated["Confidence"] == f"off by {100 * test['calibration_error']:.2f} percentage points on average"
    assert stated["Not accepted"].startswith(f"{CARD.rejection['test_digits']:.1%} of the test images")


def test_the_figures_have_the_marks_of_the_readers_language() -> None:
    def german(text: str, /, **values: object) -> str:
        return "1.234,5 %" if text == "1,234.5%" else text.format(**values)

    stated = facts(CARD, german)
    assert stated["Trained on"] == "55.000 images of handwritten digits (MNIST)"
    for figure in stated.values():
        assert not re.search(r"\d%|\d,\d{3}|\d\.\d(?!\d\d\b)", figure), figure


def test_pictures_of_a_folder_are_named() -> None:
    card = replace(CARD, data={**CARD.data, "extra": {"fit": 47}})
    assert facts(card)["Trained on"].endswith("(MNIST) and 47 pictures of a folder")


@pytest.mark.parametrize("created", [None, "yesterday"])
def test_what_a_card_does_not_say_is_left_out(created: str | None) -> None:
    assert "Date" not in facts(replace(CARD, created=created))
    assert facts(Card()) == {"Network": "recipe unknown"}
