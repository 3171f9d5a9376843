import contextlib
import shlex
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from digits.cli.main import main
from digits.data.labeled import read_labeled
from digits.errors import FeedbackError, SettingError
from digits.feedback import Feedback, FeedbackStore, content_digest, feedback_file
from digits.images.decode import decode
from tests.conftest import SAMPLES, encode_png

SEVEN = Feedback("7", "7", 0.99, "a digest")


def test_a_setting_switches_feedback_off_or_names_its_file() -> None:
    assert feedback_file({"DIGITS_FEEDBACK": "OFF"}) is None
    assert feedback_file({"DIGITS_FEEDBACK": "here.sqlite3"}) == Path("here.sqlite3")
    assert feedback_file({"DIGITS_FEEDBACK": "~/f.sqlite3"}) == Path.home() / "f.sqlite3"
    assert feedback_file({"DIGITS_FEEDBACK": "~nobody-of-that-name/f"}) == Path("~nobody-of-that-name/f")
    assert feedback_file({}) == Path("feedback/feedback.sqlite3")


def test_a_label_that_is_none_is_refused() -> None:
    with pytest.raises(SettingError, match="must be one of"):
        Feedback("seven", "7", 0.9, "")


def test_counting_makes_no_file(tmp_path: Path) -> None:
    assert len(FeedbackStore(tmp_path / "none" / "f.sqlite3")) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_last_word_on_a_picture_counts_and_can_be_taken_back(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    pixels = decode(SAMPLES[0].read_bytes())
    store.keep(pixels, SEVEN)
    digest = store.keep(pixels, Feedback("0", "7", 0.99, ""))
    store.export(tmp_path / "out")
    assert [picture.label for picture in read_labeled(tmp_path / "out")] == ["0"]
    store.take_back(digest)
    assert len(store) == 0


def test_each_visitor_has_a_word_of_their_own_and_an_export_takes_that_of_most_then_the_latest(tmp_path: Path) -> None:
    store, pixels = FeedbackStore(tmp_path / "f.sqlite3"), decode(SAMPLES[0].read_bytes())

    def exported() -> list[str]:
        assert store.export(tmp_path / "out") == len(store) == 1
        return [picture.label for picture in read_labeled(tmp_path / "out")]

    one = Feedback("1", "7", 0.9, "")
    for visitor, feedback, label in (("a", SEVEN, "7"), ("b", one, "1"), ("c", SEVEN, "7"), ("b", one, "7")):
        digest = store.keep(pixels, feedback, visitor)
        assert exported() == [label]
    store.take_back(digest)
    store.take_back(digest, "d")
    assert [store.label_of(digest, visitor) for visitor in ("a", "b", "c", "d", "")] == ["7", "1", "7", None, None]
    store.take_back(digest, "a")
    assert exported() == ["1"]
    # Neither a visitor nor what else is of the same one is in the file.
    store.keep(np.zeros((9, 9), np.uint8), SEVEN, "b")
    with contextlib.closing(sqlite3.connect(store.path)) as database:
        visitors = {row[0] for row in database.execute("SELECT visitor FROM labels")}
    assert len(visitors) == 3
    assert all(len(visitor) == 64 for visitor in visitors)


def test_an_export_is_scored_by_evaluate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "f.sqlite3", tmp_path / "out"
    for sample in SAMPLES:
        FeedbackStore(file).keep(decode(sample.read_bytes()), Feedback(sample.name[0], "1", 0.5, ""))
    monkeypatch.setenv("DIGITS_FEEDBACK", str(file))
    monkeypatch.chdir(tmp_path)
    assert main(["feedback"]) == 0
    assert main(["feedback", "export", str(out)]) == 0
    assert main(["evaluate", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"{len(SAMPLES)} pictures in {file}" in printed
    assert "accuracy: 100.00% (" in printed


@pytest.mark.parametrize(
    "listing",
    [
        "file,label\nmine.png,3\n",
        "file,label,source\n",
        "",
        "file,label,source\nfeedback-holiday.png,3,feedback\n",
        "file,label,source\n../feedback-0123456789abcdef.png,3,feedback\n",
        "file,label,source,notes\nfeedback-0123456789abcdef.png,3,feedback,\n",
        f"file,label,source\nfeedback-0123456789abcdef.png,{'3' * 200_000},feedback\n",
        "file,label,source\n\x00\n",
    ],
)
def test_an_export_spares_a_listing_that_is_not_its_own(tmp_path: Path, listing: str) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    store.keep(np.zeros((9, 9), np.uint8), SEVEN)
    (tmp_path / "labels.csv").write_text(listing)
    (tmp_path / "feedback-holiday.png").write_text("mine")
    with pytest.raises(FeedbackError, match="not written by an export"):
        store.export(tmp_path)
    assert (tmp_path / "labels.csv").read_text() == listing
    assert len(list(tmp_path.iterdir())) == 3


def test_an_export_spares_a_folder_in_the_listings_place(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    store.keep(np.zeros((9, 9), np.uint8), SEVEN)
    (tmp_path / "labels.csv").mkdir()
    with pytest.raises(FeedbackError, match="not written by an export"):
        store.export(tmp_path)


def test_an_export_replaces_what_an_earlier_one_listed_and_nothing_else(tmp_path: Path) -> None:
    store, out = FeedbackStore(tmp_path / "f.sqlite3"), tmp_path / "out"
    out.mkdir()
    mine = [out / "feedback-holiday.png", out / "feedback-0123456789abcdef.png"]
    for file in mine:
        file.write_text("mine")
    digest = store.keep(np.zeros((9, 9), np.uint8), SEVEN)
    store.keep(np.ones((9, 9), np.uint8), SEVEN)
    assert store.export(out) == 2
    store.take_back(digest)
    assert store.export(out) == 1
    (left,) = read_labeled(out)
    assert set(out.iterdir()) == {*mine, out / "labels.csv", left.content}
    assert [file.read_text() for file in mine] == ["mine", "mine"]


def test_an_export_that_fails_leaves_the_earlier_one_whole(tmp_path: Path) -> None:
    store, out = FeedbackStore(tmp_path / "f.sqlite3"), tmp_path / "out"
    digest = store.keep(np.zeros((9, 9), np.uint8), SEVEN)
    store.export(out)
    before = {file: file.read_bytes() for file in out.iterdir()}
    store.take_back(digest)
    # A folder lies where its picture has to go.
    (out / f"feedback-{store.keep(np.ones((9, 9), np.uint8), SEVEN)[:16]}.png").mkdir()
    with pytest.raises(FeedbackError, match="cannot be written"):
        store.export(out)
    assert {file: file.read_bytes() for file in out.iterdir() if file.is_file()} == before


def test_the_commands_after_an_export_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    FeedbackStore(tmp_path / "f.sqlite3").keep(np.zeros((9, 9), np.uint8), SEVEN)
    monkeypatch.setenv("DIGITS_FEEDBACK", str(tmp_path / "f.sqlite3"))
    assert main(["feedback", "export", str(tmp_path / "out mit ü")]) == 0
    _, evaluate, train = capsys.readouterr().out.splitlines()
    assert shlex.split(evaluate)[-1] == shlex.split(train)[-1] == str(tmp_path / "out mit ü")


@pytest.mark.parametrize("name", ["missing.sqlite3", "."])
def test_an_export_of_nothing_says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(FeedbackError, match="Nothing is kept"):
        FeedbackStore(tmp_path / name).export(tmp_path / "out")


def test_a_file_that_is_no_database_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "f.sqlite3").write_text("only text, and more of it than a header has bytes" * 40)
    with pytest.raises(FeedbackError, match="cannot be used"):
        FeedbackStore(tmp_path / "f.sqlite3").keep(np.zeros((9, 9), np.uint8), SEVEN)


def test_a_store_says_as_what_a_picture_is_kept(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "new" / "f.sqlite3")
    # Alike but for their shape, and one larger than what is kept of it.
    wide, narrow = np.full((40, 90), 255, np.uint8), np.full((60, 60), 255, np.uint8)
    large = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    assert store.label_of(content_digest(wide)) is None
    assert list(tmp_path.iterdir()) == []
    assert store.keep(wide, SEVEN) == content_digest(wide)
    store.keep(large, Feedback("other", "", 0.0, ""))
    kept = [store.label_of(content_digest(pixels)) for pixels in (wide, narrow, large)]
    assert kept == ["7", None, "other"]
    store.take_back(content_digest(wide))
    assert store.label_of(content_digest(wide)) is None


def test_what_is_taken_back_is_gone_from_the_file(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60), np.uint8)
    some = encode_png(pixels, optimize=True)[500:600]
    digest = store.keep(pixels, SEVEN)
    assert some in store.path.read_bytes()
    store.take_back(digest)
    assert some not in store.path.read_bytes()


def test_a_picture_is_in_the_file_once_however_many_visitors_give_their_word(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    pixels = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    digest = store.keep(pixels, SEVEN, "0")
    size = store.path.stat().st_size
    assert size > 90_000
    for visitor in range(1, 50):
        store.keep(pixels, SEVEN, str(visitor))
    assert store.path.stat().st_size < size + 40_000
    for visitor in range(49):
        store.take_back(digest, str(visitor))
    assert (len(store), store.label_of(digest, "49")) == (1, "7")
    store.take_back(digest, "49")
    assert len(store) == 0


def test_a_full_file_takes_no_more_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.feedback.MOST_BYTES", 200_000)
    store, random = FeedbackStore(tmp_path / "f.sqlite3"), np.random.default_rng(0)
    pictures = [random.integers(0, 256, (300, 300), np.uint8) for _ in range(3)]
    first = store.keep(pictures[0], SEVEN)
    store.keep(random.integers(0, 256, (30, 30), np.uint8), SEVEN)
    store.keep(np.zeros((9, 9), np.uint8), SEVEN)

    def fill() -> None:
        for picture in pictures[1:]:
            store.keep(picture, SEVEN)

    with pytest.raises(
        FeedbackError, match=r"is full: new pictures are refused above 200,000 bytes. .* digits feedback export FOLDER"
    ):
        fill()
    kept = len(store)
    assert store.path.stat().st_size < 200_000
    # What is taken back makes room.
    store.take_back(first)
    store.keep(pictures[2], SEVEN)
    assert len(store) == kept


def test_a_file_above_the_bound_takes_words_on_the_pictures_that_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, pixels = FeedbackStore(tmp_path / "f.sqlite3"), np.zeros((9, 9), np.uint8)
    digest = store.keep(pixels, SEVEN)
    # As of a file of an earlier version, which knew no bound.
    monkeypatch.setattr("digits.feedback.MOST_BYTES", 1_000)
    store.keep(pixels, Feedback("0", "7", 0.99, ""))
    store.keep(pixels, SEVEN, "a")
    assert (store.label_of(digest), store.label_of(digest, "a")) == ("0", "7")
    with pytest.raises(FeedbackError, match="new pictures are refused above 1,000 bytes"):
        store.keep(np.ones((9, 9), np.uint8), SEVEN)
    assert len(store) == 1
