"""A canvas to draw a digit on, with mouse, pen or finger."""

from collections.abc import Callable

import streamlit as st

from digits.app.components.browser import image_of, part

_KEY = "canvas"
# Outlives the canvas, which is made anew when the page is left and opened again.
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
    """Shows the canvas, with what was drawn before; `on_change` is called after each stroke, undo and clear."""

    def keep() -> None:
        st.session_state[_DRAWING] = st.session_state[_KEY]["drawing"]
        on_change()

    strokes = (st.session_state.get(_DRAWING) or {}).get("strokes")
    part("canvas", _HTML, "buttons", "canvas")(key=_KEY, data={"strokes": strokes}, on_drawing_change=keep)


def drawn_image() -> bytes | None:
    """The drawing as a PNG file, or None if nothing is drawn."""
    return image_of((st.session_state.get(_DRAWING) or {}).get("picture") or "")
