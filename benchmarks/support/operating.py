"""`digits serve` as it runs in production, and the state of its workers."""

import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.hostile.specimens import SAMPLES
from benchmarks.support.servers import SERVE, Running, running
from digits.service.process.runtime import running as running_servers

SAMPLE = SAMPLES / "7_stylus.png"

# The longest time that a worker may take to start, to end, or to change its model, in seconds.
PATIENCE = 30.0


@dataclass(frozen=True)
class Options:
    """The options of an experiment.

    Args:
        rounds: the number of repetitions.
        clients: the number of clients that send at a time.
        workers: the number of workers of the service.
        seconds: how long the clients send before the fault, in seconds.
    """

    rounds: int
    clients: int
    workers: int
    seconds: float


@contextmanager
def serving(options: Options, folder: Path, model: Path, drain_seconds: float = 0.0) -> Iterator[Running]:
    """Runs `digits serve` until the block ends; yields it when all of its workers answer.

    Args:
        options: the experiment's options.
        folder: an empty folder for the files that the workers share; `workers` reads them.
        model: the model file to serve.
        drain_seconds: how long the service takes new requests after SIGTERM.

    Raises:
        RuntimeError: the service does not answer, or a worker does not start.
    """
    environment = {
        "DIGITS_MODEL": str(model),
        "DIGITS_DRAIN_SECONDS": str(drain_seconds),
        "DIGITS_ACCESS_LOG": "false",
        "XDG_RUNTIME_DIR": str(folder),
        # One that does not end says where it is.
        "PYTHONFAULTHANDLER": "1",
    }
    with running(SERVE, SAMPLE.read_bytes(), environment, ("--workers", str(options.workers))) as server:
        wait_until(lambda: len(workers(folder)) == options.workers, "all workers run")
        yield server


def workers(folder: Path) -> Mapping[int, Mapping[str, Any]]:
    """Returns the state that each worker of the service reports, by process id."""
    return next(iter(running_servers(folder / "digits").values()), {})


def code_at_end(server: Running, patience: float = PATIENCE) -> int:
    """Waits for the end of a server that was told to stop; returns its exit code.

    A server that does not end is aborted. Standard error then says for how long it had run since this was called, and
    its main thread had waited for a processor, which tells one that hangs from one that others starve; and where each
    of its threads was.

    Args:
        server: its first process.
        patience: how long it may take to end, in seconds.
    """
    ran, waited = server.processor_seconds(), _waited_for_processor(server.process.pid)
    try:
        return server.process.wait(patience)
    except subprocess.TimeoutExpired:
        ran = server.processor_seconds() - ran
        waited = _waited_for_processor(server.process.pid) - waited
        server.process.send_signal(signal.SIGABRT)
        code = server.process.wait()
        print(
            f"The server did not end within {patience:g} s. It ran for {ran:.2f} s, and its main thread waited for a "
            f"processor for {waited:.2f} s. Its log ends with:\n{server.output()[-10_000:]}",
            file=sys.stderr,
            flush=True,
        )
        return code


def _waited_for_processor(process: int) -> float:
    """Returns how long the main thread of a process could have run and did not, in seconds; NaN if it is not told."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return math.nan


def wait_until(holds: Callable[[], bool], description: str) -> None:
    """Waits until a condition holds.

    Args:
        holds: the condition.
        description: the condition in words, for the error message.

    Raises:
        RuntimeError: the condition does not hold after `PATIENCE` seconds.
    """
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"After {PATIENCE:g} seconds this does not hold: {description}.")
        time.sleep(0.01)
