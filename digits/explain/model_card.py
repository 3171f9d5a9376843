"""Describes a model card in sentences, for readers who do not know neural networks."""

import datetime

from digits.model.card import Card


def summary(card: Card) -> list[str]:
    """Returns sentences that say what the model is, what it was trained on and how good it is.

    What the card does not state is left out.
    """
    return [*_describe_training(card), *_describe_accuracy(card), *_describe_refusals(card)]


def _describe_training(card: Card) -> list[str]:
    kind = f"recipe {card.recipe}" + (f" ({card.description})" if card.description else "")
    weights = f", {card.parameters:,} weights" if card.parameters else ""
    sentences = [f"A network of {kind}{weights}."]
    data = card.data
    if card.epochs and {"fit", "validation"} <= set(data):
        extra = data.get("extra", {})
        others = f", and on {extra['fit']:,} pictures of a folder" if "fit" in extra else ""
        sentences.append(
            f"It was trained{_date_phrase(card.created)} for {card.epochs} epochs on {data['fit']:,} images of "
            f"handwritten digits ({data['name']}){others}, and checked against {data['validation']:,} more."
        )
    return sentences


def _date_phrase(created: str | None) -> str:
    """Returns a phrase such as " on 3 May 2026", or "" if the text is no ISO date."""
    try:
        date = datetime.datetime.fromisoformat(created or "")
    except ValueError:
        return ""
    return f" on {date.day} {date:%B %Y}"


def _describe_accuracy(card: Card) -> list[str]:
    if card.test_accuracy is None:
        return []
    test = card.metrics["test"]
    right = round(card.test_accuracy * test["n"])
    return [
        f"It reads {right:,} of {test['n']:,} test images that it was not trained on correctly "
        f"({card.test_accuracy:.2%}), and {test['n'] - right:,} wrongly.",
        f"On average, its confidence is off by {test['calibration_error'] * 100:.2f} percentage points.",
    ]


def _describe_refusals(card: Card) -> list[str]:
    if not {"test_digits", "held_out_outliers"} <= set(card.rejection):
        return []
    return [
        f"It accepts answers from {card.thresholds['confidence']:.0%} confidence on. It refuses "
        f"{card.rejection['test_digits']:.1%} of the test images, and {card.rejection['held_out_outliers']:.1%} of "
        "images that show letters, scribbles and other things instead of a digit."
    ]
