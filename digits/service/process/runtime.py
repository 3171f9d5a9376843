"""The runtime folder: small files that the workers of a server share, and by which `digits reload` finds them."""

import contextlib
import json
import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from digits.service.process.container import WORKERS_VARIABLE

if sys.platform != "win32":
    import fcntl


# `digits serve` tells its workers where it listens.
ADDRESS_VARIABLE = "DIGITS_SERVED_AT"
# The copy of Digits that runs.
INSTALLATION = str(Path(__file__).resolve().parents[2])
# A file in the folder of a server while all of its workers stop.
_STOPPING = "stopping"


def whereabouts() -> dict[str, Any]:
    """Returns where this process serves: address or command, folder, the copy of Digits that it runs, and how many
    workers its server has, None where another than `digits serve` started it.
    """
    address = os.environ.get(ADDRESS_VARIABLE)
    return {
        "address": address or shlex.join(sys.argv),
        "folder": str(Path.cwd()),
        "installation": INSTALLATION,
        "workers": int(os.environ[WORKERS_VARIABLE]) if address else None,
    }


def is_digits_serve() -> bool:
    """Returns whether `digits serve` runs this process, and not another server."""
    return ADDRESS_VARIABLE in os.environ


@contextlib.contextmanager
def locked(handle: IO[Any]) -> Iterator[None]:
    """Locks an open file for this process; does nothing on systems without such locks."""
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)


def base_folder() -> Path:
    """Returns the folder that holds the runtime folders of this user's servers."""
    if run := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(run) / "digits"
    return Path(tempfile.gettempdir()) / f"digits-{os.getuid() if sys.platform != 'win32' else 'user'}"


def announce_stop() -> None:
    """Tells the workers of this process that all of them stop. Without space for the note, each stops by itself."""
    with contextlib.suppress(OSError):
        (base_folder() / str(os.getpid()) / _STOPPING).touch()


def is_whole_stop() -> bool:
    """Returns whether no other worker goes on when this process stops."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None or not supervisor.is_alive():
        return True
    return (base_folder() / str(supervisor.pid) / _STOPPING).exists()


class Runtime:
    """The runtime folder of one server, which its workers share.

    Its name is the id of the process that supervises the workers, or of the only process. Each process keeps a file of
    its own in it, and a lock on that file as long as it lives: unlike a process id, no other process can take over the
    lock after a crash. Its state stands in a second file, which is replaced as a whole, so that readers find either the
    old or the new state. The next server that starts removes folders whose processes have all ended.

    Args:
        base: parent of the runtime folders; `base_folder()` if None.

    Raises:
        OSError: the folder cannot be made, or belongs to another user.
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
        # Programs that clean up old temporary files spare locked folders.
        self._place = _open_folder(self.folder)
        self._state_file = _state_file_of(self.folder, os.getpid())
        # The file is locked before it gets its name: a sibling takes an unlocked one for that of a dead worker.
        place = self.folder / f"{os.getpid()}.starting"
        self._lock = place.open("ab")
        _hold(self._lock)
        self._file = place.replace(place.with_suffix(".worker"))

    @property
    def metrics_folder(self) -> Path:
        """The folder for the metrics of all workers."""
        return self.folder / "metrics"

    def note(self, state: dict[str, Any]) -> None:
        """Writes the state of this process."""
        new = self._state_file.with_suffix(".new")
        new.write_bytes(json.dumps(state).encode())
        new.replace(self._state_file)

    def dead_workers(self) -> list[int]:
        """Returns the workers that have died since the last call, and removes their files."""
        dead = []
        for file in self.folder.glob("*.worker"):
            if file.name != f"{os.getpid()}.worker" and not _is_held(file):
                file.unlink(missing_ok=True)
                dead.append(int(file.stem))
                _state_file_of(self.folder, dead[-1]).unlink(missing_ok=True)
        return dead

    def close(self) -> None:
        """Removes the files of this process, and the folder if no other process uses it."""
        self._file.unlink(missing_ok=True)
        self._lock.close()
        self._state_file.unlink(missing_ok=True)
        if self._place is not None:
            os.close(self._place)
        if not any(self.folder.glob("*.worker")) and not self.has_siblings:
            shutil.rmtree(self.folder, ignore_errors=True)


def running(base: Path | None = None) -> dict[int, dict[int, dict[str, Any]]]:
    """Returns the running servers of this user.

    Args:
        base: as for `Runtime`.

    Returns:
        For each server, by the id of its first process, the state of each worker, by the worker's process id.
    """
    servers: dict[int, dict[int, dict[str, Any]]] = {}
    base = base or base_folder()
    # Another user could list the ids of any processes there, which would then get signals.
    if not base.is_dir() or not _is_own(base):
        return servers
    for file in base.glob("[0-9]*/*.worker"):
        # A worker that is starting has written no state yet, and is left out.
        if _is_held(file):
            with contextlib.suppress(FileNotFoundError):
                pid = int(file.stem)
                servers.setdefault(int(file.parent.name), {})[pid] = json.loads(
                    _state_file_of(file.parent, pid).read_bytes()
                )
    return servers


def _is_own(folder: Path) -> bool:
    return sys.platform == "win32" or folder.lstat().st_uid == os.getuid()


def _state_file_of(folder: Path, pid: int) -> Path:
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
    """Returns whether a living process holds a file."""
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
    """Removes the folders of servers that have ended, also that of an earlier process with this process's id.

    Args:
        base: as for `Runtime`.
    """
    for folder in (base or base_folder()).glob("[0-9]*"):
        # A server that is just starting has no worker yet.
        starting = folder.name != str(os.getpid()) and Path(f"/proc/{folder.name}").is_dir()
        if not starting and not any(_is_held(file) for file in folder.glob("*.worker")):
            shutil.rmtree(folder, ignore_errors=True)
