"""A job in a process ends with its time, its client or its process, and never without an answer."""

import contextlib
import contextvars
import dataclasses
import errno
import os
import signal
import threading
import time

import pytest

from digits.budget import Budget, MemoryBound, check, limited, memory
from digits.errors import (
    ComputationStoppedError,
    ComputeTimeError,
    ModelFileError,
    WorkerDiedError,
)
from digits.recognizer import Recognizer
from digits.service.compute import jobs, process
from digits.service.compute.pool import ComputeProcesses
from digits.service.errors import OverloadedError
from tests.conftest import SAMPLES
from tests.service.compute.conftest import COSTLY, LARGE, count_without_end, has_ended, pids


def test_a_job_ends_when_nobody_waits_for_it(
    processes: ComputeProcesses, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GRACE_SECONDS", 30.0)
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    before = pids(processes)
    budget = Budget(60.0)
    threading.Timer(0.05, budget.stop).start()
    start = time.monotonic()
    with limited(budget), pytest.raises(ComputationStoppedError):
        processes.run(jobs.read_document, recognizer, COSTLY, None, None)
    assert time.monotonic() - start < 10
    # It heeds the word, so that it need not be started anew.
    assert pids(processes) == before


@pytest.mark.parametrize("how", ["time of the processor", "stopped"])
def test_a_process_that_does_not_heed_its_time_is_ended(
    processes: ComputeProcesses, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(process, "_GRACE_SECONDS", 0.3)
    budget = Budget(0.1 if how == "time of the processor" else 60.0)
    error = ComputeTimeError if how == "time of the processor" else ComputationStoppedError
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    (pid,) = pids(processes)
    if how == "stopped":
        threading.Timer(0.2, budget.stop).start()
    with limited(budget), pytest.raises(error):
        processes.run(count_without_end, recognizer)
    assert pids(processes) == []
    assert has_ended(pid)
    assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)


def test_a_process_that_stands_still_is_ended(
    processes: ComputeProcesses, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    (pid,) = pids(processes)
    os.kill(pid, signal.SIGSTOP)
    budget = Budget(60.0)
    threading.Timer(0.2, budget.stop).start()
    monkeypatch.setattr(process, "_GRACE_SECONDS", 0.3)
    with limited(budget), pytest.raises(ComputationStoppedError):
        # More than a pipe holds: the worker cannot even send it.
        processes.run(jobs.recognize, recognizer, LARGE, 1)
    assert has_ended(pid)


def test_a_process_that_was_ended_between_two_jobs_costs_no_job(
    processes: ComputeProcesses, recognizer: Recognizer, caplog: pytest.LogCaptureFixture
) -> None:
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    (pid,) = pids(processes)
    (idle,) = processes._idle
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 20
    # Its threads end one after the other.
    while idle.is_fit and time.monotonic() < end:
        time.sleep(0.01)
    assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    assert pids(processes) != [pid]
    assert caplog.text == ""


def test_closing_ends_a_job_without_a_word_in_the_log(
    processes: ComputeProcesses, recognizer: Recognizer, caplog: pytest.LogCaptureFixture
) -> None:
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    (pid,) = pids(processes)
    threading.Timer(0.3, processes.close).start()
    with pytest.raises(WorkerDiedError):
        processes.run(count_without_end, recognizer)
    assert has_ended(pid)
    assert pids(processes) == []
    assert caplog.text == ""


def test_a_job_that_nobody_waits_for_any_more_is_not_begun_and_its_process_stays(
    processes: ComputeProcesses, recognizer: Recognizer
) -> None:
    budget = Budget(60.0)
    budget.stop()
    with limited(budget), pytest.raises(ComputationStoppedError):
        processes.run(count_without_end, recognizer)
    assert len(pids(processes)) == 1


def test_a_job_is_told_to_end_until_it_heeds_it(
    processes: ComputeProcesses, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GRACE_SECONDS", 30.0)
    # The process imports this module now, and not while it is told to end.
    processes.run(_take_memory, recognizer)
    before = pids(processes)
    budget = Budget(60.0)
    threading.Timer(0.1, budget.stop).start()
    with limited(budget), pytest.raises(ComputationStoppedError):
        processes.run(_miss_the_first_word, recognizer)
    assert pids(processes) == before


def test_after_a_model_that_cannot_be_loaded_the_old_one_answers(
    processes: ComputeProcesses, recognizer: Recognizer
) -> None:
    data = SAMPLES[0].read_bytes()
    processes.run(jobs.recognize, recognizer, data, 1)
    broken = Recognizer(recognizer.artifact)
    broken.artifact = dataclasses.replace(recognizer.artifact, onnx=b"no network")
    broken.digest = "another"
    with pytest.raises(ModelFileError):
        processes.run(jobs.recognize, broken, data, 1)
    assert processes.run(jobs.recognize, recognizer, data, 1)


def test_a_fault_that_cannot_be_sent_comes_back_as_its_text(
    processes: ComputeProcesses, recognizer: Recognizer
) -> None:
    with pytest.raises(RuntimeError, match="_OddError: 1 and 2") as raised:
        processes.run(_raise_oddly, recognizer)
    assert "_raise_oddly" in raised.value.__notes__[0]
    assert len(pids(processes)) == 1


def test_a_library_that_finds_no_file_to_open_is_no_fault(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    with pytest.raises(OverloadedError, match="no more files"):
        processes.run(_lack_files, recognizer)


def test_a_later_image_of_a_batch_waits_for_memory_in_its_own_time(recognizer: Recognizer) -> None:
    memory = MemoryBound(2_000_000, 30.0)
    now = 0.0
    budget = Budget(60.0, 600.0, wall_clock=lambda: now)
    with contextlib.closing(ComputeProcesses(memory)) as processes:
        # The process imports this module now, and asks for memory at once below.
        processes.run(_take_memory, recognizer)
        with limited(budget):
            # What one image may take is over, and what the batch may take is not.
            now = 300.0
            outcome: list[int] = []
            read = contextvars.copy_context()
            reader = threading.Thread(
                target=lambda: read.run(lambda: outcome.append(processes.run(_take_memory, recognizer)))
            )
            with memory.taken(1_900_000):
                reader.start()
                reader.join(1.0)
            reader.join(30)
    assert outcome == [1_500_000]


def _miss_the_first_word(_recognizer: Recognizer) -> None:
    """Stands for a job that has not arrived yet when it is told to end."""
    heeds = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    time.sleep(0.5)
    signal.signal(signal.SIGUSR1, heeds)
    while True:
        check()


class _OddError(Exception):
    """As libraries have them: it cannot be made anew from its text."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def _raise_oddly(_recognizer: Recognizer) -> None:
    raise _OddError(1, 2)


def _lack_files(_recognizer: Recognizer) -> None:
    raise RuntimeError("a library") from OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _take_memory(_recognizer: Recognizer) -> int:
    size = 1_500_000
    with memory(lambda: size):
        return size
