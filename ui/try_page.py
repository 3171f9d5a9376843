"""The page where a picture becomes a digit."""

from pathlib import Path

import streamlit as st

import digits
from digits.sources import SUFFIXES
from ui.answer import show_answer
from ui.models import choose_recognizer

SAMPLES = Path(digits.__file__).parent / "samples"
UPLOAD_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]

_SAMPLE_WIDTH = 84


def try_page() -> None:
    """An image in, the digit beside it."""
    st.title("Which digit is this?")
    st.write("Upload a picture of one handwritten digit: a photo, a scan or a drawing, of any size and color.")
    st.file_uploader("Image", type=UPLOAD_TYPES, key="upload", on_change=_choose, args=("upload",))
    # Above the samples, so that on a phone the answer to a click is in sight.
    answer = st.container()
    st.write("Nothing at hand? Try one of these:")
    _samples()
    recognizer, others = choose_recognizer()
    if (image := _chosen_image()) is not None:
        with answer:
            show_answer(recognizer, image, others)
    st.caption(f"Reads with {recognizer.description}.")


def _choose(source: str) -> None:
    st.session_state["source"] = source


def _samples() -> None:
    with st.container(horizontal=True):
        for file in sorted(SAMPLES.glob("*.png")):
            digit, how = file.stem.split("_", 1)
            with st.container(width=_SAMPLE_WIDTH):
                st.image(str(file), width="stretch")
                how = how.replace("_", " ")
                st.button(how, key=f"sample {digit}", on_click=_choose, args=(file.name,), width="stretch")


def _chosen_image() -> bytes | None:
    """The image that the last click or upload chose, or None."""
    source = st.session_state.get("source")
    if source == "upload":
        upload = st.session_state.get("upload")
        return None if upload is None else bytes(upload.getvalue())
    return None if source is None else (SAMPLES / source).read_bytes()
