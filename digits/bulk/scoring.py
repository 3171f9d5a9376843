"""One part read and written as a Parquet file, whole or not at all."""

import os
import uuid
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digits.artifact import Artifact
from digits.bulk.plan import Part, pictures
from digits.errors import ImageError
from digits.recognizer import Picture, Recognizer


def part_file(out: Path, number: int) -> Path:
    """Where the answers of a part are."""
    return out / f"part-{number:06}.parquet"


class Scorer:
    """Reads parts; each worker has one.

    Args:
        artifact: the model.
        out: the folder of the answers.
    """

    def __init__(self, artifact: Artifact, out: Path) -> None:
        self._recognizer, self._out = Recognizer(artifact), out

    def score(self, number: int, part: Part) -> tuple[int, int]:
        """Writes a part's file; returns how many rows it has, and how many of them are errors."""
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
                "error": pa.string(),
            }
        )
        rows = list(self._rows(part))
        temporary = self._out / f".{number:06}-{uuid.uuid4().hex}.tmp"
        pq.write_table(pa.Table.from_pylist(rows, schema), temporary, compression="zstd")
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(part_file(self._out, number))
        return len(rows), sum("error" in row for row in rows)

    def _rows(self, part: Part) -> Iterator[dict[str, Any]]:
        names: deque[str] = deque()

        def named() -> Iterator[Picture | ImageError]:
            for name, picture in pictures(part, self._recognizer.limits.max_bytes):
                names.append(name)
                yield picture

        for found in self._recognizer.recognize_many(named()):
            path = names.popleft()
            if isinstance(found, ImageError):
                yield {"path": path, "error": str(found)}
            else:
                answer = found.to_json()
                yield {"path": path, "digit": answer.pop("predicted_digit")} | answer
