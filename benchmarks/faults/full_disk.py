"""Fills the disks of the service and of the feedback store: python -m benchmarks.faults.full_disk

Each experiment has a small file system of its own in memory, which no other program sees, and fills it to the last
byte. It needs Linux, and the right to mount: that of root, or user namespaces.

- feedback: on the full disk, pictures are kept and taken back. Each must be done or refused with a `FeedbackError`, and
  what was kept before must stay.
- runtime: the folder that the workers share fills up while they answer. Then a worker is killed, and the model is
  reloaded. Every request must be answered. When there is space again, all workers must report themselves.
- model: a new model is written to the full disk, so that its end is missing, and reloaded; then it is written whole.
  The old model must answer until the new one does.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.faults.chaos import Rows, table
from benchmarks.faults.reloading import hang_up, model_of_temperature
from benchmarks.support.client import Answer, Connection, UnansweredError, address_of, request, upload
from benchmarks.support.machine import describe_machine
from benchmarks.support.operating import SAMPLE, Options, serving, wait_until, workers
from benchmarks.support.servers import Running
from digits.cli.arguments import EXIT_FAILED, EXIT_OK, one_of, whole_number
from digits.errors import FeedbackError
from digits.feedback import Feedback, FeedbackStore
from digits.recognizer import shipped_model

_MEGABYTES = 16
_WORKERS = 2
# The name under which the command runs itself in namespaces of its own.
_INSIDE = "--inside"
# The words that start a command in them.
ENTER = ("unshare", "--user", "--map-root-user", "--mount")


class SmallDisk:
    """A file system in memory, as a context manager that mounts it.

    Args:
        folder: an empty folder, where it is mounted.

    Raises:
        subprocess.CalledProcessError: this process may not mount.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def __enter__(self) -> "SmallDisk":
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "none", self.folder], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def fill(self) -> None:
        """Takes all space that is left."""
        with self._ballast.open("ab", buffering=0) as ballast:
            while left := os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize:
                ballast.write(bytes(left))

    def free(self) -> None:
        """Gives the space back."""
        self._ballast.unlink()


@contextlib.contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """Mounts a small file system, and unmounts it when the block ends."""
    with tempfile.TemporaryDirectory() as folder, SmallDisk(Path(folder)) as disk:
        yield disk


def feedback_rows(repeats: int) -> tuple[Rows, bool]:
    """Keeps feedback before, on and after a full disk; returns the row of a table, and whether nothing was lost."""
    pictures = np.random.default_rng(0).integers(0, 256, (2 * repeats, 64, 64), np.uint8)
    feedback = Feedback("7", "1", 0.9, "digest")
    with small_disk() as disk:
        store = FeedbackStore(disk.folder / "feedback.sqlite3")
        before = [store.keep(picture, feedback) for picture in pictures[:repeats]]
        disk.fill()
        kept = sum(_is_done(lambda: store.keep(picture, feedback)) for picture in pictures[repeats:])  # noqa: B023
        gone = sum(_is_done(lambda: store.take_back(digest)) for digest in before)  # noqa: B023
        disk.free()
        still = len(store)
        for picture in pictures[repeats:]:
            store.keep(picture, feedback)
        after = len(store)
    row = {
        "kept before": str(len(before)),
        "kept on the full disk": f"{kept} of {repeats}",
        "taken back there": f"{gone} of {repeats}",
        "still there": str(still),
        "kept when there was space": f"{after - still + kept} of {repeats}",
    }
    return [row], still == len(before) + kept - gone and after == still - kept + repeats


def _is_done(act: Callable[[], object]) -> bool:
    """Returns whether an act was done; False if it was refused."""
    try:
        act()
    except FeedbackError:
        return False
    return True


def runtime_rows(repeats: int) -> tuple[Rows, bool]:
    """Fills the runtime folder of a service; returns the row of a table, and whether all was answered."""
    options = Options(1, 1, _WORKERS, 0.0)
    with small_disk() as disk, serving(options, disk.folder, shipped_model()) as server:
        disk.fill()
        answers = _ask(server, repeats)
        victim, before = min(workers(disk.folder)), server.output().count("Serving ")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: server.output().count("Serving ") > before, "a new worker runs")
        answers += _ask(server, repeats)
        told = server.output().count("Reload ")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.output().count("Reload ") > told, "a worker has tried the file")
        answers += _ask(server, repeats)
        metrics = [_status(server, request("GET", "/metrics")) for _ in range(repeats)]
        disk.free()
        wait_until(lambda: len(set(workers(disk.folder)) - {victim}) == _WORKERS, "all workers report themselves")
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(30.0)
        traces = server.output().count("Traceback")
    right = sum(status == 200 for status in answers)
    row = {
        "answered on the full disk": f"{right} of {len(answers)}",
        "/metrics answered 200 / 404": f"{metrics.count(200)} / {metrics.count(404)}",
        "other answers": str(len(answers) - right + len(metrics) - metrics.count(200) - metrics.count(404)),
        "unexpected errors in the log": str(traces),
        "exit code": str(code),
    }
    return [row], right == len(answers) and set(metrics) <= {200, 404} and not traces and code == EXIT_OK


def model_rows(repeats: int) -> tuple[Rows, bool]:
    """Writes a model to a full disk and reloads it; returns the row of a table, and whether the right one answered."""
    options = Options(1, 1, _WORKERS, 0.0)
    with small_disk() as disk, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old, new = (model_of_temperature(folder / f"{value}.keras", value) for value in (2.0, 5.0))
        model = disk.folder / "model.keras"
        shutil.copy(old, model)
        with serving(options, folder, model) as server:
            first = _body(server)
            model.unlink()
            # A third of the new file finds space.
            disk.fill()
            os.truncate(disk.folder / "ballast", (disk.folder / "ballast").stat().st_size - new.stat().st_size // 3)
            with contextlib.suppress(OSError):
                shutil.copy(new, model)
            cut_off = hang_up(server, folder)
            same = sum(_body(server) == first for _ in range(repeats))
            disk.free()
            shutil.copy(new, model)
            whole = hang_up(server, folder)
            other = sum(_body(server) != first for _ in range(repeats))
    row = {
        "reload of the cut-off file": ", ".join(sorted(cut_off)),
        "answers of the old model then": f"{same} of {repeats}",
        "reload of the whole file": ", ".join(sorted(whole)),
        "answers of the new model then": f"{other} of {repeats}",
    }
    return [row], (cut_off, whole) == ({"failed"}, {"replaced"}) and same == other == repeats


def _ask(server: Running, repeats: int) -> list[int]:
    """Returns the status of the answer to each of some pictures; 0 where there was none."""
    return [_status(server, upload(SAMPLE.read_bytes())) for _ in range(repeats)]


def _status(server: Running, data: bytes) -> int:
    try:
        return _exchange(server, data).status
    except UnansweredError:
        return 0


def _exchange(server: Running, data: bytes) -> Answer:
    with Connection(address_of(server.url), 30.0) as connection:
        return connection.exchange(data)


def _body(server: Running) -> str:
    """Returns what a model says about the sample, without the time that it took."""
    return _exchange(server, upload(SAMPLE.read_bytes())).body.decode().partition('"prediction_time_ms"')[0]


_EXPERIMENTS = {"feedback": feedback_rows, "runtime": runtime_rows, "model": model_rows}


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a table of each experiment; returns the exit code, which is not 0 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = list(_EXPERIMENTS)
    parser.add_argument("experiments", nargs="*", type=one_of(names), help=f"{', '.join(names)} (default: all)")
    parser.add_argument("--repeats", type=whole_number(1, 10_000), default=50, help="requests at a time; default: 50")
    parser.add_argument(_INSIDE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if not options.inside:
        if shutil.which(ENTER[0]) is None:
            parser.error(f"this benchmark needs {ENTER[0]}, of the package util-linux")
        words = sys.argv[1:] if argv is None else argv
        command = [*ENTER, sys.executable, "-m", "benchmarks.faults.full_disk", _INSIDE, *words]
        return subprocess.run(command, check=False).returncode
    print(describe_machine())
    all_well = True
    for name in options.experiments or names:
        rows, well = _EXPERIMENTS[name](options.repeats)
        print(f"\n{name}: a disk of {_MEGABYTES} MB\n\n{table(rows)}", flush=True)
        all_well = all_well and well
    print("\nNothing was lost." if all_well else "\nSomething was lost.")
    return EXIT_OK if all_well else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
