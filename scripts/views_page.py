"""Writes the tables of docs/views.md from the tables of views in the code: python -m scripts.views_page

What a view does stands in the docstrings of its functions, and nowhere else.
"""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from digits.vision.views.pages import PAGE_VIEWS
from digits.vision.views.table import CLOSER, LARGE_VIEWS, MNIST_VIEWS, SMALL_VIEWS
from scripts.tables import with_tables

PAGE = Path(__file__).resolve().parent.parent / "docs" / "views.md"

_SIZES = {"28x28, as MNIST": MNIST_VIEWS, "small": SMALL_VIEWS, "large": (*LARGE_VIEWS, CLOSER)}


def _summary(function: Callable[..., Any]) -> str:
    """Returns the first paragraph of a docstring, without what it says of None."""
    paragraph = " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())
    return re.sub(r"; None if [^.]*\.$", ".", paragraph)


def picture_table() -> str:
    """Returns the views of a picture of one digit, as a table in Markdown."""
    views = {view.name: view for group in reversed(_SIZES.values()) for view in group}
    rows = [
        f"| `{name}` | {', '.join(size for size, group in _SIZES.items() if view in group)} "
        f"| {_summary(view.find)} | {_summary(view.form)} |"
        for name, view in views.items()
    ]
    return "\n".join(["| `view` | pictures | what it takes for ink | the image |", "| --- | --- | --- | --- |", *rows])


def page_table() -> str:
    """Returns the views of a page of numbers, as a table in Markdown."""
    rows = [f"| `{view.name}` | {_summary(view.show)} |" for view in PAGE_VIEWS]
    return "\n".join(["| `view` | what it shows |", "| --- | --- |", *rows])


def page_with_tables() -> str:
    """Returns the text of the page with the tables as the code has them.

    Raises:
        ValueError: the page lacks the marks of a table.
    """
    return with_tables(PAGE.read_text(encoding="utf-8"), {"pictures": picture_table(), "pages": page_table()})


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(), encoding="utf-8")
