"""The processes that others have started."""

import contextlib
import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Never

import pytest


def children_of(process: int, word: str) -> set[int]:
    """The processes that a process has started, with a word in their command, and that have not ended."""
    return {child for child, command in _children(process) if word in command}


def is_running(process: int) -> bool:
    """Whether a process has not ended; one that has may wait for its parent to notice."""
    try:
        os.kill(process, 0)
        if Path("/proc").is_dir():
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True


def start_no_more(patch: pytest.MonkeyPatch) -> None:
    """Lets no process be started, as where the system has too many."""

    def refuse(*_: object, **__: object) -> Never:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    patch.setattr(subprocess, "Popen", refuse)


def open_no_more(patch: pytest.MonkeyPatch) -> None:
    """Lets no file of a process of its own be opened, as where this process has too many."""

    def refuse(*_: object, **__: object) -> Never:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    for module, name in ((os, "memfd_create"), (tempfile, "TemporaryFile")):
        patch.setattr(module, name, refuse, raising=False)


def _children(process: int) -> Iterator[tuple[int, str]]:
    if not Path("/proc").is_dir():
        # Systems other than Linux come with a ps that lists all.
        listed = subprocess.run(["ps", "-A", "-o", "ppid=,pid=,args="], capture_output=True, text=True, check=True)
        for line in listed.stdout.splitlines():
            parent, child, command = [*line.split(None, 2), ""][:3]
            if int(parent) == process:
                yield int(child), command
        return
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            # It may end in the meantime.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield int(child), Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace")
