"""What the coverage-guided fuzzer calls: each target takes any bytes, and raises only what is no answer.

A target knows the errors that are answers. Any other exception, and any result that breaks a rule that holds for all
inputs, is a finding.
"""

import asyncio
import json
import random
import re
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from starlette.requests import Request

from benchmarks.hostile.specimens import specimens
from benchmarks.support.client import upload, upload_batch
from digits.errors import DigitsError, ImageError, ModelError, PatternError
from digits.explain.model_card import facts
from digits.images.decode import open_image
from digits.images.formats import starts_a_process
from digits.images.screening.screen import screen
from digits.model.artifact import read
from digits.model.card import Card
from digits.numbers.expectation import MANY_DIGITS, Chances, best_matching_path, parse_expectation
from digits.numbers.signs.kinds import SIGNS
from digits.recognizer import shipped_model
from digits.service.limits.concurrency import Buffers, Room
from digits.service.routes.bodies import Upload, from_json
from digits.service.routes.inference_request import RefusedError, check_outputs, read_images, read_request
from digits.service.routes.uploads import read_image_files, read_upload
from digits.service.schemas import ModelResponse

_MAX_BYTES = 100_000
_TEXTS = ("expect", "page")
# A call may take so long, in seconds of the processor: a hundred times what the slowest of the first inputs takes.
SLOW = 1.0
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, 1e9, 1e308, -1e-308, 2**53, 2**64, 10**30, float("nan"), float("inf"), "", "0",
    "é", "\ud800", "\0", "\n", [], {}, [[]], [{}], {"x": 1}, [1, 2], "x" * 300, "1,2 3,4", "data:image/png;base64,",
)  # fmt: skip


class RuleError(AssertionError):
    """A result that breaks a rule that holds for all inputs."""


@dataclass(frozen=True)
class Target:
    """Something that reads what strangers send.

    Args:
        call: takes any bytes; what it raises is a finding.
        seeds: returns inputs to begin with.
        is_json: whether inputs are JSON, which is changed by its values, and not only by its bytes.
        longest: most bytes of an input.
    """

    call: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    is_json: bool = False
    longest: int = 4096


@dataclass(frozen=True)
class Finding:
    """An input that a target does not handle as it must.

    Args:
        place: where it was raised; findings of one place are one finding.
        what: the exception, in a line.
    """

    place: str
    what: str


def attempt(target: Target, data: bytes) -> Finding | None:
    """Calls a target; returns what was wrong, or None."""
    start = time.process_time()
    try:
        target.call(data)
    except Exception as error:  # noqa: BLE001 - any is a finding
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        return Finding(f"{type(error).__name__} at {where}", f"{error!r}"[:300])
    seconds = time.process_time() - start
    return Finding("slow", f"{seconds:.1f} s of the processor") if seconds > SLOW else None


def changed_json(data: bytes, rng: random.Random) -> bytes:
    """Returns a JSON text with one value replaced, repeated, moved or left out; other bytes as they are."""
    try:
        root = [json.loads(data)]
    except (ValueError, RecursionError):
        return data
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        found = [(node, key) for key in (list(node) if isinstance(node, dict) else range(len(node)))]
        places += found
        waiting += [parent[key] for parent, key in found if isinstance(parent[key], dict | list)]
    parent, key = rng.choice(places)
    how = rng.randrange(4)
    if how == 0 and parent is not root:
        del parent[key]
    elif how == 1 and isinstance(parent[key], list):
        parent[key] *= rng.choice((2, 10))
    elif how == 2:
        other, place = rng.choice(places)
        parent[key] = json.loads(json.dumps(other[place]))
    else:
        parent[key] = rng.choice(_ODD_VALUES)
    return json.dumps(root[0] if root else None).encode()


def _screening(data: bytes) -> None:
    try:
        screened = screen(data)
    except ImageError:
        return
    if len(screened.data) > len(data) + 4096:
        raise RuleError(f"{len(data):,} bytes became {len(screened.data):,}")
    with suppress(ImageError):
        screen(screened.data)
    # The header of a PDF file is read in a process of its own.
    if not starts_a_process(data):
        with warnings.catch_warnings(), suppress(ImageError):
            warnings.simplefilter("ignore")
            opened = open_image(data)
            if opened.decoding_bytes() <= 0:
                raise RuleError("decoding takes no memory")


def _forms(data: bytes) -> None:
    head, _, body = data.partition(b"\n")
    content_type, _, encoding = head.partition(b"\t")
    headers = [(b"content-type", content_type)] + ([(b"content-encoding", encoding)] if encoding else [])
    scope = {"type": "http", "method": "POST", "headers": headers}
    for read_form in (_one_file, _files):
        _loop().run_until_complete(read_form(scope, body))


async def _one_file(scope: Mapping[str, Any], body: bytes) -> None:
    with Room(Buffers(100 * _MAX_BYTES)) as room, suppress(DigitsError):
        upload = await read_upload(Request(dict(scope), _receiver(body)), _MAX_BYTES, 10.0, room, _TEXTS)
        _check_upload(upload)


async def _files(scope: Mapping[str, Any], body: bytes) -> None:
    with Room(Buffers(100 * _MAX_BYTES)) as room, suppress(DigitsError):
        form = await read_image_files(Request(dict(scope), _receiver(body)), 5, _MAX_BYTES, 10.0, room)
        if not 1 <= len(form.parts) <= 5:
            raise RuleError(f"{len(form.parts)} files")
        json.dumps([part.file for part in form.parts]).encode()


def _check_upload(upload: Upload) -> None:
    if len(upload.content) > _MAX_BYTES and upload.frame is None:
        raise RuleError(f"{len(upload.content):,} bytes of at most {_MAX_BYTES:,}")
    # What is told of the upload, and what was in its fields, goes into an answer.
    "".join((*upload.warnings, *upload.texts.values())).encode()
    if upload.frame is not None:
        box = upload.frame.box_of((0, 0, 10, 10))
        if not np.isfinite(box).all():
            raise RuleError(f"the box {box}")


def _receiver(body: bytes) -> Callable[[], Any]:
    parts = iter([(body[:100], True)])

    async def receive() -> dict[str, Any]:
        part, more = next(parts, (body[100:], False))
        return {"type": "http.request", "body": part, "more_body": more}

    return receive


_LOOPS: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    if not _LOOPS:
        _LOOPS.append(asyncio.new_event_loop())
    return _LOOPS[0]


def _strokes(data: bytes) -> None:
    with suppress(DigitsError):
        _check_upload(from_json(data, _MAX_BYTES, _TEXTS))


def _tensors(data: bytes) -> None:
    with suppress(RefusedError):
        asked = read_request(data)
        check_outputs(asked.get("outputs"))
        images = read_images(asked.get("inputs"))
        if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
            raise RuleError(f"images of {images.dtype} and shape {images.shape}")


def _card(data: bytes) -> None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    with suppress(ModelError):
        card = Card.from_json(value)
        if Card.from_json(json.loads(json.dumps(card.to_json()))).to_json().keys() != card.to_json().keys():
            raise RuleError("the card is another one after it was written")
        facts(card)
        notes = card.notes(1)
        # As it stands in the answer to GET /model.
        ModelResponse(
            name="", test_accuracy=card.test_accuracy, precision="float32", digest="", loaded_at="", previous=None,
            last_reload=None, notes=notes, card=card.to_json(),
        ).model_dump_json()  # fmt: skip
        f"{card.recipe} {card.test_set}".encode()
        if card.int8 is not None:
            card.of_int8()


def _expect(data: bytes) -> None:
    pattern, _, shown = data.decode("utf-8", "replace").partition("\n")
    try:
        expectation = parse_expectation(pattern)
    except PatternError as error:
        str(error).encode()
        return
    # `pattern` has no blanks, with which masks may be written.
    if parse_expectation(expectation.pattern) != replace(expectation, has_blanks=False):
        raise RuleError("another pattern when it is read again")
    signs = [character for character in shown if character in SIGNS or character in "0123456789"][:40]
    fits = expectation.fits(signs)
    if fits != _fits_as_a_regular_expression(expectation.pattern, signs, expectation.least):
        raise RuleError(f"{expectation.pattern!r} {'matches' if fits else 'does not match'} {''.join(signs)!r}")
    if signs:
        _check_path(expectation.pattern, signs)


def _fits_as_a_regular_expression(pattern: str, signs: Iterable[str], least: int | None) -> bool:
    if least is not None:
        most = int(pattern.rpartition("-")[2])
        return least <= sum(sign.isdecimal() for sign in signs) <= most
    parts = re.findall(r"#\+|.", pattern)
    expression = "".join({"#+": r"\d+", "#": r"\d"}.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(expression, "".join(signs)) is not None


def _check_path(pattern: str, signs: list[str]) -> None:
    """Checks the search on a line whose candidates are each sure to be one digit or sign."""
    expectation = parse_expectation(pattern)
    chances = [_sure(sign) for sign in signs]
    spans = [(place, place + 1) for place in range(len(signs))]
    path = best_matching_path(expectation, spans, np.zeros(len(signs)), chances, {})
    if (path is not None) != expectation.fits(signs):
        raise RuleError(f"the search finds {path} for {pattern!r} in {''.join(signs)!r}")
    if path is not None and [k for k, _ in path] != list(range(len(signs))):
        raise RuleError(f"the path {path} leaves candidates out")


def _sure(sign: str) -> Chances:
    almost, hardly = float(np.log(0.999)), -50.0
    if sign.isdecimal():
        digits = np.full(10, hardly)
        digits["0123456789".index(sign)] = almost
        return Chances(almost, digits, hardly, {})
    return Chances(hardly, np.full(10, hardly), almost, {sign: almost})


def _form_seeds() -> list[bytes]:
    png = specimens()["png 28x28"]
    whole = [upload(png), upload_batch([png, png])]
    forms = []
    for request in whole:
        head, _, body = request.partition(b"\r\n\r\n")
        content_type = re.search(rb"(?i)content-type: ([^\r]+)", head)
        forms.append((content_type[1] if content_type else b"") + b"\n" + body)
    text = (
        b'multipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name="expect"\r\n\r\n4\r\n--b\r\n'
        b"Content-Disposition: form-data; name=\"file\"; filename*=utf-8''caf%C3%A9.png\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0=\r\n--b--\r\n"
    )
    return [*forms, text, b"image/png\tgzip\n" + png, b"application/json\n" + _stroke_seeds()[0]]


def _stroke_seeds() -> list[bytes]:
    values: list[Any] = [
        {"strokes": [[[1, 2], [3, 4]], [[5, 6, 7]]], "expect": "4", "page": 1},
        {"ink": {"strokes": [{"points": [{"x": 1, "y": 2.5, "t": 3}]}]}},
        {"drawing": [[[1, 2, 3], [4, 5, 6]], [[7, 8], [9, 10]]]},
        {"strokes": [{"points": "1,2 3.5,4e1"}, {"x": [1, 2], "y": [3, 4]}, {"points": [{"X": 1, "Y": 2}]}]},
        {"image": "data:image/png;base64,iVBORw0KGgo="},
        [[[1, 2], [3, 4]]],
    ]
    return [json.dumps(value).encode() for value in values]


def _tensor_seeds() -> list[bytes]:
    tensor = {"name": "images", "shape": [1, 784], "datatype": "UINT8", "data": [0] * 784}
    nested = {**tensor, "shape": [1, 28, 28], "data": [[[0] * 28] * 28], "datatype": "FP32"}
    outputs = [{"name": "probabilities"}]
    return [json.dumps({"id": "1", "inputs": [one], "outputs": outputs}).encode() for one in (tensor, nested)]


def _card_seeds() -> list[bytes]:
    card = read(shipped_model()).card.to_json()
    # Long lists of numbers teach nothing.
    small = {name: value for name, value in card.items() if name not in ("history", "metrics")}
    scores = dict.fromkeys(("n", "loss", "calibration_error"), 1) | {"accuracy": 0.99, "confusion": [[1]]}
    return [json.dumps(small | {"metrics": {"test": scores}, "history": {"loss": [1.0]}}).encode(), b"{}"]


def _image_seeds() -> list[bytes]:
    return [file for file in specimens().values() if len(file) <= TARGETS["screening"].longest]


def _pattern_seeds() -> list[bytes]:
    lines = ("4\n1234", "4-6\n12.34", "##/##/####\n24/12/2026", "#+.##\n1.50", "-#+\n-3", "#+\n0", "1#\n12")
    return [line.encode() for line in lines] + [f"{sign}{MANY_DIGITS}\n{sign}7".encode() for sign in SIGNS]


TARGETS: Mapping[str, Target] = {
    "screening": Target(_screening, _image_seeds, longest=20_000),
    "forms": Target(_forms, _form_seeds, longest=2_000),
    "strokes": Target(_strokes, _stroke_seeds, is_json=True),
    "tensors": Target(_tensors, _tensor_seeds, is_json=True, longest=20_000),
    "card": Target(_card, _card_seeds, is_json=True),
    "expect": Target(_expect, _pattern_seeds, longest=200),
}
