"""Forms are taken apart as they come in."""

import asyncio
import gzip
import tracemalloc

import pytest
from starlette.requests import Request
from starlette.types import Message

from digits.service.errors import BuffersFullError, MalformedFormError
from digits.service.limits.concurrency import Buffers, Room
from digits.service.routes.uploads import read_image_files, read_upload
from tests.service.routes.test_uploads import FORM, SEVEN, form, part


def arriving(body: bytes, piece: int, *headers: tuple[bytes, bytes]) -> Request:
    """A request with a form whose body comes in pieces, each of which is kept by nobody else."""
    starts = iter(range(0, len(body), piece))

    async def receive() -> Message:
        start = next(starts)
        return {"type": "http.request", "body": body[start : start + piece], "more_body": start + piece < len(body)}

    announced = (b"content-length", str(len(body)).encode())
    media_type = (b"content-type", FORM["content-type"].encode())
    return Request({"type": "http", "method": "POST", "headers": [announced, media_type, *headers]}, receive)


def test_a_large_form_is_not_held_besides_its_parts() -> None:
    large = bytes(8_000_000)
    body = form(part(b"x", "other", None), part(large), part(large))

    async def read() -> tuple[bytes, int, int]:
        tracemalloc.start()
        try:
            with Room(Buffers(len(body))) as room:
                upload = await read_upload(arriving(body, 100_000), len(body), 60.0, room)
                return upload.content, room.taken, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    content, taken, most = asyncio.run(read())
    assert content == large
    assert taken == len(body)
    assert most < len(body) + 1_000_000


def test_the_copy_of_a_compressed_form_that_its_parts_are_is_counted() -> None:
    body = form(part(bytes(100_000)))
    packed, encoding = gzip.compress(body), (b"content-encoding", b"gzip")
    with Room(Buffers(2 * len(body))) as room:
        upload = asyncio.run(read_upload(arriving(packed, 100_000, encoding), len(body), 60.0, room))
        assert len(upload.content) == 100_000
        assert room.taken == len(body)
    with Room(Buffers(2 * len(body) - 1)) as room, pytest.raises(BuffersFullError):
        asyncio.run(read_upload(arriving(packed, 100_000, encoding), len(body), 60.0, room))


@pytest.mark.parametrize("piece", [1, 2, 7, 64])
def test_a_form_may_be_cut_anywhere(piece: int) -> None:
    body = form(part(b"a\r\n--b", "files"), part(b"", "files"), part(b"4-6", "other", None), part(SEVEN[:300], "files"))
    whole = asyncio.run(read_image_files(arriving(body, len(body)), 3, 1000, 60.0, Room(Buffers(9000))))
    pieces = asyncio.run(read_image_files(arriving(body, piece), 3, 1000, 60.0, Room(Buffers(9000))))
    assert pieces == whole
    assert [one.content for one in whole.parts] == [b"a\r\n--b", b"", SEVEN[:300]]


@pytest.mark.parametrize("name", ["page", "other"])
def test_fields_beside_the_image_are_few_whether_they_are_known_or_not(name: str) -> None:
    body = form(*(part(b"1", name, None) for _ in range(8)), part(SEVEN))

    async def read() -> None:
        with Room(Buffers(len(body))) as room:
            await read_upload(arriving(body, 100_000), len(body), 60.0, room)

    with pytest.raises(MalformedFormError, match="more than 7 other fields"):
        asyncio.run(read())
