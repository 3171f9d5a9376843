"""`digits read` and `digits predict`: files of several pages."""

import json
from pathlib import Path

import numpy as np
import pytest

from digits.cli.main import main
from digits.data.mnist import Mnist
from tests.conftest import encode_png
from tests.pictures import handwritten, tiff_of


@pytest.fixture
def scan(mnist: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A scan of three pages in the working folder, of which the second is empty."""
    monkeypatch.chdir(tmp_path)
    blank = np.full((90, 90), 255, np.uint8)
    Path("scan.tif").write_bytes(tiff_of(handwritten(mnist, "2")[0], blank, handwritten(mnist, "39", "7")[0]))
    Path("one.png").write_bytes(encode_png(handwritten(mnist, "7")[0]))
    return "scan.tif"


def test_each_line_is_shown_with_its_page(scan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", scan, "one.png"]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "scan.tif, page 1 of 3: 2",
        "scan.tif, page 3 of 3: 39",
        "scan.tif, page 3 of 3: 7",
        "one.png: 7",
    ]
    assert "digits: scan.tif, page 2 of 3: No ink was found" in output.err


def test_one_page_is_chosen(scan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--page", "3", scan]) == 0
    assert capsys.readouterr().out.splitlines() == ["scan.tif, page 3 of 3: 39", "scan.tif, page 3 of 3: 7"]
    assert main(["read", "--page", "4", scan, "one.png"]) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [
        "digits: scan.tif: The file has 3 pages, and page 4 was asked for. Ask for a page from 1 to 3.",
        "digits: one.png: The file has one page, and page 4 was asked for. Leave out the page.",
    ]


def test_json_lines_hold_the_pages(scan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "--json", scan, "one.png"]) == 0
    document, one = map(json.loads, capsys.readouterr().out.splitlines())
    assert document["text"] == "2\n39\n7"
    assert [page["text"] for page in document["pages"]] == ["2", "", "39\n7"]
    assert document["page_count"] == 3
    assert "pages" not in one


def test_predict_says_which_page_it_read_and_how_many_there_are(scan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", scan, "one.png"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("scan.tif: 2 (")
    assert first.endswith(", page 1 of 3)")
    assert "page" not in second
    assert main(["predict", "--json", scan]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["predicted_digit"], answer["page"], answer["page_count"]) == (2, 1, 3)
    assert main(["predict", "--page", "2", scan, "one.png"]) == 1
    refusals = capsys.readouterr().err.splitlines()[1:]
    assert refusals[0].startswith("digits: scan.tif: No ink was found")
    assert refusals[1].startswith("digits: one.png: The file has one page")


def test_a_page_of_pixels_without_a_file_is_their_only_one(
    scan: str, capsys: pytest.CaptureFixture[str], mnist: Mnist
) -> None:
    np.savez("numbers.npz", images=handwritten(mnist, "39")[0][np.newaxis])
    assert main(["read", "--page", "1", "numbers.npz"]) == 0
    assert capsys.readouterr().out == "numbers.npz[0]: 39\n"
    for command in ("read", "predict"):
        assert main([command, "--page", "2", "numbers.npz"]) == 1
        assert "has one page, and page 2 was asked for" in capsys.readouterr().err


@pytest.mark.parametrize("page", ["0", "x", "-2"])
def test_what_is_no_page_is_one_line(scan: str, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", f"--page={page}", scan])
    assert "is not a whole number from 1" in capsys.readouterr().err


def test_a_bulk_job_takes_no_page(scan: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", "--page", "2", "--out", "answers", scan])
    assert "--page cannot be used with --out" in capsys.readouterr().err
