"""What there is to read, cut into parts: the same sources give the same parts every time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from digits.bulk.arrays import NpzPictures, npz_rows
from digits.bulk.tables import ParquetPictures, parquet_rows
from digits.errors import DataMismatchError, DataUnavailableError
from digits.images.formats import SUFFIXES
from digits.images.sources import Named, pictures_of

# In the folder of the answers: the job's parts. Such a folder is no source.
MANIFEST = "_manifest.jsonl"

# The most images of a part, and of image files the most bytes. A kill loses what was read of a part.
PART_ROWS = 2_000
_PART_BYTES = 64 * 1024 * 1024

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """A piece of work that becomes one Parquet file.

    Args:
        files: absolute paths: image files, or one npz or Parquet file.
        stamps: size in bytes and time of change in ns of each file: a changed file is another plan.
        first: the first image's number, in an npz or Parquet file.
        count: how many images, at least 1.
    """

    files: tuple[str, ...]
    stamps: tuple[Stamp, ...]
    first: int
    count: int

    def __post_init__(self) -> None:
        if not self.files or len(self.files) != len(self.stamps) or self.first < 0 or self.count < 1:
            raise ValueError(f"no part: {len(self.files)} files, {len(self.stamps)} stamps, {self.first}, {self.count}")


def plan(sources: Iterable[Path]) -> Iterator[Part]:
    """The parts of some sources: image, npz and Parquet files, and folders of them with their subfolders.

    Links to folders are not followed.

    Raises:
        DataUnavailableError: a source is not there or cannot be opened, or a folder holds nothing.
        DataMismatchError: an npz or Parquet file is damaged or has another form, or a source is named twice.
    """
    try:
        yield from _plan(sources)
    except OSError as error:
        if isinstance(error, DataUnavailableError):
            raise
        raise DataUnavailableError(f"{error.filename} cannot be read: {error.strerror or error}.") from error


def _plan(sources: Iterable[Path]) -> Iterator[Part]:
    waiting: list[tuple[str, Stamp]] = []
    size = 0
    for file in _files(sources):
        stamp = _stamp(file)
        if _is_npz(file) or _is_parquet(file):
            # What is missing or closed is not damaged.
            with Path(file).open("rb"):
                pass
            rows = npz_rows(file) if _is_npz(file) else parquet_rows(file)
            for first, end in pairwise((*range(0, rows, PART_ROWS), rows)):
                yield Part((file,), (stamp,), first, end - first)
            continue
        waiting.append((file, stamp))
        size += max(0, stamp[0])
        if len(waiting) == PART_ROWS or size >= _PART_BYTES:
            yield _of_images(waiting)
            waiting, size = [], 0
    if waiting:
        yield _of_images(waiting)


class Reader:
    """Reads the images of parts; an npz or Parquet file stays open, and its next part is read on from there.

    Args:
        max_bytes: of an image file.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._file: tuple[str, Stamp] | None = None
        self._opened: NpzPictures | ParquetPictures | None = None

    def pictures(self, part: Part) -> Iterator[Named]:
        """The names and images of a part, some at a time in memory.

        Raises:
            DataMismatchError: an npz or Parquet file is damaged.
        """
        name = part.files[0]
        if not (_is_npz(name) or _is_parquet(name)):
            return pictures_of(map(Path, part.files), self._max_bytes)
        file = (name, part.stamps[0])
        if self._opened is None or self._file != file:
            self.close()
            self._opened = NpzPictures(name) if _is_npz(name) else ParquetPictures(name)
            self._file = file
        return self._opened.read(part.first, part.count)

    def close(self) -> None:
        """Closes the file that is open."""
        if self._opened:
            self._opened.close()
        self._opened = None


def refuse_changed(part: Part) -> None:
    """Raises `DataMismatchError` if a file is not what it was when the job began."""
    for file, stamp in zip(part.files, part.stamps, strict=True):
        if _stamp(file) != stamp:
            raise DataMismatchError(
                f"{file} was changed or removed since the job began. Name another folder for the answers."
            )


def _is_npz(file: str) -> bool:
    return file.lower().endswith(".npz")


def _is_parquet(file: str) -> bool:
    return file.lower().endswith(".parquet")


def _of_images(files: list[tuple[str, Stamp]]) -> Part:
    names, stamps = zip(*files, strict=True)
    return Part(names, stamps, 0, len(files))


def _stamp(file: str) -> Stamp:
    try:
        stat = Path(file).stat()
    except OSError:
        # It will be a row that says so.
        return (-1, -1)
    return stat.st_size, stat.st_mtime_ns


def _files(sources: Iterable[Path]) -> Iterator[str]:
    named = [Path(os.path.abspath(source)) for source in sources]  # noqa: PTH100 - links stay as they are named
    for source in named:
        if not source.exists():
            raise DataUnavailableError(f"There is no {source}: name a folder, image, npz or Parquet file.")
    _refuse_doubles(named)
    for source in named:
        if not source.is_dir():
            yield str(source)
            continue
        found = False
        for folder, folders, names in os.walk(source, onerror=_raise):
            if MANIFEST in names:
                folders.clear()
                continue
            folders.sort()
            for name in sorted(names):
                file = Path(folder) / name
                # A link that leads nowhere is a row that says so.
                if _is_source(name) and (file.is_file() or not file.exists()):
                    found = True
                    yield str(file)
        if not found:
            raise DataUnavailableError(f"The folder {source} holds no image, npz or Parquet file.")


def _refuse_doubles(sources: Sequence[Path]) -> None:
    """Raises `DataMismatchError` if an image would be read twice."""
    folders = {source for source in sources if source.is_dir()}
    seen = set[Path]()
    for source in sources:
        if source in seen:
            raise DataMismatchError(f"{source} is named twice. Name it once.")
        seen.add(source)
        around = folders.intersection(source.parents)
        if around and (source in folders or _is_source(source.name)):
            raise DataMismatchError(f"{source} is named by itself and lies in {around.pop()}. Name one of them.")


def _is_source(name: str) -> bool:
    return name.lower().endswith((*SUFFIXES, ".npz", ".parquet"))


def _raise(error: OSError) -> None:
    raise error
