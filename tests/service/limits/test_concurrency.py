import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from digits.budget import MemoryBound
from digits.recognizer import shipped_model
from digits.service.errors import BodyTooSlowError, BuffersFullError, OverloadedError
from digits.service.limits.concurrency import Buffers, Room
from digits.service.problems import MEDIA_TYPE, PROBLEMS
from tests.conftest import ROOT, encode_png, start_api

SECONDS = 5.0


@pytest.fixture(scope="module")
def busy_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an API that answers one request at a time, and waits a second for a body."""
    folder = tmp_path_factory.mktemp("busy")
    (folder / "api").symlink_to(ROOT / "api")
    limits = {"DIGITS_MAX_IN_FLIGHT": "1", "DIGITS_RECEIVE_SECONDS": str(SECONDS)}
    server = start_api(folder, DIGITS_MODEL=str(shipped_model()), **limits)
    try:
        server.wait_until("/health/ready")
        yield server.url
    finally:
        server.stop()


def post(api: str, image: bytes) -> httpx.Response:
    return httpx.post(api + "/predict/", files={"file": image}, timeout=60)


def connect(api: str) -> socket.socket:
    parts = urlsplit(api)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


def half_a_request(api: str) -> socket.socket:
    """A connection over which half of a body was sent."""
    connection = connect(api)
    head = "POST /predict/ HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\n"
    connection.sendall(head.encode() + bytes(50))
    return connection


def test_beyond_the_requests_that_are_answered_at_a_time_the_answer_is_to_come_again(busy_api: str) -> None:
    photo = encode_png(np.random.default_rng(0).integers(0, 255, (2000, 2500), dtype=np.uint8), compress_level=1)
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: post(busy_api, photo), range(8)))
    refused = [answer for answer in answers if answer.status_code == 503]
    # The photo shows nothing but noise, which is an answer like any other.
    assert {answer.status_code for answer in answers} == {422, 503}
    for answer in refused:
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["type"] == PROBLEMS[OverloadedError].type
        assert answer.json()["detail"].startswith("1 requests are being answered")


def test_a_place_is_given_back_whatever_the_answer(busy_api: str, sample: Path) -> None:
    for image in (b"only text", encode_png(np.full((60, 60), 255, np.uint8)), sample.read_bytes()) * 3:
        assert post(busy_api, image).status_code != 503


def test_a_body_that_takes_too_long_is_refused_and_holds_up_nobody(busy_api: str, sample: Path) -> None:
    start = time.monotonic()
    with half_a_request(busy_api) as slow:
        assert post(busy_api, sample.read_bytes()).status_code == 200
        assert time.monotonic() - start < SECONDS
        # The server ends the connection after its answer.
        answer = b"".join(iter(lambda: slow.recv(65_536), b"")).decode()
    assert SECONDS <= time.monotonic() - start < SECONDS + 5.0
    assert answer.startswith("HTTP/1.1 408")
    assert PROBLEMS[BodyTooSlowError].type in answer
    assert f"The body did not arrive within {SECONDS:g} seconds." in answer


def test_clients_that_leave_in_mid_body_take_nothing_with_them(busy_api: str, sample: Path) -> None:
    for _ in range(20):
        half_a_request(busy_api).close()
    assert post(busy_api, sample.read_bytes()).status_code == 200


def test_idle_connections_do_not_hold_up_the_others(busy_api: str, sample: Path) -> None:
    with ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(connect(busy_api))
        start = time.monotonic()
        assert post(busy_api, sample.read_bytes()).status_code == 200
        assert time.monotonic() - start < 5.0


def test_what_a_body_unpacks_to_is_counted_before_it_is_unpacked() -> None:
    buffers = Buffers(10_000_000)
    seen: list[int] = []

    def look(body: bytes) -> int:
        seen.append(buffers.taken)
        return len(body)

    async def unpack(takes: int) -> int:
        with Room(buffers) as room:
            room.take(5_000)
            return await room.unpack(look, bytes(5_000), takes=takes)

    assert asyncio.run(unpack(9_000_000)) == 5_000
    assert seen == [9_005_000]
    with pytest.raises(BuffersFullError):
        asyncio.run(unpack(10_000_000))
    assert (len(seen), buffers.taken) == (1, 0)


def test_bodies_are_unpacked_in_as_many_threads_as_there_may_be() -> None:
    buffers = Buffers(10_000_000, threads=2)
    now, most = 0, 0

    def work(_body: bytes) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        time.sleep(0.02)
        now -= 1

    async def unpack_all() -> None:
        with Room(buffers) as room:
            await asyncio.gather(*(room.unpack(work, bytes(5_000), takes=1) for _ in range(8)))

    asyncio.run(unpack_all())
    assert most == 2


@pytest.mark.parametrize("taken_by_images", [0, 100])
def test_a_large_body_does_not_keep_small_ones_out(taken_by_images: int) -> None:
    images = MemoryBound(100, 0.0)
    buffers = Buffers(10 * Buffers.FREE, images=images)
    with Room(buffers) as large, Room(buffers) as small, ExitStack() as decoding:
        large.take(2 * Buffers.FREE)
        decoding.enter_context(images.taken(taken_by_images))
        small.take(Buffers.SMALL - 1)
        small.take(1)
        with pytest.raises(BuffersFullError):
            small.take(1)


def test_bodies_of_several_requests_and_images_share_the_memory() -> None:
    most = MemoryBound.USUAL_BYTES + 2 * Buffers.SMALL
    images = MemoryBound(most, 0.0)
    buffers = Buffers(10 * most, images=images)
    with Room(buffers) as first, Room(buffers) as second:
        # What a request sends alone has room.
        first.take(most + Buffers.FREE + 20)
        assert images.held_bytes == most + 20
        second.take(Buffers.SMALL)
        with pytest.raises(BuffersFullError, match="leave no room for this body"):
            second.take(1)
    assert (buffers.taken, images.held_bytes) == (0, 0)
    with Room(buffers) as only, images.taken(most - Buffers.SMALL):
        only.take(Buffers.FREE + Buffers.SMALL)
        with pytest.raises(BuffersFullError):
            only.take(1)


def test_bodies_leave_room_for_a_usual_image() -> None:
    most = MemoryBound.USUAL_BYTES + 2 * Buffers.SMALL
    buffers = Buffers(10 * most, images=MemoryBound(most, 0.0))
    with Room(buffers) as first, Room(buffers) as second:
        first.take(Buffers.FREE)
        second.take(2 * Buffers.SMALL)
        with pytest.raises(BuffersFullError):
            second.take(1)
