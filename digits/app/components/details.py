"""What the page says beside an answer: feedback, hints, what was left out, other models, and why."""

import numpy as np
import numpy.typing as npt
import streamlit as st

from digits.app.components.feedback import ask_for_feedback
from digits.app.components.heat_map import heat_map
from digits.app.language import ENGLISH, advice, language, name_of, say, say_problem
from digits.app.pictures import for_display
from digits.app.reading import Answered
from digits.errors import DigitsError, ImageError, NoInkError, SeveralDigitsError
from digits.explain.diagnosis import Hint, diagnose, hints_without_ink
from digits.explain.left_out import find_left_out
from digits.explain.occlusion import Explanation, explain
from digits.explain.speech import later
from digits.explain.wording import disagree, second_opinion, word
from digits.recognizer import Prediction, Recognizer

_STAGE_WIDTH = 140
_MAP_WIDTH = 280
# The names of the stages of a picture, which `digits.vision` gives. The views of it have many more.
STAGES = (
    later("Already like MNIST"),
    later("The sheet of paper"),
    later("Ink on its ground"),
    later("The digit alone"),
    later("Cut out, strokes of even width"),
    later("Fitted and centered"),
)


def show_details(recognizer: Recognizer, answered: Answered, others: tuple[Recognizer, ...]) -> bool:
    """Shows what there is to say about an answer.

    Args:
        recognizer: the model that answered.
        answered: the picture and its answer.
        others: models whose opinions to show.

    Returns:
        Whether the visitor asks to read the picture on the numbers page.
    """
    pixels, answer = answered.pixels, answered.answer
    # What is wrong stands where the answer would; here is what to do.
    what_to_do = advice(answer, drawn=answered.drawn) if isinstance(answer, DigitsError) else ""
    # What is refused has a red box, and what is doubtful a yellow one, as on the page of numbers.
    if pixels is None:
        if what_to_do:
            st.error(what_to_do)
        return False
    ask_for_feedback(recognizer, pixels, answer)
    if isinstance(answer, DigitsError):
        hints = hints_without_ink(pixels, say) if isinstance(answer, NoInkError) and not answered.drawn else []
        if hints or what_to_do:
            st.error(_in_lines(hints) or what_to_do)
        return isinstance(answer, SeveralDigitsError) and _offer_numbers()
    if word(answer).certainty != "sure":
        st.warning(_in_lines(diagnose(pixels, answer, answered.whole, say, drawn=answered.drawn)))
    to_numbers = False
    if (left_out := find_left_out(recognizer, pixels, answer, say)) is not None:
        st.warning(left_out)
        to_numbers = _offer_numbers()
    for other in others:
        _second_opinion(answer, pixels, other)
    return to_numbers


def show_reasons(recognizer: Recognizer, prediction: Prediction) -> None:
    """Shows what the network saw and which places spoke for the digit, in parts that open with a click."""
    saw = st.expander(say("What it saw"), key="saw", on_change="rerun")
    if saw.open:
        with saw, st.container(horizontal=True):
            for stage in prediction.normalized.stages:
                name = _name_of(stage.name)
                st.image(for_display(stage.image), caption=name, alt=name, width=_STAGE_WIDTH)
    # Nothing spoke for a digit where there is none.
    if prediction.reason != "not_a_digit":
        _why(recognizer, prediction)


def _offer_numbers() -> bool:
    return st.button(
        say("Read all digits"),
        key="to numbers",
        icon=":material/pin:",
        help=say('On the page "{numbers}"', numbers=say("Numbers")),
    )


def _name_of(stage: str) -> str:
    return say(stage) if stage in STAGES or language() == ENGLISH else say("Seen in another way")


def _in_lines(hints: list[Hint]) -> str:
    return "\n".join(f"- {hint.why} {hint.what_to_try}" for hint in hints)


def _second_opinion(prediction: Prediction, pixels: npt.NDArray[np.uint8], other: Recognizer) -> None:
    try:
        second = other.recognize_pixels(pixels)
    except ImageError as error:
        st.warning(say("Second opinion, from {name}: {problem}", name=name_of(other), problem=say_problem(error)))
        return
    sentence = second_opinion(prediction, second, name_of(other), say)
    if disagree(prediction, second):
        st.warning(sentence)
    else:
        st.caption(sentence)


def _why(recognizer: Recognizer, prediction: Prediction) -> None:
    """Explains the answer when the part is opened; the explanation classifies an image for each pixel."""
    why = st.expander(say("Why {digit}?", digit=prediction.digit), key="why", on_change="rerun")
    if not why.open:
        return
    image = prediction.normalized.image
    with why, st.container(horizontal=True, vertical_alignment="center"):
        st.image(
            heat_map(image, _explanation(recognizer, recognizer.digest, image, prediction.digit)),
            width=_MAP_WIDTH,
            alt=say("The digit, colored by how much each place spoke for the answer"),
        )
        with st.container(width=_MAP_WIDTH):
            st.write(
                say(
                    "**Blue** spoke for {digit}: without this ink, or with ink in this empty place, the network would "
                    "be less sure. **Orange** spoke against it. Gray hardly mattered.",
                    digit=prediction.digit,
                )
            )
            st.caption(say("Found by erasing or adding ink at each place in turn, and classifying the image again."))


@st.cache_data(max_entries=64, show_spinner=False)
def _explanation(_recognizer: Recognizer, digest: str, image: npt.NDArray[np.uint8], digit: int) -> Explanation:
    """Explains an answer once. The cache does not look at the model, so `digest` stands for it."""
    del digest
    return explain(image, digit, _recognizer.classify)
