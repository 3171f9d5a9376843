"""How far a job is, for the person who waits for it."""

import time
from typing import TextIO

from digits.bulk.job import Job

# Between two lines where each stays, as in a log.
_SECONDS = 10.0


class Progress:
    """Says how far a job is: in one line that changes in a terminal, in a line now and then elsewhere.

    Args:
        job: that was begun.
        stream: to write to.
    """

    def __init__(self, job: Job, stream: TextIO) -> None:
        self._job, self._stream = job, stream
        self._rows = self._errors = 0
        self._began = self._said = time.monotonic()
        self._line = "\r" if stream.isatty() else ""
        if job.done:
            self._print(f"{job.out}: {job.done:,} of {job.rows:,} rows are there already")

    def add(self, rows: int, errors: int) -> None:
        """Counts rows that are written."""
        self._rows, self._errors = self._rows + rows, self._errors + errors
        now = time.monotonic()
        if self._line or now - self._said >= _SECONDS:
            self._said = now
            text = f"{self._job.done + self._rows:,} of {self._job.rows:,} rows, {self._rate()}"
            self._print(f"{self._line}{text:60}" if self._line else text, end="" if self._line else "\n")

    def finish(self) -> None:
        """Says what was done."""
        errors = f"{self._errors:,} of them error{'' if self._errors == 1 else 's'}"
        already = f", {self._job.done:,} were there already" if self._job.done else ""
        text = f"{self._job.out}: {self._rows:,} rows written, {errors}{already}; {self._rate()}"
        self._print(f"{self._line}{text:60}")

    def _rate(self) -> str:
        return f"{self._rows / max(1e-9, time.monotonic() - self._began):,.0f} images/s"

    def _print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self._stream, flush=True)
