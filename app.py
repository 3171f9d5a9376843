"""The app, for people with no code: streamlit run app.py"""

from pathlib import Path

import altair as alt
import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

import digits
from digits.errors import DigitsError, ImageError
from digits.evaluation import confused_pairs
from digits.image import decode
from digits.recognizer import Prediction, Recognizer, find_model
from digits.sources import SUFFIXES

SAMPLES = Path(digits.__file__).parent / "samples"
UPLOAD_TYPES = [suffix.removeprefix(".") for suffix in SUFFIXES]

# Larger pictures are shown reduced; the network gets them whole.
_SHOWN_SIDE = 480
_SAMPLE_WIDTH = 84
_STAGE_WIDTH = 160
_BLUE, _GRAY = "#1f5fa8", "#b8c4d0"


@st.cache_resource(max_entries=2, show_spinner="Loading the model ...")
def _load(path: Path, changed_ns: int) -> Recognizer:
    """Loads a model once, not at every rerun; `changed_ns` makes a retrained file a new one."""
    del changed_ns  # Only tells the cache one version of the file from the next.
    return Recognizer.load(path)


def load_recognizer() -> Recognizer:
    """The model in use."""
    path = find_model()
    return _load(path, path.stat().st_mtime_ns if path.exists() else 0)


def try_page() -> None:
    """An image in, the digit beside it."""
    st.title("Which digit is this?")
    st.write("Upload a picture of one handwritten digit: a photo, a scan or a drawing, of any size and color.")
    recognizer = load_recognizer()
    st.file_uploader("Image", type=UPLOAD_TYPES, key="upload", on_change=_choose, args=("upload",))
    # Above the samples, so that on a phone the answer to a click is in sight.
    answer = st.container()
    st.write("Nothing at hand? Try one of these:")
    _samples()
    if (image := _chosen_image()) is not None:
        with answer:
            _answer(recognizer, image)
    st.caption(f"Reads with {recognizer.description}.")


def _choose(source: str) -> None:
    st.session_state["source"] = source


def _samples() -> None:
    with st.container(horizontal=True):
        for file in sorted(SAMPLES.glob("*.png")):
            digit, how = file.stem.split("_", 1)
            with st.container(width=_SAMPLE_WIDTH):
                st.image(str(file), width="stretch")
                how = how.replace("_", " ")
                st.button(how, key=f"sample {digit}", on_click=_choose, args=(file.name,), width="stretch")


def _chosen_image() -> bytes | None:
    """The image that the last click or upload chose, or None."""
    source = st.session_state.get("source")
    if source == "upload":
        upload = st.session_state.get("upload")
        return None if upload is None else bytes(upload.getvalue())
    return None if source is None else (SAMPLES / source).read_bytes()


def _answer(recognizer: Recognizer, image: bytes) -> None:
    try:
        pixels = decode(image, recognizer.limits)
        prediction = recognizer.recognize_pixels(pixels)
    except ImageError as error:
        st.error(str(error))
        return
    yours, answer = st.columns(2)
    with yours:
        st.image(_for_display(pixels), caption="The image")
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
            st.image(_for_display(stage.image), caption=stage.name, width=_STAGE_WIDTH)


def _doubt(prediction: Prediction) -> str:
    """Why the answer is not to be trusted, and what helps."""
    if prediction.reason == "not_a_digit":
        return "This does not look like a digit. If it is one, write it again, larger and alone in the picture."
    first, second = np.argsort(-prediction.probabilities)[:2]
    return f"Not sure: perhaps {first}, perhaps {second}. Write it again, more clearly."


def _for_display(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = _SHOWN_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST))


def _probability_chart(prediction: Prediction) -> alt.Chart:
    table = pd.DataFrame({"digit": range(10), "probability": prediction.probabilities})
    chart = alt.Chart(table, height=180, title="Probability of each digit").mark_bar()
    return chart.encode(
        x=alt.X("digit:O", axis=alt.Axis(labelAngle=0, title=None)),
        y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", title=None)),
        color=alt.condition(alt.datum.digit == prediction.digit, alt.value(_BLUE), alt.value(_GRAY)),
        tooltip=[alt.Tooltip("digit:O"), alt.Tooltip("probability:Q", format=".2%")],
    )


def report_page() -> None:
    """How the model in use was trained and how good it is."""
    st.title("Training report")
    recognizer = load_recognizer()
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
    correct = counts.transform_filter(right).mark_text(color=_BLUE, fontWeight="bold")
    wrong = counts.transform_filter(~right).mark_text(color="black")
    return cells + correct + wrong


def main() -> None:
    """Draws the page that was asked for."""
    st.set_page_config(page_title="Digits", page_icon=str(SAMPLES / "7_stylus.png"))
    pages = [
        st.Page(try_page, title="Try it", icon=":material/edit:", default=True),
        st.Page(report_page, title="Training report", icon=":material/show_chart:", url_path="report"),
    ]
    try:
        st.navigation(pages, position="top").run()
    except DigitsError as error:
        st.error(str(error))


if __name__ == "__main__":
    main()
