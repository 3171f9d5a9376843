"""The parts of a job, read on all cores of this machine."""

import contextlib
import os
import pickle
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from digits.bulk.job import Numbered
from digits.bulk.scoring import Scorer, cannot_write, temporary_file
from digits.errors import WorkerDiedError
from digits.model.artifact import Artifact
from digits.recognizer import Recognizer

Counts = tuple[int, int]

# A worker process is one for its whole life.
_scorers: list[Scorer] = []


def score_all(parts: Iterable[Numbered], artifact: Artifact, out: Path) -> Iterator[Counts]:
    """Reads parts with a process per core.

    Yields:
        Rows and errors of each part, when its file is written.

    Raises:
        DataMismatchError: a source is damaged or was changed since the job began.
        DataUnavailableError: a file cannot be written.
        WorkerDiedError: a process ended before its work was done.
    """
    with _pool(artifact, out) as (pool, processes):
        going: set[Future[Counts]] = set()
        for numbered in parts:
            going.add(pool.submit(_score, numbered))
            # Enough to keep all busy, and no list of all the parts in memory.
            if len(going) >= 2 * processes:
                done, going = wait(going, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while going:
            done, going = wait(going, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


@contextlib.contextmanager
def _pool(artifact: Artifact, out: Path) -> Iterator[tuple[ProcessPoolExecutor, int]]:
    processes, others = os.cpu_count() or 1, set(active_children())
    # In a file: what a starting process is given goes through a pipe, and if it dies before it has read more than the
    # pipe holds, the parent would wait for ever.
    model = temporary_file(out)
    try:
        model.write_bytes(pickle.dumps(artifact))
    except OSError as error:
        raise cannot_write(out, error) from error
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start, (model, out))
    try:
        yield pool, processes
    except BaseException as error:
        # What is half done is not waited for: a part is written whole or not at all. The pool itself ends no worker
        # that was started while it noticed the death of another.
        for worker in set(active_children()) - others:
            worker.terminate()
        if not isinstance(error, BrokenProcessPool):
            raise
        raise WorkerDiedError(
            "A worker process died: it was killed, or memory ran out. The same command goes on where it stopped."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
        model.unlink(missing_ok=True)


def _start(model: Path, out: Path) -> None:
    # Ctrl-C reaches all processes of a terminal; the first of them decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def end_with_parent() -> None:
        # A parent that was killed tells nobody; its workers would wait for ever.
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    artifact: Artifact = pickle.loads(model.read_bytes())  # noqa: S301 - the parent has written it
    _scorers.append(Scorer(Recognizer(artifact), out))


def _score(numbered: Numbered) -> Counts:
    return _scorers[0].score(*numbered)
