"""A canvas to draw on with mouse, pen or finger, which also shows pictures that were given in another way."""

import hashlib
import html
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from digits.app.components.browser import browser_component, image_of
from digits.app.language import say

# Height of the canvas in its own pixels, and the width of the pen at first.
_HEIGHT, _PEN = 560, 34


@dataclass(frozen=True)
class Drawing:
    """What is on a canvas.

    Args:
        file: the drawing as a PNG file, or None if nothing is drawn.
        live: whether a stroke is still going on.
    """

    file: bytes | None
    live: bool


@dataclass(frozen=True)
class ShownPicture:
    """A picture that the canvas shows in the place of a drawing.

    Args:
        name: tells what was given from what was given before; "" for no picture.
        url: a data URL, or None for no picture.
        alt: what the picture shows, for people who do not see it.
    """

    name: str = ""
    url: str | None = None
    alt: str = ""


def show_canvas(
    key: str,
    picture: ShownPicture,
    on_change: Callable[[Drawing], None],
    *,
    label: str,
    proportion: float = 1.0,
    live: bool = False,
    emptied: int = 0,
) -> None:
    """Shows the canvas with the drawing so far, or with a picture.

    Args:
        key: the component's session key.
        picture: the picture to show; a stroke or Clear takes it away.
        on_change: called with the drawing after each stroke, undo and clear.
        label: what to draw, for people who do not see the canvas.
        proportion: the canvas's width as a share of its height.
        live: whether `on_change` is also called while a stroke goes on.
        emptied: how often the page has emptied the canvas; a larger number empties it again.
    """
    kept, count, last = f"{key} strokes", f"{key} count", f"{key} emptied"
    if st.session_state.get(last, 0) != emptied:
        st.session_state[last] = emptied
        st.session_state[kept] = []

    def keep() -> None:
        drawing = st.session_state[key]["drawing"]
        # Outlives the component's own state, which ends when the visitor changes the page.
        st.session_state[kept] = drawing["strokes"]
        # A tab that was opened before an upgrade sends none.
        st.session_state[count] = int(drawing.get("count", 0))
        on_change(Drawing(image_of(drawing["picture"] or ""), bool(drawing["live"])))

    # Of what was given, another file or page may be shown, or its boxes may have changed.
    content = hashlib.sha256((picture.url or "").encode()).hexdigest()[:16]
    name = f"{picture.name} {content}" if picture.name else ""
    shown = {"name": name, "url": picture.url, "alt": picture.alt}
    _canvas(label, proportion)(
        key=key,
        data={
            "strokes": None if picture.url else st.session_state.get(kept),
            "picture": shown,
            "live": live,
            "emptied": emptied,
            # One digit needs no more, and half the side takes a third of the time.
            "scale": 0.5 if proportion == 1.0 else 1.0,
            # The number of the last drawing that has come, which tells the browser that it was answered.
            "count": st.session_state.get(count, 0),
        },
        on_drawing_change=keep,
    )


def _canvas(label: str, proportion: float) -> ComponentRenderer:
    width = round(proportion * _HEIGHT)
    shape = "frame" if proportion == 1.0 else "frame wide"
    texts = {
        "undo": say("Undo"),
        "undo_keys": say("Undo: Backspace or Ctrl+Z on the canvas"),
        "redo": say("Redo"),
        "redo_keys": say("Redo: Ctrl+Y on the canvas"),
        "clear": say("Clear"),
        "clear_keys": say("Clear: Delete on the canvas"),
        "pen": say("Pen"),
    }
    said = {name: html.escape(text) for name, text in texts.items()}
    content = f"""
<div class="{shape}">
  <canvas width="{width}" height="{_HEIGHT}" style="aspect-ratio: {width} / {_HEIGHT}" tabindex="0" role="application"
    aria-label="{html.escape(label)}" aria-keyshortcuts="Backspace Control+Z Control+Y Delete"></canvas>
  <span class="hint" aria-hidden="true">{html.escape(label)}</span>
  <img hidden alt="">
</div>
<div class="tools">
  <button type="button" data-do="undo" title="{said["undo_keys"]}">{said["undo"]}</button>
  <button type="button" data-do="redo" title="{said["redo_keys"]}">{said["redo"]}</button>
  <button type="button" data-do="clear" title="{said["clear_keys"]}">{said["clear"]}</button>
  <label>{said["pen"]} <input type="range" min="12" max="64" step="2" value="{_PEN}"></label>
</div>
"""
    return browser_component("canvas", content, "buttons", "canvas")
