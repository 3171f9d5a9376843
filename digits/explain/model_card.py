"""A model's card in sentences, for people who know nothing of networks."""

import datetime

from digits.model.artifact import Card
from digits.training.recipes import RECIPES


def summary(card: Card) -> list[str]:
    """What the model is, what it learned from, and how good it is: a few sentences; fewer if the card says less."""
    return [*_made(card), *_good(card), *_careful(card)]


def _made(card: Card) -> list[str]:
    recipe = RECIPES.get(card.recipe)
    kind = f"recipe {card.recipe} ({recipe.description})" if recipe else f"recipe {card.recipe}"
    weights = f", {card.parameters:,} weights" if card.parameters else ""
    sentences = [f"A network of {kind}{weights}."]
    data = card.data
    if card.epochs and {"fit", "validation"} <= set(data):
        extra = data.get("extra", {})
        others = f", and on {extra['fit']:,} pictures of a folder" if "fit" in extra else ""
        sentences.append(
            f"It was trained{_on(card.created)} on {data['fit']:,} images of handwritten digits ({data['name']}), each "
            f"seen {card.epochs} times{others}; {data['validation']:,} more were watched meanwhile."
        )
    return sentences


def _on(created: str | None) -> str:
    try:
        date = datetime.datetime.fromisoformat(created or "")
    except ValueError:
        return ""
    return f" on {date.day} {date:%B %Y}"


def _good(card: Card) -> list[str]:
    if card.test_accuracy is None:
        return []
    test = card.metrics["test"]
    right = round(card.test_accuracy * test["n"])
    return [
        f"Of {test['n']:,} test images that it had never seen it reads {right:,} correctly ({card.test_accuracy:.2%}) "
        f"and {test['n'] - right:,} wrongly.",
        f"How sure it says it is, and how often it is right then, differ by {test['calibration_error'] * 100:.2f} "
        "percentage points on average.",
    ]


def _careful(card: Card) -> list[str]:
    if not {"test_digits", "held_out_outliers"} <= set(card.rejection):
        return []
    return [
        f"It commits itself to an answer from {card.thresholds['confidence']:.0%} confidence: it turns away "
        f"{card.rejection['test_digits']:.1%} of the test images, and {card.rejection['held_out_outliers']:.1%} of "
        "images of letters, scribbles and other things made to try it."
    ]
