"""What the processes of one server share, and how the `digits` command finds them: a folder of small files."""

import contextlib
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def locked(handle: IO[Any]) -> Iterator[None]:
    """Holds an open file for this process alone; where the system has no such locks, for nobody."""
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


def base_folder() -> Path:
    """Where the servers of this user keep their folders."""
    if run := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(run) / "digits"
    return Path(tempfile.gettempdir()) / f"digits-{os.getuid() if sys.platform != 'win32' else 'user'}"


class Runtime:
    """The folder of one server, which its workers share.

    It is named by the process that supervises the workers, or by the only one. Each process keeps a file of its own in
    it, and a lock on that file for as long as it lives: the lock, unlike a number, cannot be inherited by another
    process after a crash. What the process says of itself stands in a second file, which is replaced and never written
    in place: who reads it finds all of the old or all of the new. A folder whose processes are all gone is swept away
    by the next server that starts.

    Args:
        base: holds the folders; `base_folder()` if None.

    Raises:
        OSError: the folder cannot be made, or belongs to somebody else.
    """

    def __init__(self, base: Path | None = None) -> None:
        base = base or base_folder()
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_own(base):
            raise PermissionError(f"{base} belongs to another user")
        sweep(base)
        supervisor = multiprocessing.parent_process()
        self.has_siblings = supervisor is not None
        self.folder = base / str(os.getpid() if supervisor is None or supervisor.pid is None else supervisor.pid)
        (self.folder / "metrics").mkdir(mode=0o700, parents=True, exist_ok=True)
        # Aging of temporary files spares folders that are locked.
        self._place = _open_folder(self.folder)
        self._said = _said_by(self.folder, os.getpid())
        # Held before it can be seen: a sibling would take one that nobody holds for a dead worker's.
        place = self.folder / f"{os.getpid()}.starting"
        self._lock = place.open("ab")
        _hold(self._lock)
        self._file = place.replace(place.with_suffix(".worker"))

    @property
    def metrics_folder(self) -> Path:
        """For the metrics of all workers."""
        return self.folder / "metrics"

    def note(self, state: dict[str, Any]) -> None:
        """Writes what this process has to say of itself."""
        new = self._said.with_suffix(".new")
        new.write_bytes(json.dumps(state).encode())
        new.replace(self._said)

    def dead_workers(self) -> list[int]:
        """The workers that have gone without a word since the last call; their files are removed."""
        dead = []
        for file in self.folder.glob("*.worker"):
            if file.name != f"{os.getpid()}.worker" and not _is_held(file):
                file.unlink(missing_ok=True)
                dead.append(int(file.stem))
                _said_by(self.folder, dead[-1]).unlink(missing_ok=True)
        return dead

    def close(self) -> None:
        """Removes this process's file, and the folder if it was the last."""
        self._file.unlink(missing_ok=True)
        self._lock.close()
        self._said.unlink(missing_ok=True)
        if self._place is not None:
            os.close(self._place)
        if not any(self.folder.glob("*.worker")) and not self.has_siblings:
            shutil.rmtree(self.folder, ignore_errors=True)


def running(base: Path | None = None) -> dict[int, dict[int, dict[str, Any]]]:
    """The servers of this user that run.

    Args:
        base: as for `Runtime`.

    Returns:
        For each server, by the id of its first process, what each of its workers, by its id, says of itself.
    """
    servers: dict[int, dict[int, dict[str, Any]]] = {}
    base = base or base_folder()
    # What another user has put there would have signals sent to any process.
    if not base.is_dir() or not _is_own(base):
        return servers
    for file in base.glob("[0-9]*/*.worker"):
        # A worker that is starting has said nothing yet, and is not counted.
        if _is_held(file):
            with contextlib.suppress(FileNotFoundError):
                pid = int(file.stem)
                servers.setdefault(int(file.parent.name), {})[pid] = json.loads(_said_by(file.parent, pid).read_bytes())
    return servers


def _is_own(folder: Path) -> bool:
    return sys.platform == "win32" or folder.lstat().st_uid == os.getuid()


def _said_by(folder: Path, pid: int) -> Path:
    return folder / f"{pid}.json"


def _open_folder(folder: Path) -> int | None:
    if sys.platform == "win32":
        return None
    place = os.open(folder, os.O_RDONLY)
    fcntl.flock(place, fcntl.LOCK_SH)
    return place


def _hold(file: IO[bytes]) -> None:
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX)


def _is_held(path: Path) -> bool:
    """Whether the process that holds a file lives."""
    if sys.platform == "win32":
        return True
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def sweep(base: Path | None = None) -> None:
    """Removes the folders of servers that are gone, one of an earlier process of this process's number among them.

    Args:
        base: as for `Runtime`.
    """
    for folder in (base or base_folder()).glob("[0-9]*"):
        # A server that is just starting has no worker yet.
        starting = folder.name != str(os.getpid()) and Path(f"/proc/{folder.name}").is_dir()
        if not starting and not any(_is_held(file) for file in folder.glob("*.worker")):
            shutil.rmtree(folder, ignore_errors=True)
