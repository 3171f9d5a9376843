import json
from pathlib import Path

import numpy as np
import pytest

from digits.cli import main
from digits.measure import Share
from digits.mnist import Mnist
from tests.conftest import SAMPLES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["file,label,source"]
    for file in SAMPLES:
        (tmp_path / file.name).write_bytes(file.read_bytes())
        lines.append(f"{file.name},{file.name[0]},{'pen' if 'pen' in file.name else 'other'}")
    (tmp_path / "text.png").write_text("only text")
    lines += ["text.png,5,other", "7_stylus.png,3,other", "7_stylus.png,letter,other"]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_folder_is_scored_by_source_with_mistakes_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder)]) == 0
    output = capsys.readouterr().out
    assert f"({Share(7, 9).interval[0]:.1%} to {Share(7, 9).interval[1]:.1%}, 7 of 9)" in output
    assert "pen: 100.00%" in output
    assert "3 read as 7: 1 time" in output
    assert "5 refused (UnsupportedFormatError): 1 time" in output
    assert "left out: 1 whose label is not a digit" in output


def test_mistakes_are_written_beside_what_the_network_saw(folder: Path, tmp_path: Path) -> None:
    assert main(["evaluate", str(folder), "--save-mistakes", str(tmp_path / "mistakes")]) == 0
    assert [file.name for file in (tmp_path / "mistakes").iterdir()] == ["7_stylus-3-read-as-7.png"]


def test_an_npz_is_scored_as_json(tmp_path: Path, mnist: Mnist, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "some.npz", images=mnist.x_test[:50], labels=mnist.y_test[:50])
    assert main(["evaluate", str(tmp_path / "some.npz"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["accuracy"]["n"] == 50
    assert answer["accuracy"]["value"] > 0.9
    assert answer["accuracy"]["interval"][0] < answer["accuracy"]["value"] <= answer["accuracy"]["interval"][1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.csv", "file,digit\na.png,1\n", "it needs file and label"),
        ("nothing.csv", "", "it has to have the columns file and label"),
    ],
)
def test_a_folder_of_another_form_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, message: str
) -> None:
    (tmp_path / name).write_text(content)
    assert main(["evaluate", str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "labels.csv").write_text("file,label\nmissing.png,1\n")
    assert main(["evaluate", str(tmp_path)]) == 1
    assert "missing.png" in capsys.readouterr().err


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (10, 10), (5, 10), (0, 0)])
def test_the_interval_holds_the_share_and_stays_within_0_and_1(hits: int, n: int) -> None:
    low, high = Share(hits, n).interval
    assert 0.0 <= low < high <= 1.0
    if n:
        assert low <= Share(hits, n).value <= high
