"""Takes a picture from the clipboard, with Ctrl+V anywhere on the page or with a button."""

import html
from collections.abc import Callable

import streamlit as st

from digits.app.components.browser import browser_component, image_of
from digits.app.language import say
from digits.explain.speech import later
from digits.images.limits import ImageLimits

_PROBLEMS = {
    "none": later("There is no picture on the clipboard. Copy one first: a screenshot, or a picture on a web page."),
    "large": later("This picture is larger than {size} MB. Copy a part of it."),
    "keys": later("This browser does not let the button read the clipboard. Press Ctrl+V (on a Mac ⌘V) instead."),
    "refused": later(
        "The browser was not allowed to read the clipboard. Allow it, or press Ctrl+V (on a Mac ⌘V) instead."
    ),
}


def paste_zone(key: str, on_picture: Callable[[bytes], None]) -> None:
    """Shows the button and takes pictures that are pasted.

    Args:
        key: the component's session key.
        on_picture: called with each image file.
    """

    def keep() -> None:
        if (picture := image_of(st.session_state[key]["picture"] or "")) is not None:
            on_picture(picture)

    # Named before its script runs, for those who listen to the page.
    content = f'<div class="buttons"><button type="button">{html.escape(say("Paste"))}</button></div>'
    browser_component("paste", content, "buttons")(
        key=key,
        width="content",
        data={"max_bytes": ImageLimits.max_bytes},
        on_picture_change=keep,
        on_problem_change=lambda: _tell(st.session_state[key]["problem"]),
    )


def _tell(problem: str | None) -> None:
    """Says what is wrong in a note over the page, which is seen wherever the person has scrolled."""
    if (sentence := _PROBLEMS.get(problem or "")) is not None:
        st.toast(say(sentence, size=ImageLimits.max_bytes // 1024**2), icon=":material/content_paste:", duration="long")
