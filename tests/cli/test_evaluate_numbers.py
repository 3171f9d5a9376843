"""`digits evaluate` where labels are numbers of several digits."""

import json
from pathlib import Path

import numpy as np
import pytest

from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.evaluation.statistics import Share
from digits.images.decode import decode
from digits.recognizer import shipped_model
from tests.conftest import encode_png
from tests.pictures import handwritten

BLANK = encode_png(np.full((60, 60), 255, np.uint8))


@pytest.fixture
def folder(tmp_path: Path, mnist: Mnist, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two numbers with their labels, one that is said to be another, one of which nothing is seen."""
    monkeypatch.setenv("DIGITS_MODEL", str(shipped_model()))
    folder = tmp_path / "numbers"
    folder.mkdir()
    for name, lines in {"year": ("2024",), "lines": ("24", "715"), "wrong": ("1984",)}.items():
        (folder / f"{name}.png").write_bytes(encode_png(handwritten(mnist, *lines)[0]))
    (folder / "blank.png").write_bytes(BLANK)
    rows = ["file,label,source", "year.png,2024,pen", "lines.png,24 715,pen", "wrong.png,1985,chalk", "blank.png,12,"]
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_numbers_are_scored_by_the_share_read_exactly_and_by_their_digits(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"numbers read exactly: {Share(2, 4)}" in lines
    assert f"  chalk: {Share(0, 1)}" in lines
    assert f"  pen: {Share(2, 2)}" in lines
    # One digit is another, two were not seen, of fifteen.
    (rate,) = (line for line in lines if line.startswith("digit error rate, edit distance over length: 20.00%"))
    assert rate.endswith("3 in 15)")
    assert "misread: 1985 read as 1984, 12 read as nothing (NoInkError)" in lines
    # Nothing is said of single digits, of which there are none.
    assert not any(line.startswith(("accuracy", "accepted", "AUROC")) for line in lines)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("year.png,-36", "labels.csv: the label '-36' of year.png has a sign. Write the digits alone: 36."),
        ("year.png,12/08/1994", "the label '12/08/1994' of year.png has a sign. Write the digits alone: 12081994."),
        ("year.png,2 + 3", "the label '2 + 3' of year.png has a sign. Write the digits alone: 2  3."),
        ("gone.png,36", "digits: labels.csv names gone.png, which is not there. Correct the table"),
    ],
)
def test_a_label_that_cannot_be_scored_is_named(
    folder: Path, row: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "labels.csv").write_text(f"file,label\n{row}\n")
    assert main(["evaluate", str(folder)]) == 1
    assert said in capsys.readouterr().err


def test_as_json_it_says_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"model", "numbers"}
    assert (answer["numbers"]["exact"]["hits"], answer["numbers"]["exact"]["n"]) == (2, 4)
    assert (answer["numbers"]["digit_errors"]["errors"], answer["numbers"]["digit_errors"]["n"]) == (3, 15)
    assert answer["numbers"]["digit_errors"]["value"] == pytest.approx(0.2)


def test_a_misread_number_is_saved_with_what_was_read_drawn_on_it(folder: Path, tmp_path: Path) -> None:
    assert main(["evaluate", str(folder), "--save-mistakes", str(tmp_path / "mistakes")]) == 0
    blank, wrong = sorted((tmp_path / "mistakes").iterdir())
    assert wrong.name == "wrong-1985-read-as-1984.png"
    drawn, plain = decode(wrong.read_bytes()), decode((folder / "wrong.png").read_bytes())
    assert drawn.shape == (*plain.shape, 3)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > len(np.unique(plain))
    # On the blank picture nothing was read that could be drawn.
    assert blank.name == "blank-12-read-as-nothing.png"
    assert (decode(blank.read_bytes()) == 255).all()


def test_a_file_that_cannot_be_decoded_is_misread_and_not_saved(folder: Path, tmp_path: Path) -> None:
    (folder / "year.png").write_bytes(BLANK[:-30])
    assert main(["evaluate", str(folder), "--save-mistakes", str(tmp_path / "mistakes")]) == 0
    assert {file.name.partition("-")[0] for file in (tmp_path / "mistakes").iterdir()} == {"wrong", "blank"}


def test_numbers_and_digits_in_one_folder_are_scored_apart(
    folder: Path, mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "seven.png").write_bytes(encode_png(handwritten(mnist, "7")[0]))
    with (folder / "labels.csv").open("a") as labels:
        labels.write("seven.png,7,pen\n")
    assert main(["evaluate", str(folder)]) == 0
    output = capsys.readouterr().out
    assert f"accuracy: {Share(1, 1)}" in output
    assert f"numbers read exactly: {Share(2, 4)}" in output


def test_an_npz_of_numbers_is_scored(
    tmp_path: Path, folder: Path, mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.stack([handwritten(mnist, text)[0] for text in ("39", "86")])
    np.savez(tmp_path / "some.npz", images=images, labels=np.array(["39", "86"]))
    assert main(["evaluate", str(tmp_path / "some.npz")]) == 0
    assert f"numbers read exactly: {Share(2, 2)}" in capsys.readouterr().out
