"""The page for a class: several people draw the same digit, and a score says how the network does."""

import html
from collections import Counter
from dataclasses import dataclass

import streamlit as st

from digits.app.components.answer import show_answer
from digits.app.components.canvas import ShownPicture
from digits.app.language import say
from digits.app.models import chosen_models
from digits.app.reading import read, read_once
from digits.app.stage import Stage
from digits.explain.speech import later
from digits.recognizer import Prediction, Recognizer

CLASS = Stage("class", later("Draw the digit here"), live=True, only_canvas=True)
# The session keys of the drawings that were counted, and of the digit that everybody draws.
COUNTED = "class counted"
_DIGIT = "class digit"
_DIGIT_FIRST = 4


@dataclass(frozen=True)
class Counted:
    """A drawing that counts.

    Args:
        drawn: the digit that was asked for, 0..9.
        read: the digit that was read, 0..9; None if the answer was not accepted.
    """

    drawn: int
    read: int | None


def class_page() -> None:
    """Shows the canvas, the answer and the score, all on one screen."""
    st.html(f'<h1 class="digits-hidden">{say("Can it read the whole class?")}</h1>')
    recognizer, _ = chosen_models()
    _stage(recognizer)


@st.fragment
def _stage(recognizer: Recognizer) -> None:
    content = CLASS.content()
    answer = None
    if content.file is not None:
        answer = (read if content.live else read_once)(recognizer, content.file, drawn=True).answer
    giving, answering = st.columns(2, gap="medium")
    with giving:
        asked = st.pills(
            say("Everybody draws this digit:"),
            range(10),
            default=st.session_state.get(f"{_DIGIT} kept", _DIGIT_FIRST),
            required=True,
            key=_DIGIT,
        )
        drawn = st.session_state[f"{_DIGIT} kept"] = _DIGIT_FIRST if asked is None else int(asked)
        CLASS.show(ShownPicture())
    with answering:
        show_answer(
            answer,
            invitation=say("Draw the digit {digit}, one after the other", digit=drawn),
            live=content.live,
            drawn=True,
        )
        finished = None if content.live else answer
        with st.container(horizontal=True, key="class-buttons"):
            st.button(
                say("Count it, next person"),
                key="class next",
                type="primary",
                icon=":material/check:",
                disabled=finished is None,
                on_click=_count,
                args=(drawn, finished.digit if isinstance(finished, Prediction) and finished.accepted else None),
            )
            st.button(say("Take back"), key="class back", disabled=not _counted(), on_click=_take_back)
            st.button(say("Start again"), key="class again", disabled=not _counted(), on_click=_start_again)
        st.html(scoreboard(_counted()))


def scoreboard(counted: tuple[Counted, ...]) -> str:
    """Returns the score as HTML: how many drawings were read right, and what each digit was read as.

    Args:
        counted: the drawings.
    """
    if not counted:
        privacy = say("The score lasts as long as this tab is open. No drawing is kept.")
        return f'<p class="digits-score-empty">{html.escape(privacy)}</p>'
    right = sum(drawing.drawn == drawing.read for drawing in counted)
    score = say("Read right: {right} of {count}", right=right, count=len(counted))
    head = "".join(f"<th scope=col>{html.escape(say(text))}</th>" for text in _COLUMNS)
    rows = "".join(_row(digit, [drawing.read for drawing in counted if drawing.drawn == digit]) for digit in range(10))
    return (
        f'<p class="digits-score" role="status">{html.escape(score)}</p>'
        f'<table class="digits-class"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


_COLUMNS = (later("Drawn"), later("Right"), later("Wrongly read as"))


def _row(digit: int, answers: list[int | None]) -> str:
    """Returns the row of a digit, the most frequent mistakes first; "" if nobody has drawn it."""
    if not answers:
        return ""
    right = say("{right} of {count}", right=answers.count(digit), count=len(answers))
    wrong = Counter(answer for answer in answers if answer != digit)
    mistakes = ", ".join(f"{'?' if answer is None else answer} ({count})" for answer, count in wrong.most_common())
    mark = "digits-right" if not wrong else "digits-wrong"
    return f'<tr class="{mark}"><th scope=row>{digit}</th><td>{html.escape(right)}</td><td>{mistakes or "–"}</td></tr>'


def _counted() -> tuple[Counted, ...]:
    counted: tuple[Counted, ...] = st.session_state.get(COUNTED, ())
    return counted


def _count(drawn: int, answer: int | None) -> None:
    if CLASS.content().file is None:
        # The second click of two: the first has emptied the stage.
        return
    st.session_state[COUNTED] = (*_counted(), Counted(drawn, answer))
    CLASS.empty()


def _take_back() -> None:
    st.session_state[COUNTED] = _counted()[:-1]


def _start_again() -> None:
    st.session_state[COUNTED] = ()
    CLASS.empty()
