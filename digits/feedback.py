"""What people said of answers, kept on this machine: the picture and its true digit, in one SQLite file."""

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
from digits.images.decode import ENOUGH_SIDE, decode
from digits.vision.foreground import shrink

FEEDBACK_VARIABLE = "DIGITS_FEEDBACK"
FEEDBACK_FILE = Path("feedback/feedback.sqlite3")
OFF = "off"

# The label of what is no digit, as `digits evaluate` wants it.
NO_DIGIT = "other"
LABELS = (*"0123456789", NO_DIGIT)

# What an export writes.
_COLUMNS = ("file", "label", "source")
_NAME = re.compile(r"feedback-[0-9a-f]{16}\.png")

_TABLE = """
CREATE TABLE IF NOT EXISTS feedback (
    digest TEXT PRIMARY KEY,
    image BLOB NOT NULL,
    label TEXT NOT NULL,
    digit_read TEXT NOT NULL,
    confidence REAL NOT NULL,
    model TEXT NOT NULL,
    created TEXT NOT NULL
)
"""
# Before the first version, a picture's key was the digest of its PNG file, which another Pillow writes otherwise.
_VERSION = 1


@dataclass(frozen=True)
class Feedback:
    """What somebody said of one answer.

    Args:
        label: what the picture shows: "0" to "9", or `NO_DIGIT`.
        digit_read: what the network read, "0" to "9", or "" if it gave no answer.
        confidence: of that answer, 0..1.
        model: digest of the network that read it.

    Raises:
        SettingError: a label that is none.
    """

    label: str
    digit_read: str
    confidence: float
    model: str

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise SettingError(f"The label is {self.label!r}; it must be one of: {', '.join(LABELS)}.")


def feedback_file(environment: Mapping[str, str] | None = None) -> Path | None:
    """Where feedback is kept: the file that `DIGITS_FEEDBACK` names, else `feedback/feedback.sqlite3` in the working
    folder; None if `DIGITS_FEEDBACK` is `off`.

    Args:
        environment: of the process, if None.
    """
    named = (os.environ if environment is None else environment).get(FEEDBACK_VARIABLE, "").strip()
    if named.lower() == OFF:
        return None
    file = Path(named) if named else FEEDBACK_FILE
    with contextlib.suppress(RuntimeError):  # Nobody of that name has a home.
        return file.expanduser()
    return file


def content_digest(pixels: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of what is kept of a picture, its shape included: the key by which a store finds it.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
    """
    kept = np.ascontiguousarray(shrink(pixels, ENOUGH_SIDE))
    return hashlib.sha256(f"{kept.shape}".encode() + kept.tobytes()).hexdigest()


class FeedbackStore:
    """Feedback in a SQLite file, which is made when the first is kept. May be used from several threads at a time.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, pixels: npt.NDArray[np.uint8], feedback: Feedback) -> str:
        """Keeps a picture and what was said of it; what was said of the same picture before is replaced.

        The picture is kept as its pixels alone, at most 800 on the longer side, which is all that the network uses:
        when and where a photo was taken stays out.

        Args:
            pixels: uint8 of shape (height, width) or (height, width, 3).
            feedback: what was said.

        Returns:
            Its `content_digest`.

        Raises:
            FeedbackError: the file cannot be written.
        """
        file = io.BytesIO()
        Image.fromarray(shrink(pixels, ENOUGH_SIDE)).save(file, "PNG", optimize=True)
        digest = content_digest(pixels)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        row = (digest, file.getvalue(), feedback.label, feedback.digit_read, feedback.confidence, feedback.model, now)
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return digest

    def take_back(self, digest: str) -> None:
        """Forgets one picture and what was said of it.

        Raises:
            FeedbackError: the file cannot be written.
        """
        with self._open() as database:
            database.execute("DELETE FROM feedback WHERE digest = ?", (digest,))

    def label_of(self, digest: str) -> str | None:
        """The label under which a picture is kept; None if it is not.

        Args:
            digest: the picture's `content_digest`.

        Raises:
            FeedbackError: the file cannot be read.
        """
        if not self.path.is_file():
            return None
        with self._open() as database:
            row = database.execute("SELECT label FROM feedback WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else str(row[0])

    def __len__(self) -> int:
        if not self.path.is_file():
            return 0
        with self._open() as database:
            return int(database.execute("SELECT COUNT(*) FROM feedback").fetchone()[0])

    def export(self, folder: Path) -> int:
        """Writes a folder that `digits evaluate` scores.

        Args:
            folder: made if need be; holds the pictures as PNG files, and labels.csv with the columns file, label and
                source. What an earlier export listed is replaced, and everything else left alone.

        Returns:
            How many pictures were written.

        Raises:
            FeedbackError: nothing is kept, or the folder holds a labels.csv of another kind.
        """
        if not len(self):
            raise FeedbackError(f"Nothing is kept in {self.path} yet. DIGITS_FEEDBACK names another file.")
        with self._open() as database:
            rows = database.execute("SELECT digest, image, label FROM feedback ORDER BY created, digest").fetchall()
        listing = folder / LABELS_FILE
        names = {f"feedback-{digest[:16]}.png": (image, label) for digest, image, label in rows}
        try:
            earlier = _exported(listing) if listing.exists() else set()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as place:
                part = Path(place)
                for name, (image, _) in names.items():
                    (part / name).write_bytes(image)
                with (part / LABELS_FILE).open("w", encoding="utf-8", newline="") as handle:
                    writer = csv.writer(handle)
                    writer.writerow(_COLUMNS)
                    writer.writerows((name, label, "feedback") for name, (_, label) in names.items())
                # The listing last but for what it no longer names: whenever this stops, all that it names is there.
                for name in (*names, LABELS_FILE):
                    (part / name).replace(folder / name)
            for name in earlier - names.keys():
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise FeedbackError(f"{folder} cannot be written: {error.strerror or error}.") from error
        return len(rows)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for each call; what is done in it happens whole or not at all."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=10.0)) as database, database:
                # What is taken back is gone from the file, too, however SQLite was built.
                database.execute("PRAGMA secure_delete = ON")
                if database.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
                    _bring_up_to_date(database)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise FeedbackError(
                f"The feedback file {self.path} cannot be used ({error}). Set {FEEDBACK_VARIABLE} to another file, or "
                f"to {OFF}."
            ) from error


def _bring_up_to_date(database: sqlite3.Connection) -> None:
    """Makes the table, or gives the pictures of an older one their keys of today, the last of each counting."""
    database.execute("BEGIN IMMEDIATE")  # Another process may be about to do the same.
    database.execute(_TABLE)
    for digest, image in database.execute("SELECT digest, image FROM feedback ORDER BY created, rowid").fetchall():
        with contextlib.suppress(ImageError):  # A picture that cannot be read keeps the key that it has.
            database.execute(
                "UPDATE OR REPLACE feedback SET digest = ? WHERE digest = ?", (content_digest(decode(image)), digest)
            )
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _exported(listing: Path) -> set[str]:
    """The pictures that an earlier export wrote beside its listing.

    Raises:
        FeedbackError: something else wrote the listing.
    """
    try:
        with listing.open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle)
    except (OSError, ValueError, csv.Error):
        header, rows = [], []
    names = {row[0] for row in rows if len(row) == len(_COLUMNS) and row[2] == "feedback" and _NAME.fullmatch(row[0])}
    if tuple(header) != _COLUMNS or not rows or len(names) < len(rows):
        raise FeedbackError(f"{listing} is there already and was not written by an export. Name another folder.")
    return names
