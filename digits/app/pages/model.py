"""The page about the model in use: its accuracy, its training and its mistakes."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from digits.app.components.confusion import choose_cell
from digits.app.components.gallery import gallery
from digits.app.components.model_charts import curve_chart, reliability_chart
from digits.app.models import chosen_models
from digits.errors import DataMismatchError, ModelFileError
from digits.evaluation.classification import confused_pairs
from digits.evaluation.records import Evaluation, evaluations_of
from digits.evaluation.statistics import Share
from digits.explain.model_card import facts
from digits.installation import train_command
from digits.model.artifact import read_examples
from digits.model.card import Card
from digits.model.examples import Examples
from digits.recognizer import Recognizer, shipped_model

_MISTAKES_SHOWN = 24


def model_page() -> None:
    """Shows the model's figures, curves, confusion matrix, mistakes and card."""
    st.title("The model")
    recognizer, _ = chosen_models()
    card = recognizer.card
    st.caption(f"This page is about {recognizer.name}.")
    if not card.history or card.test_accuracy is None:
        st.info(f"The model file carries no report: it was made outside Digits. Train one with: {_train()}")
    else:
        _figures(card)
        _curves(card)
        examples = _examples_of(recognizer)
        _confusion(card, examples)
        _reliability(card)
        _mistakes(examples)
    _own_pictures(recognizer)
    _facts(card)
    if recognizer.path == shipped_model():
        st.caption(f"{_train()} trains a model of your own, which this page then describes.")


def _train() -> str:
    return f"`{train_command()}`"


def _figures(card: Card) -> None:
    test = card.metrics["test"]
    figures = {
        "Test accuracy": f"{test['accuracy']:.2%}",
        "Test loss": f"{test['loss']:.4f}",
        "Training accuracy": f"{card.metrics['training']['accuracy']:.2%}",
        "Calibration error": f"{test['calibration_error']:.2%}",
    }
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value, width="content")


def _curves(card: Card) -> None:
    st.header("Training curves", anchor=False)
    for column, name in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        training, validation = card.history[name], card.history[f"val_{name}"]
        column.altair_chart(
            curve_chart(name, training, validation),
            width="stretch",
            alt=f"The {name} epoch by epoch; at the end {training[-1]:.4f} in training and {validation[-1]:.4f} on "
            "validation images",
        )
    if card.history["loss"][-1] > card.history["val_loss"][-1]:
        st.caption(
            "Training figures are measured while the network learns, on images that the recipe may have changed. So "
            "they can be worse than the validation figures."
        )


def _examples_of(recognizer: Recognizer) -> Examples | None:
    try:
        return _read_examples(recognizer.path, recognizer.digest)
    except ModelFileError as error:
        st.warning(str(error))
        return None


@st.cache_data(max_entries=4, show_spinner=False)
def _read_examples(path: Path, digest: str) -> Examples | None:
    """Reads the examples of a model file once."""
    del digest  # Part of the cache key: a file that was trained again is read again.
    return read_examples(path)


def _confusion(card: Card, examples: Examples | None) -> None:
    test = card.metrics["test"]
    confusion = np.array(test["confusion"])
    st.header("Confusion matrix", anchor=False)
    pairs = confused_pairs(confusion)
    st.write(
        f"{test['n']:,} test images: each row a true digit, each column the digit read. "
        + (f"Most confused: {', '.join(pairs)}. " if pairs else "")
        + "Choose a number to see its images."
    )
    true, read = choose_cell(confusion)
    count = int(confusion[true, read])
    st.markdown(f"**{true} read as {read}: {count:,} image{'' if count == 1 else 's'}**")
    if examples is None:
        st.info(
            f"The model file holds no test images, because an earlier version made it. Train again with: {_train()}"
        )
        return
    places = examples.of_cell(true, read)
    if true == read:
        st.caption(f"The {len(places)} of which it was least sure, each with its confidence:")
    elif count:
        st.caption("Each with its confidence:")
    gallery(examples, places)


def _reliability(card: Card) -> None:
    bins = card.metrics["test"].get("reliability")
    st.header("Reliability diagram", anchor=False)
    if not bins:
        st.info(f"The model's card has none, because an earlier version made it. Train again with: {_train()}")
        return
    st.write(
        "Of the answers given with 80% confidence, 80% should be right: on the dashed line. Above it the network is "
        "too modest, under it too sure. The larger a point, the more answers; nearly all are at the top right."
    )
    st.altair_chart(
        reliability_chart(bins),
        width="stretch",
        alt="How often answers of each confidence are right: "
        + "; ".join(f"{bin_['accuracy']:.0%} at {bin_['confidence']:.0%}" for bin_ in bins),
    )


def _mistakes(examples: Examples | None) -> None:
    st.header("Mistakes", anchor=False)
    if examples is None:
        st.info(
            f"The model file holds no test images, because an earlier version made it. Train again with: {_train()}"
        )
        return
    places = examples.mistakes()
    if not len(places):
        st.write("It reads every test image correctly.")
        return
    st.write(f"All {len(places)} misread test images, those of which it was most sure first.")
    gallery(examples, places[:_MISTAKES_SHOWN])
    if len(places) > _MISTAKES_SHOWN:
        more = st.expander(f"{len(places) - _MISTAKES_SHOWN} more", key="more mistakes", on_change="rerun")
        if more.open:
            with more:
                gallery(examples, places[_MISTAKES_SHOWN:])
    st.caption("Test images: MNIST, by Yann LeCun and Corinna Cortes, CC BY-SA 3.0.")


def _own_pictures(recognizer: Recognizer) -> None:
    st.header("On pictures of your own", anchor=False)
    try:
        evaluations = evaluations_of(recognizer.card.onnx_sha256)
    except DataMismatchError as error:
        st.warning(str(error))
        return
    if not evaluations:
        st.info(
            "This model was not scored on pictures of your own yet. To do so, run `digits evaluate FOLDER` on a "
            "folder with a labels.csv, such as `digits feedback export FOLDER` writes."
        )
        return
    st.write("Pictures that people take are harder than the test images. In brackets: the 95% interval.")
    for evaluation in evaluations:
        st.markdown(f"**{evaluation.what}**, scored on {evaluation.when[:10]}")
        st.table(_shares(evaluation))


def _shares(evaluation: Evaluation) -> pd.DataFrame:
    rows = {"Read correctly": evaluation.accuracy, "Accepted": evaluation.accepted}
    rows |= {"Read correctly, of the accepted": evaluation.accepted_accuracy}
    rows |= {f"Read correctly, {source}": share for source, share in evaluation.by_source.items()}
    rows |= {f"Rejected, as it should be: {kind}": share for kind, share in evaluation.rejected.items()}
    shown = {name: share for name, share in rows.items() if share.n}
    return pd.DataFrame(
        {"share": [_in_words(share) for share in shown.values()]}, index=pd.Index(list(shown), name="pictures")
    )


def _in_words(share: Share) -> str:
    low, high = share.interval
    return f"{share.value:.1%} ({low:.1%} to {high:.1%}), {share.hits:,} of {share.n:,}"


def _facts(card: Card) -> None:
    st.header("Facts", anchor=False)
    made = (
        facts(card)
        | {
            "Command": card.command,
            "Seed": card.seed,
            "Batch size": card.batch_size,
        }
        | dict(card.versions)
    )
    known = {name: str(value) for name, value in made.items() if value is not None}
    st.table(pd.DataFrame({"value": list(known.values())}, index=pd.Index(list(known), name="what")))
