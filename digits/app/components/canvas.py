"""A canvas to draw a digit on, with mouse, pen or finger."""

from collections.abc import Callable

import streamlit as st

from digits.app.components.browser import browser_component, image_of

_KEY = "canvas"
# The session key of the drawing. The component's own state ends when the visitor changes the page.
_DRAWING = "drawing"
_HTML = """
<canvas width="560" height="560" tabindex="0" role="application" aria-label="Draw a digit here"
  aria-keyshortcuts="Backspace Control+Z Delete"></canvas>
<div class="buttons">
  <button type="button" data-do="undo" title="Backspace or Ctrl+Z, on the canvas">Undo</button>
  <button type="button" data-do="clear" title="Delete, on the canvas">Clear</button>
</div>
"""


def draw_canvas(on_change: Callable[[], None]) -> None:
    """Shows the canvas with the drawing so far.

    Args:
        on_change: called after each stroke, undo and clear.
    """

    def keep() -> None:
        st.session_state[_DRAWING] = st.session_state[_KEY]["drawing"]
        on_change()

    strokes = (st.session_state.get(_DRAWING) or {}).get("strokes")
    browser_component("canvas", _HTML, "buttons", "canvas")(key=_KEY, data={"strokes": strokes}, on_drawing_change=keep)


def drawn_image() -> bytes | None:
    """Returns the drawing as a PNG file, or None if the canvas is empty."""
    return image_of((st.session_state.get(_DRAWING) or {}).get("picture") or "")
