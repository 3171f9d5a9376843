"""The answers that programs get, as Pydantic models: API, command line, app and bulk jobs build them here.

The names and the order of the fields are promises to programs, and so are the names of the classes, after which client
generators name theirs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from digits.images.ink import Frame
from digits.model.acceptance import Reason
from digits.numbers.reading import ReadDigit as ReadingDigit
from digits.numbers.reading import Reading
from digits.recognizer import Prediction
from digits.vision.views.table import FIRST, GLANCE

if TYPE_CHECKING:
    from digits.numbers.document import DocumentReading, PageReading

Probability = Annotated[float, Field(ge=0.0, le=1.0)]

Warnings = Annotated[
    list[str],
    Field(
        description="What was passed over in the request, such as a field with an unknown name: a sentence each, for a "
        "person. Left out if there is nothing to say."
    ),
]

# The network is never certain, so an answer never says 1.
_MOST = 0.999999


def warned(warnings: Sequence[str]) -> dict[str, Any]:
    """Returns the field `warnings` of an answer; nothing if there are none, so that it is left out."""
    return {"warnings": list(warnings)} if warnings else {}


def _fields(prediction: Prediction, page: int, page_count: int) -> dict[str, Any]:
    """Returns the fields of an answer about one digit, with probabilities rounded."""
    pages = {"page": page, "page_count": page_count} if page_count > 1 else {}
    return pages | {
        "predicted_digit": prediction.digit,
        "confidence": _rounded(prediction.confidence),
        "accepted": prediction.accepted,
        "reason": prediction.reason,
        "probabilities": [_rounded(value) for value in prediction.probabilities.tolist()],
        "view": prediction.view,
    }


class BatchPrediction(BaseModel):
    """The digit that was read."""

    predicted_digit: int = Field(ge=0, le=9, description="The most likely digit.")
    confidence: Probability = Field(description="Its calibrated probability.")
    accepted: bool = Field(description="Whether the answer may be acted on.")
    reason: Reason | None = Field(
        description="Why not: `not_a_digit` if the image does not look like one, `low_confidence` if it does but the "
        "network cannot tell which; null if accepted."
    )
    probabilities: list[Probability] = Field(
        min_length=10, max_length=10, description="The calibrated probabilities of the digits 0 to 9, in this order."
    )
    view: str = Field(
        description=f"How the picture was seen: `{FIRST}`, or, as large digits are, `{GLANCE}`, or, where "
        "that showed no digit well, the view that did, such as `without its border`. It is for people: docs/views.md "
        "explains each."
    )
    page: int = Field(1, ge=1, description="Which page of the file was read. Left out if the file has one page.")
    page_count: int = Field(
        1, ge=1, description="How many pages the file has, of which one was read. Left out if it has one page."
    )

    @classmethod
    def of(cls, prediction: Prediction, page: int = 1, page_count: int = 1) -> "BatchPrediction":
        """Returns the answer for a prediction, with probabilities rounded to six decimals.

        Args:
            prediction: the prediction.
            page: which page of the file was read, from 1.
            page_count: how many pages the file has.
        """
        return BatchPrediction(**_fields(prediction, page, page_count))


class PredictionResponse(BatchPrediction):
    """The digit that was read, and how long that took."""

    prediction_time_ms: float = Field(
        ge=0.0, description="Milliseconds from the received bytes to the answer; the transfer does not count."
    )
    warnings: Warnings = []

    @classmethod
    def timed(
        cls,
        prediction: Prediction,
        milliseconds: float,
        page: int = 1,
        page_count: int = 1,
        warnings: Sequence[str] = (),
    ) -> "PredictionResponse":
        """Returns the answer for a prediction.

        Args:
            prediction: the prediction.
            milliseconds: the time that it took.
            page: as for `BatchPrediction.of`.
            page_count: as for `BatchPrediction.of`.
            warnings: what was passed over in the request, a sentence each.
        """
        return PredictionResponse(
            **_fields(prediction, page, page_count), prediction_time_ms=milliseconds, **warned(warnings)
        )


class Alternative(BaseModel):
    """A digit that may stand at a place."""

    digit: int = Field(ge=0, le=9, description="The digit.")
    probability: Probability = Field(description="Its probability, if a digit stands there.")


class ReadDigit(BaseModel):
    """A digit of a number, or a sign beside it."""

    digit: int = Field(ge=0, le=9, description="The most likely digit.")
    confidence: Probability = Field(description="Its probability, if it is a digit, and whole.")
    accepted: bool = Field(
        description="Whether it is taken for a digit and is in `text`; other signs, such as a minus, are not."
    )
    box: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=4,
        max_length=4,
        description="Left edge, top edge, width and height, in pixels of the image as a person sees it: at its full "
        "size, turned upright if the file says how.",
    )
    line: int = Field(ge=0, description="On which line it stands, from 0: an index of `lines`.")
    sign: str | None = Field(
        description="Which sign it is if it is not accepted as a digit: one of `. , : ; / - + = × ÷ % ( ) [ ] < > ≤ ≥ "
        "≠ € $ # *`, or `?` for one that is not known; null for a digit."
    )
    sign_confidence: Probability | None = Field(description="The probability of that sign; null for a digit.")
    alternatives: list[Alternative] = Field(
        max_length=3, description="The most likely digits, if it is a digit, the most likely first."
    )

    page: int = Field(1, ge=1, description="On which page it stands. Left out if the file has one page.")
    strokes_box: list[float] = Field(
        [],
        description="The box in the unit of the strokes that were sent: left edge, top edge, width and height. Left "
        "out if an image was sent.",
    )

    @classmethod
    def of(cls, digit: ReadingDigit, page: int | None = None, frame: Frame | None = None) -> "ReadDigit":
        """Returns the answer for a digit or sign, with probabilities rounded to six decimals.

        Args:
            digit: the digit or sign.
            page: on which page it stands, from 1; None to leave that out.
            frame: where the picture lies among the strokes of which it was drawn; None if it is an image.
        """
        return ReadDigit(
            **({} if page is None else {"page": page}),
            **({} if frame is None else {"strokes_box": frame.box_of(digit.box)}),
            digit=digit.digit,
            confidence=_rounded(digit.confidence),
            accepted=digit.accepted,
            box=list(digit.box),
            line=digit.line,
            sign=digit.sign,
            sign_confidence=None if digit.sign_confidence is None else _rounded(digit.sign_confidence),
            alternatives=[
                Alternative(digit=other.digit, probability=_rounded(other.probability)) for other in digit.alternatives
            ],
        )


class LineAnswer(BaseModel):
    """How sure a line is."""

    confidence: Probability = Field(description="The calibrated probability that all of the line is right.")
    accepted: bool = Field(description="Whether the line may be acted on.")
    reason: Reason | None = Field(
        description="Why not: `not_a_digit` if something on it is not known, `low_confidence` if it is more likely "
        "wrong than right; null if accepted."
    )


class Text(BaseModel):
    """What was read, on a page or on several."""

    text: str = Field(
        description="All accepted digits in reading order, with a line break between lines; lines that hold none are "
        "left out."
    )
    lines: list[str] = Field(
        description='The accepted digits of each line, from top to bottom; "" for a line that holds only other signs.'
    )
    transcript: str = Field(
        description="Everything that was read, in reading order, with a line break between lines: digits, signs, "
        "blanks where the writer left them, and `?` for what is not known."
    )
    transcript_lines: list[str] = Field(description="The same for each line; an entry for each of `lines`.")
    confidence: Probability = Field(description="The calibrated probability that everything is right.")
    accepted: bool = Field(description="Whether the whole answer may be acted on.")
    reason: Reason | None = Field(description="Why not, as for a line; null if accepted.")
    line_answers: list[LineAnswer] = Field(description="How sure each line is; an entry for each of `lines`.")
    view: str = Field(
        description=f"How the page was seen: `{FIRST}`, or, where that did not show the digits well, the view that "
        "did, such as `stretched contrast`. It is for people: docs/views.md explains each. Of several pages, that of "
        "the first."
    )


def _text_fields(reading: Reading) -> dict[str, Any]:
    """Returns the fields of `Text` for a reading, with probabilities rounded to six decimals."""
    reasons = [reading.reason_of(line) for line in range(len(reading.line_confidences))]
    return {
        "text": reading.text,
        "lines": list(reading.lines),
        "transcript": reading.transcript,
        "transcript_lines": list(reading.transcript_lines),
        "confidence": _rounded(reading.confidence),
        "accepted": reading.accepted,
        "reason": reading.reason,
        "line_answers": [
            LineAnswer(confidence=_rounded(confidence), accepted=reason is None, reason=reason)
            for confidence, reason in zip(reading.line_confidences, reasons, strict=True)
        ],
        "view": reading.view,
    }


class ReadPage(Text):
    """What was read on one page of a document."""

    digits: list[ReadDigit] = Field(description="Everything that was read on the page, with its boxes on the page.")
    page: int = Field(ge=1, description="The page's number, from 1.")
    width: int = Field(ge=1, description="The page's width in pixels, in which the boxes are measured.")
    height: int = Field(ge=1, description="The page's height in pixels.")
    problem: str | None = Field(
        description="Why nothing was read on the page, such as that it is empty; null if something was read."
    )

    @classmethod
    def of(cls, page: "PageReading") -> "ReadPage":
        """Returns the answer for a page."""
        return ReadPage(
            **_text_fields(page.reading),
            digits=[ReadDigit.of(digit) for digit in page.reading.digits],
            page=page.page,
            width=page.reading.width,
            height=page.reading.height,
            problem=page.problem,
        )


class ReadResponse(Text):
    """The digits of an image, and how long reading them took.

    Of a file of several pages, it holds the digits of all pages that were read, and each page by itself in `pages`.
    """

    digits: list[ReadDigit] = Field(description="Everything that was read, in reading order.")
    page_count: int = Field(
        1, ge=1, description="How many pages the file has. Left out, as `pages` is, if the file has one page."
    )
    pages: list[ReadPage] = Field(
        [], description="The pages that were read: all, or the one that was asked for. Each counts its own lines."
    )
    reading_time_ms: float = Field(
        ge=0.0, description="Milliseconds from the received bytes to the answer; the transfer does not count."
    )
    warnings: Warnings = []

    @classmethod
    def timed(
        cls,
        document: "DocumentReading",
        milliseconds: float,
        frame: Frame | None = None,
        warnings: Sequence[str] = (),
    ) -> "ReadResponse":
        """Returns the answer for a document.

        Args:
            document: what was read.
            milliseconds: the time that it took.
            frame: as for `ReadDigit.of`.
            warnings: what was passed over in the request, a sentence each.
        """
        reading, several = document.joined, document.page_count > 1
        numbers = [page.page for page in document.pages for _ in page.reading.digits]
        pages = {"page_count": document.page_count, "pages": [ReadPage.of(page) for page in document.pages]}
        return ReadResponse(
            **_text_fields(reading),
            digits=[
                ReadDigit.of(digit, number if several else None, frame)
                for digit, number in zip(reading.digits, numbers, strict=True)
            ],
            **(pages if several else {}),
            reading_time_ms=milliseconds,
            **warned(warnings),
        )


def _rounded(probability: float) -> float:
    """Rounds to six decimals, but never up to 1."""
    return min(round(probability, 6), _MOST)
