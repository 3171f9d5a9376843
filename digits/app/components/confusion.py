"""A confusion matrix in which a click on a cell, or the arrow keys and Enter, choose it."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.components.browser import part

_KEY = "confusion"
# Outlives the table, which is drawn anew when the page is left and opened again.
CHOSEN = "chosen cell"

_HTML = """
<div class="scroll">
  <table aria-label="Confusion matrix: rows are the true digits, columns the digits read"></table>
</div>
"""


def choose_cell(confusion: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Shows a confusion matrix, and gives the chosen cell: true digit and digit read.

    Before anyone chooses, and where the chosen cell counts nothing, it is the most frequent mistake.

    Args:
        confusion: counts of shape (10, 10); row: true digit, column: digit read.
    """
    chosen = st.session_state.get(CHOSEN)
    if chosen is None or not confusion[chosen]:
        mistakes = confusion.copy()
        np.fill_diagonal(mistakes, 0)
        true, read = divmod(int(mistakes.argmax()), len(confusion))
        chosen = (true, read)
    part("confusion", _HTML, "confusion")(
        key=_KEY, data={"counts": confusion.tolist(), "chosen": list(chosen)}, on_cell_change=_keep_choice
    )
    return chosen


def _keep_choice() -> None:
    """Takes the cell from the browser, if it is one."""
    cell = (st.session_state.get(_KEY) or {}).get("cell")
    if isinstance(cell, list) and len(cell) == 2 and all(isinstance(i, int) and 0 <= i <= 9 for i in cell):
        st.session_state[CHOSEN] = (cell[0], cell[1])
