"""A canvas to draw a digit on, with mouse, pen or finger."""

from collections.abc import Callable

import streamlit as st

from ui.parts import image_of, part

_KEY = "canvas"
_HTML = """
<canvas width="560" height="560" tabindex="0" role="application" aria-label="Draw a digit here"
  aria-keyshortcuts="Backspace Control+Z Delete"></canvas>
<div class="buttons">
  <button type="button" data-do="undo" title="Backspace or Ctrl+Z, on the canvas">Undo</button>
  <button type="button" data-do="clear" title="Delete, on the canvas">Clear</button>
</div>
"""


def draw_canvas(on_change: Callable[[], None]) -> None:
    """Shows the canvas; `on_change` is called after each stroke, undo and clear."""
    part("canvas", _HTML, "buttons", "canvas")(key=_KEY, on_drawing_change=on_change)


def drawn_image() -> bytes | None:
    """The drawing as a PNG file, or None if nothing is drawn."""
    state = st.session_state.get(_KEY) or {}
    return image_of(state.get("drawing") or "")
