"""`digits model compare` and `digits model rollback`."""

import json
import shutil
from pathlib import Path

import pytest

from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.model.history import keep, kept
from digits.recognizer import TRAINED_MODEL, shipped_model
from tests.conftest import SAMPLES
from tests.model_files import with_card


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for file in SAMPLES:
        shutil.copy(file, folder)
    rows = "".join(f"{file.name},{file.name[0]}\n" for file in SAMPLES)
    (folder / "labels.csv").write_text(f"file,label\n{rows}")
    return folder


def test_two_models_are_compared_on_pictures(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = with_card(tmp_path, thresholds={"confidence": 1.0, "digit": 0.0})
    assert main(["model", "compare", "shipped", str(strict), "--on", str(pictures)]) == 0
    output = capsys.readouterr().out
    assert "A: the model that ships with Digits\nB: " in output
    assert "They differ on 0 images: only A is right on 0, only B on 0" in output
    for row in ("accuracy", "calibration error", "accepted", "drawn outliers not accepted", "forward pass"):
        assert f"\n{row} " in output, output


def test_a_comparison_on_mnist_is_printed_as_json(mnist: Mnist, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "compare", "shipped", "shipped", "--json"]) == 0
    comparison = json.loads(capsys.readouterr().out)
    assert comparison["n"] == 10_000
    assert comparison["differing"] == []
    assert comparison["models"][0]["accuracy"]["value"] > 0.99


def test_a_model_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], pictures: Path) -> None:
    assert main(["model", "compare", "shipped", "missing.keras", "--on", str(pictures)]) == 1
    assert "There is no model file missing.keras" in capsys.readouterr().err


def train(accuracy_of: Path) -> None:
    """Puts a model in place as training does."""
    TRAINED_MODEL.parent.mkdir(exist_ok=True)
    keep(TRAINED_MODEL)
    TRAINED_MODEL.unlink(missing_ok=True)
    shutil.copy(accuracy_of, TRAINED_MODEL)


def test_rolling_back_ends_with_the_model_that_ships(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(with_card(tmp_path, recipe="first"))
    train(with_card(tmp_path, recipe="second"))
    assert main(["model", "rollback", "--list"]) == 0
    assert f"{kept(TRAINED_MODEL)[0]}: recipe first, test accuracy 99" in capsys.readouterr().out
    assert main(["model", "rollback"]) == 0
    assert "In use now: models/mnist_model.keras (recipe first" in capsys.readouterr().out
    assert main(["model", "rollback"]) == 0
    assert "In use now: the model that ships with Digits" in capsys.readouterr().out
    assert not TRAINED_MODEL.exists()
    assert main(["model", "rollback"]) == 1
    said = "digits: You use the model that ships with Digits; there is nothing to go back to.\n"
    assert capsys.readouterr().err == said


def test_a_named_model_without_an_earlier_one_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "digits: No earlier {} is kept in {}, so there is nothing to go back to.\n"
    model = with_card(tmp_path, recipe="first")
    assert main(["model", "rollback", "--model", str(model)]) == 1
    assert capsys.readouterr().err == said.format(model.name, tmp_path / "previous")
    # The model in use is not the one that ships.
    monkeypatch.setenv("DIGITS_MODEL", str(model))
    assert main(["model", "rollback"]) == 1
    assert capsys.readouterr().err == said.format(TRAINED_MODEL.name, TRAINED_MODEL.parent / "previous")


def test_where_the_variable_names_no_file_nothing_is_changed_and_the_way_out_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(with_card(tmp_path, recipe="first"))
    train(with_card(tmp_path, recipe="second"))
    before = TRAINED_MODEL.read_bytes()
    monkeypatch.setenv("DIGITS_MODEL", "own models/mine.keras")
    assert main(["model", "rollback"]) == 1
    said = (
        "digits: DIGITS_MODEL names own models/mine.keras, and there is no such file. To have a model in use, {}set "
        "DIGITS_MODEL to a file that is there, or unset it. Nothing was changed.\n"
    )
    assert capsys.readouterr().err == said.format("")
    assert TRAINED_MODEL.read_bytes() == before
    own = Path("own models/mine.keras")
    own.parent.mkdir()
    shutil.copy(TRAINED_MODEL, own)
    keep(own)
    own.unlink()
    assert main(["model", "rollback"]) == 1
    way_back = "put its earlier model back (digits model rollback --model 'own models/mine.keras'), "
    assert capsys.readouterr().err == said.format(way_back)
    assert main(["model", "rollback", "--model", str(own)]) == 0
    assert "In use now: own models/mine.keras" in capsys.readouterr().out
    # What the variable does not name is put back, and not in use.
    assert main(["model", "rollback"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Put back: models/mnist_model.keras (recipe first")
    assert printed.endswith("DIGITS_MODEL names another model, which stays in use: own models/mine.keras\n")
    assert "In use now" not in printed


@pytest.mark.parametrize("way", ["models/../models/mnist_model.keras", "link.keras"])
def test_a_model_is_in_use_however_the_variable_names_it(
    way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    train(with_card(tmp_path, recipe="first"))
    train(with_card(tmp_path, recipe="second"))
    Path("link.keras").symlink_to(TRAINED_MODEL)
    monkeypatch.setenv("DIGITS_MODEL", way)
    assert main(["model", "rollback"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("In use now: models/mnist_model.keras (recipe first")
    assert "another model" not in printed
    # The only model left is in use by its name, and none ships in its place.
    assert main(["model", "rollback"]) == 1
    assert "there is nothing to go back to" in capsys.readouterr().err
    assert TRAINED_MODEL.exists()


def test_a_damaged_file_is_not_put_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(shipped_model())
    train(shipped_model())
    before = TRAINED_MODEL.read_bytes()
    (kept(TRAINED_MODEL)[0]).unlink()
    damaged = TRAINED_MODEL.parent / "previous" / "mnist_model-20260101T000000000000Z.keras"
    damaged.write_bytes(before[:1000])
    assert main(["model", "rollback"]) == 1
    assert "cannot be used" in capsys.readouterr().err
    assert TRAINED_MODEL.read_bytes() == before


def test_the_options_of_the_command_alone_still_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recipe"] == "convnet"
