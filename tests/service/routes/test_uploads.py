import asyncio
import contextlib
import gzip
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from digits.errors import ImageError
from digits.service.errors import MalformedFormError, TooManyFilesError, UploadError
from digits.service.limits.concurrency import Buffers, Room
from digits.service.routes.uploads import read_image_files, read_upload
from tests.conftest import ROOT, STRICT_BATCH_BYTES, STRICT_BYTES

SEVEN, FIVE = ((ROOT / "digits" / "samples" / name).read_bytes() for name in ("7_stylus.png", "5_marker.png"))
FORM = {"content-type": "multipart/form-data; boundary=X"}
BROKEN = SEVEN[: len(SEVEN) // 2]


def part(content: bytes, name: str = "file", file: str | None = "7.png", headers: bytes = b"") -> bytes:
    """One part of a form, with the boundary in front of it; a text field if `file` is None."""
    named = f'form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    return b"--X\r\nContent-Disposition: " + named.encode() + b"\r\n" + headers + b"\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--X--\r\n"


def post(api: str, body: bytes | Iterator[bytes], headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.post(api + "/predict/", content=body, headers=headers or FORM)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("urn:digits:problem:")


@pytest.mark.parametrize("media_type", ["image/png", "image/webp", "application/octet-stream", "IMAGE/PNG; a=b"])
@pytest.mark.parametrize("path", ["/predict/", "/predict"])
def test_an_image_may_be_the_body_itself(strict_api: str, path: str, media_type: str) -> None:
    response = httpx.post(strict_api + path, content=SEVEN, headers={"content-type": media_type})
    assert response.status_code == 200
    assert response.json()["predicted_digit"] == 7


def test_a_body_and_a_form_with_the_same_image_get_the_same_answer(strict_api: str) -> None:
    answers = [
        post(strict_api, SEVEN, {"content-type": "image/png"}).json(),
        post(strict_api, form(part(SEVEN))).json(),
    ]
    for answer in answers:
        del answer["prediction_time_ms"]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (422, "empty-file")),
        (b"only text", (415, "unsupported-format")),
        (BROKEN, (422, "broken-image")),
        (form(part(SEVEN)), (415, "unsupported-format")),
    ],
    ids=["empty", "text", "broken", "a form"],
)
def test_a_body_that_is_no_image_is_told_so(strict_api: str, body: bytes, expected: tuple[int, str]) -> None:
    assert problem(post(strict_api, body, {"content-type": "image/png"})) == expected


@pytest.mark.parametrize("media_type", ["application/xml", "text/plain", "multipart/mixed; boundary=X", "images/png"])
def test_a_wrong_content_type_is_told_with_both_ways_to_send_an_image(strict_api: str, media_type: str) -> None:
    response = post(strict_api, SEVEN, {"content-type": media_type})
    assert problem(response) == (415, "unsupported-media-type")
    detail = response.json()["detail"]
    assert detail.startswith(f"The request has Content-Type '{media_type}'. Send the image as multipart/form-data")
    assert "curl -F file=@7.png" in detail
    assert "as the body alone, with a Content-Type such as image/png" in detail


def test_a_request_without_content_type_is_told_the_same(strict_api: str) -> None:
    response = httpx.post(strict_api + "/predict/", content=SEVEN)
    assert problem(response) == (415, "unsupported-media-type")
    assert response.json()["detail"].startswith("The request has no Content-Type. Send the image")


def test_the_last_of_several_files_counts(strict_api: str) -> None:
    response = post(strict_api, form(part(SEVEN), part(b"no image"), part(FIVE)))
    assert response.json()["predicted_digit"] == 5


def test_other_fields_are_read_past(strict_api: str) -> None:
    others = [part(b"a caption", "caption", None), part(BROKEN, "other")]
    assert post(strict_api, form(*others, part(SEVEN), *others)).json()["predicted_digit"] == 7


def test_what_stands_before_and_after_the_form_is_read_past(strict_api: str) -> None:
    body = b"Old mail programs cannot show this.\r\n" + form(part(SEVEN)) + b"The end."
    assert post(strict_api, body).json()["predicted_digit"] == 7


@pytest.mark.parametrize("parts", [(part(b"7", file=None),), (part(SEVEN), part(b"7", file=None))])
def test_a_text_field_named_file_is_told_that_it_is_no_file(strict_api: str, parts: tuple[bytes, ...]) -> None:
    response = post(strict_api, form(*parts))
    assert problem(response) == (422, "missing-file")
    assert "is text, not a file" in response.json()["detail"]
    assert "with curl by an @ before its name" in response.json()["detail"]


@pytest.mark.parametrize("body", [form(), form(part(SEVEN, "image")), form(part(SEVEN, "files"))])
def test_a_form_without_the_field_is_told_its_name(strict_api: str, body: bytes) -> None:
    response = post(strict_api, body)
    assert problem(response) == (422, "missing-file")
    assert "no field 'file'" in response.json()["detail"]


def test_a_form_in_which_no_file_was_chosen_is_an_empty_file(strict_api: str) -> None:
    assert problem(post(strict_api, form(part(b"", file="")))) == (422, "empty-file")


@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/form-data; charset=utf-8; boundary="])
def test_a_form_without_boundary_is_told_that_it_names_none(strict_api: str, media_type: str) -> None:
    response = post(strict_api, form(part(SEVEN)), {"content-type": media_type})
    assert problem(response) == (400, "malformed-form")
    assert "its Content-Type names no boundary" in response.json()["detail"]


@pytest.mark.parametrize("kept", [0, 1, 3, 30, 200, -200, -20, -6, -5, -4])
def test_a_form_that_is_cut_off_is_malformed(strict_api: str, kept: int) -> None:
    assert problem(post(strict_api, form(part(SEVEN))[:kept])) == (400, "malformed-form")


@pytest.mark.parametrize(
    "body",
    [
        form(part(SEVEN)).replace(b"--X", b"--Y"),
        form(part(SEVEN)).replace(b"\r\n", b"\n"),
        form(part(SEVEN)).replace(b"form-data", b"attachment"),
        form(b"--X\r\n\r\n" + SEVEN + b"\r\n"),
        form(part(SEVEN, headers=b"no header\r\n")),
        form(part(SEVEN, headers=b"X-Long: " + b"x" * 5000 + b"\r\n")),
        form(part(SEVEN, headers=b"X-One: of many\r\n" * 20)),
        form(part(SEVEN, headers=b"Content-Length: 5\r\n")),
    ],
    ids=["other boundary", "line ends", "kind", "no name", "header", "long", "many", "length"],
)
def test_a_form_that_is_not_well_made_is_malformed(strict_api: str, body: bytes) -> None:
    response = post(strict_api, body)
    assert problem(response) == (400, "malformed-form")
    assert response.json()["detail"].endswith("Let your HTTP client build it, for example: curl -F file=@7.png")


def test_a_form_may_have_eight_parts_and_no_more(strict_api: str) -> None:
    others = [part(b"x", f"other{i}", None) for i in range(8)]
    assert post(strict_api, form(*others[:7], part(SEVEN))).json()["predicted_digit"] == 7
    assert problem(post(strict_api, form(*others, part(SEVEN)))) == (400, "malformed-form")


@pytest.mark.parametrize("charset", ["utf-8", "undefined", "punycode", "nonsense"])
def test_a_character_set_that_nobody_knows_does_no_harm_to_an_image(strict_api: str, charset: str) -> None:
    body = form(part(SEVEN, headers=f"Content-Type: image/png; charset={charset}\r\n".encode()))
    response = post(strict_api, body, {"content-type": f"{FORM['content-type']}; charset={charset}"})
    assert response.json()["predicted_digit"] == 7


@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: form(part(data))], ids=["body", "form"])
def test_a_file_may_have_as_many_bytes_as_the_limit_and_no_more(
    strict_api: str, wrap: Callable[[bytes], bytes]
) -> None:
    # What follows a PNG's end is none of its business.
    whole = SEVEN + bytes(STRICT_BYTES - len(SEVEN))
    body, larger = wrap(whole), wrap(whole + b"x")
    headers = FORM if body.startswith(b"--X") else {"content-type": "image/png"}
    assert post(strict_api, body, headers).json()["predicted_digit"] == 7
    response = post(strict_api, larger, headers)
    assert problem(response) == (413, "image-too-large")
    assert f"more than the {STRICT_BYTES:,} bytes allowed" in response.json()["detail"]


def first_line(api: str, path: str, headers: str, body: bytes = b"") -> str:
    """How the API begins to answer while its client goes on sending."""
    address = urlsplit(api)
    assert address.hostname
    assert address.port
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: digits\r\n{headers}\r\n\r\n".encode() + body)
        return connection.recv(100).decode().splitlines()[0]


@pytest.mark.parametrize("media_type", ["image/png", FORM["content-type"]])
@pytest.mark.parametrize("length", [STRICT_BYTES + 20_000, 10**12, 10**30])
def test_a_body_that_is_announced_over_the_limit_is_refused_before_it_comes(
    strict_api: str, media_type: str, length: int
) -> None:
    announced = f"Content-Type: {media_type}\r\nContent-Length: {length}"
    if length == 10**30:
        # The server itself cannot count so far.
        assert first_line(strict_api, "/predict/", announced).startswith("HTTP/1.1 4")
    else:
        assert first_line(strict_api, "/predict/", announced).startswith("HTTP/1.1 413")


def test_a_batch_that_is_announced_over_the_limit_is_refused_before_it_comes(strict_api: str) -> None:
    announced = f"Content-Type: {FORM['content-type']}\r\nContent-Length: {2 * STRICT_BATCH_BYTES}"
    assert first_line(strict_api, "/predict/batch/", announced).startswith("HTTP/1.1 413")


@pytest.mark.parametrize("media_type", ["image/png", FORM["content-type"]])
def test_a_body_of_unknown_length_is_refused_once_it_is_over_the_limit(strict_api: str, media_type: str) -> None:
    announced = f"Content-Type: {media_type}\r\nTransfer-Encoding: chunked"
    # It does not end.
    chunks = (b"1000\r\n" + bytes(0x1000) + b"\r\n") * 20
    assert first_line(strict_api, "/predict/", announced, chunks).startswith("HTTP/1.1 413")


@pytest.mark.parametrize("media_type", ["image/png", FORM["content-type"]])
def test_a_body_of_unknown_length_under_the_limit_is_read(strict_api: str, media_type: str) -> None:
    body = SEVEN if media_type == "image/png" else form(part(SEVEN))
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    assert post(strict_api, pieces, {"content-type": media_type}).json()["predicted_digit"] == 7


def request_of(body: bytes, media_type: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", media_type)]}, receive)


def test_a_form_may_have_eight_files_of_which_the_last_counts_and_no_more(strict_api: str) -> None:
    small = part(b"x")
    assert post(strict_api, form(*[small] * 7, part(SEVEN))).json()["predicted_digit"] == 7
    response = post(strict_api, form(*[small] * 8, part(SEVEN)))
    assert problem(response) == (400, "malformed-form")
    assert "more than 8 fields 'file'. Send one file" in response.json()["detail"]


@pytest.mark.parametrize("field", ["file", "files", "other"])
@pytest.mark.parametrize("path", ["/predict/", "/predict/batch/"])
def test_a_form_of_very_many_parts_is_not_taken_apart(path: str, field: str) -> None:
    body, media_type = form(part(b"", field) * 200_000), FORM["content-type"].encode()
    request, room = request_of(body, media_type), Room(Buffers(2 * len(body)))
    reading = (
        read_upload(request, len(body), 60.0, room)
        if path == "/predict/"
        else read_image_files(request, 100, len(body), 60.0, room)
    )
    start = time.process_time()
    with pytest.raises((MalformedFormError, TooManyFilesError)):
        asyncio.run(reading)
    # All of them take seconds.
    assert time.process_time() - start < 0.5


def test_a_body_that_was_compressed_is_counted_once_it_is_inflated() -> None:
    content = bytes(100_000)
    buffers = Buffers(1_000_000)
    request = request_of(gzip.compress(content), b"image/png")
    request.scope["headers"].append((b"content-encoding", b"gzip"))
    with Room(buffers) as room:
        assert asyncio.run(read_upload(request, len(content), 60.0, room)).content == content
        assert buffers.taken == len(content)


BITS = [b"\r\n", b"--X", b'"', b";", b"\\", b"\xff", b"%22", b"; charset=nonsense", b"filename*=utf-16''%00", b"\0"]


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_form_gives_files_or_a_documented_error_and_nothing_else(data: st.DataObject) -> None:
    texts = [bytearray(form(part(b"abc"), part(b"d", "files"))), bytearray(FORM["content-type"].encode())]
    for text in texts:
        for _ in range(data.draw(st.integers(0, 3))):
            at, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 4))
            text[at : at + length] = data.draw(st.sampled_from(BITS) | st.binary(max_size=3))
    body, media_type = map(bytes, texts)
    with contextlib.suppress(UploadError, ImageError):
        upload = asyncio.run(read_upload(request_of(body, media_type), 1000, 1.0, Room(Buffers(9000))))
        assert isinstance(upload.content, bytes)
    with contextlib.suppress(UploadError, ImageError):
        batch = asyncio.run(read_image_files(request_of(body, media_type), 2, 1000, 1.0, Room(Buffers(90_000))))
        assert 1 <= len(batch.parts) <= 2
        assert all(file.file is not None for file in batch.parts)


def test_a_real_clients_form_is_read(strict_api: str, sample: Path) -> None:
    with sample.open("rb") as file:
        response = httpx.post(strict_api + "/predict/", files={"file": ('siebenß "7".png', file)}, data={"a": "b"})
    assert response.json()["predicted_digit"] == 7


def named(disposition: bytes, image: bytes, field: bytes = b"files") -> bytes:
    """A form with one file, whose name is written in some way."""
    head = b'--BB\r\nContent-Disposition: form-data; name="' + field + b'"; ' + disposition
    return head + b"\r\nContent-Type: image/png\r\n\r\n" + image + b"\r\n--BB--\r\n"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (b'filename="7.png"', "7.png"),
        ('filename="sieb\u00e4n.png"'.encode(), "sieb\u00e4n.png"),
        ('filename="sieb\u00e4n.png"'.encode("latin-1"), "sieb\u00e4n.png"),
        (b'filename="\xb7\xfe\xff.png"', "\u00b7\u00fe\u00ff.png"),
        (b"filename*=utf-8''sieb%C3%A4n.png", "sieb\u00e4n.png"),
        (b"filename*=UTF-8'de'7.png", "7.png"),
    ],
    ids=["plain", "UTF-8", "Latin-1", "no text at all", "extended", "extended with a language"],
)
def test_a_file_is_read_in_whatever_encoding_its_name_is(
    strict_api: str, sample: Path, disposition: bytes, name: str
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=BB"}
    body = named(disposition, sample.read_bytes())
    batch = httpx.post(strict_api + "/predict/batch/", content=body, headers=headers)
    assert batch.status_code == 200, batch.text
    assert [(item["file"], item["prediction"]["predicted_digit"]) for item in batch.json()["results"]] == [(name, 7)]
    body = named(disposition, sample.read_bytes(), b"file")
    answer = httpx.post(strict_api + "/predict/", content=body, headers=headers)
    assert answer.json()["predicted_digit"] == 7
