"""Parquet: images read from it, some at a time, and what to say where it is not installed."""

from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from digits.errors import DataMismatchError, ImageError, MissingInstallError
from digits.installation import install_command

# Rows that are held at a time, and fewer where their images are large.
_AT_A_TIME = 64
_HELD_BYTES = 4 * 1024 * 1024
# Read at a time of a column, which otherwise is in memory as a whole, for a row group; pages are, as the file has them.
_BUFFER_BYTES = 1024 * 1024


def require_parquet() -> None:
    """Raises `MissingInstallError` unless pyarrow is there."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingInstallError(
            f"Parquet needs pyarrow, which the serving install leaves out. Install it with: {install_command('bulk')}"
        ) from error


def parquet_rows(file: str) -> int:
    """How many rows a Parquet file with a column `image` has.

    Raises:
        DataMismatchError: it cannot be read, or has no such column with bytes in it.
    """
    with _opened(file) as opened:
        names = opened.schema_arrow.names
        if "image" not in names:
            raise DataMismatchError(
                f"{file} has the columns {', '.join(names)}; a column image with image files' bytes is needed."
            )
        kind = opened.schema_arrow.field("image").type
        if not _holds_bytes(kind):
            raise DataMismatchError(f"{file} has a column image of {kind}; image files' bytes are needed, as binary.")
        return int(opened.metadata.num_rows)


class ParquetPictures:
    """The image files in a Parquet file, which stays open: a row group is read once for all parts in their order.

    Args:
        file: with a column `image`: bytes, or Hugging Face's struct of bytes and path; and, if it likes, `path`.

    Raises:
        DataMismatchError: the file is damaged.
    """

    def __init__(self, file: str) -> None:
        self._file, self._opened = file, _opened(file)
        metadata = self._opened.metadata
        counts = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        # The first row of each row group.
        self._firsts = [0, *accumulate(counts)][:-1]
        self._group = -1
        self._batches: Iterator[Any] = iter(())
        # The batch that was read last, and the number of its first row.
        self._batch: Any = None
        self._row = 0

    def read(self, first: int, count: int) -> Iterator[tuple[str, bytes | ImageError]]:
        """The names and image files of some rows, some at a time in memory.

        Raises:
            DataMismatchError: the file is damaged.
        """
        try:
            yield from self._rows(first, first + count)
        except Exception as error:
            # On damaged bytes pyarrow raises several kinds.
            raise _unreadable(self._file, error) from error

    def close(self) -> None:
        """Closes the file."""
        self._batches, self._batch = iter(()), None
        self._opened.close()

    def _rows(self, first: int, end: int) -> Iterator[tuple[str, bytes | ImageError]]:
        group = bisect_right(self._firsts, first) - 1
        if group != self._group or first < self._row:
            self._begin(group)
        while first < end:
            if first >= self._row + len(self._batch):
                self._advance()
                continue
            cells = self._batch.slice(first - self._row, end - first).to_pylist()
            yield from (_named(cell, f"{self._file}[{i}]") for i, cell in enumerate(cells, first))
            first += len(cells)

    def _advance(self) -> None:
        self._row += len(self._batch)
        self._batch = next(self._batches, None)
        if self._batch is None:
            self._begin(self._group + 1)

    def _begin(self, group: int) -> None:
        about = self._opened.metadata.row_group(group)
        some = max(1, min(_AT_A_TIME, about.num_rows * _HELD_BYTES // max(1, about.total_byte_size)))
        names = ["image", *({"path"} & set(self._opened.schema_arrow.names))]
        self._group, self._row = group, self._firsts[group]
        self._batches = self._opened.iter_batches(some, row_groups=[group], columns=names)
        self._batch = next(self._batches, ())


def _named(row: dict[str, Any], place: str) -> tuple[str, bytes | ImageError]:
    image, name = row["image"], row.get("path")
    if isinstance(image, dict):
        name, image = name or image.get("path"), image.get("bytes")
    if isinstance(name, bytes):
        name = name.decode(errors="backslashreplace")
    return str(name or place), image if isinstance(image, bytes) else ImageError("The row has no image.")


def _holds_bytes(kind: Any) -> bool:
    """Whether a column's type is bytes, or Hugging Face's struct of bytes and path."""
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_bytes(kind.field(place).type)
    if types.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    kinds = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    return any(is_kind(kind) for is_kind in kinds)


def _opened(file: str) -> Any:
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    except Exception as error:
        raise _unreadable(file, error) from error


def _unreadable(file: str, error: Exception) -> DataMismatchError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataMismatchError(f"{file} cannot be read as Parquet: {reason}")
