import json
import shutil
from pathlib import Path

import pytest

from digits.cli.main import main
from digits.cli.refusals import printable
from digits.recognizer import MODEL_VARIABLE, shipped_model


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("7.png", "7.png"),
        ("sieb\u00e4n \u4e03.png", "sieb\u00e4n \u4e03.png"),
        ("\x1b[2J7.png", "\\x1b[2J7.png"),
        ("7\r\nerror.png", "7\\r\\nerror.png"),
        ("\x9b31m\u202e.png", "\\x9b31m\\u202e.png"),
        ("\udcff.png", "\\udcff.png"),
    ],
)
def test_a_name_reaches_the_terminal_without_control_characters(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize("command", ["predict", "read"])
def test_answers_and_refusals_name_files_that_way_and_json_as_they_are(
    command: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MODEL_VARIABLE, str(shipped_model()))
    good, bad = tmp_path / "\x1b[2J7.png", tmp_path / "\x1b[2Jbad.png"
    shutil.copy(sample, good)
    bad.write_bytes(b"only text")
    assert main([command, str(good), str(bad)]) == 1
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "\\x1b[2J7.png: 7" in captured.out
    assert "\\x1b[2Jbad.png: " in captured.err
    assert main([command, "--json", str(good)]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(good)
