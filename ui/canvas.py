"""A canvas to draw a digit on, with mouse, pen or finger."""

import base64
import binascii
import functools
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
_KEY = "canvas"
_URL_START = "data:image/png;base64,"
_HTML = """
<canvas width="560" height="560" role="img" aria-label="Draw a digit here"></canvas>
<div class="buttons">
  <button type="button" data-do="undo">Undo</button>
  <button type="button" data-do="clear">Clear</button>
</div>
"""


def draw_canvas(on_change: Callable[[], None]) -> None:
    """Shows the canvas; `on_change` is called after each stroke, undo and clear."""
    _component()(key=_KEY, on_drawing_change=on_change)


def drawn_image() -> bytes | None:
    """The drawing as a PNG file, or None if nothing is drawn."""
    state = st.session_state.get(_KEY) or {}
    return png_of(state.get("drawing") or "")


def png_of(url: str) -> bytes | None:
    """The PNG file in a data URL, or None if it is no such URL."""
    if not url.startswith(_URL_START):
        return None
    try:
        return base64.b64decode(url.removeprefix(_URL_START), validate=True)
    except binascii.Error:
        return None


@functools.cache
def _component() -> ComponentRenderer:
    script, style = ((_HERE / f"canvas.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component("digits_canvas", html=_HTML, css=style, js=script)
