"""How far a job is, for the person who waits for it."""

import os
import time
from pathlib import Path
from typing import Self, TextIO

from digits.bulk.job import Job

# Between two lines where each stays, as in a log.
_SECONDS = 10.0


class Progress:
    """Says how far a job is: in a terminal in one line that changes, elsewhere in a line now and then.

    Args:
        job: that was begun.
        stream: to write to.
    """

    def __init__(self, job: Job, stream: TextIO) -> None:
        self._job, self._stream = job, stream
        self._rows = self._errors = 0
        self._began = self._said = time.monotonic()
        self._terminal = stream.isatty()
        if job.done:
            self._print(f"{job.out}: {job.done:,} of {job.rows:,} rows are there already")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        """Says what was done, or ends the line for whoever says what went wrong."""
        if kind is None:
            rate = f"; {self._rate()}" if self._rows else ""
            already = f"; {self._job.done:,} were there already" if self._job.done else ""
            self._print(f"{self._job.out}: {self._rows:,} rows written, {self._errors:,} with an error{rate}{already}")
        elif self._terminal and self._rows:
            self._print("")

    def add(self, rows: int, errors: int) -> None:
        """Counts rows that are written."""
        self._rows, self._errors = self._rows + rows, self._errors + errors
        now = time.monotonic()
        if self._terminal or now - self._said >= _SECONDS:
            self._said = now
            text = f"{self._job.done + self._rows:,} of {self._job.rows:,} rows, {self._rate()}"
            self._print(text, end="" if self._terminal else "\n")

    def _rate(self) -> str:
        return f"{self._rows / max(1e-9, time.monotonic() - self._began):,.0f} images/s"

    def _print(self, text: str, end: str = "\n") -> None:
        over = f"\r{text:50}" if self._terminal and text and self._rows else text
        try:
            print(over, end=end, file=self._stream, flush=True)
        except BrokenPipeError:
            # Whoever read it has gone. The job goes on, and Python does not complain at its end.
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
