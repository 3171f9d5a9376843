"""The app's page about the model."""

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from digits.app.components.confusion import CHOSEN
from digits.cli.main import main
from digits.evaluation.records import EVALUATIONS
from digits.model.artifact import read, read_examples
from digits.recognizer import shipped_model
from tests.app.test_recognize import texts
from tests.model_files import EXAMPLES, OWN_CARD, repack, with_card

_PAGE = "from digits.app.pages.model import model_page\nmodel_page()"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def open_page(cell: tuple[int, int] | None = None) -> AppTest:
    app = AppTest.from_string(_PAGE, default_timeout=30)
    if cell:
        app.session_state[CHOSEN] = cell
    app.run()
    assert not app.exception
    return app


def pictures(app: AppTest) -> list[list[str]]:
    """The alternative texts of each gallery."""
    return [re.findall('alt="([^"]*)"', element.proto.body) for element in app.get("html")]


def test_it_tells_the_card_and_shows_every_chart() -> None:
    app = open_page()
    table = app.table[-1].value["value"].astype(str).to_dict()
    assert f"({OWN_CARD['metrics']['test']['accuracy']:.2%})" in table["Test images"]
    assert [metric.label for metric in app.metric] == [
        "Test accuracy", "Test loss", "Training accuracy", "Calibration error",
    ]  # fmt: skip
    # Two curves and the reliability diagram.
    assert len(app.get("arrow_vega_lite_chart") or app.get("vega_lite_chart")) == 3
    assert "trains a model of your own" in texts(app)


def test_the_most_frequent_mistake_is_chosen_until_somebody_chooses() -> None:
    mistakes = np.array(OWN_CARD["metrics"]["test"]["confusion"])
    np.fill_diagonal(mistakes, 0)
    true, found = divmod(int(mistakes.argmax()), 10)
    app = open_page()
    assert f"**{true} read as {found}: {mistakes.max()} images**" in texts(app)
    shown = pictures(app)[0]
    assert len(shown) == mistakes.max()
    assert all(text.startswith(f"Test image: {true} read as {found}, ") for text in shown)


def test_a_chosen_cell_shows_its_images_and_one_of_the_diagonal_the_least_sure() -> None:
    app = open_page((7, 7))
    right = OWN_CARD["metrics"]["test"]["confusion"][7][7]
    assert f"**7 read correctly: {right:,} images**" in texts(app)
    assert "The 12 of which it was least sure" in texts(app)
    assert [text.startswith("Test image: 7, read correctly, ") for text in pictures(app)[0]] == [True] * 12


def test_mistakes_are_shown_the_surest_first() -> None:
    examples = read_examples(shipped_model())
    assert examples is not None
    app = open_page()
    wrong = examples.mistakes()
    assert f"All {len(wrong)} misread test images" in texts(app)
    shown = pictures(app)[1]
    assert len(shown) == 24
    assert [tuple(map(int, re.findall(r": (\d) read as (\d)", text)[0])) for text in shown] == [
        (examples.labels[i], examples.read[i]) for i in wrong[:24]
    ]
    app.session_state["more mistakes"] = True
    app.run()
    assert len(pictures(app)[2]) == len(wrong) - 24


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({EXAMPLES: None}, "The model file holds no test images"),
        ({EXAMPLES: b"no npz"}, "The test images in "),
    ],
    ids=["none", "damaged"],
)
def test_without_test_images_it_says_so_and_shows_the_rest(
    changes: dict[str, bytes | None], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITS_MODEL", str(repack(tmp_path, changes)))
    app = open_page()
    assert sentence in texts(app)
    assert "Train again with: `python train.py`" in texts(app)
    assert "Confusion matrix" in texts(app)


def test_a_model_made_elsewhere_says_how_to_get_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", str(with_card(tmp_path, history={}, metrics={})))
    assert "The model file carries no report: it was made outside Digits. Train one with: `python train.py`" in texts(
        open_page()
    )


def test_a_card_without_a_reliability_diagram_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = {name: dict(scores) for name, scores in OWN_CARD["metrics"].items()}
    del metrics["test"]["reliability"]
    monkeypatch.setenv("DIGITS_MODEL", str(with_card(tmp_path, metrics=metrics)))
    assert "The model's card has none" in texts(open_page())


def test_figures_on_ones_own_pictures_are_there_once_they_were_scored(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "run `digits evaluate FOLDER`" in texts(open_page())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "seven.png").write_bytes(sample.read_bytes())
    (tmp_path / "mine" / "labels.csv").write_text("file,label,source\nseven.png,7,pen\nseven.png,letter,other\n")
    assert main(["evaluate", "mine"]) == 0
    assert f"kept for the app's page about the model in {EVALUATIONS}" in capsys.readouterr().out
    app = open_page()
    assert "**mine**" in texts(app)
    shares = app.table[0].value["share"].astype(str).to_dict()
    assert shares["Read correctly"] == shares["Read correctly, pen"] == "100.0% (20.7% to 100.0%), 1 of 1"
    assert shares["Not accepted, as it should be: letter"].endswith("0 of 1")
    EVALUATIONS.write_text("nothing that anyone wrote")
    assert "Delete it, and evaluate again." in texts(open_page())


def test_what_cannot_be_kept_is_scored_all_the_same(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.csv").write_text(f"file,label\n{sample},7\n")
    (tmp_path / "reports").write_text("no folder")
    assert main(["evaluate", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "accuracy: 100.00%" in printed
    assert "not kept for the app's page about the model: " in printed


def test_the_page_is_about_the_model_that_was_picked(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with_card(tmp_path, recipe="reference").rename(tmp_path / "models" / "mnist_model.keras")
    app = open_page()
    assert "This page is about models/mnist_model.keras." in texts(app)
    assert app.table[-1].value["value"]["Network"].startswith("recipe reference")
    app.session_state["chosen model"] = "the model that ships with Digits"
    app.run()
    assert app.table[-1].value["value"]["Network"].startswith(f"recipe {read(shipped_model()).card.recipe}")
