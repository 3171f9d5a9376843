import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from digits.answers import BatchPrediction, PredictionResponse, ReadResponse
from digits.numbers.document import DocumentReading, PageReading
from digits.numbers.reading import Alternative, ReadDigit, Reading
from digits.recognizer import Recognizer
from tests.conftest import run_python

READING = Reading(
    (
        ReadDigit(1, 0.9, True, (1, 2, 3, 4), 0, alternatives=(Alternative(1, 0.9),)),
        ReadDigit(7, 1.0, False, (5, 6, 7, 8), 1, sign="/", sign_confidence=0.8),
    ),
    100,
    50,
    (0.9, 0.4),
)


DOCUMENT = DocumentReading((PageReading(1, READING),))


def fields_of_one_page(model: type[BaseModel]) -> list[str]:
    """The fields of an answer for a file of one page: without those that tell of pages or of warnings."""
    return [name for name in model.model_fields if name not in ("page", "page_count", "pages", "warnings")]


def test_a_prediction_as_json_is_what_programs_get(recognizer: Recognizer, sample: Path) -> None:
    prediction = recognizer.recognize(sample.read_bytes())
    answer = BatchPrediction.of(prediction).model_dump(exclude_unset=True)
    assert list(answer) == ["predicted_digit", "confidence", "accepted", "reason", "probabilities", "view"]
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["predicted_digit"], answer["accepted"], answer["reason"]) == (7, True, None)
    assert answer["confidence"] == max(answer["probabilities"])
    assert answer["probabilities"] == pytest.approx(prediction.probabilities, abs=1e-6)
    timed = PredictionResponse.timed(prediction, 1.5).model_dump(exclude_unset=True)
    assert timed == answer | {"prediction_time_ms": 1.5}
    assert list(timed) == [*answer, "prediction_time_ms"]


def test_no_program_is_told_that_the_network_is_certain(recognizer: Recognizer, sample: Path) -> None:
    prediction = recognizer.recognize(sample.read_bytes())
    answer = BatchPrediction.of(replace(prediction, confidence=1.0, probabilities=np.eye(10)[7]))
    assert answer.confidence == max(answer.probabilities) < 1.0
    assert ReadResponse.timed(DOCUMENT, 1.0).digits[1].confidence < 1.0


def test_a_reading_as_json_has_its_text_its_lines_and_a_box_for_each_digit() -> None:
    answer = json.loads(ReadResponse.timed(DOCUMENT, 2.5).model_dump_json(exclude_unset=True))
    assert answer == {
        "text": "1",
        "lines": ["1", ""],
        "transcript": "1\n/",
        "transcript_lines": ["1", "/"],
        "confidence": 0.36,
        "accepted": False,
        "reason": "low_confidence",
        "line_answers": [
            {"confidence": 0.9, "accepted": True, "reason": None},
            {"confidence": 0.4, "accepted": False, "reason": "low_confidence"},
        ],
        "view": "as it is",
        "digits": [
            {
                "digit": 1,
                "confidence": 0.9,
                "accepted": True,
                "box": [1, 2, 3, 4],
                "line": 0,
                "sign": None,
                "sign_confidence": None,
                "alternatives": [{"digit": 1, "probability": 0.9}],
            },
            {
                "digit": 7,
                "confidence": 0.999999,
                "accepted": False,
                "box": [5, 6, 7, 8],
                "line": 1,
                "sign": "/",
                "sign_confidence": 0.8,
                "alternatives": [],
            },
        ],
        "reading_time_ms": 2.5,
    }


def test_the_command_line_answers_without_loading_the_web_framework(sample: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom digits.cli.main import main\n"
        f"main(['predict', '--json', {str(sample)!r}])\nmain(['read', '--json', {str(sample)!r}])\n"
        "print(sorted({'fastapi', 'starlette', 'uvicorn'} & set(sys.modules)))\n"
    )
    done = run_python(["-c", script], tmp_path)
    assert done.returncode == 0, done.stderr
    predicted, read, loaded = done.stdout.splitlines()
    assert list(json.loads(predicted)) == ["file", *fields_of_one_page(BatchPrediction)]
    assert list(json.loads(read)) == ["file", *fields_of_one_page(ReadResponse)]
    assert loaded == "[]"
