"""Asks whether an answer is right, and keeps the picture only after a click."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.errors import FeedbackError
from digits.feedback import LABELS, NO_DIGIT, Feedback, FeedbackStore, content_digest, feedback_file
from digits.recognizer import Prediction, Recognizer

_LABEL_TEXTS = {NO_DIGIT: "no digit"}
# The picture that was kept last, and the one on the page since: another, if it came while the button was pressed.
_LAST = "feedback last"


def ask_for_feedback(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], prediction: Prediction | None) -> None:
    """Asks whether an answer is right, unless feedback is switched off; says so if the picture is kept already.

    Args:
        recognizer: that answered.
        pixels: of the picture, uint8 of shape (height, width) or (height, width, 3).
        prediction: the answer, or None if there was an error in its place.
    """
    file = feedback_file()
    if file is None:
        return
    store, picture = FeedbackStore(file), content_digest(pixels)
    if (problem := st.session_state.get(_problem_of(picture))) is not None:
        st.error(problem)
    try:
        kept_last = _kept_since(picture)
        if kept_last not in (None, picture):
            _say_if_kept(store, kept_last, "The picture before this one")
        if _say_if_kept(store, picture, "Thank you. The picture" if kept_last == picture else "This picture"):
            return
    except FeedbackError as error:
        st.error(str(error))
        return
    digit, confidence = ("", 0.0) if prediction is None else (str(prediction.digit), prediction.confidence)

    def keep(label: str | None) -> None:
        if label is not None:
            feedback = Feedback(label, digit, confidence, recognizer.card.onnx_sha256)
            _keep(store, pixels, feedback, picture)

    with st.container(horizontal=True):
        if (right := _label_if_right(prediction)) is not None:
            # With a key of its own for each picture: a click on it is never one on the next picture's.
            st.button("Right", key=f"right {picture}", icon=":material/check:", on_click=keep, args=(right,))
        with st.popover("It was a …", key="wrong", icon=":material/close:"):
            key = f"label {picture}"
            st.pills(
                "What does the picture show?",
                [label for label in LABELS if label != right],
                format_func=lambda label: _LABEL_TEXTS.get(label, label),
                key=key,
                on_change=lambda: keep(st.session_state.get(key)),
            )
    st.caption(
        "A click on one of these keeps the picture, what it shows, the answer, which model gave it and when, in "
        f"{file} on the computer that runs this page, for `digits feedback export`. Without a click nothing is kept."
    )


def _label_if_right(prediction: Prediction | None) -> str | None:
    """What the picture shows if the answer is right; None if it does not commit itself."""
    if prediction is None or prediction.reason == "low_confidence":
        return None
    return NO_DIGIT if prediction.reason == "not_a_digit" else str(prediction.digit)


def _in_words(label: str) -> str:
    return _LABEL_TEXTS.get(label, f"an {label}" if label == "8" else f"a {label}")


def _say_if_kept(store: FeedbackStore, picture: str, which: str) -> bool:
    """Whether a picture is kept, by whomever; if it is, says so and lets it be taken back."""
    label = store.label_of(picture)
    if label is None:
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(f"{which} is kept as {_in_words(label)} in {store.path}.")
        st.button("Take it back", key=f"take back {picture}", on_click=_take_back, args=(store, picture))
    return True


def _kept_since(picture: str) -> str | None:
    """The picture that this visitor's last click has kept, as long as the page shows what it showed right after it."""
    kept, beside = st.session_state.get(_LAST, (None, None))
    if kept is None or beside not in (None, picture):
        return None
    st.session_state[_LAST] = (kept, picture)
    return str(kept)


def _problem_of(picture: str) -> str:
    return f"feedback problem {picture}"


def _keep(store: FeedbackStore, pixels: npt.NDArray[np.uint8], feedback: Feedback, picture: str) -> None:
    try:
        store.keep(pixels, feedback)
    except FeedbackError as error:
        st.session_state[_problem_of(picture)] = str(error)
    else:
        st.session_state.pop(_problem_of(picture), None)
        st.session_state[_LAST] = (picture, None)


def _take_back(store: FeedbackStore, picture: str) -> None:
    try:
        store.take_back(picture)
    except FeedbackError as error:
        st.session_state[_problem_of(picture)] = str(error)
