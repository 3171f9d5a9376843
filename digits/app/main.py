"""Composes the app: its pages and its menu."""

from pathlib import Path

import streamlit as st

from digits.app.models import choose_model, warn_of_worse_model
from digits.app.pages.api import api_page
from digits.app.pages.model import model_page
from digits.app.pages.numbers import numbers_page
from digits.app.pages.recognize import recognize_page
from digits.app.samples import SAMPLES
from digits.errors import DigitsError


def main() -> None:
    """Shows the page that was asked for, under a bar with the other pages and the models."""
    st.set_page_config(
        page_title="Digits",
        page_icon=str(SAMPLES / "7_stylus.png"),
        layout="wide",
        # The menu, with its choice of a light or dark theme, only appears if it has an entry.
        menu_items={"About": "Digits reads handwritten digits, and says so when it cannot."},
    )
    st.html(Path(__file__).with_name("page.css"))
    pages = [
        st.Page(recognize_page, title="Try", default=True),
        st.Page(numbers_page, title="Numbers", url_path="read"),
        st.Page(model_page, title="Model", url_path="model"),
        st.Page(api_page, title="API", url_path="api"),
    ]
    page = st.navigation(pages, position="hidden")
    try:
        # Streamlit's own navigation hides behind a button on a phone.
        with st.container(horizontal=True, vertical_alignment="center", key="bar"):
            st.html('<b class="digits-brand">Digits</b>', width="content")
            for link in pages:
                st.page_link(link, width="content")
            choose_model()
        warn_of_worse_model()
        page.run()
    except DigitsError as error:
        st.error(str(error))
