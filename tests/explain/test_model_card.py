from dataclasses import replace

import pytest

from digits.explain.model_card import summary
from digits.model.artifact import Card
from tests.conftest import OWN_CARD

CARD = Card.from_json(OWN_CARD)


def test_a_card_is_told_in_sentences_with_its_figures() -> None:
    text = " ".join(summary(CARD))
    assert "recipe convnet (five convolutions, trained on augmented images" in text
    assert f"{CARD.parameters:,} weights" in text
    assert f"on 55,000 images of handwritten digits (MNIST), each seen {CARD.epochs} times; 5,000 more" in text
    assert f"Of 10,000 test images that it had never seen it reads 9,964 correctly ({CARD.test_accuracy:.2%})" in text
    assert "differ by 0.27 percentage points" in text
    assert f"turns away {CARD.rejection['test_digits']:.1%} of the test images" in text


def test_pictures_of_a_folder_are_named() -> None:
    card = replace(CARD, data={**CARD.data, "extra": {"fit": 47}})
    assert "times, and on 47 pictures of a folder; 5,000" in " ".join(summary(card))


@pytest.mark.parametrize("created", [None, "yesterday"])
def test_what_a_card_does_not_say_is_left_out(created: str | None) -> None:
    assert "It was trained on 55,000 images" in " ".join(summary(replace(CARD, created=created)))
    assert summary(Card()) == ["A network of recipe unknown."]
