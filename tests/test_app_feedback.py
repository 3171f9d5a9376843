import csv
from pathlib import Path

import numpy as np
import pytest

from digits.feedback import FEEDBACK_FILE, FeedbackStore
from tests.conftest import encode_png
from tests.test_app import run_app, texts, upload


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DIGITS_MODEL", "DIGITS_FEEDBACK"):
        monkeypatch.delenv(name, raising=False)


def exported_labels(folder: Path) -> list[str]:
    FeedbackStore(FEEDBACK_FILE).export(folder)
    with (folder / "labels.csv").open(newline="") as handle:
        return [row["label"] for row in csv.DictReader(handle)]


def test_nothing_is_kept_without_a_click_and_the_page_says_so(sample: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    assert "Without a click nothing is kept." in texts(app)
    assert str(FEEDBACK_FILE) in texts(app)
    assert not FEEDBACK_FILE.exists()


def test_a_click_on_right_keeps_the_picture_with_the_digit_that_was_read(sample: Path, tmp_path: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    app.button(key="right").click().run()
    assert not app.exception
    assert "kept as a 7" in app.success[0].value
    assert exported_labels(tmp_path / "out") == ["7"]


def test_a_wrong_answer_is_kept_with_the_true_digit_and_can_be_taken_back(sample: Path, tmp_path: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    app.button_group[0].set_value("1").run()
    assert not app.exception
    assert "kept as a 1" in app.success[0].value
    assert exported_labels(tmp_path / "out") == ["1"]
    app.button(key="take back").click().run()
    assert len(FeedbackStore(FEEDBACK_FILE)) == 0
    assert "Without a click nothing is kept." in texts(app)


def test_a_picture_without_an_answer_can_be_kept_too(tmp_path: Path) -> None:
    app = upload(run_app(), "blank.png", encode_png(np.full((60, 60), 255, np.uint8)))
    assert [button.key for button in app.button if button.key == "right"] == []
    app.button_group[0].set_value("other").run()
    assert "kept as no digit" in app.success[0].value
    assert exported_labels(tmp_path / "out") == ["other"]


def test_feedback_can_be_switched_off(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_FEEDBACK", "off")
    app = upload(run_app(), "seven.png", sample.read_bytes())
    assert "Predicted digit: 7" in texts(app)
    assert "kept" not in texts(app)
    assert not any(button.key == "right" for button in app.button)


def test_a_file_that_cannot_be_written_gets_a_sentence(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("plain").write_text("no folder")
    monkeypatch.setenv("DIGITS_FEEDBACK", "plain/feedback.sqlite3")
    app = upload(run_app(), "seven.png", sample.read_bytes())
    app.button(key="right").click().run()
    assert not app.exception
    assert app.error[0].value.startswith("The feedback file plain/feedback.sqlite3 cannot be used")
