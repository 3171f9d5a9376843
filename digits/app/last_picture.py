"""The picture that a visitor tried last, however it was given."""

import io
from dataclasses import dataclass

import streamlit as st
from PIL import Image

# Its session key.
_LAST = "last picture"


@dataclass(frozen=True)
class LastPicture:
    """An image file.

    Args:
        file: the file's bytes.
        kind: Pillow's name of its format, such as PNG.
    """

    file: bytes
    kind: str

    @property
    def name(self) -> str:
        """A file name, such as digit.png."""
        return f"digit.{self.kind.lower()}"

    @property
    def media_type(self) -> str:
        """The media type, such as image/png."""
        return Image.MIME.get(self.kind, "application/octet-stream")

    @classmethod
    def of(cls, file: bytes) -> "LastPicture":
        """Finds the format of an image file, which must be one that Pillow opens."""
        with Image.open(io.BytesIO(file)) as image:
            kind = image.format or ""
            # MPO is a JPEG file with further pictures behind the first, as some phones write it.
            return cls(file, "JPEG" if kind == "MPO" else kind)


def remember(file: bytes) -> None:
    """Keeps an image file as the one that was tried last."""
    st.session_state[_LAST] = file


def last_picture() -> LastPicture | None:
    """Returns the picture that was tried last, or None."""
    file = st.session_state.get(_LAST)
    return None if file is None else LastPicture.of(file)
