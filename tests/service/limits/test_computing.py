"""Computations end when their time is over, and when nobody waits for them any more."""

import asyncio
import gc
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

from benchmarks.hostile.costly_pictures import COSTLY
from benchmarks.support.client import address_of, upload_raw
from digits import budget
from digits.budget import Budget, wall_seconds
from digits.errors import ComputationStoppedError, ComputeTimeError, NoInkError
from digits.service.errors import ServerBusyError
from digits.service.limits.computing import compute
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


def keep_busy(seconds: float) -> None:
    """Takes so many seconds of the processor."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def computed(seconds: float, *, leaves_after: float | None = None, waits: bool = False) -> None:
    """Computes without end, or waits for others without end.

    Raises:
        ComputeTimeError, ServerBusyError, ComputationStoppedError: as `compute` does.
    """
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                budget.check()
                if waits:
                    time.sleep(0.005)
                else:
                    keep_busy(0.005)
        finally:
            ended.set()

    async def receive() -> Message:
        await asyncio.sleep(60.0 if leaves_after is None else leaves_after)
        return {"type": "http.disconnect"}

    async def run() -> None:
        request = Request({"type": "http"}, receive)
        # What waits does so on a clock that goes faster.
        mine = Budget(seconds, wall_clock=lambda: (100.0 if waits else 1.0) * time.monotonic())
        await compute(work, request, mine, ComputeQueue(1, 60.0))

    try:
        asyncio.run(run())
    finally:
        assert ended.is_set()
    raise AssertionError("it ended by itself")


def test_a_computation_ends_with_its_time_of_the_processor() -> None:
    start = time.process_time()
    with pytest.raises(ComputeTimeError):
        computed(0.1)
    assert 0.1 < time.process_time() - start < 5.0


def test_a_computation_that_gets_no_processor_ends_as_well_and_is_told_so() -> None:
    with pytest.raises(ServerBusyError, match=r"overloaded: .* 0\.1 seconds of processor time .*Try again"):
        computed(0.1, waits=True)
    problem = PROBLEMS[ServerBusyError]
    assert (problem.name, problem.status, problem.retry_after) == ("processor-busy", 503, 5)


def test_a_computation_ends_when_its_client_leaves() -> None:
    start = time.monotonic()
    with pytest.raises(ComputationStoppedError):
        computed(60.0, leaves_after=0.1)
    assert time.monotonic() - start < 5.0


def test_a_computation_ends_when_its_request_is_cancelled() -> None:
    """As when the server stops and has waited for long enough."""
    ended = threading.Event()

    def work() -> None:
        try:
            while True:
                budget.check()
                time.sleep(0.005)
        finally:
            ended.set()

    async def receive() -> Message:
        await asyncio.sleep(60.0)
        return {"type": "http.disconnect"}

    async def run() -> None:
        request = Request({"type": "http"}, receive)
        task = asyncio.create_task(compute(work, request, Budget(60.0), ComputeQueue(1, 60.0)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 5.0)

    asyncio.run(run())


class Body:
    """Stands for the bytes of a request: it can be watched."""


def test_what_a_failed_computation_held_is_given_back_at_once() -> None:
    """Not only when garbage is collected: there may be many megabytes of it."""

    async def fail(request: Request) -> "weakref.ref[Body]":
        body = Body()

        def work() -> None:
            assert body
            raise NoInkError("nothing")

        with pytest.raises(NoInkError):
            await compute(work, request, Budget(60.0), ComputeQueue(1, 60.0))
        return weakref.ref(body)

    async def receive() -> Message:
        await asyncio.sleep(60.0)
        return {"type": "http.disconnect"}

    async def run() -> bool:
        gone = await fail(Request({"type": "http"}, receive))
        # What watched for the client to leave ends at the next turn of the loop.
        await asyncio.sleep(0.01)
        return gone() is None

    gc.disable()
    try:
        assert asyncio.run(run())
    finally:
        gc.enable()


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

        def fast_clock() -> float:
            return 20.0 * time.monotonic()

        # Each of them may take half a second by its clock, and the last one waits for longer.
        assert wall_seconds(0.1) == 10.0
        budgets = [Budget(0.1, wall_clock=fast_clock) for _ in range(8)]
        return await asyncio.gather(*(compute(work, request, mine, slots) for mine in budgets))

    assert asyncio.run(run()) == [None] * 8


def test_each_file_of_a_batch_has_its_own_time() -> None:
    async def receive() -> Message:
        await asyncio.sleep(60.0)
        return {"type": "http.disconnect"}

    shared = Budget(0.2, 60.0)

    def work() -> list[str]:
        outcomes = []
        for seconds in budget.each_with_its_time((0.1, 0.3, 0.1)):
            keep_busy(seconds)
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
