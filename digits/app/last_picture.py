"""The picture that a visitor tried last, however it was given."""

from dataclasses import dataclass

import streamlit as st

from digits.images.formats import format_of

# Its session key.
_LAST = "last picture"


@dataclass(frozen=True)
class LastPicture:
    """An image file.

    Args:
        file: the file's bytes.
        kind: the name of its format in `digits.images.formats`, such as PNG.
        media_type: the media type, such as image/png.
    """

    file: bytes
    kind: str
    media_type: str

    @property
    def name(self) -> str:
        """A file name, such as digit.png."""
        return f"digit.{self.kind.lower()}"

    @classmethod
    def of(cls, file: bytes) -> "LastPicture":
        """Finds the format of an image file, which must be one that Digits reads."""
        image_format = format_of(file)
        if image_format is None:
            return cls(file, "bin", "application/octet-stream")
        return cls(file, image_format.name, image_format.media_type)


def remember(file: bytes) -> None:
    """Keeps an image file as the one that was tried last."""
    st.session_state[_LAST] = file


def last_picture() -> LastPicture | None:
    """Returns the picture that was tried last, or None."""
    file = st.session_state.get(_LAST)
    return None if file is None else LastPicture.of(file)
