"""Keeps people's feedback on answers in a SQLite file: each picture with its true label."""

import contextlib
import csv
import datetime
import hashlib
import io
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from digits.data.labeled import LABELS_FILE
from digits.errors import FeedbackError, ImageError, SettingError
from digits.images.decode import decode
from digits.images.reducing import ENOUGH_SIDE
from digits.vision.reduction import shrink

FEEDBACK_VARIABLE = "DIGITS_FEEDBACK"
FEEDBACK_FILE = Path("feedback/feedback.sqlite3")
OFF = "off"

# The label of a picture that shows no digit, as `digits evaluate` expects it.
NO_DIGIT = "other"
LABELS = (*"0123456789", NO_DIGIT)

# The columns of labels.csv, and the names of the pictures, in an export.
_COLUMNS = ("file", "label", "source")
_NAME = re.compile(r"feedback-[0-9a-f]{16}\.png")

_PICTURES = "CREATE TABLE pictures (digest TEXT PRIMARY KEY, image BLOB NOT NULL)"
_LABELS = """
CREATE TABLE labels (
    digest TEXT NOT NULL,
    visitor TEXT NOT NULL,
    label TEXT NOT NULL,
    digit_read TEXT NOT NULL,
    confidence REAL NOT NULL,
    model TEXT NOT NULL,
    created TEXT NOT NULL,
    PRIMARY KEY (digest, visitor)
)
"""
# In version 0 the key of a picture was the digest of its PNG file, which depends on the version of Pillow. Version 1
# kept one visitor's feedback on a picture, and did not know whose. Version 2 kept the picture once for each visitor.
# All three had one table, `feedback`. The programs of versions 1 and 2 say that they cannot use a file that has none.
# That of version 0 makes one, and what it keeps there is not seen. None changes the tables above.
_VERSION = 3
# A new picture is refused if the file would have more bytes: whoever opens the app may add to it.
MOST_BYTES = 2**30


@dataclass(frozen=True)
class Feedback:
    """One person's feedback on one answer.

    Args:
        label: what the picture shows: "0" to "9", or `NO_DIGIT`.
        digit_read: the network's answer, "0" to "9", or "" if it gave none.
        confidence: the confidence of that answer, 0..1.
        model: digest of the network.

    Raises:
        SettingError: the label is not one of `LABELS`.
    """

    label: str
    digit_read: str
    confidence: float
    model: str

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise SettingError(f"The label is {self.label!r}; it must be one of: {', '.join(LABELS)}.")


def feedback_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Returns the file in which feedback is kept, or None if `DIGITS_FEEDBACK` is `off`.

    It is the file that `DIGITS_FEEDBACK` names, or else `feedback/feedback.sqlite3` in the working folder.

    Args:
        environment: the variables to look in; those of the process if None.
    """
    named = (os.environ if environment is None else environment).get(FEEDBACK_VARIABLE, "").strip()
    if named.lower() == OFF:
        return None
    file = Path(named) if named else FEEDBACK_FILE
    with contextlib.suppress(RuntimeError):  # ~name names no user of this machine.
        return file.expanduser()
    return file


def content_digest(pixels: npt.NDArray[np.uint8]) -> str:
    """Returns a picture's key in a store: the SHA-256 of its reduced pixels and their shape, in hexadecimal.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
    """
    kept = np.ascontiguousarray(shrink(pixels, ENOUGH_SIDE))
    return hashlib.sha256(f"{kept.shape}".encode() + kept.tobytes()).hexdigest()


class FeedbackStore:
    """Feedback in a SQLite file: one for each picture and visitor. Several threads may use a store at the same time.

    A visitor is any text that no other visitor has, or "". The file does not hold it, nor which pictures are of the
    same visitor: only a hash of visitor and picture. New pictures are refused above `MOST_BYTES`.

    Args:
        path: the file, which is created with the first feedback.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, pixels: npt.NDArray[np.uint8], feedback: Feedback, visitor: str = "") -> str:
        """Keeps a picture and the feedback on it, which replaces earlier feedback of the same visitor on this picture.

        Only the pixels are kept, at most 800 on the longer side, which is all that the network uses. Metadata such as
        the time and place of a photo is not kept.

        Args:
            pixels: uint8 of shape (height, width) or (height, width, 3).
            feedback: the feedback.
            visitor: who gives it.

        Returns:
            The picture's `content_digest`.

        Raises:
            FeedbackError: the file cannot be written, or is full and the picture is new.
        """
        file = io.BytesIO()
        Image.fromarray(shrink(pixels, ENOUGH_SIDE)).save(file, "PNG", optimize=True)
        digest = content_digest(pixels)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        said = (feedback.label, feedback.digit_read, feedback.confidence, feedback.model, now)
        with self._open() as database:
            picture = (digest, file.getvalue())
            added = database.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?)", picture).rowcount
            database.execute(
                "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?, ?)", (digest, _hashed(visitor, digest), *said)
            )
            if added and _used_bytes(database) > MOST_BYTES:
                raise FeedbackError(
                    f"The feedback file {self.path} is full: new pictures are refused above {MOST_BYTES:,} bytes. "
                    "Export what it holds with digits feedback export FOLDER, and move the file away: a new "
                    "one is made."
                )
        return digest

    def take_back(self, digest: str, visitor: str = "") -> None:
        """Removes a visitor's feedback on a picture, and the picture if nobody else gave any.

        Args:
            digest: the picture's `content_digest`.
            visitor: who gave it.

        Raises:
            FeedbackError: the file cannot be written.
        """
        with self._open() as database:
            database.execute("DELETE FROM labels WHERE digest = ? AND visitor = ?", (digest, _hashed(visitor, digest)))
            database.execute(
                "DELETE FROM pictures WHERE digest = ?1 AND ?1 NOT IN (SELECT digest FROM labels)", (digest,)
            )

    def label_of(self, digest: str, visitor: str = "") -> str | None:
        """Returns the label that a visitor gave a picture, or None if nothing of this visitor is kept on it.

        Args:
            digest: the picture's `content_digest`.
            visitor: who gave it.

        Raises:
            FeedbackError: the file cannot be read.
        """
        if not self.path.is_file():
            return None
        with self._open() as database:
            row = database.execute(
                "SELECT label FROM labels WHERE digest = ? AND visitor = ?", (digest, _hashed(visitor, digest))
            ).fetchone()
        return None if row is None else str(row[0])

    def __len__(self) -> int:
        """Returns the number of different pictures."""
        if not self.path.is_file():
            return 0
        with self._open() as database:
            return int(database.execute("SELECT COUNT(*) FROM pictures").fetchone()[0])

    def export(self, folder: Path) -> int:
        """Writes a folder that `digits evaluate` scores.

        Each picture is in it once, with the label that most visitors gave it; of equally many, the latest.

        Args:
            folder: where to write the pictures as PNG files, and labels.csv with the columns file, label and source.
                It is created if it does not exist. The files of an earlier export are replaced. Other files stay.

        Returns:
            The number of pictures written.

        Raises:
            FeedbackError: the store is empty, or the folder holds a labels.csv that no export wrote.
        """
        if not len(self):
            raise FeedbackError(f"Nothing is kept in {self.path} yet. Set DIGITS_FEEDBACK to use another file.")
        with self._open() as database:
            # Of a picture's labels, the last one counts below.
            rows = database.execute(
                "SELECT digest, image, label, COUNT(*) AS visitors, MAX(labels.rowid) AS latest "
                "FROM labels JOIN pictures USING (digest) GROUP BY digest, label ORDER BY visitors, latest"
            ).fetchall()
        listing = folder / LABELS_FILE
        names = {f"feedback-{digest[:16]}.png": (image, label) for digest, image, label, *_ in rows}
        try:
            earlier = _exported(listing) if listing.exists() else set()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as temporary:
                part = Path(temporary)
                for name, (image, _) in names.items():
                    (part / name).write_bytes(image)
                with (part / LABELS_FILE).open("w", encoding="utf-8", newline="") as handle:
                    writer = csv.writer(handle)
                    writer.writerow(_COLUMNS)
                    writer.writerows((name, label, "feedback") for name, (_, label) in names.items())
                # Pictures, then the listing, then removals: whenever this stops, every listed picture exists.
                for name in (*names, LABELS_FILE):
                    (part / name).replace(folder / name)
            for name in earlier - names.keys():
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise FeedbackError(f"{folder} cannot be written: {error.strerror or error}.") from error
        return len(names)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Yields a connection in a transaction, which is rolled back if the block raises."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=10.0)) as database, database:
                # Overwrites what is removed, whatever SQLite's default is.
                database.execute("PRAGMA secure_delete = ON")
                version = database.execute("PRAGMA user_version").fetchone()[0]
                if version > _VERSION:
                    raise FeedbackError(
                        f"A newer Digits has written the feedback file {self.path}: it has version {version}, and this "
                        f"Digits knows {_VERSION}. Use the newer Digits, or name another file in {FEEDBACK_VARIABLE}."
                    )
                if version < _VERSION:
                    _migrate(database)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise FeedbackError(
                f"The feedback file {self.path} cannot be used ({error}). Set {FEEDBACK_VARIABLE} to another file, or "
                f"to {OFF}."
            ) from error


def _hashed(visitor: str, digest: str) -> str:
    """Returns what stands for a visitor beside a picture: another text beside each, and "" for ""."""
    return hashlib.sha256(f"{visitor} {digest}".encode()).hexdigest() if visitor else ""


def _used_bytes(database: sqlite3.Connection) -> int:
    """Returns how large a file is without what was removed from it."""
    pages, free, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _migrate(database: sqlite3.Connection) -> None:
    """Creates the tables, or brings what an earlier version kept into them."""
    database.execute("BEGIN IMMEDIATE")  # Another process may be migrating as well.
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version >= _VERSION:
        return
    database.execute(_PICTURES)
    database.execute(_LABELS)
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'feedback'").fetchone():
        if version == 0:
            _name_anew(database)
        database.execute("INSERT OR IGNORE INTO pictures SELECT digest, image FROM feedback")
        if version < 2:
            database.execute("ALTER TABLE feedback ADD COLUMN visitor TEXT NOT NULL DEFAULT ''")
        database.execute(
            "INSERT INTO labels SELECT digest, visitor, label, digit_read, confidence, model, created FROM feedback "
            "ORDER BY created, rowid"
        )
        database.execute("DROP TABLE feedback")
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _name_anew(database: sqlite3.Connection) -> None:
    """Gives the pictures of version 0 their new keys; of two equal pictures the later wins."""
    for digest, image in database.execute("SELECT digest, image FROM feedback ORDER BY created, rowid").fetchall():
        with contextlib.suppress(ImageError):  # A picture that cannot be decoded keeps its key.
            database.execute(
                "UPDATE OR REPLACE feedback SET digest = ? WHERE digest = ?", (content_digest(decode(image)), digest)
            )


def _exported(listing: Path) -> set[str]:
    """Returns the names of the pictures that an earlier export wrote.

    Args:
        listing: its labels.csv.

    Raises:
        FeedbackError: no export wrote this labels.csv.
    """
    try:
        with listing.open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle)
    except (OSError, ValueError, csv.Error):
        header, rows = [], []
    names = {row[0] for row in rows if len(row) == len(_COLUMNS) and row[2] == "feedback" and _NAME.fullmatch(row[0])}
    if tuple(header) != _COLUMNS or not rows or len(names) < len(rows):
        raise FeedbackError(f"{listing} exists and was not written by an export. Name another folder.")
    return names
