"""States a model card's facts for readers who do not know neural networks."""

import datetime

from digits.model.card import Card


def facts(card: Card) -> dict[str, str]:
    """Returns what the model is, what it was trained on and how good it is, by the name of each fact.

    What the card does not state is left out.

    Args:
        card: the model's card.
    """
    return _facts_of_training(card) | _facts_of_accuracy(card) | _facts_of_refusals(card)


def _facts_of_training(card: Card) -> dict[str, str]:
    kind = f"recipe {card.recipe}" + (f" ({card.description})" if card.description else "")
    stated = {"Network": kind + (f", {card.parameters:,} weights" if card.parameters else "")}
    data = card.data
    if card.epochs and {"fit", "validation"} <= set(data):
        extra = data.get("extra", {})
        others = f" and {extra['fit']:,} pictures of a folder" if "fit" in extra else ""
        stated["Trained on"] = f"{data['fit']:,} images of handwritten digits ({data['name']}){others}"
        stated["Training"] = f"{card.epochs} epochs{_date_phrase(card.created)}, watched on {data['validation']:,} more"
    return stated


def _date_phrase(created: str | None) -> str:
    """Returns a phrase such as " on 3 May 2026", or "" if the text is no ISO date."""
    try:
        date = datetime.datetime.fromisoformat(created or "")
    except ValueError:
        return ""
    return f" on {date.day} {date:%B %Y}"


def _facts_of_accuracy(card: Card) -> dict[str, str]:
    if card.test_accuracy is None:
        return {}
    test = card.metrics["test"]
    right = round(card.test_accuracy * test["n"])
    return {
        "Test images": f"{right:,} of {test['n']:,} read correctly ({card.test_accuracy:.2%}), "
        f"{test['n'] - right:,} wrongly; it was not trained on them",
        "Confidence": f"off by {test['calibration_error'] * 100:.2f} percentage points on average",
    }


def _facts_of_refusals(card: Card) -> dict[str, str]:
    if not {"test_digits", "held_out_outliers"} <= set(card.rejection):
        return {}
    return {
        "Accepted": f"answers with {card.thresholds['confidence']:.0%} confidence or more",
        "Refused": f"{card.rejection['test_digits']:.1%} of the test images, and "
        f"{card.rejection['held_out_outliers']:.1%} of images of letters, scribbles and other things",
    }
