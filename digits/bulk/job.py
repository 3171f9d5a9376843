"""A whole job: its parts are kept in the folder of the answers, and only those without a file are read."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path
from typing import IO

from digits import __version__
from digits.bulk.plan import MANIFEST, PART_ROWS, Part, plan
from digits.bulk.scoring import cannot_write, part_file, remove_leftovers, temporary_file
from digits.errors import DataMismatchError, DigitsError

Numbered = tuple[int, Part]


@dataclass(frozen=True)
class Job:
    """A job that was begun.

    Args:
        out: the folder of the answers, with the manifest.
        rows: how many images there are, done ones too.
        done: how many of them an earlier run has done.
    """

    out: Path
    rows: int
    done: int

    def __post_init__(self) -> None:
        if not 0 <= self.done <= self.rows:
            raise ValueError(f"{self.done} of {self.rows} rows cannot be done")

    def unfinished(self) -> Iterator[Numbered]:
        """The parts that have no file yet."""
        return ((number, _part(line)) for number, _, line in self._unfinished())

    def unfinished_places(self) -> Iterator[tuple[int, int]]:
        """The numbers of these parts, and where `part_at` finds each: all of them take little memory."""
        return ((number, place) for number, place, _ in self._unfinished())

    def _unfinished(self) -> Iterator[tuple[int, int, bytes]]:
        return (line for line in _lines(self.out) if not _is_done(self.out, line[0]))


def part_at(out: Path, place: int) -> Part:
    """The part at a place in the manifest, which `unfinished_places` tells."""
    with (out / MANIFEST).open("rb") as lines:
        lines.seek(place)
        return _part(lines.readline())


@contextlib.contextmanager
def opened_job(sources: Sequence[Path], model: Path, out: Path) -> Iterator[Job]:
    """Begins a job, or goes on with the one that is in the folder, which no other run may do meanwhile.

    Raises:
        DataMismatchError: the folder belongs to a job with another model, version or other images, is in use, or is a
            source.
        DataUnavailableError: a source is not there, or the folder cannot be written.
    """
    if out.absolute() in [source.absolute() for source in sources]:
        # The next run would take it for answers.
        raise DataMismatchError(f"{out} is a source. Name another folder for the answers; it may be one in it.")
    with contextlib.ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_held(out))
            stack.callback(remove_leftovers, out)
            remove_leftovers(out)
            _keep_manifest(sources, model, out)
        except OSError as error:
            if isinstance(error, DigitsError):
                raise
            raise cannot_write(out, error) from error
        counts = [(_part(line).count, _is_done(out, number)) for number, _, line in _lines(out)]
        yield Job(out, sum(count for count, _ in counts), sum(count for count, there in counts if there))


@contextlib.contextmanager
def _held(out: Path) -> Iterator[None]:
    """Keeps other runs out of the folder, until this one ends or is killed."""
    try:
        import fcntl
    except ImportError:
        # Windows: there, only one run at a time is a rule for the user.
        yield
        return
    handle = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataMismatchError(f"Another run writes to {out} now. Wait for it, or name another folder.") from error
        except OSError:
            # A file system without locks: as on Windows.
            pass
        yield
    finally:
        os.close(handle)


def _keep_manifest(sources: Sequence[Path], model: Path, out: Path) -> None:
    head: dict[str, str | int] = {
        "digits": __version__,
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "part_rows": PART_ROWS,
    }
    manifest, temporary = out / MANIFEST, temporary_file(out)
    if not manifest.exists() and any(out.glob("part-*.parquet")):
        raise DataMismatchError(f"{out} holds Parquet files of something else. Name another folder for the answers.")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        file.writelines(json.dumps(asdict(part)) + "\n" for part in plan(sources))
        file.flush()
        os.fsync(file.fileno())
    if not manifest.exists():
        temporary.replace(manifest)
        return
    with manifest.open(encoding="utf-8") as old, temporary.open(encoding="utf-8") as new:
        different = _difference(old, new, head)
    if different:
        raise DataMismatchError(f"{out} was begun with {different}. Name another folder for the answers.")


def _difference(old: IO[str], new: IO[str], head: dict[str, str | int]) -> str | None:
    try:
        began = json.loads(old.readline())
        different = [name for name, value in head.items() if began.get(name) != value]
    except (ValueError, AttributeError):
        return "a manifest that is damaged"
    if different:
        return {"digits": "another version of Digits", "model": "another model"}.get(different[0], "other parts")
    new.readline()
    for a, b in zip_longest(old, new):
        if a != b:
            return (
                "other images, or some were changed since" if a is None or _is_part(a) else "a manifest that is damaged"
            )
    return None


def _lines(out: Path) -> Iterator[tuple[int, int, bytes]]:
    """The number, place and line of each part."""
    with (out / MANIFEST).open("rb") as lines:
        lines.readline()
        place = lines.tell()
        for number, line in enumerate(lines):
            yield number, place, line
            place += len(line)


def _is_done(out: Path, number: int) -> bool:
    try:
        # A disk that was full, or a machine that lost power, may leave a file without content.
        return part_file(out, number).stat().st_size > 0
    except FileNotFoundError:
        return False


def _is_part(line: str) -> bool:
    try:
        _part(line)
    except (ValueError, TypeError, KeyError):
        return False
    return True


def _part(line: str | bytes) -> Part:
    value = json.loads(line)
    stamps = tuple((size, changed) for size, changed in value["stamps"])
    return Part(tuple(value["files"]), stamps, value["first"], value["count"])
