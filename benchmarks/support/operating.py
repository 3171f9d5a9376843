"""The service as it runs in production, and what it says of its workers."""

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

# The longest that a worker may take to come, to go, or to change its model, in seconds.
PATIENCE = 30.0


@dataclass(frozen=True)
class Options:
    """How the service is run, and how busy it is.

    Args:
        rounds: how often.
        clients: at a time.
        workers: of the service.
        seconds: of load before anything happens.
    """

    rounds: int
    clients: int
    workers: int
    seconds: float


@contextmanager
def serving(options: Options, folder: Path, model: Path, drain_seconds: float = 0.0) -> Iterator[Running]:
    """`digits serve` with all of its workers.

    Args:
        options: how it is run.
        folder: of its own, in which `workers` finds what they say.
        model: the file that it serves.
        drain_seconds: how long it answers after SIGTERM.
    """
    environment = {
        "DIGITS_MODEL": str(model),
        "DIGITS_DRAIN_SECONDS": str(drain_seconds),
        "DIGITS_ACCESS_LOG": "false",
        "XDG_RUNTIME_DIR": str(folder),
    }
    with running(SERVE, SAMPLE.read_bytes(), environment, ("--workers", str(options.workers))) as server:
        wait_until(lambda: len(workers(folder)) == options.workers, "all workers run")
        yield server


def workers(folder: Path) -> Mapping[int, Mapping[str, Any]]:
    """What each worker of the service says of itself, by its process."""
    return next(iter(running_servers(folder / "digits").values()), {})


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Waits until something holds.

    Raises:
        RuntimeError: it does not in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{PATIENCE:g} seconds passed before this came true: {what}")
        time.sleep(0.01)
