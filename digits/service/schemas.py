"""The wire contract: what the API answers, beside the answers of `digits.answers`.

The names of classes and fields are promises to programs and stay as they are.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from digits.answers import BatchPrediction, Probability, Warnings
from digits.model.engine import Precision

Outcome = Literal["replaced", "unchanged", "failed"]

# In the order in which it is answered, which a schema's own examples would not keep.
PREDICTION_EXAMPLE: dict[str, Any] = {
    "predicted_digit": 2,
    "confidence": 0.999999,
    "accepted": True,
    "reason": None,
    "probabilities": [0.0, 0.0, 0.999999, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    "view": "as it is",
    "prediction_time_ms": 5.834,
}


def _read_example(
    digit: int,
    confidence: float,
    box: list[int],
    line: int,
    alternatives: list[tuple[int, float]],
    sign: tuple[str, float] | None = None,
) -> dict[str, Any]:
    """Returns a digit of the example, or a sign with its confidence."""
    return {
        "digit": digit,
        "confidence": confidence,
        "accepted": sign is None,
        "box": box,
        "line": line,
        "sign": sign and sign[0],
        "sign_confidence": sign and sign[1],
        "alternatives": [{"digit": other, "probability": probability} for other, probability in alternatives],
    }


# The year and the month of a date, written in two lines.
READ_EXAMPLE: dict[str, Any] = {
    "text": "24\n7",
    "lines": ["24", "7"],
    "transcript": "24 -\n7",
    "transcript_lines": ["24 -", "7"],
    "confidence": 0.962113,
    "accepted": True,
    "reason": None,
    "line_answers": [
        {"confidence": 0.971202, "accepted": True, "reason": None},
        {"confidence": 0.990641, "accepted": True, "reason": None},
    ],
    "view": "as it is",
    "digits": [
        _read_example(2, 0.999998, [110, 120, 90, 141], 0, [(2, 0.999998), (7, 0.000001), (1, 0.000001)]),
        _read_example(4, 0.999871, [221, 117, 102, 150], 0, [(4, 0.999871), (9, 0.000112), (6, 0.000009)]),
        _read_example(1, 0.412033, [352, 180, 71, 19], 0, [(1, 0.412033), (7, 0.28211), (2, 0.10123)], ("-", 0.998812)),
        _read_example(7, 0.999999, [132, 330, 84, 146], 1, [(7, 0.999999), (1, 0.000001), (9, 0.0)]),
    ],
    "reading_time_ms": 7.204,
}

_PRECISION = "In which the network computes: `float32`, or `int8`. Accuracy and digest are those of this form."
_TEST_ACCURACY = "Share of its test images that it reads correctly: MNIST's, or those of the data that it learned from."


class ProblemDetails(BaseModel):
    """What went wrong and what to do (RFC 9457)."""

    type: str = Field(description="A stable URI for this kind of problem; programs may rely on it.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(ge=400, le=599, description="The HTTP status code.")
    detail: str = Field(description="What happened and what to do, for a person.")
    request_id: str | None = Field(
        None, description="The request's id, which is in `X-Request-ID` and in the operator's log, too."
    )
    warnings: Warnings = []


class BatchItem(BaseModel):
    """What came of one file of a batch: a prediction or a problem."""

    file: str = Field(description="The file's name, as the client gave it.")
    prediction: BatchPrediction | None = Field(description="Its digit; null if there is a problem.")
    problem: ProblemDetails | None = Field(description="Why it was not read; null if it was.")


class BatchResponse(BaseModel):
    """The files of a batch, in the order in which they were sent."""

    results: list[BatchItem]
    prediction_time_ms: float = Field(ge=0.0, description="Milliseconds for all of them.")
    warnings: Warnings = []


class ModelInUse(BaseModel, frozen=True):
    """A model that answers, or did."""

    name: str = Field(description="Its file, or that it is the one that ships.")
    digest: str = Field(description="SHA-256 of all that its answers depend on.")
    recipe: str = Field(description="By which it was made.")
    test_accuracy: Probability | None = Field(description=_TEST_ACCURACY)
    precision: Precision = Field(description=_PRECISION)
    loaded_at: str = Field(description="Since when it answers, ISO 8601.")


class Reload(BaseModel, frozen=True):
    """What came of reading the model file anew."""

    outcome: Outcome = Field(description="Whether there is a new model.")
    detail: str = Field(description="What happened, for a person.")
    at: str = Field(description="When, ISO 8601.")


class ModelResponse(BaseModel):
    """The model that answers."""

    name: str = Field(description="Its file, or that it is the one that ships.")
    test_accuracy: Probability | None = Field(description=_TEST_ACCURACY)
    precision: Precision = Field(description=_PRECISION)
    digest: str = Field(description="SHA-256 of all that its answers depend on.")
    loaded_at: str = Field(description="Since when it answers, ISO 8601.")
    previous: ModelInUse | None = Field(description="The model that it replaced, if there was one.")
    last_reload: Reload | None = Field(description="What came of the last reload, if there was one.")
    notes: list[str] = Field(
        description="What does not fit between the model and this version of the service, such as another version of "
        "the preprocessing; empty if all fits."
    )
    card: dict[str, Any] = Field(description="How it was made and how good it is.")


class HealthResponse(BaseModel):
    """How the service is."""

    status: Literal["live", "ready"]
