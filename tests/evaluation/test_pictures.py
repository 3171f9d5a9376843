import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from digits.cli.main import main
from digits.data.labeled import LabeledPicture, read_labeled
from digits.data.mnist import Mnist
from digits.evaluation.pictures import Measurement, measure
from digits.evaluation.statistics import Share
from digits.images.decode import decode
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import SAMPLES

Pixels = npt.NDArray[np.uint8]

# Nothing is written on it, so any model rejects it.
BLANK = np.full((60, 60), 250, np.uint8)


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The model that ships, whatever was trained in the working folder; figures are kept elsewhere."""
    monkeypatch.chdir(tmp_path_factory.mktemp("working"))
    monkeypatch.setenv("DIGITS_MODEL", str(shipped_model()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["file,label,source"]
    for file in SAMPLES:
        (tmp_path / file.name).write_bytes(file.read_bytes())
        lines.append(f"{file.name},{file.name[0]},{'pen' if 'pen' in file.name else 'other'}")
    (tmp_path / "text.png").write_text("only text")
    lines += ["text.png,5,other", "7_stylus.png,3,other", "7_stylus.png,letter:seven,other", "7_stylus.png,77,other"]
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_a_folder_is_scored_in_int8_and_not_kept_for_the_page_about_float32(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.model.artifact.has_int8_instructions", lambda: True)
    assert main(["evaluate", str(folder), "--precision", "int8"]) == 0
    output = capsys.readouterr().out
    assert "computes in int8" in output
    assert f"accuracy: {Share(7, 9)}" in output
    assert "kept for the app's page" not in output


def test_a_precision_in_which_the_processor_does_not_answer_is_not_measured(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.model.artifact.has_int8_instructions", lambda: False)
    for arguments in ([str(folder)], []):
        assert main(["evaluate", *arguments, "--precision", "int8"]) == 1
        assert "answers in float32, and not in int8 as asked" in capsys.readouterr().err


def test_a_folder_is_scored_by_source_with_mistakes_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(folder)]) == 0
    output = capsys.readouterr().out
    assert f"accuracy: {Share(7, 9)}" in output
    assert f"({Share(7, 9).interval[0]:.1%} to {Share(7, 9).interval[1]:.1%}, 7 of 9)" in output
    assert "pen: 100.00%" in output
    assert f"accepted: {Share(8, 9)}" in output
    assert f"accuracy of the accepted: {Share(7, 8)}" in output
    assert "3 read as 7: 1 time" in output
    assert "5 not read (UnsupportedFormatError): 1 time" in output
    assert f"not accepted, letter: {Share(0, 1)}" in output
    assert "AUROC of digits against other things: 0." in output
    assert f"numbers read exactly: {Share(0, 1)}" in output
    assert "77 read as 7" in output


def test_mistakes_are_written_beside_what_the_network_saw(folder: Path, tmp_path: Path) -> None:
    assert main(["evaluate", str(folder), "--save-mistakes", str(tmp_path / "mistakes")]) == 0
    # Read as another digit, and accepted though it is said to be a letter.
    assert sorted(file.name for file in (tmp_path / "mistakes").iterdir()) == [
        "7_stylus-3-read-as-7.png",
        "7_stylus-77-read-as-7.png",
        "7_stylus-letter_seven-read-as-7.png",
    ]


def test_several_folders_and_npz_files_are_scored_together(
    folder: Path, tmp_path: Path, mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "some.npz", images=mnist.x_test[:20], labels=mnist.y_test[:20])
    assert main(["evaluate", str(folder), str(tmp_path / "some.npz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["n"] == 29


def test_a_model_file_is_not_scored_with_pictures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "mine.keras", str(folder)]) == 1
    assert "one model file, or folders and npz files, but not both" in capsys.readouterr().err


def test_without_a_digit_there_is_no_accuracy_and_no_auroc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "blank.npz", images=BLANK[np.newaxis], labels=["paper"])
    assert main(["evaluate", str(tmp_path / "blank.npz")]) == 0
    output = capsys.readouterr().out
    assert f"not accepted, paper: {Share(1, 1)}" in output
    assert "\naccura" not in output
    assert "\naccepted" not in output
    assert "AUROC" not in output
    assert main(["evaluate", str(tmp_path / "blank.npz"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["accuracy"]["value"] is answer["accepted_accuracy"]["value"] is answer["auroc"] is None


def measured(*pictures: tuple[str, Pixels], ambiguous: bool = False) -> Measurement:
    """What comes of pictures with these labels, and of one that is ambiguous if wanted."""
    listed = [LabeledPicture(f"{i}.png", label, "", pixels) for i, (label, pixels) in enumerate(pictures)]
    if ambiguous:
        listed.append(LabeledPicture("ambiguous.png", "letter:O", "", BLANK, ambiguous=True))
    return measure(Recognizer.load(shipped_model()), listed)


def test_other_things_are_scored_by_kind_and_all_together(sample: Path) -> None:
    seven = decode(sample.read_bytes())
    found = measured(("7", seven), ("letter:O", BLANK), ("letter:seven", seven), ("", BLANK), ("sign", BLANK))
    assert found.rejected == {
        "no label": Share(1, 1),
        "letter": Share(1, 2),
        "sign": Share(1, 1),
        "all others": Share(3, 4),
    }
    # What is no digit does not count as a digit.
    assert found.accuracy == found.accepted == found.accepted_accuracy == Share(1, 1)


def test_ambiguous_things_are_a_kind_of_their_own_and_count_nowhere_else(sample: Path) -> None:
    seven = decode(sample.read_bytes())
    with_it, without = (measured(("7", seven), ("letter:a", BLANK), ambiguous=some) for some in (True, False))
    assert with_it.rejected == {
        "letter": Share(1, 1),
        "letter (ambiguous)": Share(1, 1),
        "all others": Share(1, 1),
    }
    assert without.rejected == {"letter": Share(1, 1)}
    assert with_it.auroc == without.auroc == 1.0


def test_a_digit_that_cannot_be_read_is_wrong_not_accepted_and_of_no_confidence(sample: Path) -> None:
    seven = decode(sample.read_bytes())
    found = measured(("7", seven), ("7", BLANK), ("letter", BLANK))
    assert (found.accuracy, found.accepted, found.accepted_accuracy) == (Share(1, 2), Share(1, 2), Share(1, 1))
    assert found.confused == ["7 not read (NoInkError): 1 time"]
    # Surer of the one digit than of the letter, and no surer of the other.
    assert found.auroc == pytest.approx(0.75)


def test_an_npz_in_a_labels_file_has_the_rows_label_or_else_its_own(tmp_path: Path, mnist: Mnist) -> None:
    np.savez(tmp_path / "some.npz", images=mnist.x_test[:3], labels=mnist.y_test[:3])
    (tmp_path / "labels.csv").write_text("file,label,source,notes\nsome.npz,garment,shop,AMBIGUOUS\nsome.npz,,mnist,\n")
    pictures = read_labeled(tmp_path)
    assert [(one.label, one.source, one.ambiguous) for one in pictures[:3]] == [("garment", "shop", True)] * 3
    own = [(str(label), "mnist", False) for label in mnist.y_test[:3]]
    assert [(one.label, one.source, one.ambiguous) for one in pictures[3:]] == own
    assert np.array_equal(np.asarray(pictures[4].content), mnist.x_test[1])


def test_the_word_ambiguous_in_the_notes_marks_a_picture(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label,notes\na.png,letter:O,AMBIGUOUS: a zero?\nb.png,letter:A,clear\n")
    assert [picture.ambiguous for picture in read_labeled(tmp_path)] == [True, False]


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
        ("labels.csv", "file,kind\na.png,1\n", "it needs file and label"),
        ("nothing.csv", "", "(columns file and label)"),
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


def test_a_labels_file_as_spreadsheets_write_it_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "labels.csv").read_text()
    (folder / "labels.csv").write_text(text, encoding="utf-8-sig")
    assert main(["evaluate", str(folder)]) == 0
    assert "accuracy:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,label\n7_stylus.png\n", "a row without a file or a label"),
        (b"file,label\n7_stylus.png,\n", "a row without a file or a label"),
        ("file,label\nz\u00e9ro.png,0\n".encode("latin-1"), "save it as CSV in UTF-8"),
    ],
)
def test_a_damaged_labels_file_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    (folder / "labels.csv").write_bytes(content)
    assert main(["evaluate", str(folder)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("labels", [np.array([7.5]), np.array(7), np.array([7, 7]), np.array([[7, 7]])])
def test_labels_that_are_not_one_for_each_image_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: np.ndarray
) -> None:
    np.savez(tmp_path / "some.npz", images=np.zeros((1, 28, 28), np.uint8), labels=labels)
    assert main(["evaluate", str(tmp_path / "some.npz")]) == 1
    assert "one for each image is needed: whole numbers, texts" in capsys.readouterr().err
