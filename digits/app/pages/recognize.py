"""The page that recognizes one digit."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from digits.app.components.answer import show_answer
from digits.app.components.batch_table import chosen_file, show_table
from digits.app.components.canvas import Drawing, ShownPicture, show_canvas
from digits.app.components.details import show_details, show_reasons
from digits.app.components.paste import paste_zone
from digits.app.components.samples import Sample, choose_sample
from digits.app.last_picture import remember
from digits.app.models import chosen_models
from digits.app.pages.numbers import UPLOAD_TYPES, numbers_page, take_picture
from digits.app.pictures import data_url
from digits.app.reading import Answered, read, read_once
from digits.app.samples import SAMPLES
from digits.recognizer import Prediction, Recognizer

# Session keys: what is on the stage, whether the camera is open, and how many uploads there were, which numbers the
# uploader, so that each upload meets an empty one.
STAGE = "stage"
_CAMERA = "camera open"
_UPLOADS = "uploads"
_INVITATION = "Draw a digit from 0 to 9, or give a picture of one"
# The longer side of a picture on the stage, in pixels.
_SHOWN_SIDE = 720


@dataclass(frozen=True)
class OnStage:
    """What the stage shows.

    Args:
        name: the picture's name, which tells it from others; "" for a drawing.
        file: the image file; None if nothing is drawn.
        live: whether a stroke is still going on.
        files: the files of an upload of several.
    """

    name: str = ""
    file: bytes | None = None
    live: bool = False
    files: tuple[UploadedFile, ...] = ()


def recognize_page() -> None:
    """Shows the stage: every way to give a picture, and the answer beside it."""
    st.html('<h1 class="digits-hidden">Which digit is this?</h1>')
    recognizer, others = chosen_models()
    _stage(recognizer, others)
    st.caption(f"Reads with {recognizer.description}.")


@st.fragment
def _stage(recognizer: Recognizer, others: tuple[Recognizer, ...]) -> None:
    """The part of the page that runs again after each stroke."""
    stage = st.session_state.get(STAGE, OnStage())
    file = stage.file
    if stage.files:
        file = chosen_file(recognizer, stage.files, others).getvalue()
    answered = None
    if file is not None:
        answered = read(recognizer, file) if stage.live else read_once(recognizer, file)
    # While a stroke goes on, the rest of the page stays as the last stroke has left it.
    finished = st.session_state.get("finished") if stage.live else answered
    st.session_state["finished"] = finished
    giving, answering = st.columns([1, 1], gap="medium")
    with giving:
        _give(stage, answered)
    with answering:
        show_answer(None if answered is None else answered.answer, invitation=_INVITATION, live=stage.live)
        if finished is not None:
            if not stage.live and finished.pixels is not None and file is not None:
                remember(file)
            if show_details(recognizer, finished, others) and file is not None:
                take_picture(file)
                st.switch_page(st.Page(numbers_page, url_path="read"))
            if isinstance(finished.answer, Prediction):
                show_reasons(recognizer, finished.answer)
    if stage.files:
        show_table(recognizer, stage.files, others)
    else:
        _samples()


def _give(stage: OnStage, answered: Answered | None) -> None:
    """Shows the picture or the canvas, and under it the other ways to give a picture."""
    camera_open = st.session_state.get(_CAMERA, False)
    if camera_open:
        st.camera_input("Photo of one digit", key="camera", on_change=_keep_photo, label_visibility="collapsed")
    else:
        show_canvas("canvas", _shown(stage, answered), _keep_drawing, label="Draw a digit here")
    with st.container(horizontal=True, key="ways"):
        st.file_uploader(
            "Upload pictures of digits",
            type=UPLOAD_TYPES,
            accept_multiple_files=True,
            key=_uploader_key(),
            on_change=_keep_uploads,
            label_visibility="collapsed",
            width=150,
        )
        paste_zone("paste", _keep_pasted)
        st.button(
            "Draw" if camera_open else "Camera",
            key="open camera",
            icon=":material/edit:" if camera_open else ":material/photo_camera:",
            on_click=_open_camera,
            args=(not camera_open,),
        )


def _shown(stage: OnStage, answered: Answered | None) -> ShownPicture:
    if not stage.name or answered is None or answered.pixels is None:
        return ShownPicture(stage.name)
    return ShownPicture(stage.name, data_url(answered.pixels, _SHOWN_SIDE), "The picture that you gave")


def _samples() -> None:
    files = sorted(SAMPLES.glob("*.png"))
    choose_sample("samples", [Sample(file, f"Sample: {_described(file.stem)}") for file in files], _keep_sample)


def _described(stem: str) -> str:
    digit, how = stem.split("_", 1)
    return f"{'an' if digit == '8' else 'a'} {digit}, {how.replace('_', ' ')}"


def _uploader_key() -> str:
    return f"upload {st.session_state.get(_UPLOADS, 0)}"


def put_on_stage(name: str, file: bytes | None, files: Sequence[UploadedFile] = ()) -> None:
    """Shows a picture on the stage from the next run on, in the place of what was there.

    Args:
        name: how it was given.
        file: the image file.
        files: the files of an upload of several.
    """
    count = st.session_state["pictures given"] = st.session_state.get("pictures given", 0) + 1
    st.session_state[STAGE] = OnStage(f"{name} {count}", file, files=tuple(files))
    st.session_state[_CAMERA] = False


def _keep_drawing(drawing: Drawing) -> None:
    st.session_state[STAGE] = OnStage(file=drawing.file, live=drawing.live)


def _keep_sample(sample: Sample) -> None:
    put_on_stage("sample", sample.file.read_bytes())


def _keep_pasted(picture: bytes) -> None:
    put_on_stage("paste", picture)


def _keep_uploads() -> None:
    uploads = st.session_state.get(_uploader_key()) or []
    if len(uploads) == 1:
        put_on_stage("upload", uploads[0].getvalue())
    elif uploads:
        put_on_stage("uploads", None, uploads)
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def _keep_photo() -> None:
    photo = st.session_state["camera"]
    if photo is not None:
        put_on_stage("camera", photo.getvalue())


def _open_camera(open_: bool) -> None:
    st.session_state[_CAMERA] = open_
