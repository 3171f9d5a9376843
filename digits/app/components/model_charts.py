"""The charts of the model page: training curves and the reliability diagram."""

from collections.abc import Mapping
from typing import Any, TypeVar

import altair as alt
import pandas as pd
import streamlit as st

from digits.app.language import say, say_number
from digits.app.pictures import BLUE, GRAY, ORANGE

_LEGEND = alt.Legend(orient="top", title=None)
# The text of charts on a light and on a dark page, with a contrast of 6.5:1 or more. That of Streamlit has 3.7:1.
_TEXT_ON_LIGHT, _TEXT_ON_DARK = "#565a66", "#c4c7cf"
_AnyChart = TypeVar("_AnyChart", alt.Chart, alt.LayerChart)


def curve_chart(name: str, training: list[float], validation: list[float]) -> alt.Chart:
    """Returns a chart of accuracy or loss by epoch.

    Args:
        name: what the values are, in the visitor's language.
        training: the value on the training images after each epoch.
        validation: the value on the validation images after each epoch.
    """
    epochs = list(range(1, len(training) + 1))
    table = pd.DataFrame(
        {
            "epoch": epochs * 2,
            "value": training + validation,
            "images": [say("training")] * len(epochs) + [say("validation")] * len(epochs),
        }
    )
    return _readable(
        alt.Chart(table, height=240)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:O", title=say("epoch"), axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("value:Q", title=name, scale=alt.Scale(zero=False)),
            color=alt.Color("images:N", legend=_LEGEND, scale=alt.Scale(range=[BLUE, ORANGE])),
            tooltip=[
                alt.Tooltip("epoch", title=say("epoch")),
                alt.Tooltip("images", title=say("images")),
                alt.Tooltip("value:Q", title=name, format=".4f"),
            ],
        )
    )


def reliability_chart(bins: list[Mapping[str, Any]]) -> alt.LayerChart:
    """Returns a chart of how often answers of each confidence are right. Larger points stand for more answers.

    Args:
        bins: the fields of each `digits.model.calibration.ReliabilityBin`.
    """
    table = pd.DataFrame(bins)
    sure, right, answers = say("confidence"), say("share read correctly"), say("answers")
    percent = alt.Axis(format="%", tickCount=6)
    scale = alt.Scale(domain=[0, 1])
    ideal = alt.Chart(pd.DataFrame({"x": [0.0, 1.0], "y": [0.0, 1.0]})).mark_line(strokeDash=[4, 4], color=GRAY)
    base = alt.Chart(table, height=320).encode(
        x=alt.X("confidence:Q", title=sure, axis=percent, scale=scale),
        y=alt.Y("accuracy:Q", title=right, axis=percent, scale=scale),
        tooltip=[
            alt.Tooltip("confidence:Q", title=sure, format=".1%"),
            alt.Tooltip("accuracy:Q", title=right, format=".1%"),
            alt.Tooltip("n:Q", title=answers, format=","),
        ],
    )
    size = alt.Size("n:Q", scale=alt.Scale(type="log", range=[30, 500]), legend=None)
    return _readable(
        ideal.encode(x=alt.X("x:Q", title=sure), y=alt.Y("y:Q", title=right))
        + base.mark_line(color=BLUE)
        + base.mark_circle(color=BLUE, opacity=1.0).encode(size=size)
    )


def _readable(chart: _AnyChart) -> _AnyChart:
    """Gives a chart's text enough contrast, and the marks that numbers have in the visitor's language."""
    color = _TEXT_ON_DARK if st.context.theme.type == "dark" else _TEXT_ON_LIGHT
    readable = chart.configure_axis(labelColor=color, titleColor=color).configure_legend(labelColor=color)
    example = say_number("1,234.5%")
    marks = alt.NumberLocale(
        decimal=example[5], thousands=example[1], grouping=[3], currency=["", ""], percent=example[7:]
    )
    readable.config.locale = alt.Locale(number=marks)
    return readable
