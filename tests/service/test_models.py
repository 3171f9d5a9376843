"""Model files and key files that nobody should serve are refused in words, and at once."""

import os
from pathlib import Path
from typing import Any

import pytest

from digits.errors import ModelFileError, SettingError
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


@pytest.mark.parametrize("change", [{"recipe": {"name": "mlp"}}, {"recipe": "x" * 5_000_000}])
def test_a_card_that_cannot_be_shown_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError, match="The card of the model file"):
        Models(Settings(model=with_card(tmp_path, **change)), None, None)


def test_clients_are_not_told_in_which_folder_the_model_lies(tmp_path: Path) -> None:
    file = tmp_path / "mine.keras"
    file.write_bytes(shipped_model().read_bytes())
    models = Models(Settings(model=file), None, None)
    assert models.in_use.name == "mine.keras"
