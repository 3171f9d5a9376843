"""One part read and written as a Parquet file, whole or not at all."""

import os
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.answers import BatchPrediction
from digits.bulk.plan import Part, Reader, refuse_changed
from digits.errors import DataUnavailableError, ImageError
from digits.images.sources import Named, Unopened, open_each
from digits.recognizer import BATCH, Prediction, Recognizer

# Image files that are held at a time, in bytes, and one more.
_HELD_BYTES = 16 * 1024 * 1024


def part_file(out: Path, number: int) -> Path:
    """Where the answers of a part are."""
    return out / f"part-{number:06}.parquet"


def temporary_file(out: Path) -> Path:
    """A name for a file that is not whole yet; `remove_leftovers` knows it."""
    return out / f".{uuid.uuid4().hex}.tmp"


def remove_leftovers(out: Path) -> None:
    """Removes what killed runs left half written."""
    for file in out.glob(".*.tmp"):
        file.unlink(missing_ok=True)


class Scorer:
    """Reads parts; each worker has one.

    Args:
        recognizer: the model.
        out: the folder of the answers.
    """

    def __init__(self, recognizer: Recognizer, out: Path) -> None:
        self._recognizer, self._out = recognizer, out
        self._reader = Reader(recognizer.limits.max_bytes)

    def score(self, number: int, part: Part) -> tuple[int, int]:
        """Writes a part's file; returns how many rows it has, and how many of them are errors.

        Raises:
            DataMismatchError: a source is damaged or was changed since the job began.
            DataUnavailableError: the file cannot be written.
        """
        try:
            rows = list(self._rows(self._reader.pictures(part)))
        except Exception:
            self._reader.close()
            raise
        finally:
            # A file that was changed is often broken, too, and this says why.
            refuse_changed(part)
        try:
            self._write(number, rows)
        except OSError as error:
            raise cannot_write(self._out, error) from error
        return len(rows), sum("error" in row for row in rows)

    def _write(self, number: int, rows: list[dict[str, Any]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(
            {
                "path": pa.string(),
                "digit": pa.int8(),
                "confidence": pa.float32(),
                "accepted": pa.bool_(),
                "reason": pa.string(),
                "probabilities": pa.list_(pa.float32()),
                "view": pa.string(),
                "page_count": pa.int32(),
                "error": pa.string(),
            }
        )
        temporary = temporary_file(self._out)
        try:
            pq.write_table(pa.Table.from_pylist(rows, schema), temporary, compression="zstd")
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
            temporary.replace(part_file(self._out, number))
        finally:
            temporary.unlink(missing_ok=True)

    def _rows(self, named: Iterable[Named]) -> Iterator[dict[str, Any]]:
        for group in _at_a_time(named):
            names, pictures = zip(*group, strict=True)
            for name, (answer, page_count) in zip(names, self._answers(list(pictures)), strict=True):
                # A file's name may be no text, and two such names stay two.
                row = {"path": name.encode(errors="surrogateescape").decode(errors="backslashreplace")}
                if isinstance(answer, ImageError):
                    yield row | {"error": str(answer)}
                else:
                    values = BatchPrediction.of(answer).model_dump(exclude_unset=True)
                    yield row | {"digit": values.pop("predicted_digit"), "page_count": page_count} | values

    def _answers(self, pictures: list[Unopened]) -> list[tuple[Prediction | ImageError, int]]:
        """Reads the first page of each picture; returns the answers, and how many pages each file has."""
        page_counts: list[int] = []
        opened = open_each(pictures, self._recognizer.limits, page_counts)
        try:
            answers = list(self._recognizer.recognize_many(opened))
        except Exception as error:  # noqa: BLE001 - one image of millions must not end the job, whatever is wrong
            if len(pictures) == 1:
                return [(ImageError(f"This image could not be read ({type(error).__name__}: {error})."), 1)]
            return [answer for picture in pictures for answer in self._answers([picture])]
        return list(zip(answers, page_counts, strict=True))


def cannot_write(out: Path, error: OSError) -> DataUnavailableError:
    """What to say when the folder of the answers does not take them."""
    return DataUnavailableError(
        f"The answers cannot be written to {out}: {error.strerror or error}. Mend that, or name another folder."
    )


def _at_a_time(named: Iterable[Named]) -> Iterator[list[Named]]:
    batch: list[Named] = []
    held = 0
    for name, picture in named:
        batch.append((name, picture))
        held += _bytes_of(picture)
        if len(batch) == BATCH or held >= _HELD_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _bytes_of(picture: bytes | npt.NDArray[np.uint8] | ImageError) -> int:
    if isinstance(picture, ImageError):
        return 0
    return len(picture) if isinstance(picture, bytes) else picture.nbytes
