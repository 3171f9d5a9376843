"""The app's page for a class."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from digits.app.pages.classroom import CLASS, COUNTED, Counted, scoreboard
from digits.app.stage import OnStage
from tests.app.test_recognize import texts


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def open_page() -> AppTest:
    app = AppTest.from_string(
        "from digits.app.pages.classroom import class_page\nclass_page()", default_timeout=30
    ).run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


def give(app: AppTest, drawing: Path) -> AppTest:
    app.session_state[CLASS.key] = OnStage(file=drawing.read_bytes())
    return app.run()


def test_drawings_of_a_digit_are_counted_taken_back_and_begun_again(sample: Path) -> None:
    app = open_page()
    assert "No drawing is kept." in texts(app)
    assert app.button(key="class next").disabled
    app.pills[0].set_value(7).run()
    for _ in range(2):
        press(give(app, sample), "class next")
    assert "Read right: 2 of 2" in texts(app)
    # The stage is empty for the next person.
    assert app.session_state[CLASS.key] == OnStage()
    app.pills[0].set_value(1).run()
    press(give(app, sample), "class next")
    assert "Read right: 2 of 3" in texts(app)
    assert app.session_state[COUNTED][-1] == Counted(1, 7)
    assert "7 (1)" in texts(app)
    press(app, "class back")
    assert "Read right: 2 of 2" in texts(app)
    press(app, "class again")
    assert "No drawing is kept." in texts(app)
    # Nothing is written anywhere.
    assert list(Path.cwd().iterdir()) == []


def test_the_second_click_of_two_counts_nothing(sample: Path) -> None:
    counted = press(give(open_page(), sample), "class next").session_state[COUNTED]
    # The click that was on its way when the first had emptied the stage.
    app = AppTest.from_string("from digits.app.pages.classroom import _count\n_count(7, None)", default_timeout=30)
    app.session_state[COUNTED] = counted
    app.run()
    assert not app.exception
    assert app.session_state[COUNTED] == counted


def test_a_drawing_that_goes_on_does_not_count_yet(sample: Path) -> None:
    app = open_page()
    app.session_state[CLASS.key] = OnStage(file=sample.read_bytes(), live=True)
    app.run()
    assert "Predicted digit: 7" in texts(app)
    assert app.button(key="class next").disabled


def test_the_score_says_what_each_digit_was_read_as_the_most_frequent_mistake_first() -> None:
    counted = [Counted(4, 9), Counted(4, 4), Counted(4, None), Counted(4, 9), Counted(0, 0)]
    score = scoreboard(tuple(counted))
    assert "Read right: 2 of 5" in score
    assert "<th scope=col>Wrongly read as</th>" in score
    assert "<th scope=row>4</th><td>1 of 4</td><td>9 (2), ? (1)</td>" in score
    assert "<th scope=row>0</th><td>1 of 1</td><td>–</td>" in score
    assert "<th scope=row>7</th>" not in score
