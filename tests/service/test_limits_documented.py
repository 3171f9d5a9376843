"""Each limit in the table of docs/settings.md, crossed by one against a real server."""

import contextlib
import http.client
import io
import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image

from benchmarks.hostile.costly_pictures import COSTLY
from benchmarks.support.client import Connection, address_of, upload_raw
from digits.images.decode import open_image
from tests.conftest import ROOT, encode_png, serve

SEVEN = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()
# So small that it is read on the spot.
TINY = encode_png(np.pad(np.zeros((20, 4), np.uint8), ((4, 4), (12, 12)), constant_values=255))
WIDTH, HEIGHT = Image.open(io.BytesIO(SEVEN)).size

Told = tuple[int, str]
OK: Told = (200, "")


def told(response: httpx.Response) -> Told:
    """Status, and the problem's name."""
    kind = response.json()["type"].removeprefix("urn:digits:problem:") if response.status_code != 200 else ""
    return response.status_code, kind


def post(url: str, image: bytes) -> Told:
    return told(httpx.post(url + "/predict/", content=image, headers={"content-type": "image/png"}, timeout=60))


def read(url: str, image: bytes) -> Told:
    return told(httpx.post(url + "/read/", content=image, headers={"content-type": "image/png"}, timeout=60))


def bars(count: int) -> bytes:
    """So many ones, too far apart to be parts of one digit."""
    pixels = np.full((300, 600 * count), 255, np.uint8)
    for number in range(count):
        pixels[60:240, 600 * number + 290 : 600 * number + 310] = 0
    return encode_png(pixels)


def costly(side: int = 1600) -> bytes:
    """A page of thin strokes that reach over all of it."""
    return encode_png(COSTLY["chevrons"](side))


def progressive() -> bytes:
    """A picture that takes some time and much memory to decode: a JPEG file in several passes."""
    pixels = np.full((6_900, 6_900), 255, np.uint8)
    pixels[1_000:-1_000, 3_200:3_700] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(file, "JPEG", progressive=True)
    return file.getvalue()


def decoded_at_once(url: str, image: bytes, count: int) -> Told:
    """What those are told who wait for memory, of so many whose images are decoded at the same time.

    Others may be told that the queue is full, which is another limit.
    """
    with ThreadPoolExecutor(count) as pool:
        answers = set(pool.map(lambda _: post(url, image), range(count)))
    return max(answers - {(503, "overloaded")})


def batch(url: str, *files: bytes) -> Told:
    return told(httpx.post(url + "/predict/batch/", files=[("files", ("7.png", file)) for file in files]))


def barred(width: int, height: int, form: str, **options: object) -> bytes:
    """A white picture with a black bar."""
    pixels = np.full((height, width), 255, np.uint8)
    pixels[height // 4 : -height // 4, width // 2 : width // 2 + 10] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def frames(count: int) -> bytes:
    """An animation."""
    others = [Image.fromarray(np.full((50, 50), 20 * number, np.uint8)) for number in range(1, count)]
    return barred(50, 50, "GIF", save_all=True, append_images=others)


def document(count: int) -> bytes:
    """A document of so many pages of a digit each."""
    page = Image.open(io.BytesIO(SEVEN))
    file = io.BytesIO()
    page.save(file, "TIFF", save_all=True, append_images=[page] * (count - 1))
    return file.getvalue()


def slowly(url: str, seconds: float) -> Told:
    """Sends half of a body and, after some seconds, the rest."""
    parts = urlsplit(url)
    data = upload_raw(SEVEN)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20) as client:
        client.sendall(data[:-10])
        time.sleep(seconds)
        # It may have been refused in the meantime.
        with contextlib.suppress(OSError):
            client.sendall(data[-10:])
        return answer_to(client)


def at_once(url: str, count: int) -> Told:
    """The worst that so many requests are told which are answered at the same time."""
    photo = np.random.default_rng(0).integers(200, 255, (2000, 2000), dtype=np.uint8)
    photo[500:1500, 950:1050] = 0
    data = upload_raw(encode_png(photo, compress_level=1))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connection(address_of(url))).connect() for _ in range(count)]
        for client in clients:
            client.sendall(data[:-1])
        # A request takes its place when it has come in whole.
        time.sleep(0.3)
        for client in clients:
            client.sendall(data[-1:])
        answers = [answer_to(client) for client in clients]
    assert answers.count(OK) >= min(count, 2)
    return max(answers)


def answer_to(client: socket.socket) -> Told:
    """The answer that comes next."""
    response = http.client.HTTPResponse(client)
    response.begin()
    return told(httpx.Response(response.status, content=response.read()))


def connected(url: str, count: int) -> Told:
    """What the last of so many connections is told."""
    with contextlib.ExitStack() as stack:
        for _ in range(count - 1):
            stack.enter_context(Connection(address_of(url))).connect()
        time.sleep(0.3)
        return post(url, SEVEN)


def beside_bodies(url: str, count: int) -> Told:
    """What a request is told while so many others have sent all but the end of theirs."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(Connection(address_of(url))).connect().sendall(upload_raw(SEVEN)[:-1])
        time.sleep(0.3)
        return post(url, SEVEN)


def in_turn(url: str, count: int) -> Told:
    """What the last of so many requests is told."""
    return [post(url, SEVEN) for _ in range(count)][-1]


@dataclass(frozen=True)
class Crossing:
    """A limit, what is just within it, what crosses it by one, and settings that it needs beside it."""

    value: object
    within: Callable[[str], Told]
    beyond: Callable[[str], Told]
    others: Mapping[str, object] = field(default_factory=dict)


CROSSINGS: Mapping[str, Crossing] = {
    "DIGITS_MAX_BYTES": Crossing(len(SEVEN), lambda url: post(url, SEVEN), lambda url: post(url, SEVEN + b"x")),
    "DIGITS_MAX_PIXELS": Crossing(
        WIDTH * HEIGHT, lambda url: post(url, SEVEN), lambda url: post(url, barred(WIDTH * HEIGHT + 1, 1, "PNG"))
    ),
    "DIGITS_MAX_FRAMES": Crossing(3, lambda url: post(url, frames(3)), lambda url: post(url, frames(4))),
    "DIGITS_MAX_PAGES": Crossing(3, lambda url: read(url, document(3)), lambda url: read(url, document(4))),
    "DIGITS_MAX_DOCUMENT_PIXELS": Crossing(
        3 * WIDTH * HEIGHT, lambda url: read(url, document(3)), lambda url: read(url, document(4))
    ),
    "DIGITS_FORMATS": Crossing(
        "PNG,GIF", lambda url: post(url, SEVEN), lambda url: post(url, barred(100, 100, "BMP"))
    ),
    "DIGITS_MAX_CANDIDATES": Crossing(3, lambda url: read(url, bars(3)), lambda url: read(url, bars(4))),
    "DIGITS_COMPUTE_SECONDS": Crossing(0.05, lambda url: post(url, TINY), lambda url: read(url, costly())),
    "DIGITS_MAX_BATCH_FILES": Crossing(3, lambda url: batch(url, *[SEVEN] * 3), lambda url: batch(url, *[SEVEN] * 4)),
    "DIGITS_MAX_BATCH_BYTES": Crossing(
        2 * len(SEVEN), lambda url: batch(url, SEVEN, SEVEN), lambda url: batch(url, SEVEN, SEVEN + b"x")
    ),
    "DIGITS_RECEIVE_SECONDS": Crossing(2.0, lambda url: slowly(url, 0.5), lambda url: slowly(url, 3.0)),
    "DIGITS_MAX_IN_FLIGHT": Crossing(2, lambda url: at_once(url, 2), lambda url: at_once(url, 3)),
    "DIGITS_QUEUE_SECONDS": Crossing(
        0.001, lambda url: at_once(url, 4), lambda url: at_once(url, 12 + (os.cpu_count() or 1))
    ),
    "DIGITS_MAX_BUFFERED_BYTES": Crossing(
        7 * len(SEVEN), lambda url: beside_bodies(url, 6), lambda url: beside_bodies(url, 7),
        {"DIGITS_MAX_BYTES": len(SEVEN), "DIGITS_MAX_BATCH_BYTES": len(SEVEN)},
    ),
    "DIGITS_MAX_DECODING_BYTES": Crossing(
        1, lambda url: post(url, SEVEN), lambda url: decoded_at_once(url, progressive(), 16),
        # Decoding is soon over; nobody may wait long for it.
        {"DIGITS_QUEUE_SECONDS": 0.01},
    ),
    "DIGITS_MAX_IMAGE_MEMORY": Crossing(
        open_image(progressive()).decoding_bytes() - 1,
        lambda url: post(url, barred(6_900, 6_900, "PNG")),
        lambda url: post(url, progressive()),
    ),
    # All connections of this test come from one address, for which there is half of the room.
    "DIGITS_MAX_CONNECTIONS": Crossing(6, lambda url: connected(url, 3), lambda url: connected(url, 4)),
    "DIGITS_MAX_CONNECTIONS_PER_ADDRESS": Crossing(3, lambda url: connected(url, 3), lambda url: connected(url, 4)),
    "DIGITS_RATE_LIMIT": Crossing("3/day", lambda url: in_turn(url, 3), lambda url: in_turn(url, 1)),
}  # fmt: skip


def documented() -> dict[str, Told]:
    """The table of limits in docs/settings.md: what each that is crossed is told."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `([\w-]+)` \| (\d+)", page.partition("## Limits")[2], re.M)
    return {setting: (int(status), problem) for setting, problem, status in rows}


def test_every_limit_in_the_table_is_crossed() -> None:
    assert documented().keys() == CROSSINGS.keys()


@pytest.mark.parametrize("setting", CROSSINGS)
def test_a_limit_is_where_it_was_set(setting: str, tmp_path: Path) -> None:
    crossing = CROSSINGS[setting]
    settings = {setting: crossing.value, **crossing.others}
    server = serve(tmp_path, **{name: str(value) for name, value in settings.items()})
    try:
        assert crossing.within(server.url) == OK
        assert crossing.beyond(server.url) == documented()[setting]
    finally:
        server.stop()
