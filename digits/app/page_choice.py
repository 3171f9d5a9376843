"""The pages of a document, as thumbnails of which a visitor chooses one."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.language import say, say_number
from digits.app.pictures import data_url
from digits.errors import ImageError
from digits.images.decode import open_image
from digits.images.limits import ImageLimits

# The longer side of a thumbnail, in pixels; a page is decoded at no fewer.
_SIDE = 160
_WIDTH = 84
_STYLE = f"width: {_WIDTH}px; height: 96px; object-fit: contain; border: 1px solid #8888; border-radius: 4px"
# The session key of the pages of the last document, so that a click does not decode all of them again.
_LAST = "last pages"


@dataclass(frozen=True)
class Pages:
    """The pages of a file.

    Args:
        key: tells the file from others.
        count: how many pages it has.
        thumbnails: small pictures of the first pages, uint8 of shape (height, width) or (height, width, 3); None for a
            page that cannot be shown. Empty for a file of one page.
    """

    key: str
    count: int
    thumbnails: tuple[npt.NDArray[np.uint8] | None, ...] = ()

    @property
    def chosen(self) -> int:
        """The page that the visitor has chosen, from 1."""
        return int(st.session_state.get(self._chosen_key, 1))

    @property
    def _chosen_key(self) -> str:
        return f"page of {self.key}"

    def show(self) -> None:
        """Shows the thumbnails, with a button below each; nothing for a file of one page."""
        if self.count == 1:
            return
        with st.container(horizontal=True, key="pages"):
            for number, thumbnail in enumerate(self.thumbnails, 1):
                with st.container(width=_WIDTH):
                    source = "" if thumbnail is None else f'src="{data_url(thumbnail, _SIDE)}"'
                    st.html(f'<img {source} alt="{say("Page {number}, small", number=number)}" style="{_STYLE}">')
                    st.button(
                        say("Page {number}", number=number),
                        key=f"{self._chosen_key} {number}",
                        type="primary" if number == self.chosen else "secondary",
                        on_click=self._choose,
                        args=(number,),
                        width="stretch",
                    )
        if self.count > len(self.thumbnails):
            key = f"{self._chosen_key} number"
            st.number_input(
                say("Page, of {count}", count=say_number(f"{self.count:,}")),
                1,
                self.count,
                self.chosen,
                key=key,
                on_change=lambda: self._choose(int(st.session_state[key])),
                width=160,
            )

    def _choose(self, number: int) -> None:
        st.session_state[self._chosen_key] = number


def pages_of(file: bytes, limits: ImageLimits) -> Pages:
    """Returns the pages of an image file, unless it is the one that the session has asked for last.

    Raises:
        ImageError: the file cannot be opened.
    """
    key = hashlib.sha256(file).hexdigest()[:16]
    last: Pages | None = st.session_state.get(_LAST)
    if last is None or last.key != key:
        last = st.session_state[_LAST] = _open(key, file, limits)
    return last


def _open(key: str, file: bytes, limits: ImageLimits) -> Pages:
    with open_image(file, limits) as opened:
        if opened.pages == 1:
            return Pages(key, 1)
        thumbnails: list[npt.NDArray[np.uint8] | None] = []
        for number in range(1, min(opened.pages, limits.max_pages) + 1):
            try:
                opened.turn_to(number)
                thumbnails.append(opened.decode(_SIDE))
            except ImageError:
                # Whoever chooses the page is told what is wrong with it.
                thumbnails.append(None)
        return Pages(key, opened.pages, tuple(thumbnails))
