"""Signals come at any moment, and a worker does not outlive its supervisor."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.runtime import running
from api.signals import handled
from tests.conftest import serve


@pytest.fixture
def stops() -> Iterator[list[int]]:
    """The signals that have reached the server around the application."""
    reached: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: reached.append(number))
    yield reached
    signal.signal(signal.SIGTERM, before)


async def nothing() -> None:
    """In place of a reload."""


def test_a_signal_does_not_wait_for_what_it_interrupts(stops: list[int]) -> None:
    lock, drained = threading.Lock(), threading.Event()

    def drain() -> None:
        assert lock.acquire(timeout=5)
        lock.release()
        drained.set()

    async def serve_for_a_moment() -> None:
        with handled(0.1, drain, nothing):
            with lock:
                signal.raise_signal(signal.SIGTERM)
                assert not drained.is_set()
            await asyncio.sleep(0.05)
            assert drained.is_set()
            assert stops == []
            await asyncio.sleep(0.2)
            assert stops == [signal.SIGTERM]

    asyncio.run(serve_for_a_moment())


def test_a_second_signal_does_not_wait(stops: list[int]) -> None:
    async def serve_for_a_moment() -> None:
        with handled(60.0, lambda: None, nothing):
            signal.raise_signal(signal.SIGTERM)
            assert stops == []
            signal.raise_signal(signal.SIGTERM)
            assert stops == [signal.SIGTERM]

    asyncio.run(serve_for_a_moment())


def test_workers_whose_supervisor_was_killed_leave_too(tmp_path: Path) -> None:
    server = serve(tmp_path, "--workers", "2")
    deadline = time.monotonic() + 30.0
    while sum(len(workers) for workers in running(tmp_path / "digits").values()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    while running(tmp_path / "digits"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url + "/health/live")
    assert "the worker ends, too" in server.output()
