"""Composes the app: its pages and its menu."""

from pathlib import Path

import streamlit as st

from digits.app.pages.api import api_page
from digits.app.pages.model import model_page
from digits.app.pages.numbers import numbers_page
from digits.app.pages.recognize import recognize_page
from digits.app.samples import SAMPLES
from digits.errors import DigitsError


def main() -> None:
    """Shows the page that was asked for."""
    st.set_page_config(
        page_title="Digits",
        page_icon=str(SAMPLES / "7_stylus.png"),
        # The menu, with its choice of a light or dark theme, only appears if it has an entry.
        menu_items={"About": "Digits reads handwritten digits, and says so when it cannot."},
    )
    st.html(Path(__file__).with_name("page.css"))
    pages = [
        st.Page(recognize_page, title="Try it", icon=":material/edit:", default=True),
        st.Page(numbers_page, title="Read a number", icon=":material/pin:", url_path="read"),
        st.Page(model_page, title="The model", icon=":material/show_chart:", url_path="model"),
        st.Page(api_page, title="API", icon=":material/code:", url_path="api"),
    ]
    try:
        st.navigation(pages, position="top").run()
    except DigitsError as error:
        st.error(str(error))
