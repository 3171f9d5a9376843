"""Images and strokes as clients wrap them: JSON, data URLs, base64, gzip; all read as the file itself is."""

import base64
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from digits.images.limits import ImageLimits
from digits.service.errors import MalformedBodyError
from digits.service.routes import bodies
from digits.service.routes.bodies import from_base64, from_json, unpacked_json_bytes
from tests.conftest import ROOT, STRICT_BYTES

SEVEN = (ROOT / "digits" / "samples" / "7_stylus.png").read_bytes()
CODED = base64.b64encode(SEVEN).decode()
URL = f"data:image/png;base64,{CODED}"
STROKES = [[[20, 10], [80, 10], [60, 50], [45, 100]]]
JSON = {"content-type": "application/json"}
PNG = {"content-type": "image/png"}


def post(api: str, path: str = "/predict/", **options: Any) -> httpx.Response:
    return httpx.post(api + path, timeout=30, **options)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("urn:digits:problem:")


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"image": CODED}},
        {"json": {"image": URL}},
        {"json": {"file": URL}},
        {"json": {"image": URL, "width": 280, "name": "a"}},
        {"json": {"image": base64.urlsafe_b64encode(SEVEN).decode().rstrip("=")}},
        {"json": {"image": base64.encodebytes(SEVEN).decode()}},
        {"content": b"\xef\xbb\xbf" + json.dumps({"image": URL}).encode(), "headers": JSON},
        {"content": gzip.compress(json.dumps({"image": URL}).encode()), "headers": JSON | {"content-encoding": "gzip"}},
        {"data": {"file": URL}, "files": {"other": b"x"}},
        {"files": {"file": (None, URL)}},
        {"files": {"file": ("7.png", CODED, "image/png", {"Content-Transfer-Encoding": "base64"})}},
        {"content": CODED, "headers": PNG | {"content-transfer-encoding": "BASE64"}},
        {"content": gzip.compress(SEVEN), "headers": PNG | {"content-encoding": "gzip"}},
        {"content": gzip.compress(SEVEN), "headers": PNG | {"content-encoding": "X-GZIP"}},
        {"content": zlib.compress(SEVEN), "headers": PNG | {"content-encoding": "deflate"}},
        {"content": zlib.compress(SEVEN, wbits=-15), "headers": PNG | {"content-encoding": "deflate"}},
        {"content": SEVEN, "headers": PNG | {"content-encoding": "identity"}},
    ],
    ids=range(17),
)
def test_an_image_is_read_in_whatever_it_is_wrapped(api: str, options: dict[str, Any]) -> None:
    plain = post(api, content=SEVEN, headers=PNG).json()
    answer = post(api, **options).json()
    assert answer["predicted_digit"] == 7, answer
    assert answer["probabilities"] == plain["probabilities"]


@pytest.mark.parametrize(
    "body",
    [
        {"strokes": STROKES},
        {"ink": {"strokes": [{"points": [{"x": x, "y": y, "t": 0} for x, y in STROKES[0]]}]}},
        {"strokes": [{"id": 1, "points": ",".join(f"{x},{y}" for x, y in STROKES[0])}]},
        {"drawing": [[[x for x, _ in STROKES[0]], [y for _, y in STROKES[0]]]]},
        STROKES,
    ],
)
def test_strokes_are_drawn_and_read(api: str, body: Any) -> None:
    answer = post(api, json=body).json()
    assert (answer["predicted_digit"], answer["accepted"]) == (7, True)
    assert post(api, "/read/", json=body).json()["text"] == "7"


def test_each_digit_has_its_box_in_the_unit_of_the_strokes(api: str) -> None:
    # Two 7s in a unit of an app: small numbers, far from zero, the second 7 to the right of the first.
    sevens = [[[(x + 250 * place) / 100 - 8, y / 100 + 3] for x, y in STROKES[0]] for place in (0, 1)]
    answer = post(api, "/read/", json={"strokes": sevens}).json()
    assert answer["text"] == "77"
    for digit, seven in zip(answer["digits"], sevens, strict=True):
        left, top, width, height = digit["strokes_box"]
        xs, ys = zip(*seven, strict=True)
        edges = (min(xs), min(ys), max(xs), max(ys))
        assert (left, top, left + width, top + height) == pytest.approx(edges, abs=0.15)
    assert "strokes_box" not in post(api, "/read/", files={"file": SEVEN}).json()["digits"][0]


def test_a_pattern_stands_beside_the_strokes(api: str) -> None:
    two = [STROKES[0], [[x + 120, y] for x, y in STROKES[0]]]
    assert post(api, "/read/", json={"strokes": two, "expect": "##"}).json()["text"] == "77"
    assert problem(post(api, "/read/", json={"strokes": two, "expect": "#####"}))[0] == 422


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"json": {}}, (422, "missing-file")),
        ({"json": {"picture": URL}}, (422, "missing-file")),
        ({"json": 5}, (400, "malformed-body")),
        ({"json": {"image": 5}}, (400, "malformed-body")),
        ({"json": {"image": None}}, (400, "malformed-body")),
        ({"json": {"image": "no base64!"}}, (400, "malformed-body")),
        ({"json": {"image": "ä"}}, (400, "malformed-body")),
        ({"content": b'{"image": "\\ud800"}', "headers": JSON}, (400, "malformed-body")),
        ({"json": {"image": "data:image/svg+xml;utf8,<svg/>"}}, (400, "malformed-body")),
        ({"json": {"image": "data:image/png;base64"}}, (400, "malformed-body")),
        ({"json": {"image": ""}}, (422, "empty-file")),
        ({"json": {"image": "data:image/png;base64,"}}, (422, "empty-file")),
        ({"json": {"image": base64.b64encode(b"no image").decode()}}, (415, "unsupported-format")),
        ({"json": {"image": URL, "page": [1]}}, (400, "malformed-body")),
        ({"json": {"strokes": []}}, (400, "malformed-body")),
        ({"json": {"strokes": [[]]}}, (400, "malformed-body")),
        ({"json": {"strokes": 5}}, (400, "malformed-strokes")),
        ({"json": [5]}, (400, "malformed-strokes")),
        ({"content": b"{", "headers": JSON}, (400, "malformed-body")),
        ({"content": b"", "headers": JSON}, (400, "malformed-body")),
        ({"content": b"\xff\xfe", "headers": JSON}, (400, "malformed-body")),
        ({"content": b"[" * 100_000, "headers": JSON}, (400, "malformed-body")),
        ({"content": b"[" + b"1," * 1_000_000 + b"1]", "headers": JSON}, (400, "malformed-body")),
        ({"content": b'{"strokes": [[[1e999, 1]]]}', "headers": JSON}, (400, "malformed-strokes")),
        ({"content": b'{"strokes": [[[' + b"9" * 5000 + b", 1]]]}", "headers": JSON}, (400, "malformed-body")),
        ({"content": SEVEN, "headers": PNG | {"content-encoding": "gzip"}}, (400, "malformed-body")),
        (
            {"content": gzip.compress(SEVEN)[:-9], "headers": PNG | {"content-encoding": "gzip"}},
            (400, "malformed-body"),
        ),
        (
            {"content": gzip.compress(SEVEN) + b"x", "headers": PNG | {"content-encoding": "gzip"}},
            (400, "malformed-body"),
        ),
        ({"content": b"", "headers": PNG | {"content-encoding": "gzip"}}, (400, "malformed-body")),
        ({"content": SEVEN, "headers": PNG | {"content-encoding": "br"}}, (415, "unsupported-media-type")),
        ({"content": SEVEN, "headers": PNG | {"content-encoding": "gzip, gzip"}}, (415, "unsupported-media-type")),
        ({"files": {"file": (None, "7")}}, (422, "missing-file")),
    ],
    ids=range(32),
)
def test_what_cannot_be_unwrapped_is_refused_in_words(
    api: str, options: dict[str, Any], expected: tuple[int, str]
) -> None:
    response = post(api, **options)
    assert problem(response) == expected, response.text
    assert len(response.json()["detail"]) < 500


def test_what_is_wrong_with_json_is_told_with_what_to_do(api: str) -> None:
    cut_off = post(api, json={"image": CODED[40:]}).json()["detail"]
    assert cut_off.startswith("The base64 holds no image that can be read: it may be cut off, or hold something else.")
    assert post(api, json={"strokes": []}).json()["detail"].endswith("Send at least one stroke with one point.")


def test_the_limit_of_an_image_holds_for_what_is_unpacked(strict_api: str) -> None:
    large = bytes(STRICT_BYTES + 1)
    for options in (
        {"json": {"image": base64.b64encode(large).decode()}},
        {"content": base64.b64encode(large), "headers": PNG | {"content-transfer-encoding": "base64"}},
        {"content": gzip.compress(large), "headers": PNG | {"content-encoding": "gzip"}},
        {"files": {"file": (None, f"data:image/png;base64,{base64.b64encode(large).decode()}")}},
        {"files": {"file": ("7.png", large)}},
    ):
        assert problem(post(strict_api, **options)) == (413, "image-too-large")


def test_a_bomb_is_unpacked_up_to_the_limit_and_no_further(api: str) -> None:
    bomb = gzip.compress(bytes(200 * 1024**2), 1)
    assert len(bomb) < ImageLimits.max_bytes
    for headers in (PNG, JSON):
        response = post(api, content=bomb, headers=headers | {"content-encoding": "gzip"})
        assert problem(response) == (413, "image-too-large")


def quoted(text: str) -> str:
    """A text of which every third character is quoted as in a URL."""
    return "".join(f"%{ord(one):02x}" if k % 3 == 0 else one for k, one in enumerate(text))


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 64])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 58])
def test_base64_may_be_cut_anywhere(piece: int, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = SEVEN[: 60 + length]
    coded = base64.b64encode(content).decode()
    urlsafe = base64.urlsafe_b64encode(content).decode()
    url = f"data:image/png;base64,{coded}"
    texts = (coded, urlsafe, coded.rstrip("="), "\n ".join(coded), url, url.replace(coded, quoted(coded)))
    # The beginning of a data URL is never cut.
    start = bodies._start_of_base64
    monkeypatch.setattr(bodies, "_start_of_base64", lambda text: at_once(start, text))
    monkeypatch.setattr(bodies, "_PIECE", piece)
    for text in texts:
        assert from_base64(text, 1000) == from_base64(text.encode(), 1000) == content


def at_once(start: Callable[[bytes | str], tuple[int, bool]], text: bytes | str) -> tuple[int, bool]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bodies, "_PIECE", 1024)
        return start(text)


@pytest.mark.parametrize("text", ["AAAA=AAA", "A", "AAAA=\n=A", "data:image/png;base64,%4", "data:,%", "ÄÄÄÄ", "A%41A"])
def test_what_is_no_base64_is_refused_wherever_it_is_cut(text: str) -> None:
    with pytest.raises(MalformedBodyError):
        from_base64(text, 1000)


@pytest.mark.parametrize(
    "members",
    [{}, {"page": 1, "name": "a"}, {"name": "größe"}, {"name": "漢字"}, {"name": "\U0001f600"}],
    ids=["image", "others", "latin", "two bytes", "four bytes"],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_takes_no_more_memory_than_is_counted(members: dict[str, Any], ascii_only: bool) -> None:
    large = SEVEN + bytes(3_000_000)
    body = json.dumps({**members, "image": base64.b64encode(large).decode()}, ensure_ascii=ascii_only).encode()
    tracemalloc.start()
    try:
        assert from_json(body, 10_000_000, ()).content == large
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most <= unpacked_json_bytes(body) + 1_000_000


def test_quoted_base64_takes_no_more_memory_than_is_counted() -> None:
    text = b"data:image/png;base64," + quoted(base64.b64encode(SEVEN + bytes(1_000_000)).decode()).encode()
    tracemalloc.start()
    try:
        from_base64(text, 10_000_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most <= len(text) + 1_000_000
