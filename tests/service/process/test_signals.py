"""Signals come at any moment, and a worker does not outlive its supervisor."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from digits.service.process.runtime import running
from digits.service.process.signals import handled
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


def test_a_signal_to_all_processes_of_a_service_drains_it_as_one_to_the_first_does(tmp_path: Path) -> None:
    server = serve(tmp_path, "--workers", "2", DIGITS_DRAIN_SECONDS="1.5")
    start = time.monotonic()
    os.killpg(server.process.pid, signal.SIGTERM)
    assert server.process.wait(20) == 0
    assert time.monotonic() - start >= 1.5
    assert "Draining for 1.5 seconds" in server.output()


def test_whoever_is_still_sending_at_the_end_is_told_so(tmp_path: Path) -> None:
    server = serve(tmp_path, DIGITS_SHUTDOWN_SECONDS="1")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.sendall(
            b"POST /predict/ HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\nContent-Length: 99\r\n\r\nhalf"
        )
        time.sleep(0.3)
        server.process.send_signal(signal.SIGTERM)
        answer = b""
        while more := client.recv(65_536):
            answer += more
    assert server.process.wait(15) == 0
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"urn:digits:problem:not-ready" in answer
    assert "Traceback" not in server.output()


def test_a_worker_that_was_killed_is_logged_and_counted(tmp_path: Path) -> None:
    server = serve(tmp_path, "--workers", "2")
    try:
        (victim, *_) = next(iter(running(tmp_path / "digits").values()))
        os.kill(victim, signal.SIGKILL)
        server.wait_for_output(f"Worker {victim} ended with signal 9 (SIGKILL)")
        assert "digits_worker_deaths_total 1.0" in httpx.get(server.url + "/metrics").text
    finally:
        server.stop()


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
