"""`digits read`: numbers on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

from digits.answers import ReadDigit, ReadResponse
from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.numbers import reading
from digits.numbers.document import DocumentReading, PageReading
from digits.numbers.signs.kinds import UNKNOWN
from digits.recognizer import shipped_model
from tests.conftest import ROOT, encode_png
from tests.pictures import handwritten
from tests.test_answers import fields_of_one_page


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mnist: Mnist) -> tuple[str, str]:
    """A year, and two lines, in a folder in which no model was trained."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)
    Path("year.png").write_bytes(encode_png(handwritten(mnist, "2024")[0]))
    Path("lines.png").write_bytes(encode_png(handwritten(mnist, "24", "715")[0]))
    return "year.png", "lines.png"


def test_each_written_line_is_a_line_with_its_file(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", *files]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == ["year.png: 2024", "lines.png: 24", "lines.png: 715"]
    assert output.err.startswith("Using the model that ships with Digits (recipe ")


def test_the_output_in_the_readme_is_that_of_the_sample(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DIGITS_MODEL", str(shipped_model()))
    assert main(["read", "digits/samples/numbers/two_lines.png"]) == 0
    assert f"```text\n{capsys.readouterr().out}```\n" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_line_that_is_not_accepted_says_why(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = (
        reading.ReadDigit(2, 0.9, True, (0, 0, 9, 9), 0),
        reading.ReadDigit(4, 0.9, True, (0, 10, 9, 9), 1),
        reading.ReadDigit(1, 0.3, False, (10, 10, 9, 9), 1, UNKNOWN, 0.9),
        reading.ReadDigit(1, 0.3, False, (0, 20, 9, 9), 2, UNKNOWN, 0.9),
        reading.ReadDigit(7, 0.4, True, (0, 30, 9, 9), 3),
    )
    page = PageReading(1, reading.Reading(digits, 40, 60, (0.9, 0.9, 0.9, 0.3)))
    monkeypatch.setattr("digits.numbers.document.read_document", lambda *_, **__: DocumentReading((page,)))
    assert main(["read", files[0]]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "year.png: 2",
        # What was written stands in brackets, so that nothing is left out without a word.
        "year.png: 4 [4?] (not accepted: not a digit)",
        "year.png: [?] (not accepted: not a digit)",
        "year.png: 7 (not accepted: low confidence)",
    ]


def _page(number: int, *confidences: float) -> PageReading:
    """A page with a 2 on each line."""
    digits = tuple(reading.ReadDigit(2, 0.9, True, (0, 10 * line, 9, 9), line) for line in range(len(confidences)))
    return PageReading(number, reading.Reading(digits, 40, 60, confidences))


@pytest.mark.parametrize(
    ("pages", "doubt"),
    [
        ([_page(1, 0.9, 0.8)], None),
        (
            [_page(1, 0.6, 0.7)],
            "year.png: (not accepted: low confidence) Each of the 2 lines is more likely right than "
            "wrong, but that all are right has a probability of 42%.",
        ),
        # A page that is refused says so itself.
        (
            [_page(1, 0.6, 0.7), _page(2, 0.9)],
            "year.png, page 1 of 2: (not accepted: low confidence) Each of the 2 lines"
            " is more likely right than wrong, but that all are right has a probability of 42%.",
        ),
        # An empty page says nothing of the others.
        (
            [_page(1, 0.6), _page(2), _page(3, 0.6)],
            "year.png: (not accepted: low confidence) Each of the 2 lines is more "
            "likely right than wrong, but that all are right has a probability of 36%.",
        ),
        # The line itself says why.
        ([_page(1, 0.4, 0.9)], None),
    ],
)
def test_lines_that_are_accepted_alone_but_not_together_say_so(
    pages: list[PageReading],
    doubt: str | None,
    files: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = DocumentReading(tuple(pages), len(pages))
    monkeypatch.setattr("digits.numbers.document.read_document", lambda *_, **__: document)
    assert main(["read", files[0]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "Each of" in line] == ([doubt] if doubt else [])
    # JSON says the same.
    assert main(["read", "--json", files[0]]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert any("not accepted" in line for line in lines) == (not answer["accepted"])


def test_json_lines_are_what_the_api_answers(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--json", *files]) == 0
    output = capsys.readouterr()
    year, lines = map(json.loads, output.out.splitlines())
    assert list(year) == ["file", *fields_of_one_page(ReadResponse)]
    assert (year["transcript"], year["accepted"], year["reason"]) == ("2024", True, None)
    assert (year["file"], year["text"]) == ("year.png", "2024")
    assert (lines["text"], lines["lines"]) == ("24\n715", ["24", "715"])
    assert [one["digit"] for one in lines["digits"]] == [2, 4, 7, 1, 5]
    # Only strokes have a box in a unit of their own.
    assert [*lines["digits"][0], "strokes_box"] == fields_of_one_page(ReadDigit)
    assert output.err == ""


def test_what_cannot_be_read_is_named_and_does_not_spoil_the_others(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("blank.png").write_bytes(encode_png(np.full((60, 60), 255, np.uint8)))
    Path("text.png").write_text("only text")
    assert main(["read", "text.png", "missing.png", "blank.png", files[0]]) == 1
    output = capsys.readouterr()
    assert output.out == "year.png: 2024\n"
    refusals = output.err.splitlines()[1:]
    assert len(refusals) == 3
    assert refusals[0].startswith("digits: text.png: This is not an image that can be read.")
    assert refusals[1] == "digits: missing.png: No such file or directory"
    assert refusals[2].startswith("digits: blank.png: No ink was found")
    assert main(["read", "--json", "missing.png"]) == 1
    assert json.loads(capsys.readouterr().out) == {"file": "missing.png", "error": "No such file or directory"}


def test_folders_and_npz_files_are_read_as_predict_does(
    files: tuple[str, str], mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez("numbers.npz", images=np.stack([handwritten(mnist, text)[0] for text in ("39", "86")]))
    assert main(["read", "numbers.npz", "."]) == 0
    expected = ["numbers.npz[0]: 39", "numbers.npz[1]: 86", "lines.png: 24", "lines.png: 715", "year.png: 2024"]
    assert capsys.readouterr().out.splitlines() == expected


def test_a_pattern_of_what_must_come_is_held_to(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--expect", "####", files[0]]) == 0
    assert capsys.readouterr().out == "year.png: 2024\n"
    assert main(["read", "--expect", "#####", files[0]]) == 1
    assert "does not match the pattern '#####': '2024' was read" in capsys.readouterr().err


def test_a_pattern_that_is_none_is_one_error(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--expect", "abc", *files]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("The pattern 'abc' has 'a', 'b', 'c', which no pattern may have.") == 1
