"""The answer to one picture."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from digits.errors import ImageError
from digits.image import decode
from digits.recognizer import Prediction, Recognizer
from ui.pictures import BLUE, GRAY, for_display

_STAGE_WIDTH = 160


def show_answer(recognizer: Recognizer, image: bytes) -> None:
    """The answer to an image file, or why there is none."""
    try:
        pixels = decode(image, recognizer.limits)
        prediction = recognizer.recognize_pixels(pixels)
    except ImageError as error:
        st.error(str(error))
        return
    yours, answer = st.columns(2)
    with yours:
        st.image(for_display(pixels), caption="The image")
    with answer:
        if prediction.reason is not None:
            st.warning(_doubt(prediction))
        if prediction.reason != "not_a_digit":
            st.header(f"Predicted digit: {prediction.digit}", anchor=False)
        st.write(f"Confidence: {prediction.confidence_text}")
        st.altair_chart(_probability_chart(prediction), width="stretch")
        seen = prediction.normalized.image.repeat(6, axis=0).repeat(6, axis=1)
        st.image(seen, caption="What the network saw: 28 x 28 pixels")
    with st.expander("How the picture became that"), st.container(horizontal=True):
        for stage in prediction.normalized.stages:
            st.image(for_display(stage.image), caption=stage.name, width=_STAGE_WIDTH)


def _doubt(prediction: Prediction) -> str:
    """Why the answer is not to be trusted, and what helps."""
    if prediction.reason == "not_a_digit":
        return "This does not look like a digit. If it is one, write it again, larger and alone in the picture."
    first, second = np.argsort(-prediction.probabilities)[:2]
    return f"Not sure: perhaps {first}, perhaps {second}. Write it again, more clearly."


def _probability_chart(prediction: Prediction) -> alt.Chart:
    table = pd.DataFrame({"digit": range(10), "probability": prediction.probabilities})
    chart = alt.Chart(table, height=180, title="Probability of each digit").mark_bar()
    return chart.encode(
        x=alt.X("digit:O", axis=alt.Axis(labelAngle=0, title=None)),
        y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", title=None)),
        color=alt.condition(alt.datum.digit == prediction.digit, alt.value(BLUE), alt.value(GRAY)),
        tooltip=[alt.Tooltip("digit:O"), alt.Tooltip("probability:Q", format=".2%")],
    )
