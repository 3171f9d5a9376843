"""The answer to one picture: the digit, how sure the network is, and the probability of each digit."""

from typing import Any

from digits.app.components.browser import browser_component
from digits.errors import ImageError, NoInkError
from digits.explain.wording import word
from digits.recognizer import Prediction, confidence_text

_KEY = "answer"
_HTML = """
<div class="answer" data-certainty="empty">
  <div class="head">
    <div class="digit" role="img" aria-label="No digit yet">–</div>
    <div>
      <p class="sentence"></p>
      <p class="confidence"></p>
    </div>
  </div>
  <div class="bars" role="img" aria-label="The probability of each digit"></div>
  <div class="announcement" role="status" aria-live="polite"></div>
</div>
"""


def show_answer(answer: Prediction | ImageError | None, *, invitation: str, live: bool = False) -> None:
    """Shows an answer, always in the same place and with ten bars.

    Args:
        answer: the prediction; why there is none; or None before a picture was given.
        invitation: what to say before a picture was given.
        live: whether the answer is to a drawing that still goes on, so that it is not read out.
    """
    if isinstance(answer, Prediction):
        content = _content_of(answer)
    elif answer is None:
        content = _without_digit("–", "No digit yet", invitation, "")
    else:
        content = _without_digit("?", "No digit", _short(answer), "")
    browser_component("answer", _HTML, "answer")(key=_KEY, data=content | {"live": live})


def _short(error: ImageError) -> str:
    """Returns the first sentence of an error; the page shows the whole elsewhere."""
    return "No ink was found" if isinstance(error, NoInkError) else str(error).split(". ")[0].removesuffix(".")


def _without_digit(shown: str, spoken: str, sentence: str, confidence: str) -> dict[str, Any]:
    return {
        "certainty": "empty",
        "shown": shown,
        "spoken_digit": spoken,
        "sentence": sentence,
        "confidence": confidence,
        "spoken_bars": "The probability of each digit: none yet",
        "probabilities": [0.0] * 10,
        "shares": [""] * 10,
        "highest": -1,
        "announcement": sentence,
    }


def _content_of(prediction: Prediction) -> dict[str, Any]:
    wording = word(prediction)
    confidence = "" if wording.certainty == "none" else prediction.confidence_text
    return {
        "certainty": wording.certainty,
        "shown": str(prediction.digit) if prediction.accepted else "?",
        "spoken_digit": f"Predicted digit: {prediction.digit}" if prediction.accepted else "No digit for sure",
        "sentence": wording.sentence,
        "confidence": confidence,
        "spoken_bars": f"The probability of each digit; the highest is that of {prediction.digit}, "
        f"{prediction.confidence_text}",
        "probabilities": prediction.probabilities.tolist(),
        "shares": [_share(probability) for probability in prediction.probabilities.tolist()],
        "highest": prediction.digit,
        "announcement": f"{wording.sentence}. {confidence}".strip(),
    }


def _share(probability: float) -> str:
    """Returns a probability in per cent for the top of a bar, or "" where it rounds to less than 1%."""
    if probability > 0.99:
        return confidence_text(probability).replace("over ", ">")
    return f"{probability:.0%}" if probability >= 0.005 else ""
