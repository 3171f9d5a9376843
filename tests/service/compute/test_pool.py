"""Images are read in processes of their own, with the same answers and errors as in the worker."""

import contextlib
import dataclasses
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from digits.budget import Budget, MemoryBound, limited
from digits.errors import (
    ComputeTimeError,
    ImageError,
    MemoryBusyError,
    NoInkError,
    ProcessStartError,
    TooManyPixelsError,
    WorkerDiedError,
)
from digits.recognizer import Prediction, Recognizer
from digits.service.compute import jobs, pool, process
from digits.service.compute.pool import ComputeProcesses
from digits.service.compute.process import Process
from tests.conftest import SAMPLES
from tests.service.compute.conftest import BLANK, COSTLY, LARGE, count_without_end, has_ended, pids


def test_answers_are_those_of_the_worker_itself(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    here = ComputeProcesses(MemoryBound(100_000_000, 1.0), is_used=False)
    for file in SAMPLES:
        data = file.read_bytes()
        (ours, pages), (theirs, their_pages) = (
            each.run(jobs.recognize, recognizer, data, 1) for each in (here, processes)
        )
        assert (ours.digit, ours.confidence, ours.reason, ours.view) == (
            theirs.digit, theirs.confidence, theirs.reason, theirs.view,
        )  # fmt: skip
        assert np.array_equal(ours.probabilities, theirs.probabilities)
        assert pages == their_pages == 1
        assert here.run(jobs.read_document, recognizer, data, None, None) == processes.run(
            jobs.read_document, recognizer, data, None, None
        )
    assert len(pids(processes)) == 1
    assert pids(here) == []


def test_a_batch_is_read_with_its_errors(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    contents = [SAMPLES[0].read_bytes(), b"no image", BLANK]
    read = processes.run(jobs.recognize_batch, recognizer, contents)
    answers = [answer for answer, _ in read]
    assert [page_count for _, page_count in read] == [1, 1, 1]
    assert isinstance(answers[0], Prediction)
    assert answers[0].digit == int(SAMPLES[0].stem[0])
    assert [isinstance(answer, ImageError) for answer in answers] == [False, True, True]


def test_other_views_bear_out_what_the_first_one_showed(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError, match="no ink here"):
        processes.run(jobs.look_again, recognizer, BLANK, NoInkError("no ink here"))


def test_a_new_model_takes_the_place_of_the_old_one(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    card = dataclasses.replace(recognizer.card, temperature=5.0)
    other = Recognizer(dataclasses.replace(recognizer.artifact, card=card))
    data = SAMPLES[0].read_bytes()
    for chosen in (recognizer, other, recognizer):
        answer, _ = processes.run(jobs.recognize, chosen, data, 1)
        assert answer.confidence == chosen.recognize(data).confidence
    assert len(pids(processes)) == 1


def test_errors_of_digits_come_back_as_they_are(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    with pytest.raises(NoInkError) as raised:
        processes.run(jobs.recognize, recognizer, BLANK, 1)
    assert not hasattr(raised.value, "__notes__")
    assert len(pids(processes)) == 1


def test_a_fault_comes_back_with_its_trace(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    with pytest.raises(TypeError) as raised:
        processes.run(jobs.recognize, recognizer, BLANK, "one")
    assert "jobs.py" in raised.value.__notes__[0]


def test_time_is_bounded_in_the_process(processes: ComputeProcesses, recognizer: Recognizer) -> None:
    with limited(Budget(0.02)), pytest.raises(ComputeTimeError, match=r"0\.02 seconds"):
        processes.run(jobs.read_document, recognizer, COSTLY, None, None)
    assert len(pids(processes)) == 1


def test_if_a_process_dies_its_job_is_refused_and_the_next_gets_another(
    processes: ComputeProcesses, recognizer: Recognizer, caplog: pytest.LogCaptureFixture
) -> None:
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    (pid,) = pids(processes)
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(WorkerDiedError, match="Try again"):
        processes.run(count_without_end, recognizer)
    assert f"Compute process {pid} ended by signal 9" in caplog.text
    assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    assert pids(processes) != [pid]


def test_a_start_that_fails_in_any_way_keeps_no_process_from_starting(
    processes: ComputeProcesses, recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_python: str) -> Process:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(pool, "Process", fail)
        for _ in range(2):
            with pytest.raises(MemoryError):
                processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    with limited(Budget(60.0)):
        assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)


def test_signals_that_stop_the_service_leave_processes_to_their_worker(
    processes: ComputeProcesses, recognizer: Recognizer
) -> None:
    processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    (pid,) = pids(processes)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    assert pids(processes) == [pid]
    processes.close()
    assert has_ended(pid)


def test_what_decoding_takes_counts_in_the_worker(recognizer: Recognizer) -> None:
    memory = MemoryBound(2_000_000, 0.1, most_each=50_000_000)
    processes = ComputeProcesses(memory)
    with contextlib.closing(processes):
        assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
        held, let_go = threading.Event(), threading.Event()

        def hold() -> None:
            with memory.taken(1_900_000):
                held.set()
                let_go.wait(30)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(30)
        with pytest.raises(MemoryBusyError):
            processes.run(jobs.read_document, recognizer, LARGE, None, None)
        let_go.set()
        holder.join()
        with pytest.raises(ImageError) as raised:
            processes.run(jobs.read_document, recognizer, LARGE, None, None)
        assert not isinstance(raised.value, MemoryBusyError)
        memory.most_each = 1_500_000
        with pytest.raises(TooManyPixelsError):
            processes.run(jobs.read_document, recognizer, LARGE, None, None)
        assert memory.taken_bytes == 0


def test_the_log_of_a_process_is_that_of_its_worker(
    processes: ComputeProcesses, recognizer: Recognizer, caplog: pytest.LogCaptureFixture
) -> None:
    processes.run(_log_something, recognizer)
    assert ("digits.test", logging.WARNING, "three 3") in caplog.record_tuples


def test_where_no_process_can_be_started_the_worker_reads(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_python: str) -> Process:
        raise ProcessStartError("no more of them")

    monkeypatch.setattr(pool, "Process", fail)
    processes = ComputeProcesses(MemoryBound(100_000_000, 1.0))
    for _ in range(2):
        assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    assert caplog.text.count("no more of them") == 1


def test_where_a_process_does_not_come_up_the_worker_reads_and_the_log_says_how_to_see_why(
    recognizer: Recognizer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    broken = tmp_path / "child.py"
    broken.write_text("raise SystemExit(3)\n", encoding="utf-8")
    monkeypatch.setattr(process, "_CHILD", broken)
    processes = ComputeProcesses(MemoryBound(100_000_000, 1.0))
    for _ in range(2):
        assert processes.run(jobs.recognize, recognizer, SAMPLES[0].read_bytes(), 1)
    assert caplog.text.count("with exit code 3") == 1
    assert f"{broken} < /dev/null" in caplog.text


def test_a_process_ends_with_its_worker(tmp_path: Path) -> None:
    program = tmp_path / "worker.py"
    program.write_text(_WORKER, encoding="utf-8")
    worker = subprocess.Popen([sys.executable, str(program), str(SAMPLES[0])], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert has_ended(pid)


_WORKER = """
import sys, time
from pathlib import Path
from digits.budget import MemoryBound
from digits.model.artifact import read
from digits.recognizer import Recognizer, shipped_model
from digits.service.compute import jobs
from digits.service.compute.pool import ComputeProcesses
processes = ComputeProcesses(MemoryBound(10**8, 1.0))
processes.run(jobs.recognize, Recognizer(read(shipped_model())), Path(sys.argv[1]).read_bytes(), 1)
print(processes._idle[0].pid, flush=True)
time.sleep(600)
"""


def _log_something(_recognizer: Recognizer) -> None:
    logging.getLogger("digits.test").warning("three %d", 3)
