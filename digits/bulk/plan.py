"""What there is to read, cut into parts: the same sources give the same parts every time."""

import os
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import DataMismatchError, DataUnavailableError, ImageError
from digits.sources import SUFFIXES, pictures_of

PART_ROWS = 5_000
_AT_A_TIME = 256


@dataclass(frozen=True)
class Part:
    """A piece of work that becomes one Parquet file.

    Args:
        files: absolute paths: image files, or one npz or Parquet file.
        stamps: size in bytes and time of change in ns of each file: a changed file is another plan.
        first: the first image's number, in an npz or Parquet file.
        count: how many images.
    """

    files: tuple[str, ...]
    stamps: tuple[tuple[int, int], ...]
    first: int
    count: int


def plan(sources: Iterable[Path]) -> Iterator[Part]:
    """The parts of some sources: image, npz and Parquet files, and folders of them with their subfolders.

    Raises:
        DataUnavailableError: a source is not there, or a folder holds nothing.
        DataMismatchError: an npz or Parquet file has another form.
    """
    waiting: list[str] = []
    for file in _files(sources):
        if file.endswith((".npz", ".parquet")):
            rows = _npz_header(file)[0][0] if file.endswith(".npz") else _parquet_rows(file)
            for first in range(0, rows, PART_ROWS):
                yield _part((file,), first, min(PART_ROWS, rows - first))
        else:
            waiting.append(file)
            if len(waiting) == PART_ROWS:
                yield _part(tuple(waiting), 0, PART_ROWS)
                waiting = []
    if waiting:
        yield _part(tuple(waiting), 0, len(waiting))


def _files(sources: Iterable[Path]) -> Iterator[str]:
    for source in sources:
        absolute = os.path.abspath(source)  # noqa: PTH100 - links stay as they are named
        if not source.exists():
            raise DataUnavailableError(f"There is no {source}: name a folder, image, npz or Parquet file.")
        if source.is_file():
            yield absolute
            continue
        found = False
        for folder, folders, names in os.walk(absolute):
            folders.sort()
            for name in sorted(names):
                if name.lower().endswith((*SUFFIXES, ".npz", ".parquet")):
                    found = True
                    yield str(Path(folder) / name)
        if not found:
            raise DataUnavailableError(f"The folder {source} holds no image, npz or Parquet file.")


def _part(files: tuple[str, ...], first: int, count: int) -> Part:
    stats = [Path(file).stat() for file in files]
    return Part(files, tuple((stat.st_size, stat.st_mtime_ns) for stat in stats), first, count)


def pictures(part: Part, max_bytes: int) -> Iterator[tuple[str, bytes | npt.NDArray[np.uint8] | ImageError]]:
    """The names and images of a part, some at a time in memory."""
    (file, *others) = part.files
    if not others and file.endswith(".npz"):
        return _from_npz(file, part.first, part.count)
    if not others and file.endswith(".parquet"):
        return _from_parquet(file, part.first, part.count)
    return pictures_of(map(Path, part.files), max_bytes)


def _npz_header(file: str) -> tuple[tuple[int, ...], int]:
    try:
        with zipfile.ZipFile(file) as archive, archive.open("images.npy") as member:
            version = np.lib.format.read_magic(member)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(member)
            start = member.tell()
    except Exception as error:
        # On damaged bytes the readers of zip and npy raise nearly anything.
        raise DataMismatchError(f"{file} cannot be read: an npz file with an array images is needed.") from error
    if dtype != np.uint8 or fortran or not (len(shape) == 3 or (len(shape) == 4 and shape[3] == 3)):
        raise DataMismatchError(
            f"{file} has images of {dtype} and shape {shape}; uint8 of shape (n, height, width[, 3]) is needed."
        )
    return shape, start


def _from_npz(file: str, first: int, count: int) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
    shape, start = _npz_header(file)
    size = int(np.prod(shape[1:]))
    with zipfile.ZipFile(file) as archive, archive.open("images.npy") as member:
        member.seek(start + first * size)
        for i in range(first, first + count):
            data = member.read(size)
            yield f"{file}[{i}]", np.frombuffer(data, np.uint8).reshape(shape[1:])


def _parquet(file: str) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file)
    except Exception as error:
        raise DataMismatchError(f"{file} cannot be read as Parquet ({error}).") from error


def _parquet_rows(file: str) -> int:
    with _parquet(file) as opened:
        if "image" not in opened.schema_arrow.names:
            raise DataMismatchError(
                f"{file} has the columns {opened.schema_arrow.names}; a column image with image files' bytes is needed."
            )
        return int(opened.metadata.num_rows)


def _from_parquet(file: str, first: int, count: int) -> Iterator[tuple[str, bytes | ImageError]]:
    row, end = 0, first + count
    with _parquet(file) as opened:
        names = ["image", *({"path"} & set(opened.schema_arrow.names))]
        for group in range(opened.num_row_groups):
            rows = opened.metadata.row_group(group).num_rows
            if row + rows <= first or row >= end:
                row += rows
                continue
            for batch in opened.iter_batches(_AT_A_TIME, row_groups=[group], columns=names):
                if row + len(batch) > first and row < end:
                    for i, one in enumerate(batch.to_pylist(), row):
                        if first <= i < end:
                            image = one["image"]
                            # Hugging Face's form of an image is a struct of bytes and path.
                            data = image.get("bytes") if isinstance(image, dict) else image
                            name = one.get("path") or f"{file}[{i}]"
                            yield name, data if isinstance(data, bytes) else ImageError("The row has no image.")
                row += len(batch)
