"""Asks whether an answer is right, and keeps the picture only after a click."""

import logging
import secrets

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.language import say
from digits.errors import DigitsError, FeedbackError, NoInkError, SeveralDigitsError
from digits.explain.speech import later, with_article
from digits.feedback import LABELS, NO_DIGIT, Feedback, FeedbackStore, content_digest, feedback_file
from digits.recognizer import Prediction, Recognizer

_LABEL_TEXTS = {NO_DIGIT: later("no digit")}
# The session key of the text that tells this session's feedback from that of others.
_VISITOR = "feedback visitor"
# The session key of the picture that was kept last, and of the picture that the page has shown since.
_LAST = "feedback last"
_BEFORE = later("The picture before this one is kept as {label}.")
_THANKS = later("Thank you. The picture is kept as {label}.")
_THIS = later("This picture is kept as {label}.")
_FAILED = later("The picture could not be kept. The log of the app says why.")
_PRIVACY = later(
    "Nothing is kept unless you click on one of these. A click keeps the picture and what you said about it, together "
    "with the answer, the model and the time, on the computer that runs this page, so that a better model can be "
    "trained."
)


def ask_for_feedback(recognizer: Recognizer, pixels: npt.NDArray[np.uint8], answer: Prediction | DigitsError) -> None:
    """Asks whether an answer is right, or says that this visitor has said so: others neither see it nor take it back.

    Shows nothing if feedback is switched off.

    Args:
        recognizer: the model that answered.
        pixels: the picture, uint8 of shape (height, width) or (height, width, 3).
        answer: the answer, or why there is none. Of several digits nothing is asked: no label is true of them.
    """
    file = feedback_file()
    if file is None:
        return
    store, picture = FeedbackStore(file), content_digest(pixels)
    if st.session_state.get(_failure_of(picture)):
        st.error(say(_FAILED))
    try:
        kept_last = _kept_since(picture)
        if kept_last not in (None, picture):
            _say_if_kept(store, kept_last, _BEFORE)
        if _say_if_kept(store, picture, _THANKS if kept_last == picture else _THIS):
            return
    except FeedbackError as error:
        logging.getLogger(__name__).warning("%s", error)
        st.error(say(_FAILED))
        return
    if isinstance(answer, SeveralDigitsError):
        return
    prediction = answer if isinstance(answer, Prediction) else None
    digit, confidence = ("", 0.0) if prediction is None else (str(prediction.digit), prediction.confidence)

    def keep(label: str | None) -> None:
        if label is not None:
            feedback = Feedback(label, digit, confidence, recognizer.card.onnx_sha256)
            _keep(store, pixels, feedback, picture)

    with st.container(horizontal=True, vertical_alignment="center", key="feedback"):
        suggested = _suggested_label(answer)
        if suggested is not None:
            # A key for each picture, so that a click never counts for the next picture.
            text = (
                say("Right, no digit")
                if suggested == NO_DIGIT
                else say("Yes, {digit}", digit=with_article(suggested, say))
            )
            st.button(text, key=f"right {picture}", icon=":material/check:", on_click=keep, args=(suggested,))
        with st.popover(_correction_text(suggested), key="wrong", icon=":material/close:" if suggested else None):
            key = f"label {picture}"
            st.pills(
                say("What does the picture show?"),
                [label for label in LABELS if label != suggested],
                format_func=lambda label: say(_LABEL_TEXTS[label]) if label in _LABEL_TEXTS else label,
                key=key,
                on_change=lambda: keep(st.session_state.get(key)),
            )
        with st.popover("", key="privacy", icon=":material/info:", type="tertiary", help=say("What a click keeps")):
            st.write(say(_PRIVACY))


def _suggested_label(answer: Prediction | DigitsError) -> str | None:
    """Returns the label that confirms the answer, or None if the answer does not commit itself."""
    if isinstance(answer, NoInkError):
        return NO_DIGIT
    if isinstance(answer, DigitsError) or answer.reason == "low_confidence":
        return None
    return NO_DIGIT if answer.reason == "not_a_digit" else str(answer.digit)


def _correction_text(suggested: str | None) -> str:
    if suggested is None:
        return say("What is it?")
    return say("It is a digit …") if suggested == NO_DIGIT else say("No, it is …")


def _in_words(label: str) -> str:
    return say(_LABEL_TEXTS[label]) if label in _LABEL_TEXTS else with_article(label, say)


def _say_if_kept(store: FeedbackStore, picture: str, sentence: str) -> bool:
    """Says that this visitor has had a picture kept and offers to take it back; returns whether it is so."""
    label = store.label_of(picture, _visitor())
    if label is None:
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(say(sentence, label=_in_words(label)))
        st.button(say("Take it back"), key=f"take back {picture}", on_click=_take_back, args=(store, picture))
    return True


def _kept_since(picture: str) -> str | None:
    """Returns the picture that the visitor's last click has kept, until the page shows another picture."""
    kept, beside = st.session_state.get(_LAST, (None, None))
    if kept is None or beside not in (None, picture):
        return None
    st.session_state[_LAST] = (kept, picture)
    return str(kept)


def _visitor() -> str:
    """Returns what tells this session from others, until it ends."""
    return str(st.session_state.setdefault(_VISITOR, secrets.token_hex()))


def _failure_of(picture: str) -> str:
    return f"feedback failed {picture}"


def _keep(store: FeedbackStore, pixels: npt.NDArray[np.uint8], feedback: Feedback, picture: str) -> None:
    try:
        store.keep(pixels, feedback, _visitor())
    except FeedbackError as error:
        logging.getLogger(__name__).warning("%s", error)
        st.session_state[_failure_of(picture)] = True
    else:
        st.session_state.pop(_failure_of(picture), None)
        st.session_state[_LAST] = (picture, None)


def _take_back(store: FeedbackStore, picture: str) -> None:
    try:
        store.take_back(picture, _visitor())
    except FeedbackError as error:
        logging.getLogger(__name__).warning("%s", error)
        st.session_state[_failure_of(picture)] = True
