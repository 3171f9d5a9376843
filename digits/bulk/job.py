"""A whole job: the plan is kept in the folder, and only parts without a file are read."""

import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from multiprocessing import get_context, parent_process
from pathlib import Path

from digits import __version__
from digits.artifact import Artifact
from digits.bulk.plan import PART_ROWS, Part, plan
from digits.bulk.scoring import Scorer, part_file
from digits.errors import DataMismatchError, MissingInstallError

_MANIFEST = "_manifest.jsonl"
Numbered = tuple[int, Part]


def require_parquet() -> None:
    """Raises `MissingInstallError` unless pyarrow is there."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingInstallError(
            "Parquet needs pyarrow, which the serving install leaves out. Install it with: "
            "python -m pip install -r requirements/bulk.txt"
        ) from error


def open_job(sources: Sequence[Path], model: Path, out: Path) -> None:
    """Writes the job's manifest, or checks that the one in the folder is of the same job.

    Raises:
        DataMismatchError: the folder belongs to a job with another model, version or other images.
    """
    out.mkdir(parents=True, exist_ok=True)
    head = {"digits": __version__, "model": hashlib.sha256(model.read_bytes()).hexdigest(), "part_rows": PART_ROWS}
    manifest, temporary = out / _MANIFEST, out / f".{_MANIFEST}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head) + "\n")
        file.writelines(json.dumps(asdict(part)) + "\n" for part in plan(sources))
        file.flush()
        os.fsync(file.fileno())
    if not manifest.exists():
        temporary.replace(manifest)
        return
    with manifest.open(encoding="utf-8") as old, temporary.open(encoding="utf-8") as new:
        began = json.loads(next(old))
        different = [name for name, value in head.items() if began.get(name) != value]
        next(new)
        same = all(a == b for a, b in zip(old, new, strict=False)) and not (old.readline() or new.readline())
    temporary.unlink()
    if different or not same:
        what = f"another {different[0]}" if different else "other images, or some were changed since"
        raise DataMismatchError(f"{out} was begun with {what}. Name another folder for the answers.")


def unfinished(out: Path) -> Iterator[Numbered]:
    """The parts that have no file yet."""
    with (out / _MANIFEST).open(encoding="utf-8") as lines:
        next(lines)
        for number, line in enumerate(lines):
            if not part_file(out, number).exists():
                value = json.loads(line)
                stamps = tuple((size, changed) for size, changed in value["stamps"])
                yield number, Part(tuple(value["files"]), stamps, value["first"], value["count"])


_scorers: list[Scorer] = []


def _start(artifact: Artifact, out: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def end_with_parent() -> None:
        # A parent that was killed tells nobody; its workers would wait for ever.
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    _scorers.append(Scorer(artifact, out))


def _score(numbered: Numbered) -> tuple[int, int]:
    return _scorers[0].score(*numbered)


def run_local(parts: Iterable[Numbered], artifact: Artifact, out: Path) -> Iterator[tuple[int, int]]:
    """Reads parts on all cores; yields rows and errors of each as it is done."""
    processes = os.cpu_count() or 1
    try:
        with ProcessPoolExecutor(processes, get_context("spawn"), _start, (artifact, out)) as pool:
            going: set[Future[tuple[int, int]]] = set()
            for numbered in parts:
                going.add(pool.submit(_score, numbered))
                if len(going) >= 2 * processes:
                    done, going = wait(going, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in done)
            yield from (one.result() for one in going)
    except BrokenProcessPool as error:
        raise DataMismatchError("A worker process died. The same command goes on where it stopped.") from error
