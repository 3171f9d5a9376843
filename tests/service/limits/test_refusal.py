"""Large images are refused by their headers alone while the queue is full."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from digits.service.limits.queue import ComputeQueue
from digits.service.limits.refusal import EarlyRefusal
from digits.service.problems import MEDIA_TYPE
from tests.conftest import encode_png, serve

PATH, COUNT = "/predict/", 24
LARGE = [(b"host", b"a"), (b"content-length", b"20000")]


def refusal_of(queue: ComputeQueue) -> EarlyRefusal:
    return EarlyRefusal(queue, None, (PATH,), 16_000)


def full_queue() -> ComputeQueue:
    """A queue in which so many wait for so long that no more are taken."""
    queue = ComputeQueue(1, 0.001)

    async def fill() -> None:
        async def compute(seconds: float) -> None:
            async with queue.turn():
                await asyncio.sleep(seconds)

        await compute(0.1)
        tasks = [asyncio.create_task(compute(60.0)) for _ in range(9)]
        await asyncio.sleep(0.01)
        assert queue.is_full
        answers.append(refusal_of(queue).answer("POST", PATH, LARGE, {}))
        for method, path, headers in NOT_REFUSED:
            answers.append(refusal_of(queue).answer(method, path, headers, {}))
        for task in tasks:
            task.cancel()

    answers: list[bytes | None] = []
    asyncio.run(fill())
    assert answers[0] is not None
    assert answers[1:] == [None] * len(NOT_REFUSED)
    return queue


NOT_REFUSED = (
    ("GET", PATH, LARGE),
    ("POST", "/model", LARGE),
    ("POST", PATH, [(b"content-length", b"16000")]),
)


def test_while_the_queue_is_full_large_images_alone_are_refused() -> None:
    queue = full_queue()
    # Nobody waits any more.
    assert refusal_of(queue).answer("POST", PATH, LARGE, {}) is None


def test_a_refusal_by_the_headers_is_the_problem_that_is_documented(tmp_path: Path) -> None:
    server = serve(tmp_path, DIGITS_QUEUE_SECONDS="0.001")
    photo = np.random.default_rng(0).integers(200, 255, (1_500, 1_500), dtype=np.uint8)
    photo[400:1_100, 700:800] = 0
    image, barrier = encode_png(photo, compress_level=1), threading.Barrier(COUNT)

    def ask(number: int) -> httpx.Response:
        headers = {"content-type": "image/png", "x-request-id": f"request-{number}"}
        with httpx.Client(timeout=120) as client:
            # The connection is there before any of the images.
            client.get(server.url + "/health/live")
            barrier.wait()
            return client.post(server.url + PATH, content=image, headers=headers)

    try:
        # Before the first answer nothing tells how long the queue will take.
        first = httpx.post(server.url + PATH, content=image, headers={"content-type": "image/png"}, timeout=60)
        assert first.status_code == 200
        with ThreadPoolExecutor(COUNT) as pool:
            answers = list(pool.map(ask, range(COUNT)))
        refused = [(number, answer) for number, answer in enumerate(answers) if answer.status_code == 503]
        assert refused
        for number, answer in refused:
            problem = answer.json()
            assert problem["type"] == "urn:digits:problem:overloaded"
            assert problem["request_id"] == answer.headers["x-request-id"] == f"request-{number}"
            assert answer.headers["content-type"] == MEDIA_TYPE
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["cache-control"] == "no-store"
        metrics = httpx.get(server.url + "/metrics").text
        assert f'digits_problems_total{{type="overloaded"}} {float(len(refused))}' in metrics
    finally:
        server.stop()
