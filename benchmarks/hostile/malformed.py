"""Requests that are wrong in every way HTTP and its forms allow, and in some that they do not."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from benchmarks.hostile.mutations import Files, mutate
from benchmarks.support.client import BOUNDARY, FORM_TYPE, form, request

PATHS = ("/predict/", "/predict", "/predict/batch/", "/predict/batch", "/read/", "/read")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/x", "image/", "application/octet-stream", "IMAGE/PNG; q=1")
ODD_NAMES = (
    '"',
    "\0",
    "\u202e7.png",
    "☃" * 50,
    "../../etc/passwd",
    "a" * 5_000,
    "",
    "7.png\r\nX-Evil: 1",
    "%00",
    "\ud83d",
)
ODD_TYPES = (
    "",
    "text/plain",
    "application/json",
    "multipart/form-data",
    "multipart/mixed; boundary=x",
    "image",
    ";",
    "\xff",
)


@dataclass(frozen=True)
class Case:
    """One request of the fuzzer.

    Args:
        what: it, in words.
        pieces: the bytes to send, in so many steps.
        leaves: the client closes the connection after them, without waiting for an answer.
        is_http: the request is well-formed HTTP, so that an answer of the application has to come.
        stops: in mid-body, so that the connection cannot be used again.
    """

    what: str
    pieces: tuple[bytes, ...]
    leaves: bool = False
    is_http: bool = True
    stops: bool = False


Maker: TypeAlias = Callable[[random.Random, str, bytes], Case]


def make_case(rng: random.Random, files: Files) -> Case:
    """A request: a damaged image in an orderly one, or one that is damaged itself.

    Args:
        rng: decides everything.
        files: undamaged image files by name.
    """
    what, image = mutate(rng, files)
    path = rng.choice(PATHS)
    if rng.random() < 0.3:
        maker = rng.choice(_MAKERS)
        case = maker(rng, path, image)
        return replace(case, what=f"{maker.__name__}: {case.what} ({what})")
    if path.startswith("/predict/batch"):
        images = [image, *(mutate(rng, files)[1] for _ in range(rng.choice((0, 1, 5, 12))))]
        return Case(f"batch of {len(images)}: {what}", (_post(path, FORM_TYPE, form(images, "files")),))
    if rng.random() < 0.5:
        return Case(f"raw: {what}", (_post(path, rng.choice(IMAGE_TYPES), image),))
    return Case(f"form: {what}", (_post(path, FORM_TYPE, form([image])),))


def _post(path: str, content_type: str, body: bytes) -> bytes:
    return request("POST", path, {"Content-Type": content_type}, body)


def _head(path: str, lines: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: digits\r\nContent-Type: image/png\r\n".encode() + lines + b"\r\n"


def _field(path: str) -> str:
    return "files" if "batch" in path else "file"


def _part(headers: str, content: bytes) -> bytes:
    return f"--{BOUNDARY}\r\n{headers}\r\n\r\n".encode("utf-8", "surrogatepass") + content + b"\r\n"


_END = f"--{BOUNDARY}--\r\n".encode()


def boundary(rng: random.Random, path: str, image: bytes) -> Case:
    """The header names another boundary than the body has, or none, or one that cannot be."""
    named = rng.choice(
        ("", "other", '"', f'"{BOUNDARY}', f" {BOUNDARY} ", "a" * 80, "a" * 5_000, "-", "ü", "*0=x", BOUNDARY[:-1])
    )
    header = rng.choice((f"multipart/form-data; boundary={named}", f"multipart/form-data;boundary={named};boundary=b"))
    return Case(header[:60], (_post(path, header, form([image], _field(path))),))


def line_ends(rng: random.Random, path: str, image: bytes) -> Case:
    """Other line ends than the standard's."""
    old, new = rng.choice(
        ((b"\r\n", b"\n"), (b"\r\n", b"\r"), (b"\r\n", b"\r\n\r\n"), (b"\r\n\r\n", b"\n\n"), (b"\r\n", b""))
    )
    return Case(repr(new), (_post(path, FORM_TYPE, form([image], _field(path)).replace(old, new)),))


def half_a_form(rng: random.Random, path: str, image: bytes) -> Case:
    """A form that is cut off, or has a piece missing, in a request that is whole."""
    body = form([image], _field(path))
    start = rng.randrange(len(body))
    end = rng.choice((len(body), start + rng.randint(1, 60)))
    return Case("piece missing", (_post(path, FORM_TYPE, body[:start] + body[end:]),))


def damaged_form(rng: random.Random, path: str, image: bytes) -> Case:
    """Some bytes of the form's own lines replaced."""
    body = bytearray(form([image], _field(path)))
    for _ in range(rng.randint(1, 5)):
        body[rng.randrange(min(150, len(body)))] = rng.choice((0, 10, 13, 34, 45, 58, 59, 255, rng.randrange(256)))
    return Case("bytes replaced", (_post(path, FORM_TYPE, bytes(body)),))


def part_headers(rng: random.Random, path: str, image: bytes) -> Case:
    """Headers of a part: none, too many, too long, wrong."""
    good = f'Content-Disposition: form-data; name="{_field(path)}"; filename="7.png"'
    what, headers = rng.choice(
        (
            ("none", ""),
            ("many", "\r\n".join([good, *(f"X-{number}: 1" for number in range(rng.choice((14, 15, 16, 17, 5_000))))])),
            ("long", f"{good}\r\nX-Long: {'a' * rng.choice((4_000, 100_000))}"),
            ("no colon", f"{good}\r\nnonsense"),
            ("twice", f"{good}\r\n{good}"),
            ("no name", "Content-Disposition: form-data"),
            ("not form-data", good.replace("form-data", "attachment")),
            ("encoded", f"{good}\r\nContent-Transfer-Encoding: base64"),
            ("charset", f"{good}\r\nContent-Type: text/plain; charset=utf-99"),
            ("length", f"{good}\r\nContent-Length: {rng.choice(('-1', '0', '9' * 30, 'x'))}"),
            ("folded", good.replace("; ", ";\r\n ")),
            ("extended", good.replace("filename=", "filename*=UTF-8''%e2%82%ac; filename=")),
        )
    )
    return Case(what, (_post(path, FORM_TYPE, _part(headers, image) + _END),))


def names(rng: random.Random, path: str, image: bytes) -> Case:
    """Field or file names with characters that do not belong there."""
    name = rng.choice(ODD_NAMES)
    field, file = rng.choice(((_field(path), name), (name, "7.png"), (_field(path) + "\0", "7.png"), (name, name)))
    headers = f'Content-Disposition: form-data; name="{field}"; filename="{file}"'
    return Case(repr(name[:20]), (_post(path, FORM_TYPE, _part(headers, image) + _END),))


def many_parts(rng: random.Random, path: str, image: bytes) -> Case:
    """Fields twice, fields that nobody asked for, and very many of them."""
    field, count = _field(path), rng.choice((2, 8, 9, 100, 101, 20_000))
    name = rng.choice((field, "other", field + "[]"))
    other = _part(f'Content-Disposition: form-data; name="{name}"', b"x") * count
    file = _part(f'Content-Disposition: form-data; name="{field}"; filename="7.png"', image)
    return Case(f"{count} x {name}", (_post(path, FORM_TYPE, rng.choice((other + file, file + other)) + _END),))


def nested(rng: random.Random, path: str, image: bytes) -> Case:
    """A form in a form, with the same boundary or another."""
    inner = form([image], _field(path))
    if rng.random() < 0.5:
        inner = inner.replace(BOUNDARY.encode(), b"inner")
    headers = f'Content-Disposition: form-data; name="{_field(path)}"\r\nContent-Type: multipart/mixed; boundary=inner'
    return Case("nested", (_post(path, FORM_TYPE, _part(headers, inner) + _END),))


def no_form(rng: random.Random, path: str, image: bytes) -> Case:
    """A body that is no form at all where the header promises one."""
    body = rng.choice((b"", b"--", b"\r\n" * 1_000, b"-" * 100_000, image, _END, _END * 100, f"--{BOUNDARY}".encode()))
    return Case("no form", (_post(path, FORM_TYPE, body),))


def content_types(rng: random.Random, path: str, image: bytes) -> Case:
    """Content-Types that are not taken, or are none."""
    kind = rng.choice((*ODD_TYPES, "a" * 10_000, "multipart/form-data; " + "a=b; " * 1_000))
    return Case(repr(kind[:30]), (_post(path, kind, image),))


def methods_and_paths(rng: random.Random, path: str, image: bytes) -> Case:
    """Other methods, and paths that do not exist or hardly do."""
    method = rng.choice(("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "POST"))
    where = rng.choice(
        (path, path + "/", "/predict//", "/%00", "/predict/?x=" + "a" * 5_000, "/..%2f", "/model", "/docs", "/%C3%A9")
    )
    return Case(f"{method} {where[:30]}", (request(method, where, {"Content-Type": "image/png"}, image),))


def headers(rng: random.Random, path: str, image: bytes) -> Case:
    """Request headers in excess, which the server may refuse by itself."""
    what, extra = rng.choice(
        (
            ("many", {f"X-{number}": "1" for number in range(rng.choice((50, 500)))}),
            ("long", {"X-Long": "a" * rng.choice((1_000, 60_000))}),
            ("id", {"X-Request-ID": rng.choice(("a" * 500, '"\\', "\xff", "", "{}", "${jndi:ldap://x}"))}),
            ("bytes", {"X-Bytes": "\x80\xff\x01"}),
            ("expect", {"Expect": rng.choice(("100-continue", "nonsense"))}),
            ("encoding", {"Content-Encoding": rng.choice(("gzip", "br", "zip"))}),
            ("authorization", {"Authorization": rng.choice(("Bearer", "Basic ====", "Bearer \xff", "a" * 3_000))}),
            ("forwarded", {"X-Forwarded-For": rng.choice(("x", "1.2.3.4, " * 500)), "X-Forwarded-Proto": "\xff"}),
            ("origin", {"Origin": rng.choice(("null", "http://evil.example", "\xff"))}),
        )
    )
    return Case(what, (request("POST", path, {"Content-Type": "image/png", **extra}, image),), is_http=False)


def chunked(rng: random.Random, path: str, image: bytes) -> Case:
    """A body in chunks, whose sizes may be wrong."""
    head = _head(path, b"Transfer-Encoding: chunked\r\n")
    step = rng.choice((1_000, 10_000, len(image)))
    good = [
        f"{len(image[at : at + step]):x}\r\n".encode() + image[at : at + step] + b"\r\n"
        for at in range(0, len(image), step)
    ]
    what = rng.choice(
        ("right", "right", "size", "negative", "huge", "no end", "extension", "trailers", "also a length")
    )
    body = b"".join(good) + b"0\r\n\r\n"
    if what == "right":
        return Case("right", (head, *good, b"0\r\n\r\n"))
    if what == "size":
        body = b"5\r\n" + image[:50] + b"\r\n0\r\n\r\n"
    elif what == "negative":
        body = b"-5\r\n" + image[:50]
    elif what == "huge":
        body = b"F" * rng.choice((8, 16, 40)) + b"\r\n" + image[:50]
    elif what == "extension":
        body = body.replace(b"\r\n", b";name=" + b"v" * rng.choice((5, 5_000)) + b"\r\n", 1)
    elif what == "trailers":
        body = b"".join(good) + b"0\r\nX-Trailer: 1\r\n\r\n"
    elif what == "also a length":
        head = head.replace(b"Transfer", b"Content-Length: 7\r\nTransfer")
    # Bodies that do not end leave the client waiting for nothing.
    return Case(what, (head, b"".join(good) if what == "no end" else body), what in ("no end", "huge"), is_http=False)


def lengths(rng: random.Random, path: str, image: bytes) -> Case:
    """A Content-Length that is not the body's, is none, or comes twice."""
    length = rng.choice(("-1", "x", "0x10", "9" * 30, "+5", "", "1, 2", "2147483648", "١", str(len(image) + 1)))
    line = f"Content-Length: {length}\r\n".encode()
    if rng.random() < 0.2:
        line += f"Content-Length: {len(image)}\r\n".encode()
    return Case(f"{length[:15]!r}", (_head(path, line), image), leaves=rng.random() < 0.5, is_http=False)


def no_http(rng: random.Random, path: str, image: bytes) -> Case:
    """Something that is not HTTP, or hardly."""
    line = rng.choice(
        (
            image,
            b"\r\n" * 100,
            b"GET\r\n\r\n",
            b"POST / HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"POST " + b"/a" * 50_000 + b" HTTP/1.1\r\n\r\n",
            f"POST {path} HTTP/1.0\r\n\r\n".encode() + image,
            f"POST {path} HTTP/1.1\r\nno colon\r\n\r\n".encode(),
            f"POST {path} HTTP/1.1\r\nHost: digits\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode(),
        )
    )
    return Case(repr(line[:20]), (line,), leaves=True, is_http=False)


def early_leave(rng: random.Random, path: str, image: bytes) -> Case:
    """A client that goes away before its request, or its answer, is whole."""
    whole = _post(path, "image/png", image)
    return Case("leaves", (whole[: rng.randint(1, len(whole))],), leaves=True, is_http=False)


def stops(rng: random.Random, path: str, image: bytes) -> Case:
    """A client that sends a part of a body and waits: the server has to give it up."""
    whole = _post(path, "image/png", image)
    return Case("stops", (whole[: len(whole) - rng.randint(1, len(image))],), stops=True)


_MAKERS: Sequence[Maker] = (
    boundary, line_ends, half_a_form, damaged_form, damaged_form, part_headers, part_headers, names, names, many_parts,
    nested, no_form, content_types, methods_and_paths, headers, headers, chunked, chunked, lengths, no_http,
    early_leave,
) * 5 + (stops,)  # fmt: skip
