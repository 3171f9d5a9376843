"""Compute processes, and what they are asked for in tests."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hostile.growing_pictures import GROWING
from digits.budget import MemoryBound
from digits.model.artifact import read
from digits.recognizer import Recognizer, shipped_model
from digits.service.compute.pool import ComputeProcesses
from tests.conftest import encode_png

BLANK = encode_png(np.full((300, 300), 255, np.uint8))
LARGE = encode_png(np.random.default_rng(0).integers(200, 256, (1500, 1500), np.uint8))
COSTLY = encode_png(GROWING["chevrons"](1600))


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer(read(shipped_model()))


@pytest.fixture
def processes() -> Iterator[ComputeProcesses]:
    processes = ComputeProcesses(MemoryBound(100_000_000, 1.0))
    yield processes
    processes.close()


def pids(processes: ComputeProcesses) -> list[int]:
    """Returns the ids of the processes that wait for a job."""
    return [process.pid for process in processes._idle]


def has_ended(pid: int) -> bool:
    """Returns whether a process ends within some seconds."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def count_without_end(_recognizer: Recognizer) -> None:
    """Stands for code of a library that cannot be interrupted."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    while True:
        pass
