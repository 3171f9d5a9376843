import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.hostile.pdf_files import many_pages
from benchmarks.hostile.rare_bombs import jpeg2000_passes
from digits import __version__
from digits.cli.main import main
from digits.recognizer import shipped_model
from digits.vision.mnist_form import PREPROCESSING_VERSION
from tests.conftest import ROOT, SAMPLES, child_environment, run_python
from tests.model_files import with_card
from tests.processes import start_no_more


@pytest.fixture(autouse=True)
def no_trained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def test_predict_prints_a_line_per_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", *map(str, SAMPLES)]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert [line.rsplit(": ", 1)[1][0] for line in lines] == [file.name[0] for file in SAMPLES]
    assert output.err.startswith("Using the model that ships with Digits (recipe ")


def test_predict_json_prints_a_json_line_per_image(capsys: pytest.CaptureFixture[str], sample: Path) -> None:
    assert main(["predict", "--json", str(sample), str(sample)]) == 0
    output = capsys.readouterr()
    answers = [json.loads(line) for line in output.out.splitlines()]
    assert len(answers) == 2
    assert answers[0]["predicted_digit"] == 7
    assert answers[0]["file"] == str(sample)
    assert sum(answers[0]["probabilities"]) == pytest.approx(1.0, abs=1e-5)
    assert answers[0]["accepted"] is True
    assert answers[0]["reason"] is None
    assert output.err == ""


def test_an_answer_that_is_not_accepted_says_why(
    capsys: pytest.CaptureFixture[str], sample: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # No network is as sure as this.
    monkeypatch.setenv("DIGITS_MODEL", str(with_card(tmp_path, thresholds={"confidence": 1.0, "digit": 0.0})))
    assert main(["predict", "--json", str(sample)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["predicted_digit"], answer["accepted"], answer["reason"]) == (7, False, "low_confidence")
    assert main(["predict", str(sample)]) == 0
    assert capsys.readouterr().out.endswith(", not accepted: low confidence)\n")


def test_a_bad_image_is_named_and_does_not_spoil_the_others(
    capsys: pytest.CaptureFixture[str], sample: Path, tmp_path: Path
) -> None:
    text, empty = tmp_path / "text.png", tmp_path / "empty"
    text.write_text("only text")
    empty.mkdir()
    assert main(["predict", str(text), "missing.png", str(empty), str(sample)]) == 1
    output = capsys.readouterr()
    assert output.out.count("\n") == 1
    assert f"digits: {text}: This is not an image that can be read." in output.err
    assert "digits: missing.png: No such file or directory" in output.err
    assert f"digits: {empty}: The folder holds no image file." in output.err


@pytest.mark.parametrize("command", ["predict", "read"])
def test_answers_and_errors_come_in_the_order_of_the_files(command: str, sample: Path, tmp_path: Path) -> None:
    arguments = ["-m", "digits", command, sample, "none1.png", sample, "none2.png"]
    environment = child_environment(ROOT)
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    told = [line.split(":")[0] for line in done.stdout.splitlines() if not line.startswith("Using")]
    assert told == [str(sample), "digits", str(sample), "digits"]


def test_predict_json_reports_errors_as_lines_too(capsys: pytest.CaptureFixture[str], sample: Path) -> None:
    assert main(["predict", "--json", "missing.png", str(sample)]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"file": "missing.png", "error": "No such file or directory"}
    assert second["predicted_digit"] == 7


def test_model_shows_the_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model"]) == 0
    shown = capsys.readouterr().out
    assert "test accuracy:" in shown
    assert "made by:            python train.py" in shown
    assert "accepted from:" in shown
    assert f"preprocessing:      version {PREPROCESSING_VERSION}" in shown


def test_model_says_that_a_model_was_made_for_another_preprocessing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", "--model", str(with_card(tmp_path, preprocessing=99))]) == 0
    assert "The model was made for version 99 of the preprocessing" in capsys.readouterr().out


@pytest.mark.parametrize("version", [0, -1, True, None, "1", 1.5])
def test_a_preprocessing_version_that_is_no_whole_number_is_refused(
    tmp_path: Path, version: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", "--model", str(with_card(tmp_path, preprocessing=version))]) == 1
    assert "the card's preprocessing version is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("thresholds", "shown"),
    [
        ({}, "50.00% confidence, 60.00% for the two most likely digits together"),
        ({"confidence": 0.75}, "75.00% confidence, 60.00% for the two most likely digits together"),
        ({"digit": 0.5}, "50.00% confidence, 50.00% for the two most likely digits together"),
    ],
    ids=repr,
)
def test_a_card_without_all_thresholds_has_the_usual_ones(
    tmp_path: Path, thresholds: dict[str, float], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", "--model", str(with_card(tmp_path, thresholds=thresholds))]) == 0
    assert f"accepted from:      {shown}\n" in capsys.readouterr().out


def test_model_json_is_the_whole_card(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["metrics"]["test"]["n"] == 10_000


def test_the_model_order_is_variable_then_trained_then_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sample: Path
) -> None:
    def used() -> str:
        assert main(["predict", str(sample)]) == 0
        return capsys.readouterr().err

    assert "the model that ships with Digits" in used()
    trained = tmp_path / "models" / "mnist_model.keras"
    trained.parent.mkdir()
    trained.write_bytes(shipped_model().read_bytes())
    assert "Using models/mnist_model.keras (" in used()
    named = tmp_path / "named.keras"
    named.write_bytes(shipped_model().read_bytes())
    monkeypatch.setenv("DIGITS_MODEL", "named.keras")
    assert "Using named.keras (" in used()


@pytest.mark.parametrize("named", [True, False])
def test_a_broken_model_is_an_error_never_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sample: Path, named: bool
) -> None:
    broken = tmp_path / "models" / "mnist_model.keras"
    broken.parent.mkdir()
    broken.write_bytes(shipped_model().read_bytes()[:1000])
    if named:
        monkeypatch.setenv("DIGITS_MODEL", str(broken))
    assert main(["predict", str(sample)]) == 1
    error = capsys.readouterr().err
    assert "mnist_model.keras cannot be used: it is damaged or not a .keras file" in error
    assert len(error.splitlines()) == 1


def test_usage_errors_are_one_line_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["predict"], ["paint"], ["run", "--api-port", "0"], ["evaluate", "x.keras", "--seeds", "no"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_command_helps_and_tells_its_version(tmp_path: Path) -> None:
    helped = run_python(["-m", "digits", "--help"], tmp_path)
    assert helped.returncode == 0
    for word in ("predict", "model", "evaluate", "run", "exit codes"):
        assert word in helped.stdout
    assert run_python(["-m", "digits", "--version"], tmp_path).stdout == f"digits {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        *(["predict"], ["read"], ["model"], ["evaluate"], ["train"], ["convert"], ["feedback"], ["run"], ["app"]),
        *(["serve"], ["reload"], ["key"]),
        *(["model", "compare"], ["model", "rollback"], ["model", "quantize"], ["feedback", "export"]),
    ],
    ids=" ".join,
)
def test_the_help_of_each_command_begins_with_a_sentence_that_says_what_it_does(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    usage, purpose, *_ = capsys.readouterr().out.split("\n\n")
    assert usage.startswith(f"usage: digits {' '.join(words)} ")
    assert purpose[0].isupper()
    assert purpose.endswith(".")


def test_output_into_a_closed_pipe_is_no_error(sample: Path, tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        f"command = [sys.executable, '-m', 'digits.cli.main', 'predict'] + ['{sample}'] * 2000\n"
        "reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "reader.stdout.readline(); reader.stdout.close()\n"
        "errors = reader.stderr.read().decode(); reader.wait()\n"
        "sys.exit(errors if 'Error' in errors else reader.returncode)\n"
    )
    done = run_python(["-c", script], tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["predict", "read"])
def test_a_file_for_which_no_process_can_be_started_ends_nothing(
    command: str, sample: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in {"two.pdf": many_pages(1), "four.jp2": jpeg2000_passes(3)}.items():
        Path(name).write_bytes(content)
    start_no_more(monkeypatch)
    files = [str(sample), "two.pdf", str(sample), "four.jp2", str(sample)]
    assert main([command, *files]) == 1
    output = capsys.readouterr()
    assert [line.partition(":")[0] for line in output.out.splitlines()] == [str(sample)] * 3
    for name in ("two.pdf", "four.jp2"):
        assert f"digits: {name}: No process can be started to read this file" in output.err
    assert main([command, "--json", *files]) == 1
    assert [json.loads(line)["file"] for line in capsys.readouterr().out.splitlines()] == files
