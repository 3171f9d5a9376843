"""The page about the model in use: its accuracy, its training and its mistakes."""

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from digits.app.components.confusion import choose_cell, say_cell
from digits.app.components.gallery import gallery
from digits.app.components.model_charts import curve_chart, reliability_chart
from digits.app.language import name_of, say, say_number, say_problem
from digits.app.models import chosen_models
from digits.errors import DataMismatchError, ModelFileError
from digits.evaluation.classification import most_confused
from digits.evaluation.records import Evaluation, evaluations_of
from digits.evaluation.statistics import Share
from digits.explain.model_card import facts
from digits.explain.speech import later
from digits.installation import train_command
from digits.model.artifact import read_examples
from digits.model.card import Card
from digits.model.examples import Examples
from digits.recognizer import Recognizer, shipped_model

_MISTAKES_SHOWN = 24
_NO_IMAGES = later(
    "The model file holds no test images, because an earlier version made it. Train again with: {command}"
)


def model_page() -> None:
    """Shows the model's figures, curves, confusion matrix, mistakes and card."""
    st.title(say("The model"))
    recognizer, _ = chosen_models()
    card = recognizer.card
    st.caption(say("This page is about {name}.", name=name_of(recognizer)))
    if not card.history or card.test_accuracy is None:
        st.info(
            say(
                "The model file carries no report: it was made outside Digits. Train one with: {command}",
                command=_train(),
            )
        )
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
        st.caption(say("{command} trains a model of your own, which this page then describes.", command=_train()))


def _train() -> str:
    return f"`{train_command()}`"


def _figures(card: Card) -> None:
    test = card.metrics["test"]
    figures = {
        say("Test accuracy"): say_number(f"{test['accuracy']:.2%}"),
        say("Test loss"): say_number(f"{test['loss']:.4f}"),
        say("Training accuracy"): say_number(f"{card.metrics['training']['accuracy']:.2%}"),
        say("Calibration error"): say_number(f"{test['calibration_error']:.2%}"),
    }
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value, width="content")


def _curves(card: Card) -> None:
    st.header(say("Training curves"), anchor=False)
    names = {"accuracy": say("accuracy"), "loss": say("loss")}
    for column, (name, shown) in zip(st.columns(2), names.items(), strict=True):
        training, validation = card.history[name], card.history[f"val_{name}"]
        column.altair_chart(
            curve_chart(shown, training, validation),
            width="stretch",
            alt=say(
                "{name} by epoch; at the end {training} on training images and {validation} on validation images",
                name=shown,
                training=say_number(f"{training[-1]:.4f}"),
                validation=say_number(f"{validation[-1]:.4f}"),
            ),
        )
    if card.history["loss"][-1] > card.history["val_loss"][-1]:
        st.caption(
            say(
                "Training figures are measured while the network learns, on images that the recipe may have changed. "
                "So they can be worse than the validation figures."
            )
        )


def _examples_of(recognizer: Recognizer) -> Examples | None:
    try:
        return _read_examples(recognizer.path, recognizer.digest)
    except ModelFileError as error:
        st.error(say_problem(error))
        return None


@st.cache_data(max_entries=4, show_spinner=False)
def _read_examples(path: Path, digest: str) -> Examples | None:
    """Reads the examples of a model file once."""
    del digest  # Part of the cache key: a file that was trained again is read again.
    return read_examples(path)


def _confusion(card: Card, examples: Examples | None) -> None:
    test = card.metrics["test"]
    confusion = np.array(test["confusion"])
    st.header(say("Confusion matrix"), anchor=False)
    pairs = [
        say("{true} read as {read}", true=true, read=read) + f" ({count})"
        for true, read, count in most_confused(confusion)
    ]
    sentences = [
        say(
            "{count} test images: each row a true digit, each column the digit read.",
            count=say_number(f"{test['n']:,}"),
        ),
        say("Choose a number to see its images."),
    ]
    if pairs:
        sentences.insert(1, say("Most confused: {pairs}.", pairs=", ".join(pairs)))
    st.write(" ".join(sentences))
    true, read = choose_cell(confusion)
    count = int(confusion[true, read])
    st.markdown(f"**{say_cell(true, read, count)}**")
    if examples is None:
        st.info(say(_NO_IMAGES, command=_train()))
        return
    places = examples.of_cell(true, read)
    if true == read:
        st.caption(say("The {count} of which it was least sure, each with its confidence:", count=len(places)))
    elif count:
        st.caption(say("Each with its confidence:"))
    gallery(examples, places)


def _reliability(card: Card) -> None:
    bins = card.metrics["test"].get("reliability")
    st.header(say("Reliability diagram"), anchor=False)
    if not bins:
        st.info(
            say(
                "The model's card has none, because an earlier version made it. Train again with: {command}",
                command=_train(),
            )
        )
        return
    st.write(
        say(
            "Of the answers given with 80% confidence, 80% should be right: on the dashed line. Above it the network "
            "is too modest, under it too sure. The larger a point, the more answers; nearly all are at the top right."
        )
    )
    st.altair_chart(
        reliability_chart(bins),
        width="stretch",
        alt=say("How often answers of each confidence are right:")
        + " "
        + "; ".join(say_number(f"{bin_['confidence']:.0%}: {bin_['accuracy']:.0%}") for bin_ in bins),
    )


def _mistakes(examples: Examples | None) -> None:
    st.header(say("Mistakes"), anchor=False)
    if examples is None:
        st.info(say(_NO_IMAGES, command=_train()))
        return
    places = examples.mistakes()
    if not len(places):
        st.write(say("It reads every test image correctly."))
        return
    st.write(say("All {count} misread test images, those of which it was most sure first.", count=len(places)))
    gallery(examples, places[:_MISTAKES_SHOWN])
    if len(places) > _MISTAKES_SHOWN:
        more = st.expander(
            say("{count} more", count=len(places) - _MISTAKES_SHOWN), key="more mistakes", on_change="rerun"
        )
        if more.open:
            with more:
                gallery(examples, places[_MISTAKES_SHOWN:])
    st.caption(say("Test images: MNIST, by Yann LeCun and Corinna Cortes, CC BY-SA 3.0."))


def _own_pictures(recognizer: Recognizer) -> None:
    st.header(say("On pictures of your own"), anchor=False)
    try:
        evaluations = evaluations_of(recognizer.card.onnx_sha256)
    except DataMismatchError as error:
        st.error(say_problem(error))
        return
    if not evaluations:
        st.info(
            say(
                "This model was not scored on pictures of your own yet. To do so, run `digits evaluate FOLDER` on a "
                "folder with a labels.csv, such as `digits feedback export FOLDER` writes."
            )
        )
        return
    st.write(say("Pictures that people take are harder than the test images. In brackets: the 95% interval."))
    for evaluation in evaluations:
        st.markdown(f"**{evaluation.what}**, {evaluation.when[:10]}")
        st.table(_shares(evaluation))


def _shares(evaluation: Evaluation) -> pd.DataFrame:
    rows = {say("Read correctly"): evaluation.accuracy, say("Accepted"): evaluation.accepted}
    rows |= {say("Read correctly, of the accepted"): evaluation.accepted_accuracy}
    rows |= {say("Read correctly, {source}", source=source): share for source, share in evaluation.by_source.items()}
    rows |= {
        say("Not accepted, as it should be: {kind}", kind=kind): share for kind, share in evaluation.rejected.items()
    }
    shown = {name: share for name, share in rows.items() if share.n}
    return pd.DataFrame(
        {say("share"): [_in_words(share) for share in shown.values()]},
        index=pd.Index(list(shown), name=say("pictures")),
    )


def _in_words(share: Share) -> str:
    low, high = share.interval
    return say(
        "{share} ({low} to {high}), {hits} of {count}",
        share=say_number(f"{share.value:.1%}"),
        low=say_number(f"{low:.1%}"),
        high=say_number(f"{high:.1%}"),
        hits=say_number(f"{share.hits:,}"),
        count=say_number(f"{share.n:,}"),
    )


def _facts(card: Card) -> None:
    st.header(say("Facts"), anchor=False)
    made = (
        facts(card, say)
        | {
            say("Command"): card.command,
            say("Seed"): card.seed,
            say("Batch size"): card.batch_size,
        }
        | dict(card.versions)
    )
    known = {name: str(value) for name, value in made.items() if value is not None}
    st.table(pd.DataFrame({say("value"): list(known.values())}, index=pd.Index(list(known), name=say("fact"))))
