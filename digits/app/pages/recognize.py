"""The page that recognizes one digit."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from digits.app.components.answer import show_answer
from digits.app.components.batch_table import show_table
from digits.app.components.canvas import draw_canvas, drawn_image
from digits.app.components.paste import paste_zone
from digits.app.models import choose_recognizer
from digits.app.samples import SAMPLES
from digits.images.formats import SUFFIXES
from digits.recognizer import Recognizer

UPLOAD_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]

_SAMPLE_WIDTH = 84
_WAY = "way"


def recognize_page() -> None:
    """Shows the ways to give a picture, and its answer; for several pictures, a table."""
    st.title("Which digit is this?")
    draw, upload, paste, camera = st.tabs(["Draw", "Upload", "Paste", "Camera"], key=_WAY, on_change="rerun")
    with draw:
        st.write("Draw one digit with mouse, pen or finger.")
        drawing, beside = st.columns(2)
        with drawing:
            draw_canvas(_choose_drawing)
    with upload:
        st.write("Upload a picture of one handwritten digit: a photo, a scan or a drawing, of any size and color.")
        st.file_uploader(
            "Image, or several",
            type=UPLOAD_TYPES,
            accept_multiple_files=True,
            key="upload",
            on_change=_keep_uploads,
        )
    with paste:
        st.write("Copy a picture of a digit, and press Ctrl+V (on a Mac ⌘V) anywhere on this page.")
        paste_zone("paste", _keep_pasted)
    # Only when it is opened, since the browser then asks whether the page may use it.
    if camera.open:
        camera.camera_input("Photo of one digit", key="camera", on_change=_keep_photo)
    # Above the samples, so that on a phone the answer to a click is in sight; and before them, since it is waited for.
    answer = st.container()
    samples = st.container()
    recognizer, others = choose_recognizer()
    with answer:
        _show(recognizer, others, beside if draw.open else None)
    with samples:
        st.write("Nothing at hand? Try one of these:")
        _samples()
    st.caption(f"Reads with {recognizer.description}.")


def _show(recognizer: Recognizer, others: tuple[Recognizer, ...], beside_canvas: DeltaGenerator | None) -> None:
    """The answer to what the last click or stroke chose, if anything."""
    source = st.session_state.get("source")
    if source == "upload":
        uploads = st.session_state.get("uploads") or []
        if len(uploads) > 1:
            show_table(recognizer, uploads, others)
        elif uploads:
            show_answer(recognizer, uploads[0].getvalue(), others)
    elif source == "camera":
        if (photo := st.session_state.get("photo")) is not None:
            show_answer(recognizer, photo, others)
    elif source == "paste":
        if (picture := st.session_state.get("pasted")) is not None:
            show_answer(recognizer, picture, others)
    elif source == "drawing":
        if (drawing := drawn_image()) is not None:
            show_answer(recognizer, drawing, others, beside_canvas)
    elif source is not None:
        show_answer(recognizer, (SAMPLES / source).read_bytes(), others)


def _choose(source: str) -> None:
    st.session_state["source"] = source


def _choose_drawing() -> None:
    _choose("drawing")


def _keep_pasted(picture: bytes) -> None:
    st.session_state["pasted"] = picture
    # Wherever it was pasted: there the answer is in sight.
    st.session_state[_WAY] = "Paste"
    _choose("paste")


def _keep_uploads() -> None:
    """Keeps the files at hand when the page is left."""
    st.session_state["uploads"] = st.session_state["upload"]
    _choose("upload")


def _keep_photo() -> None:
    """Keeps the photo at hand when the camera is closed."""
    photo = st.session_state["camera"]
    st.session_state["photo"] = None if photo is None else photo.getvalue()
    _choose("camera")


def _samples() -> None:
    with st.container(horizontal=True):
        for file in sorted(SAMPLES.glob("*.png")):
            digit, how = file.stem.split("_", 1)
            how = how.replace("_", " ")
            with st.container(width=_SAMPLE_WIDTH):
                st.image(str(file), width="stretch", alt=f"A {digit}, {how}")
                st.button(how, key=f"sample {digit}", on_click=_choose, args=(file.name,), width="stretch")
