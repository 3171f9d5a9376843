from dataclasses import replace

import pytest

from digits.explain.model_card import summary
from digits.model.card import Card
from tests.conftest import OWN_CARD

CARD = Card.from_json(OWN_CARD)


def test_a_card_is_told_in_sentences_with_its_figures() -> None:
    text = " ".join(summary(replace(CARD, description="five convolutions")))
    assert "A network of recipe convnet (five convolutions), " in text
    assert f"{CARD.parameters:,} weights" in text
    assert f"for {CARD.epochs} epochs on 55,000 images of handwritten digits (MNIST), and checked against 5,000" in text
    assert "It reads 9,964 of 10,000 test images that it was not trained on correctly (99.64%)" in text
    assert "off by 0.27 percentage points" in text
    assert f"refuses {CARD.rejection['test_digits']:.1%} of the test images" in text


def test_pictures_of_a_folder_are_named() -> None:
    card = replace(CARD, data={**CARD.data, "extra": {"fit": 47}})
    assert "(MNIST), and on 47 pictures of a folder, and" in " ".join(summary(card))


@pytest.mark.parametrize("created", [None, "yesterday"])
def test_what_a_card_does_not_say_is_left_out(created: str | None) -> None:
    assert f"It was trained for {CARD.epochs} epochs on 55,000 images" in " ".join(
        summary(replace(CARD, created=created))
    )
    assert summary(Card()) == ["A network of recipe unknown."]
