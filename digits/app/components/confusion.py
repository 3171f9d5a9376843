"""A confusion matrix whose cells can be chosen with a click, or with the arrow keys and Enter."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.components.browser import browser_component
from digits.app.language import say, say_number

_KEY = "confusion"
# The session key of the chosen cell. The component's own state ends when the visitor changes the page.
CHOSEN = "chosen cell"

_HTML = """
<div class="scroll">
  <table></table>
</div>
"""


def choose_cell(confusion: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Shows a confusion matrix and returns the chosen cell as (true digit, digit read).

    The most frequent mistake is chosen at first, and whenever the count in the chosen cell is zero.

    Args:
        confusion: counts of shape (10, 10): a row for each true digit, a column for each digit read.
    """
    chosen = st.session_state.get(CHOSEN)
    if chosen is None or not confusion[chosen]:
        mistakes = confusion.copy()
        np.fill_diagonal(mistakes, 0)
        true, read = divmod(int(mistakes.argmax()), len(confusion))
        chosen = (true, read)
    browser_component("confusion", _HTML, "confusion")(
        key=_KEY,
        data={
            "counts": confusion.tolist(),
            "chosen": list(chosen),
            "name": say("Confusion matrix: rows are the true digits, columns the digits read"),
            "corner": say("true ↓ read →"),
            "labels": [
                [say_cell(true, read, int(count)) for read, count in enumerate(row)]
                for true, row in enumerate(confusion)
            ],
        },
        on_cell_change=_keep_choice,
    )
    return chosen


def say_cell(true: int, read: int, count: int) -> str:
    """Returns what a cell counts, such as "4 read as 9: 3 images"."""
    images = say("1 image") if count == 1 else say("{count} images", count=say_number(f"{count:,}"))
    if true == read:
        return say("{digit} read correctly: {images}", digit=true, images=images)
    return say("{true} read as {read}: {images}", true=true, read=read, images=images)


def _keep_choice() -> None:
    """Keeps the cell that the browser sent, if it is valid."""
    cell = (st.session_state.get(_KEY) or {}).get("cell")
    if isinstance(cell, list) and len(cell) == 2 and all(isinstance(i, int) and 0 <= i <= 9 for i in cell):
        st.session_state[CHOSEN] = (cell[0], cell[1])
