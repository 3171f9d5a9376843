"""Shows how far a job is."""

import os
import time
from pathlib import Path
from typing import Self, TextIO

from rich import progress
from rich.console import Console

from digits.bulk.job import Job

# Seconds between two lines where there is no terminal, as in a log.
_SECONDS = 10.0


class Progress:
    """Shows how far a job is: with a bar on a terminal, elsewhere with a line every ten seconds.

    Args:
        job: the job, which has begun.
        stream: where to write, such as standard error.
    """

    def __init__(self, job: Job, stream: TextIO) -> None:
        self._job, self._stream = job, stream
        self._rows = self._errors = 0
        self._began = self._printed = time.monotonic()
        self._bar = progress.Progress(
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeRemainingColumn(),
            console=Console(file=stream),
            transient=True,
            disable=not stream.isatty(),
        )
        self._task = self._bar.add_task("rows", total=job.rows, completed=job.done, rate="")
        if job.done:
            self._print(f"{job.out}: {job.done:,} of {job.rows:,} rows are there already")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        """Takes the bar away, and prints what was done unless the job failed."""
        self._bar.stop()
        if kind is None:
            rate = f"; {self._rate()}" if self._rows else ""
            already = f"; {self._job.done:,} were there already" if self._job.done else ""
            self._print(f"{self._job.out}: {self._rows:,} rows written, {self._errors:,} with an error{rate}{already}")

    def add(self, rows: int, errors: int) -> None:
        """Counts rows that were written, and those of them that hold an error."""
        self._rows, self._errors = self._rows + rows, self._errors + errors
        self._bar.update(self._task, advance=rows, rate=self._rate())
        now = time.monotonic()
        # What is said at the end says the last of it.
        is_last = self._job.done + self._rows >= self._job.rows
        if self._bar.disable and not is_last and now - self._printed >= _SECONDS:
            self._printed = now
            self._print(f"{self._job.done + self._rows:,} of {self._job.rows:,} rows, {self._rate()}")

    def _rate(self) -> str:
        rate = self._rows / max(1e-9, time.monotonic() - self._began)
        return f"{rate:,.{0 if rate >= 10 else 1}f} images/s"

    def _print(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:
            # The reader of the lines has gone. The job goes on, and Python does not complain when it ends.
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
