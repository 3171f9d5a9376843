"""Writes the tables of docs/model_card.md from the card of the model that ships: python -m scripts.model_card

The text between the tables is written by hand. `--check` only says whether the tables are as the card has them.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from digits.model.artifact import read
from digits.model.card import Card
from digits.recognizer import shipped_model
from scripts.tables import with_tables

PAGE = Path(__file__).parents[1] / "docs" / "model_card.md"


def facts_table(card: Card) -> str:
    """How the model was made, as a table in Markdown."""
    rejection = card.rejection or {}
    rows = {
        "recipe": f"`{card.recipe}`, {card.epochs} epochs, seed {card.seed}",
        "command": f"`{card.command}`",
        "made on": (card.created or "unknown")[:10],
        "parameters": f"{card.parameters:,}",
        "learned from": f"{card.data['fit']:,} images of {card.data['name']}; {card.data['validation']:,} more chose "
        f"the thresholds, and {card.data['test']:,} tested it",
        "test accuracy": f"{card.test_accuracy:.2%}",
        "expected calibration error on the test set": f"{card.metrics['test']['calibration_error']:.2%}",
        "test digits that are not accepted": f"{rejection['test_digits']:.2%}",
        "held-out drawings of things that are no digit, not accepted": f"{rejection['held_out_outliers']:.2%}",
        "preprocessing": f"version {card.preprocessing}",
    } | _int8_rows(card)
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())])


def _int8_rows(card: Card) -> dict[str, str]:
    if card.int8 is None:
        return {}
    int8, changed = card.int8, card.int8["changed"]
    return {
        "in int8: test accuracy": f"{int8['test']['accuracy']:.2%}; of the test digits {changed['digits']} are read as "
        f"another digit than in float32, and {changed['accepted']} are accepted in one of the two alone",
        "in int8: test digits, and drawings of things that are no digit, not accepted": _not_accepted(int8),
        "in int8: processor time of the network, over that in float32": " and ".join(
            f"{ratio:.2f} ({size} image{'s' * (size != '1')} at a time)" for size, ratio in int8["time"].items()
        ),
    }


def _not_accepted(int8: Mapping[str, Any]) -> str:
    return f"{int8['rejection']['test_digits']:.2%}, {int8['rejection']['held_out_outliers']:.2%}"


def digits_table(card: Card) -> str:
    """How well each digit of the test set is read, as a table in Markdown."""
    lines = ["| digit | read correctly | most often taken for |", "| --- | --- | --- |"]
    for digit, row in enumerate(card.metrics["test"]["confusion"]):
        wrong = [(count, other) for other, count in enumerate(row) if other != digit and count]
        most = max((count for count, _ in wrong), default=0)
        others = ", ".join(f"{other} ({count})" for count, other in wrong if count == most)
        lines.append(f"| {digit} | {row[digit] / sum(row):.2%} of {sum(row):,} | {others or 'nothing else'} |")
    return "\n".join(lines)


def page_with(page: str, card: Card) -> str:
    """The page with the tables of a card in place of those that it has.

    Raises:
        ValueError: the page lacks the marks of a table.
    """
    return with_tables(page, {"facts": facts_table(card), "digits": digits_table(card)})


def main(argv: Sequence[str] | None = None) -> int:
    """Writes or checks the page; returns 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a table is out of date")
    options = parser.parse_args(argv)
    page = PAGE.read_text(encoding="utf-8")
    fresh = page_with(page, read(shipped_model()).card)
    if options.check:
        if fresh != page:
            print(f"{PAGE.name} is out of date: run python -m scripts.model_card", file=sys.stderr)
        return int(fresh != page)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
