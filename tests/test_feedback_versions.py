"""Feedback in files of earlier versions of Digits and of newer ones, and what earlier programs do to a file."""

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from digits.data.labeled import read_labeled
from digits.errors import FeedbackError
from digits.feedback import Feedback, FeedbackStore, content_digest
from digits.images.decode import decode
from tests.conftest import SAMPLES, encode_png

SEVEN = Feedback("7", "7", 0.99, "a digest")


def test_a_file_of_an_earlier_version_goes_on_and_knows_its_pictures(tmp_path: Path) -> None:
    """Its keys were digests of PNG files, of which two library versions write two for the same picture."""
    pixels = decode(SAMPLES[0].read_bytes())
    row = "INSERT INTO feedback VALUES (?, ?, ?, '', 0.0, '', ?)"
    with contextlib.closing(sqlite3.connect(tmp_path / "f.sqlite3")) as old, old:
        old.execute(
            "CREATE TABLE feedback (digest TEXT PRIMARY KEY, image BLOB NOT NULL, label TEXT NOT NULL, "
            "digit_read TEXT NOT NULL, confidence REAL NOT NULL, model TEXT NOT NULL, created TEXT NOT NULL)"
        )
        for label, level in (("0", 1), ("3", 9)):
            png = encode_png(pixels, compress_level=level)
            old.execute(row, (hashlib.sha256(png).hexdigest(), png, label, f"2026-01-01T00:00:0{level}+00:00"))
        old.execute(row, ("damaged", b"no picture", "1", "2026-01-01T00:00:00+00:00"))
    store = FeedbackStore(tmp_path / "f.sqlite3")
    assert store.label_of(content_digest(pixels)) == "3"
    assert len(store) == 2
    store.keep(pixels, SEVEN)
    assert (len(store), store.label_of(content_digest(pixels)), store.label_of("damaged")) == (2, "7", "1")


def test_a_file_in_which_feedback_was_nobodys_goes_on(tmp_path: Path) -> None:
    pixels = decode(SAMPLES[0].read_bytes())
    with contextlib.closing(sqlite3.connect(tmp_path / "f.sqlite3")) as old, old:
        old.execute(
            "CREATE TABLE feedback (digest TEXT PRIMARY KEY, image BLOB NOT NULL, label TEXT NOT NULL, "
            "digit_read TEXT NOT NULL, confidence REAL NOT NULL, model TEXT NOT NULL, created TEXT NOT NULL)"
        )
        row = (content_digest(pixels), encode_png(pixels), "3", "7", 0.5, "a digest", "2026-01-01T00:00:00+00:00")
        old.execute("INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        old.execute("PRAGMA user_version = 1")
    store = FeedbackStore(tmp_path / "f.sqlite3")
    assert (len(store), store.label_of(content_digest(pixels))) == (1, "3")
    store.keep(pixels, SEVEN, "a")
    assert (len(store), store.label_of(content_digest(pixels), "a")) == (1, "7")
    assert store.export(tmp_path / "out") == 1
    assert [picture.label for picture in read_labeled(tmp_path / "out")] == ["7"]


def test_a_file_that_kept_a_picture_for_each_visitor_goes_on(tmp_path: Path) -> None:
    pixels = decode(SAMPLES[0].read_bytes())
    digest, png = content_digest(pixels), encode_png(pixels)
    store = FeedbackStore(tmp_path / "f.sqlite3")
    store.keep(pixels, SEVEN, "a")
    with contextlib.closing(sqlite3.connect(store.path)) as database:
        ((visitor,),) = database.execute("SELECT visitor FROM labels").fetchall()
    store.path.unlink()
    with contextlib.closing(sqlite3.connect(store.path)) as old, old:
        old.execute(
            "CREATE TABLE feedback (digest TEXT NOT NULL, visitor TEXT NOT NULL, image BLOB NOT NULL, "
            "label TEXT NOT NULL, digit_read TEXT NOT NULL, confidence REAL NOT NULL, model TEXT NOT NULL, "
            "created TEXT NOT NULL, PRIMARY KEY (digest, visitor))"
        )
        row = (digest, visitor, png, "3", "7", 0.5, "a digest", "2026-01-01T00:00:00+00:00")
        old.execute("INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        old.execute("INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (digest, "", *row[2:]))
        old.execute("PRAGMA user_version = 2")
    assert (len(store), store.label_of(digest, "a"), store.label_of(digest)) == (1, "3", "3")
    store.keep(pixels, SEVEN, "a")
    store.keep(pixels, SEVEN)
    assert store.export(tmp_path / "out") == 1
    assert [picture.label for picture in read_labeled(tmp_path / "out")] == ["7"]


def test_a_file_of_a_newer_digits_is_left_as_it_is_and_the_message_says_so(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    store.keep(np.zeros((9, 9), np.uint8), SEVEN)
    with contextlib.closing(sqlite3.connect(store.path)) as database, database:
        database.execute("PRAGMA user_version = 99")
    before = store.path.read_bytes()
    message = (
        r"A newer Digits has written .*f\.sqlite3: it has version 99, .*Use the newer Digits, or name another file"
    )
    for use in (lambda: store.keep(np.zeros((9, 9), np.uint8), SEVEN), lambda: len(store)):
        with pytest.raises(FeedbackError, match=message):
            use()
    assert store.path.read_bytes() == before


# The statements of programs of earlier versions: when they open a file, and afterwards. Versions 1 and 2 look at its
# version, and migrate one that is lower than theirs.
_COLUMNS = (
    "image BLOB NOT NULL, label TEXT NOT NULL, digit_read TEXT NOT NULL, confidence REAL NOT NULL, "
    "model TEXT NOT NULL, created TEXT NOT NULL"
)
_KEEP = "INSERT OR REPLACE INTO feedback VALUES (:digest, {} :image, '1', '1', 0.5, '', '')"
_EARLIER = {
    0: (
        f"CREATE TABLE IF NOT EXISTS feedback (digest TEXT PRIMARY KEY, {_COLUMNS})",
        _KEEP.format(""),
        "DELETE FROM feedback WHERE digest = :digest",
        "SELECT digest, image, label FROM feedback ORDER BY created, digest",
    ),
    1: (
        "PRAGMA secure_delete = ON",
        _KEEP.format(""),
        "DELETE FROM feedback WHERE digest = :digest",
        "SELECT digest, image, label FROM feedback ORDER BY created, rowid",
    ),
    2: (
        "PRAGMA secure_delete = ON",
        _KEEP.format("'',"),
        "DELETE FROM feedback WHERE digest = :digest AND visitor = ''",
        "SELECT digest, image, label, COUNT(*), MAX(rowid) FROM feedback GROUP BY digest, label",
    ),
}


@pytest.mark.parametrize("version", _EARLIER)
def test_the_programs_of_earlier_versions_lose_nothing_that_a_file_holds(version: int, tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite3")
    pixels = np.zeros((9, 9), np.uint8)
    digest = store.keep(pixels, SEVEN)
    store.keep(np.ones((9, 9), np.uint8), SEVEN, "a")

    def held() -> list[list[tuple[object, ...]]]:
        with contextlib.closing(sqlite3.connect(store.path)) as database:
            return [database.execute(f"SELECT * FROM {table}").fetchall() for table in ("pictures", "labels")]

    before = held()
    opening, *statements = _EARLIER[version]
    for statement in statements:
        with contextlib.closing(sqlite3.connect(store.path)) as database, database:
            database.execute(opening)
            # Not lower than any of theirs: none begins to migrate.
            assert database.execute("PRAGMA user_version").fetchone()[0] >= max(_EARLIER)
            refused = pytest.raises(sqlite3.OperationalError, match="no such table: feedback")
            # That of version 0 makes the table which it uses.
            with refused if version else contextlib.nullcontext():
                database.execute(statement, {"digest": digest, "image": encode_png(pixels)})
        assert held() == before
    assert (len(store), store.label_of(digest)) == (2, "7")
    store.keep(pixels, Feedback("0", "7", 0.99, ""))
    assert store.export(tmp_path / "out") == 2
    assert sorted(picture.label for picture in read_labeled(tmp_path / "out")) == ["0", "7"]
