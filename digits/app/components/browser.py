"""Components that run in the browser, the pictures that they send, and styles."""

import base64
import binascii
import functools
import hashlib
import re
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

_HERE = Path(__file__).parent
_URL_START = re.compile(r"data:image/[\w.+-]+;base64,")


@functools.cache
def browser_component(name: str, html: str, *styles: str) -> ComponentRenderer:
    """Makes a component that runs in the browser.

    Args:
        name: the name of the component and of its script in this folder, without .js.
        html: its content.
        styles: the names of its style sheets in this folder, without .css.
    """
    css = "".join((_HERE / f"{style}.css").read_text(encoding="utf-8") for style in styles)
    script = (_HERE / f"{name}.js").read_text(encoding="utf-8")
    # Two components of one script and different HTML need different names.
    name = f"digits_{name}_{hashlib.sha256(html.encode()).hexdigest()[:8]}"
    return st.components.v2.component(name, html=html, css=css, js=script)


def add_style(rules: str) -> None:
    """Adds CSS rules to the page, which a note over the page leaves as they are.

    Streamlit puts HTML that is nothing but a style among the notes. A note that a callback of a fragment shows would
    take its place there.

    Args:
        rules: the rules, without a <style> tag.
    """
    st.html(f'<style>{rules}</style><span class="digits-hidden"></span>')


def image_of(url: str) -> bytes | None:
    """Returns the image file in a data URL, or None if the text is no data URL of an image."""
    start = _URL_START.match(url)
    if start is None:
        return None
    try:
        return base64.b64decode(url[start.end() :], validate=True)
    except binascii.Error:
        return None
