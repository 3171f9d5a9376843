"""The page about the model in use: how it was trained and how good it is."""

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from digits.evaluation import confused_pairs
from ui.models import choose_recognizer
from ui.pictures import BLUE


def report_page() -> None:
    """How the model in use was trained and how good it is."""
    st.title("Training report")
    recognizer, _ = choose_recognizer()
    card = recognizer.card
    st.write(f"This is the report of {recognizer.description}.")
    if not card.history or card.test_accuracy is None:
        st.info("The model file carries no report: it was made outside Digits. Train one with: python train.py")
        return
    test = card.metrics["test"]
    for column, (name, value) in zip(
        st.columns(3),
        {
            "Test accuracy": f"{test['accuracy']:.2%}",
            "Test loss": f"{test['loss']:.4f}",
            "Training accuracy": f"{card.metrics['training']['accuracy']:.2%}",
        }.items(),
        strict=True,
    ):
        column.metric(name, value)
    st.subheader("Training curves", anchor=False)
    for column, name in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        column.altair_chart(_curve_chart(name, card.history[name], card.history[f"val_{name}"]), width="stretch")
    st.subheader("Confusion matrix", anchor=False)
    confusion = np.array(test["confusion"])
    st.write(f"{test['n']:,} test images; blue: read correctly. Most confused: {', '.join(confused_pairs(confusion))}.")
    st.altair_chart(_confusion_chart(confusion), width="stretch")
    st.subheader("How it was made", anchor=False)
    made = {
        "Command": card.command,
        "Recipe": card.recipe,
        "Seed": card.seed,
        "Epochs": card.epochs,
        "Batch size": card.batch_size,
        "Weights": f"{card.parameters:,}" if card.parameters else None,
        "Created": card.created,
    } | dict(card.versions)
    st.table(pd.DataFrame({"value": [str(value) for value in made.values()]}, index=pd.Index(made)))


def _curve_chart(name: str, training: list[float], validation: list[float]) -> alt.Chart:
    epochs = list(range(1, len(training) + 1))
    table = pd.DataFrame(
        {
            "epoch": epochs * 2,
            name: training + validation,
            "images": ["training"] * len(epochs) + ["validation"] * len(epochs),
        }
    )
    return (
        alt.Chart(table, height=240)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:O", axis=alt.Axis(labelAngle=0)),
            y=alt.Y(f"{name}:Q", scale=alt.Scale(zero=False)),
            color=alt.Color("images:N", legend=alt.Legend(orient="top", title=None)),
            tooltip=["epoch", "images", alt.Tooltip(f"{name}:Q", format=".4f")],
        )
    )


def _confusion_chart(confusion: npt.NDArray[np.int64]) -> alt.LayerChart:
    true, read = np.indices(confusion.shape)
    table = pd.DataFrame({"true digit": true.ravel(), "digit read": read.ravel(), "images": confusion.ravel()})
    # Colored by mistakes alone: the diagonal is a hundred times larger and would hide them.
    table["mistakes"] = np.where(true == read, 0, confusion).ravel()
    base = alt.Chart(table, height=420).encode(
        x=alt.X("digit read:O", axis=alt.Axis(labelAngle=0)),
        y="true digit:O",
        tooltip=["true digit", "digit read", "images"],
    )
    cells = base.mark_rect().encode(color=alt.Color("mistakes:Q", scale=alt.Scale(scheme="oranges"), legend=None))
    right = alt.datum["true digit"] == alt.datum["digit read"]
    counts = base.mark_text().encode(text="images:Q")
    correct = counts.transform_filter(right).mark_text(color=BLUE, fontWeight="bold")
    wrong = counts.transform_filter(~right).mark_text(color="black")
    return cells + correct + wrong
