"""Composes the app: its pages and its menu."""

from pathlib import Path

import streamlit as st

from digits.app.components.browser import add_style
from digits.app.language import say, say_problem, set_language
from digits.app.models import choose_model, warn_of_worse_model
from digits.app.pages.classroom import class_page
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
        menu_items={"About": say("Digits reads handwritten digits, and says so when it cannot.")},
    )
    add_style(Path(__file__).with_name("page.css").read_text(encoding="utf-8"))
    pages = [
        st.Page(recognize_page, title=say("Try"), default=True),
        st.Page(numbers_page, title=say("Numbers"), url_path="read"),
        st.Page(class_page, title=say("Class"), url_path="class"),
        st.Page(_model_page, title=say("Model"), url_path="model"),
        st.Page(_api_page, title=say("API"), url_path="api"),
    ]
    page = st.navigation(pages, position="hidden")
    try:
        # Streamlit's own navigation hides behind a button on a phone.
        with st.container(horizontal=True, vertical_alignment="center", key="bar"):
            st.html('<b class="digits-brand">Digits</b>', width="content")
            for link in pages:
                st.page_link(link, width="content")
            choose_model()
            set_language()
        warn_of_worse_model()
        page.run()
    except DigitsError as error:
        st.error(say_problem(error))


# These two load packages that nothing else needs, Altair and Pydantic among them, which would make the first visitor
# wait.
def _model_page() -> None:
    from digits.app.pages.model import model_page

    model_page()


def _api_page() -> None:
    from digits.app.pages.api import api_page

    api_page()
