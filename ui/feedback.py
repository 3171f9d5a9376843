"""What a person says of an answer: two buttons, and nothing is kept without a click on one of them."""

import hashlib

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.errors import FeedbackError
from digits.feedback import LABELS, NO_DIGIT, Feedback, FeedbackStore, feedback_file
from digits.recognizer import Prediction, Recognizer

_LABEL_TEXTS = {NO_DIGIT: "no digit"}


def ask_for_feedback(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], prediction: Prediction | None) -> None:
    """Asks whether an answer is right, unless feedback is switched off.

    Args:
        recognizer: that answered.
        pixels: of the picture, uint8 of shape (height, width) or (height, width, 3).
        prediction: the answer, or None if there was an error in its place.
    """
    file = feedback_file()
    if file is None:
        return
    # What was said is remembered by picture, so that the next picture is asked about anew.
    name = f"feedback {hashlib.sha256(pixels.tobytes()).hexdigest()[:16]}"
    store = FeedbackStore(file)
    said = st.session_state.get(name)
    if isinstance(said, FeedbackError):
        st.error(str(said))
    elif said is not None:
        label, digest = said
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(f"Thank you. The picture is kept as {_in_words(label)} in {file}.")
            st.button("Take it back", key="take back", on_click=_take_back, args=(store, name, digest))
        return

    def keep(label: str | None) -> None:
        if label is None:
            return
        digit, confidence = ("", 0.0) if prediction is None else (str(prediction.digit), prediction.confidence)
        try:
            digest = store.keep(pixels, Feedback(label, digit, confidence, recognizer.card.onnx_sha256))
        except FeedbackError as error:
            st.session_state[name] = error
        else:
            st.session_state[name] = (label, digest)

    with st.container(horizontal=True):
        if (right := _label_if_right(prediction)) is not None:
            st.button("Right", key="right", icon=":material/check:", on_click=keep, args=(right,))
        with st.popover("It was a …", key="wrong", icon=":material/close:"):
            key = f"label {name}"
            st.pills(
                "What does the picture show?",
                [label for label in LABELS if label != right],
                format_func=lambda label: _LABEL_TEXTS.get(label, label),
                key=key,
                on_change=lambda: keep(st.session_state.get(key)),
            )
    st.caption(
        f"A click on one of these keeps the picture, what it shows and the answer in {file}, on the computer that runs "
        "this page, for `digits feedback export`. Without a click nothing is kept."
    )


def _label_if_right(prediction: Prediction | None) -> str | None:
    """What the picture shows if the answer is right; None if it does not commit itself."""
    if prediction is None or prediction.reason == "low_confidence":
        return None
    return NO_DIGIT if prediction.reason == "not_a_digit" else str(prediction.digit)


def _in_words(label: str) -> str:
    return _LABEL_TEXTS.get(label, f"an {label}" if label == "8" else f"a {label}")


def _take_back(store: FeedbackStore, name: str, digest: str) -> None:
    try:
        store.take_back(digest)
    except FeedbackError as error:
        st.session_state[name] = error
    else:
        del st.session_state[name]
