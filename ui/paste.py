"""A picture from the clipboard: with a key anywhere on the page, or with a button."""

from collections.abc import Callable

import streamlit as st

from digits.image import ImageLimits
from ui.parts import image_of, part

_KEY = "paste"
_PICTURE = "pasted picture"
_HTML = '<div class="buttons"><button type="button">Paste from the clipboard</button></div>'
_PROBLEMS = {
    "none": "There is no picture on the clipboard. Copy one first: a screenshot, or a picture on a web page.",
    "large": f"This picture is larger than {ImageLimits.max_bytes // 1024**2} MB. Copy a part of it.",
    "keys": "This browser does not let the button read the clipboard. Press Ctrl+V (on a Mac ⌘V) instead.",
    "refused": "The browser was not allowed to read the clipboard. Allow it, or press Ctrl+V (on a Mac ⌘V) instead.",
}


def paste_zone(on_picture: Callable[[], None]) -> None:
    """Shows the button, and takes pictures that are pasted; `on_picture` is called after each."""

    def keep() -> None:
        if (picture := image_of(st.session_state[_KEY]["picture"] or "")) is not None:
            st.session_state[_PICTURE] = picture
            on_picture()

    part("paste", _HTML, "buttons")(
        key=_KEY,
        data={"max_bytes": ImageLimits.max_bytes},
        on_picture_change=keep,
        on_problem_change=_tell,
    )


def pasted_image() -> bytes | None:
    """The image file that was pasted last, or None."""
    picture: bytes | None = st.session_state.get(_PICTURE)
    return picture


def _tell() -> None:
    """A note over the page, since it may have been pasted wherever the person was."""
    if (sentence := _PROBLEMS.get(st.session_state[_KEY]["problem"])) is not None:
        st.toast(sentence, icon=":material/content_paste:", duration="long")
