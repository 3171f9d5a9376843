"""The page that recognizes one digit."""

import streamlit as st

from digits.app.components.answer import show_answer
from digits.app.components.canvas import ShownPicture
from digits.app.components.details import show_details, show_reasons
from digits.app.components.samples import Sample, choose_sample
from digits.app.language import description_of, say, say_number
from digits.app.last_picture import remember
from digits.app.models import chosen_models
from digits.app.pages.numbers import NUMBERS, numbers_page
from digits.app.pictures import data_url
from digits.app.reading import Answered, read, read_once
from digits.app.samples import SAMPLES
from digits.app.stage import OnStage, Stage
from digits.app.tour import show_tour
from digits.explain.speech import later, with_article
from digits.recognizer import Prediction, Recognizer

STAGE = Stage("digit", later("Draw a digit here"), several=True, live=True)
# The session key of the last finished picture and its answer.
_FINISHED = "finished"
_INVITATION = later("Draw a digit from 0 to 9, or give a picture of one")
# With what the sample pictures were written, by what their files are called.
_TOOLS = {
    "red_pen": later("red pen"),
    "blue_pen": later("blue pen"),
    "pencil": later("pencil"),
    "chalk": later("chalk"),
    "marker": later("marker"),
    "stylus": later("stylus"),
    "photo": later("photo"),
}
# The longer side of a picture on the stage, in pixels.
_SHOWN_SIDE = 720


def recognize_page() -> None:
    """Shows the stage: every way to give a picture, and the answer beside it."""
    st.html(f'<h1 class="digits-hidden">{say("Which digit is this?")}</h1>')
    recognizer, others = chosen_models()
    _stage(recognizer, others)
    st.caption(description_of(recognizer))


@st.fragment
def _stage(recognizer: Recognizer, others: tuple[Recognizer, ...]) -> None:
    """Shows the part of the page that runs again after each stroke."""
    content = STAGE.content()
    file = content.file
    if content.files:
        # Loads pandas, which one picture does not need.
        from digits.app.components.batch_table import chosen_file, show_table

        file = chosen_file(recognizer, content.files, others).getvalue()
    answered = None if content.problem is None else Answered(None, content.problem)
    if file is not None:
        answered = (read if content.live else read_once)(recognizer, file, drawn=not content.name)
    # While a stroke goes on, the rest of the page stays as the last stroke has left it.
    finished = st.session_state.get(_FINISHED) if content.live else answered
    st.session_state[_FINISHED] = finished
    if not content.live and file is not None and answered is not None and answered.pixels is not None:
        remember(file)
    giving, answering = st.columns(2, gap="medium")
    with giving:
        STAGE.show(_shown(content, answered))
    with answering:
        show_answer(
            None if answered is None else answered.answer,
            invitation=say(_INVITATION),
            live=content.live,
            drawn=answered is not None and answered.drawn,
        )
        if answered is not None and answered.page_count > 1:
            st.caption(
                say(
                    'This is page 1 of {count}. The page "{numbers}" reads the others.',
                    count=say_number(f"{answered.page_count:,}"),
                    numbers=say("Numbers"),
                )
            )
        if finished is not None and show_details(recognizer, finished, others) and file is not None:
            NUMBERS.put("digit", file)
            st.switch_page(st.Page(numbers_page, url_path="read"))
        # Above the samples on a phone, where it is in sight without scrolling.
        show_tour()
    if content.files:
        show_table(recognizer, content.files, others)
    samples, reasons = st.columns(2, gap="medium")
    with samples:
        _samples()
    with reasons:
        if finished is not None and isinstance(finished.answer, Prediction):
            show_reasons(recognizer, finished.answer)


def _shown(content: OnStage, answered: Answered | None) -> ShownPicture:
    if not content.name or answered is None or answered.pixels is None:
        return ShownPicture(content.name)
    return ShownPicture(content.name, data_url(answered.pixels, _SHOWN_SIDE), say("The picture that you gave"))


def _samples() -> None:
    files = sorted(SAMPLES.glob("*.png"))
    samples = [Sample(file, say("Sample: {what}", what=_described(file.stem))) for file in files]
    choose_sample("samples", samples, lambda sample: STAGE.put("sample", sample.file.read_bytes()))


def _described(stem: str) -> str:
    digit, how = stem.split("_", 1)
    return f"{with_article(digit, say)}, {say(_TOOLS[how])}"
