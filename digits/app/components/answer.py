"""The answer to one picture: the digit, how sure the network is, and the probability of each digit."""

import html
from typing import Any

from digits.app.components.browser import browser_component
from digits.app.language import say, say_number, short_problem
from digits.errors import DigitsError
from digits.explain.speech import in_per_cent
from digits.explain.wording import word
from digits.recognizer import Prediction, confidence_text

_KEY = "answer"


def show_answer(
    answer: Prediction | DigitsError | None, *, invitation: str, live: bool = False, drawn: bool = False
) -> None:
    """Shows an answer, always in the same place and with ten bars.

    Args:
        answer: the prediction; why there is none; or None before a picture was given.
        invitation: what to say before a picture was given.
        live: whether the answer is to a drawing that still goes on, so that it is not read out.
        drawn: whether the picture is a drawing.
    """
    if isinstance(answer, Prediction):
        content = _content_of(answer)
    elif answer is None:
        content = _without_digit("–", say("No digit yet"), invitation)
    else:
        content = _without_digit("?", say("No digit"), short_problem(answer, drawn=drawn))
    # Named before their script runs, for those who listen to the page.
    digit, bars = html.escape(say("No digit yet")), html.escape(say("The probability of each digit: none yet"))
    page = f"""
<div class="answer" data-certainty="empty">
  <div class="head">
    <div class="digit" role="img" aria-label="{digit}">–</div>
    <div>
      <p class="sentence"></p>
      <p class="confidence"></p>
    </div>
  </div>
  <div class="bars" role="img" aria-label="{bars}"></div>
  <div class="announcement" role="status" aria-live="polite"></div>
</div>
"""
    browser_component("answer", page, "answer")(key=_KEY, data=content | {"live": live})


def _without_digit(shown: str, spoken: str, sentence: str) -> dict[str, Any]:
    return {
        "certainty": "empty",
        "shown": shown,
        "spoken_digit": spoken,
        "sentence": sentence,
        "confidence": "",
        "spoken_bars": say("The probability of each digit: none yet"),
        "probabilities": [0.0] * 10,
        "shares": [""] * 10,
        "highest": -1,
        "announcement": sentence,
    }


def _content_of(prediction: Prediction) -> dict[str, Any]:
    wording = word(prediction, say)
    confidence = in_per_cent(prediction.confidence_text, say)
    return {
        "certainty": wording.certainty,
        "shown": str(prediction.digit) if prediction.accepted else "?",
        "spoken_digit": say("Predicted digit: {digit}", digit=prediction.digit)
        if prediction.accepted
        else say("No digit for sure"),
        "sentence": wording.sentence,
        "confidence": "" if wording.certainty == "none" else confidence,
        "spoken_bars": say(
            "The probability of each digit; the highest is that of {digit}, {confidence}",
            digit=prediction.digit,
            confidence=confidence,
        ),
        "probabilities": prediction.probabilities.tolist(),
        "shares": [_share(probability) for probability in prediction.probabilities.tolist()],
        "highest": prediction.digit,
        "announcement": wording.sentence if wording.certainty == "none" else f"{wording.sentence}. {confidence}",
    }


def _share(probability: float) -> str:
    """Returns a probability in per cent for the top of a bar, or "" where it rounds to less than 1%."""
    if probability > 0.99:
        return say_number(confidence_text(probability).replace("over ", ">"))
    return say_number(f"{probability:.0%}") if probability >= 0.005 else ""
