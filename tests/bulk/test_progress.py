import io
from pathlib import Path

import pytest

from digits.bulk.job import Job
from digits.bulk.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_keeps_the_last_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with Progress(Job(Path("out"), rows=8_000, done=2_000), terminal) as progress:
        progress.add(3_000, 1)
        progress.add(3_000, 1)
    shown = terminal.getvalue()
    assert shown.startswith("out: 2,000 of 8,000 rows are there already\n")
    assert "8000/8000" in shown
    last = shown.splitlines()[-1]
    assert "out: 6,000 rows written, 2 with an error; " in last
    assert last.endswith(" images/s; 2,000 were there already")


def test_an_error_after_the_bar_starts_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    progress = Progress(Job(Path("out"), rows=10, done=0), terminal)
    with pytest.raises(ValueError, match="broken"), progress:
        raise ValueError("broken")
    # The bar is erased: back to the first column, and the line cleared.
    assert terminal.getvalue().endswith(("\r\x1b[1A\x1b[2K", "\x1b[2K"))


def test_a_log_gets_whole_lines_and_no_bar() -> None:
    log = io.StringIO()
    with Progress(Job(Path("out"), rows=10, done=0), log) as progress:
        progress.add(10, 0)
    assert log.getvalue().startswith("out: 10 rows written, 0 with an error; ")
    assert log.getvalue().count("\n") == 1
    assert "\x1b" not in log.getvalue()


def test_a_job_that_fails_leaves_the_last_word_to_the_error() -> None:
    log = io.StringIO()
    with pytest.raises(ValueError, match="broken"), Progress(Job(Path("out"), rows=10, done=0), log):
        raise ValueError("broken")
    assert log.getvalue() == ""
