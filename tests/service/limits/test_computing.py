"""Computations end when their time is over, and when nobody waits for them any more."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from benchmarks.hostile.costly_pictures import COSTLY
from benchmarks.support.client import address_of, upload_raw
from digits import budget
from digits.budget import Budget
from digits.errors import ComputationStoppedError, ComputeTimeError
from digits.service.limits.computing import compute, each_with_its_time
from digits.service.limits.queue import ComputeQueue
from digits.service.problems import PROBLEMS
from tests.conftest import SAMPLES, Server, encode_png, serve

SECONDS = 0.3
PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(
        tmp_path_factory.mktemp("hurried"), DIGITS_COMPUTE_SECONDS=str(SECONDS), DIGITS_MAX_CANDIDATES="1000000"
    )
    yield server
    server.stop()


@pytest.fixture(scope="module")
def costly() -> bytes:
    return encode_png(COSTLY["chevrons"](1600))


def computed(seconds: float, *, leaves_after: float | None = None) -> float:
    """Computes without end; returns after how many seconds the computation ended.

    Raises:
        ComputeTimeError, ComputationStoppedError: as `compute` does.
    """
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                budget.check()
                time.sleep(0.005)
        finally:
            ended.set()

    async def receive() -> Message:
        await asyncio.sleep(60.0 if leaves_after is None else leaves_after)
        return {"type": "http.disconnect"}

    async def run() -> None:
        request = Request({"type": "http"}, receive)
        await compute(work, request, Budget(seconds), ComputeQueue(1, 60.0))

    try:
        asyncio.run(run())
    finally:
        assert ended.is_set()
    raise AssertionError("it ended by itself")


def test_a_computation_ends_with_its_time() -> None:
    start = time.monotonic()
    with pytest.raises(ComputeTimeError):
        computed(0.1)
    assert time.monotonic() - start < 5.0


def test_a_computation_ends_when_its_client_leaves() -> None:
    start = time.monotonic()
    with pytest.raises(ComputationStoppedError):
        computed(60.0, leaves_after=0.1)
    assert time.monotonic() - start < 5.0


def test_the_time_spent_waiting_for_a_thread_does_not_count() -> None:
    async def receive() -> Message:
        await asyncio.sleep(60.0)
        return {"type": "http.disconnect"}

    async def run() -> list[None]:
        slots = ComputeQueue(1, 60.0)
        request = Request({"type": "http"}, receive)

        def work() -> None:
            time.sleep(0.1)
            budget.check()

        return await asyncio.gather(*(compute(work, request, Budget(0.4), slots) for _ in range(8)))

    assert asyncio.run(run()) == [None] * 8


def test_each_file_of_a_batch_has_its_own_time() -> None:
    async def receive() -> Message:
        await asyncio.sleep(60.0)
        return {"type": "http.disconnect"}

    shared = Budget(0.2, 60.0)

    def work() -> list[str]:
        outcomes = []
        for pause in each_with_its_time((0.1, 0.3, 0.1), shared):
            time.sleep(pause)
            try:
                budget.check()
                outcomes.append("read")
            except ComputeTimeError:
                outcomes.append("too long")
        return outcomes

    async def run() -> list[str]:
        return await compute(work, Request({"type": "http"}, receive), shared, ComputeQueue(1, 60.0))

    assert asyncio.run(run()) == ["read", "too long", "read"]


def test_a_costly_page_is_answered_with_a_problem_when_its_time_is_over(hurried: Server, costly: bytes) -> None:
    answer = httpx.post(hurried.url + "/read/", content=costly, headers=PNG, timeout=60)
    problem = PROBLEMS[ComputeTimeError]
    assert (answer.status_code, answer.json()["type"]) == (problem.status, problem.type)
    assert "0.3 seconds" in answer.json()["detail"]


def test_while_costly_pages_are_refused_photos_and_health_are_answered(hurried: Server, costly: bytes) -> None:
    with ThreadPoolExecutor(4) as clients:
        pages = [
            clients.submit(httpx.post, hurried.url + "/read/", content=costly, headers=PNG, timeout=120)
            for _ in range(4)
        ]
        start = time.monotonic()
        assert httpx.get(hurried.url + "/health/live", timeout=60).status_code == 200
        live = time.monotonic() - start
        answer = httpx.post(hurried.url + "/predict/", content=SAMPLES[0].read_bytes(), headers=PNG, timeout=60)
        assert {page.result().status_code for page in pages} == {413}
    assert live < 2.0
    assert answer.status_code == 200


def test_a_page_whose_client_has_left_holds_up_nobody(tmp_path_factory: pytest.TempPathFactory, costly: bytes) -> None:
    server = serve(tmp_path_factory.mktemp("left"), DIGITS_COMPUTE_SECONDS="600")
    try:
        for _ in range(8):
            with socket.create_connection(address_of(server.url), timeout=10) as client:
                client.sendall(upload_raw(costly, "/read/"))
                time.sleep(0.1)
        start = time.monotonic()
        answer = httpx.post(server.url + "/predict/", content=SAMPLES[0].read_bytes(), headers=PNG, timeout=60)
        assert answer.status_code == 200
        # Alone each of the eight would take longer.
        assert time.monotonic() - start < 10.0
    finally:
        server.stop()
