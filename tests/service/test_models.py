"""Model files and key files that nobody should serve are refused in words, and at once."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from digits.errors import ModelFileError, SettingError
from digits.model.engine import Precision, PrecisionChoice
from digits.recognizer import shipped_model
from digits.service.middleware.keys import Keyring
from digits.service.models import Models
from digits.service.settings import Settings
from tests.model_files import with_card


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_is_refused_as_model_and_as_key_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.keras"
    os.mkfifo(pipe)
    with pytest.raises(ModelFileError, match="no regular file"):
        Models(Settings(model=pipe), None, None)
    with pytest.raises(SettingError, match="no regular file"):
        Keyring("", pipe)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": {"name": "mlp"}}, "the card has the recipe {'name': 'mlp'}, not str"),
        ({"recipe": "x" * 5_000_000}, "The card of the model file"),
    ],
)
def test_a_card_that_cannot_be_shown_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        Models(Settings(model=with_card(tmp_path, **change)), None, None)


def test_clients_are_not_told_in_which_folder_the_model_lies(tmp_path: Path) -> None:
    file = tmp_path / "mine.keras"
    file.write_bytes(shipped_model().read_bytes())
    models = Models(Settings(model=file), None, None)
    assert models.in_use.name == "mine.keras"


@pytest.mark.parametrize(
    ("wanted", "fit", "expected"),
    [
        ("int8", True, "int8"),
        ("int8", False, "float32"),
        ("auto", True, "int8"),
        ("auto", False, "float32"),
        ("float32", True, "float32"),
    ],
)
def test_the_precision_that_answers_is_shown(
    wanted: PrecisionChoice,
    fit: bool,
    expected: Precision,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("digits.model.artifact.has_int8_instructions", lambda: fit)
    with caplog.at_level(logging.WARNING, "digits"):
        models = Models(Settings(model=shipped_model(), precision=wanted), None, None)
    assert models.in_use.precision == expected
    # Only whoever asked for int8 has to know.
    assert ("answers in float32, and not in int8 as asked" in caplog.text) == (wanted == "int8" and not fit)
    float32 = Models(Settings(model=shipped_model(), precision="float32"), None, None)
    assert float32.in_use.precision == "float32"
    assert (models.in_use.digest == float32.in_use.digest) == (expected == "float32")
