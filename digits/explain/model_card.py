"""States a model card's facts for readers who do not know neural networks."""

import datetime

from digits.explain.speech import Say, english, later, numeral
from digits.model.acceptance import Thresholds
from digits.model.card import Card

# What the recipes of Digits say of themselves; a card of another recipe has words of its own.
DESCRIPTIONS = (
    later("one hidden layer of 128, the textbook network"),
    later("five convolutions, trained on augmented images, for digits as people really write them"),
)


def facts(card: Card, say: Say = english) -> dict[str, str]:
    """Returns what the model is, what it was trained on and how good it is, by the name of each fact.

    What the card does not state is left out.

    Args:
        card: the model's card.
        say: puts the facts into the reader's language.
    """
    return _facts_of_training(card, say) | _facts_of_accuracy(card, say) | _facts_of_refusals(card, say)


def _facts_of_training(card: Card, say: Say) -> dict[str, str]:
    description = say(card.description) if card.description in DESCRIPTIONS else card.description
    kind = say("recipe {recipe}", recipe=card.recipe) + (f" ({description})" if description else "")
    count = numeral(f"{card.parameters:,}", say) if card.parameters else ""
    weights = f", {say('{count} weights', count=count)}" if count else ""
    stated = {say("Network"): kind + weights}
    data = card.data
    if card.epochs and {"name", "fit", "validation"} <= set(data):
        count = numeral(f"{data['fit']:,}", say)
        digits = say("{count} images of handwritten digits ({name})", count=count, name=data["name"])
        extra = data.get("extra", {})
        if "fit" in extra:
            count = numeral(f"{extra['fit']:,}", say)
            digits = say("{digits} and {count} pictures of a folder", digits=digits, count=count)
        stated[say("Trained on")] = digits
        date = _date(card.created)
        count = numeral(f"{data['validation']:,}", say)
        stated[say("Training")] = say(
            "{epochs} epochs, watched on {count} more images", epochs=card.epochs, count=count
        )
        if date is not None:
            stated[say("Date")] = date
    return stated


def _date(created: str | None) -> str | None:
    """Returns a date such as "2026-05-03", or None if the text is no ISO date."""
    try:
        return datetime.datetime.fromisoformat(created or "").date().isoformat()
    except ValueError:
        return None


def _facts_of_accuracy(card: Card, say: Say) -> dict[str, str]:
    if card.test_accuracy is None:
        return {}
    test = card.metrics["test"]
    right = round(card.test_accuracy * test["n"])
    off = numeral(f"{test['calibration_error'] * 100:.2f}", say)
    return {
        say("Test images"): say(
            "{right} of {count} read correctly ({accuracy}), {wrong} wrongly; it was not trained on them",
            right=numeral(f"{right:,}", say),
            count=numeral(f"{test['n']:,}", say),
            accuracy=numeral(f"{card.test_accuracy:.2%}", say),
            wrong=numeral(f"{test['n'] - right:,}", say),
        ),
        say("Confidence"): say("off by {points} percentage points on average", points=off),
    }


def _facts_of_refusals(card: Card, say: Say) -> dict[str, str]:
    if not {"test_digits", "held_out_outliers"} <= set(card.rejection):
        return {}
    return {
        say("Accepted"): say(
            "answers with {share} confidence or more",
            share=numeral(f"{Thresholds(**card.thresholds).confidence:.0%}", say),
        ),
        say("Not accepted"): say(
            "{digits} of the test images, and {outliers} of images of letters, scribbles and other things",
            digits=numeral(f"{card.rejection['test_digits']:.1%}", say),
            outliers=numeral(f"{card.rejection['held_out_outliers']:.1%}", say),
        ),
    }
