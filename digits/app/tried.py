"""The picture that a visitor tried last, from whatever way in."""

import io
from dataclasses import dataclass

import streamlit as st
from PIL import Image

_LAST = "tried last"


@dataclass(frozen=True)
class Tried:
    """An image file.

    Args:
        file: its bytes.
        kind: its format, such as PNG.
    """

    file: bytes
    kind: str

    @property
    def name(self) -> str:
        """A name for the file, such as digit.png."""
        return f"digit.{self.kind.lower()}"

    @property
    def media_type(self) -> str:
        """Such as image/png."""
        return Image.MIME.get(self.kind, "application/octet-stream")

    @classmethod
    def of(cls, file: bytes) -> "Tried":
        """An image file that can be opened."""
        with Image.open(io.BytesIO(file)) as image:
            kind = image.format or ""
            # What phones call a JPEG in which a second picture lies behind the first; it is a JPEG file all the same.
            return cls(file, "JPEG" if kind == "MPO" else kind)


def remember(file: bytes) -> None:
    """Keeps an image file, which can be opened, as the one that was tried last."""
    st.session_state[_LAST] = file


def tried_last() -> Tried | None:
    """The picture that was tried last, or None."""
    file = st.session_state.get(_LAST)
    return None if file is None else Tried.of(file)
