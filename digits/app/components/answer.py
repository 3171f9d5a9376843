"""The answer to one picture: the digit, how sure the network is, what it saw, and why."""

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from digits.app.components.feedback import ask_for_feedback
from digits.app.components.heat_map import heat_map
from digits.app.last_picture import remember
from digits.app.pictures import BLUE, GRAY, for_display
from digits.errors import ImageError, NoInkError, SeveralDigitsError
from digits.explain.diagnosis import Hint, diagnose, hints_without_ink
from digits.explain.occlusion import Explanation, explain
from digits.explain.wording import disagree, second_opinion, word
from digits.images.decode import OpenedImage, open_image
from digits.recognizer import Prediction, Recognizer

_STAGE_WIDTH = 140
_MAP_WIDTH = 280


def show_answer(
    recognizer: Recognizer,
    image: bytes,
    others: tuple[Recognizer, ...] = (),
    beside: DeltaGenerator | None = None,
) -> None:
    """The answer to an image file, or why there is none.

    Args:
        recognizer: that answers.
        image: an image file.
        others: whose opinion is given beside it.
        beside: where digit and sentence go if the picture is in sight already, and is not to be shown once more.
    """
    try:
        opened = open_image(image, recognizer.limits)
        pixels = opened.decode()
    except ImageError as error:
        st.error(str(error))
        return
    remember(image)
    if beside is None:
        # The answer first: on a phone the second column comes below the first.
        beside, yours = st.columns(2)
        yours.image(for_display(pixels), caption="The image", alt="The image as you gave it")
    try:
        prediction = recognizer.recognize_pixels(pixels)
    except ImageError as error:
        beside.error(str(error))
        if isinstance(error, SeveralDigitsError):
            beside.info("To read all of them, take it to the page Read a number, above.")
        if isinstance(error, NoInkError) and (hints := hints_without_ink(pixels)):
            beside.info(_in_lines(hints))
        ask_for_feedback(recognizer, pixels, None)
        return
    with beside:
        _digit(opened, pixels, prediction)
        for other in others:
            _second_opinion(prediction, pixels, other)
    ask_for_feedback(recognizer, pixels, prediction)
    st.altair_chart(
        _probability_chart(prediction),
        width="stretch",
        alt=f"The probability of each digit; the highest is that of {prediction.digit}, {prediction.confidence_text}",
    )
    _what_it_saw(prediction)
    # Nothing spoke for a digit where there is none.
    if prediction.reason != "not_a_digit":
        _why(recognizer, prediction)


def _digit(opened: OpenedImage, pixels: npt.NDArray[np.uint8], prediction: Prediction) -> None:
    """The digit and the sentence; if it is not sure, what may be the matter and what to try."""
    answer = word(prediction)
    shown = str(prediction.digit) if prediction.accepted else "?"
    spoken = f"Predicted digit: {prediction.digit}" if prediction.accepted else "No digit for sure"
    color = BLUE if prediction.accepted else GRAY
    # Streamlit's largest heading is a third of this.
    st.html(
        f'<div role="img" aria-label="{spoken}" style="font-size: 9rem; line-height: 0.9; font-weight: 700; '
        f'color: {color}">{shown}</div>'
    )
    st.header(answer.sentence, anchor=False)
    if answer.certainty != "none":
        st.caption(f"Confidence: {prediction.confidence_text}")
    if answer.certainty != "sure":
        side = max(opened.width, opened.height)
        reduced = side > max(pixels.shape[:2])
        st.warning(_in_lines(diagnose(pixels, prediction, (lambda: opened.decode(side)) if reduced else None)))


def _in_lines(hints: list[Hint]) -> str:
    return "\n".join(f"- {hint.why} {hint.what_to_try}" for hint in hints)


def _second_opinion(prediction: Prediction, pixels: npt.NDArray[np.uint8], other: Recognizer) -> None:
    try:
        second = other.recognize_pixels(pixels)
    except ImageError as error:
        st.warning(f"Second opinion, from {other.name}: {error}")
        return
    sentence = second_opinion(prediction, second, other.name)
    if disagree(prediction, second):
        st.warning(sentence)
    else:
        st.caption(sentence)


def _probability_chart(prediction: Prediction) -> alt.Chart:
    table = pd.DataFrame({"digit": range(10), "probability": prediction.probabilities})
    chart = alt.Chart(table, height=180, title="Probability of each digit").mark_bar()
    return chart.encode(
        x=alt.X("digit:O", axis=alt.Axis(labelAngle=0, title=None)),
        y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", title=None)),
        color=alt.condition(alt.datum.digit == prediction.digit, alt.value(BLUE), alt.value(GRAY)),
        tooltip=[alt.Tooltip("digit:O"), alt.Tooltip("probability:Q", format=".2%")],
    )


def _what_it_saw(prediction: Prediction) -> None:
    with st.expander("What the network saw"), st.container(horizontal=True):
        for stage in prediction.normalized.stages:
            st.image(for_display(stage.image), caption=stage.name, alt=stage.name, width=_STAGE_WIDTH)


def _why(recognizer: Recognizer, prediction: Prediction) -> None:
    """Only when it is opened, and once for each picture: the network is asked once for each of its pixels."""
    why = st.expander(f"Why {prediction.digit}?", key="why", on_change="rerun")
    if not why.open:
        return
    image = prediction.normalized.image
    with why, st.container(horizontal=True, vertical_alignment="center"):
        st.image(
            heat_map(image, _explanation(recognizer, recognizer.digest, image, prediction.digit)),
            width=_MAP_WIDTH,
            alt="The digit, colored by how much each place spoke for the answer",
        )
        with st.container(width=_MAP_WIDTH):
            st.write(
                f"**Blue** spoke for {prediction.digit}: without this ink, or with ink in this empty place, the "
                "network would be less sure. **Orange** spoke against it. Gray hardly mattered."
            )
            st.caption("Found by erasing ink, or adding some, at each place in turn, and asking the network again.")


@st.cache_data(max_entries=64, show_spinner=False)
def _explanation(_recognizer: Recognizer, digest: str, image: npt.NDArray[np.uint8], digit: int) -> Explanation:
    """Explains an answer once, not at every rerun; `digest` is the model's, of which the cache knows nothing else."""
    del digest
    return explain(image, digit, _recognizer.classify)
