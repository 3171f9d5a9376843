"""A strip of sample pictures, each of which is a button."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from digits.app.components.browser import browser_component
from digits.app.language import say
from digits.app.pictures import data_url
from digits.images.decode import decode

_HTML = '<div class="strip" role="group"></div>'
# The longer side of a picture in the strip, in pixels; a screen may show two of them for each of its own.
_SIDE = 160


@dataclass(frozen=True)
class Sample:
    """A picture in the strip.

    Args:
        file: its file.
        label: what it shows, such as "Sample: a 4, chalk".
    """

    file: Path
    label: str


def choose_sample(key: str, samples: Sequence[Sample], on_choice: Callable[[Sample], None]) -> None:
    """Shows the strip.

    Args:
        key: the component's session key.
        samples: the pictures, from left to right.
        on_choice: called with the picture that was clicked.
    """

    def keep() -> None:
        chosen = st.session_state[key]["chosen"]
        for sample in samples:
            if sample.file.name == chosen:
                on_choice(sample)

    shown = [{"name": sample.file.name, "label": sample.label, "url": _thumbnail(sample.file)} for sample in samples]
    browser_component("samples", _HTML, "samples")(
        key=key, data={"samples": shown, "name": say("Sample pictures")}, on_chosen_change=keep
    )


@functools.cache
def _thumbnail(file: Path) -> str:
    return data_url(decode(file.read_bytes()), _SIDE)
