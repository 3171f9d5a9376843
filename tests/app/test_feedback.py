import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from digits.feedback import FEEDBACK_FILE, FeedbackStore
from tests.app.test_recognize import run_app, texts, upload
from tests.conftest import SAMPLES, encode_png
from tests.pictures import side_by_side


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DIGITS_MODEL", "DIGITS_FEEDBACK"):
        monkeypatch.delenv(name, raising=False)


def exported_labels(folder: Path) -> list[str]:
    FeedbackStore(FEEDBACK_FILE).export(folder)
    with (folder / "labels.csv").open(newline="") as handle:
        return [row["label"] for row in csv.DictReader(handle)]


def buttons(app: AppTest, text: str) -> list[Button]:
    return [button for button in app.button if button.label == text]


def test_nothing_is_kept_without_a_click_and_the_page_says_so(sample: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    assert "Nothing is kept unless you click" in texts(app)
    # Visitors need not know where.
    assert str(FEEDBACK_FILE) not in texts(app)
    assert not FEEDBACK_FILE.exists()


def test_a_click_on_yes_keeps_the_picture_with_the_digit_that_was_read(sample: Path, tmp_path: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    buttons(app, "Yes, a 7")[0].click().run()
    assert not app.exception
    assert "kept as a 7" in app.success[0].value
    assert exported_labels(tmp_path / "out") == ["7"]


def test_a_wrong_answer_is_kept_with_the_true_digit_and_can_be_taken_back(sample: Path, tmp_path: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    app.button_group[0].set_value("1").run()
    assert not app.exception
    assert "kept as a 1" in app.success[0].value
    assert exported_labels(tmp_path / "out") == ["1"]
    buttons(app, "Take it back")[0].click().run()
    assert len(FeedbackStore(FEEDBACK_FILE)) == 0
    assert "Nothing is kept unless you click" in texts(app)


def test_a_picture_without_an_answer_can_be_kept_too(tmp_path: Path) -> None:
    app = upload(run_app(), "blank.png", encode_png(np.full((60, 60), 255, np.uint8)))
    assert not [button for button in app.button if button.label.startswith("Yes")]
    # Asked "What is it?", nobody would know what to say.
    assert app.get("popover")[0].proto.popover.label == "It is a digit …"
    buttons(app, "Right, no digit")[0].click().run()
    assert "kept as no digit" in app.success[0].value
    assert exported_labels(tmp_path / "out") == ["other"]


def test_feedback_can_be_switched_off(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_FEEDBACK", "off")
    app = upload(run_app(), "seven.png", sample.read_bytes())
    assert "Predicted digit: 7" in texts(app)
    assert "kept" not in texts(app)
    assert not buttons(app, "Yes, a 7")


def test_a_file_that_cannot_be_written_gets_a_sentence(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("plain").write_text("no folder")
    monkeypatch.setenv("DIGITS_FEEDBACK", "plain/feedback.sqlite3")
    app = upload(run_app(), "seven.png", sample.read_bytes())
    buttons(app, "Yes, a 7")[0].click().run()
    assert not app.exception
    assert app.error[0].value == "The picture could not be kept. The log of the app says why."


def test_a_click_keeps_the_picture_that_it_was_made_on_and_says_so_where_another_is_shown_since(
    sample: Path, tmp_path: Path
) -> None:
    eight = SAMPLES[-1].read_bytes()
    app = upload(run_app(), "seven.png", sample.read_bytes())
    key = buttons(app, "Yes, a 7")[0].key
    # Both in one run of the page, as when a stroke ends while the button is pressed.
    buttons(app, "Yes, a 7")[0].click()
    upload(app, "eight.png", eight)
    assert "Predicted digit: 8" in texts(app)
    store = FeedbackStore(FEEDBACK_FILE)
    assert (len(store), exported_labels(tmp_path / "out")) == (1, ["7"])
    assert "The picture before this one is kept as a 7" in app.success[0].value
    # A click on the first picture's button that comes later still cannot be one on this picture's.
    assert buttons(app, "Yes, an 8")[0].key != key
    buttons(app, "Take it back")[0].click().run()
    assert not app.exception
    assert (len(store), len(app.success), len(buttons(app, "Yes, an 8"))) == (0, 0, 1)


def test_what_a_visitor_said_is_neither_shown_to_another_nor_taken_back_by_one(sample: Path, tmp_path: Path) -> None:
    first, second = (upload(run_app(), "seven.png", sample.read_bytes()) for _ in range(2))
    buttons(first, "Yes, a 7")[0].click().run()
    assert "Thank you" in first.success[0].value
    second.run()
    assert not second.success
    assert not buttons(second, "Take it back")
    second.button_group[0].set_value("1").run()
    assert "kept as a 1" in second.success[0].value
    assert "kept as a 7" in first.run().success[0].value
    # The label of the latest, until that is taken back.
    assert exported_labels(tmp_path / "out") == ["1"]
    buttons(second, "Take it back")[0].click().run()
    assert buttons(second, "Yes, a 7")
    assert "kept as a 7" in first.run().success[0].value
    assert exported_labels(tmp_path / "out") == ["7"]


def test_what_is_kept_is_asked_of_the_file_and_not_of_the_session(sample: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    buttons(app, "Yes, a 7")[0].click().run()
    FEEDBACK_FILE.unlink()
    app.run()
    assert not app.success
    assert buttons(app, "Yes, a 7")


def test_pictures_of_the_same_pixels_and_another_shape_are_two() -> None:
    app = upload(run_app(), "blank.png", encode_png(np.full((60, 60), 255, np.uint8)))
    buttons(app, "Right, no digit")[0].click().run()
    upload(app, "wide.png", encode_png(np.full((40, 90), 255, np.uint8)))
    assert not app.success
    assert "Nothing is kept unless you click" in texts(app)


def test_the_question_is_worded_by_the_answer() -> None:
    picture = np.full((200, 200), 255, np.uint8)
    cv2.polylines(picture, [np.array([(20, 30), (60, 170), (100, 60), (140, 170), (180, 30)])], False, 0, 12)
    app = upload(run_app(), "w.png", encode_png(picture))
    assert "This does not look like a digit" in texts(app)
    assert buttons(app, "Right, no digit")
    buttons(app, "Right, no digit")[0].click().run()
    assert "kept as no digit" in app.success[0].value


def test_several_digits_are_not_asked_about_as_if_they_were_one(sample: Path) -> None:
    app = upload(run_app(), "seven.png", sample.read_bytes())
    buttons(app, "Yes, a 7")[0].click()
    upload(app, "two.png", encode_png(side_by_side("5_marker", "2_blue_pen")))
    assert "2 digits were seen in this picture" in texts(app)
    assert not app.button_group
    assert "Nothing is kept unless you click" not in texts(app)
    # What was said of the picture before can still be taken back.
    assert "The picture before this one is kept as a 7" in app.success[0].value
    buttons(app, "Take it back")[0].click().run()
    assert not app.exception
    assert len(FeedbackStore(FEEDBACK_FILE)) == 0
