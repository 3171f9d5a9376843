"""Reads the image files out of request bodies."""

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote

from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)
from starlette.requests import ClientDisconnect, Request

from digits.errors import DigitsError, ImageTooLargeError
from digits.images.limits import too_many_bytes
from digits.service.errors import (
    BatchTooLargeError,
    BodyTooSlowError,
    MalformedFormError,
    MissingFileError,
    TooManyFilesError,
    UnsupportedMediaTypeError,
)
from digits.service.limits.concurrency import Room
from digits.service.request_context import CURRENT
from digits.service.routes.bodies import Upload, from_base64, from_json, inflate, inflated_bytes
from digits.service.routes.parameters import in_quotes, passed_over

FIELD = "file"
# The media types of a body that is the file itself; any other that begins with image/ is one, too.
RAW_TYPES = ("image/*", "application/pdf", "application/octet-stream")
BATCH_FIELD = "files"

# Most bytes that boundaries and part headers add to each file.
_PART_OVERHEAD = 16 * 1024
# Most fields of other names, which are skipped.
_MAX_OTHER_PARTS = 7
# Most fields of the wanted name; the last one counts, as in most web frameworks.
_MAX_SAME_PARTS = 8
_MAX_HEADERS = 16
# A thread parses a larger form, so that other requests need not wait for it.
_PARSE_ON_THE_SPOT_BYTES = 64 * 1024
# Base64 and JSON are copied so often while they are read.
_COPIES = 3

_TRANSFER_ENCODING = "Content-Transfer-Encoding"

# Such as filename*=utf-8''caf%C3%A9.png (RFC 5987). RFC 7578 does not allow it in forms, but clients send it.
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*\"?([^\";]*)", re.IGNORECASE)

_HOW = f"for example: curl -F {FIELD}=@7.png"
_HOW_RAW = "curl -H 'Content-Type: image/png' --data-binary @7.png"
_HOW_MANY = f"for example: curl -F {BATCH_FIELD}=@7.png -F {BATCH_FIELD}=@2.png"


@dataclass(frozen=True)
class Part:
    """One part of a multipart form.

    Args:
        field: the name of the field.
        file: the name that the client gave the file; None if the part is a text field.
        content: its bytes.
        is_base64: whether its headers say that the bytes are base64.
    """

    field: str
    file: str | None
    content: bytes
    is_base64: bool = False


@dataclass(frozen=True)
class Form:
    """What is in a multipart form.

    Args:
        parts: those that are asked for, in their order.
        others: the names of the other fields, each once.
    """

    parts: list[Part]
    others: list[str]


async def read_upload(
    request: Request, max_bytes: int, seconds: float, room: Room, text_fields: Collection[str] = ()
) -> Upload:
    """Returns the image of a request, and the texts in other fields of its form.

    The image is the whole body; the file or data URL in a form's field `file`; or in JSON, where it may be drawn from
    strokes. The body may be compressed with gzip or deflate.

    Args:
        request: request whose body has not been read.
        max_bytes: largest file in bytes; bytes are counted as they come in, and no more are read.
        seconds: longest time for the body to arrive.
        room: counts the bytes of the body.
        text_fields: names of the form's fields whose texts are asked for.

    Raises:
        UnsupportedMediaTypeError: the body is neither an image nor a multipart form.
        MalformedFormError: the form cannot be read.
        MalformedBodyError: the JSON, the base64 or the compressed body cannot be read.
        InkError: the strokes cannot be read.
        MissingFileError: the form has no file in the field, or the JSON no image and no strokes.
        ImageTooLargeError: the file has more than `max_bytes`.
        BodyTooSlowError: the body did not arrive within `seconds`.
        BuffersFullError: the bodies held at a time would exceed the limit.
    """
    media_type = _media_type(request)
    too_large = ImageTooLargeError(too_many_bytes(max_bytes))
    if media_type.startswith("image/") or media_type in RAW_TYPES:
        body = await read_plain_body(request, max_bytes, too_large, seconds, room)
        if request.headers.get(_TRANSFER_ENCODING, "").strip().lower() == "base64":
            body = await room.unpack(from_base64, body, max_bytes, takes=_COPIES * len(body))
        return Upload(body)
    if media_type == "application/json":
        # Base64 takes four bytes for three.
        most = max_bytes * 4 // 3 + _PART_OVERHEAD
        body = await read_plain_body(request, most, too_large, seconds, room)
        return await room.unpack(from_json, body, max_bytes, text_fields, takes=_COPIES * len(body))
    if media_type != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has {_content_type(request)}. Send the image as multipart/form-data in field '{FIELD}', "
            f"{_HOW}; as the body alone, with a Content-Type such as image/png, for example: {_HOW_RAW}; or as "
            "application/json, with base64 or a data URL as 'image'."
        )
    body = await read_plain_body(request, max_bytes + _PART_OVERHEAD, too_large, seconds, room)
    too_many = MalformedFormError(
        f"The form has more than {_MAX_SAME_PARTS} fields '{FIELD}'. Send one file, {_HOW}; many go to /predict/batch/."
    )
    form = await _parse_form(request, body, room, FIELD, _HOW, _MAX_SAME_PARTS, too_many, text_fields)
    chosen = [part for part in form.parts if part.field == FIELD]
    texts = {part.field: part.content.decode("utf-8", "replace") for part in form.parts if part.field != FIELD}
    if not chosen:
        raise MissingFileError(f"The form has {_not_this(FIELD, form)}. Send the image in it, {_HOW}")
    warnings = passed_over("form", form.others, (FIELD, *text_fields))
    if len(chosen) > 1:
        warnings += (f"The form has {len(chosen)} fields '{FIELD}'. The last was read; many go to /predict/batch/.",)
    content, file = chosen[-1].content, chosen[-1].file
    if chosen[-1].is_base64 or (file is None and content[:5].lower() == b"data:"):
        image = await room.unpack(from_base64, content, max_bytes, takes=_COPIES * len(content))
        return Upload(image, texts, warnings=warnings)
    if file is None:
        raise MissingFileError(
            f"The form's field '{FIELD}' is text, not a file and not a data URL. Send a file in it, with curl by an @ "
            f"before its name, {_HOW}"
        )
    if len(content) > max_bytes:
        raise too_large
    return Upload(content, texts, warnings=warnings)


async def read_image_files(request: Request, max_files: int, max_bytes: int, seconds: float, room: Room) -> Form:
    """Returns the files in a form's fields `files`, in order, and the names of its other fields.

    Args:
        request: request whose body has not been read.
        max_files: most files.
        max_bytes: most bytes of all files together.
        seconds: longest time for the body to arrive.
        room: counts the bytes of the body.

    Raises:
        UnsupportedMediaTypeError, MalformedFormError, MissingFileError, BodyTooSlowError, BuffersFullError: as for
            one file.
        BatchTooLargeError: the files have more than `max_bytes`.
        TooManyFilesError: there are more than `max_files`.
    """
    if _media_type(request) != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has {_content_type(request)}. Send the images as "
            f"multipart/form-data, each in a field '{BATCH_FIELD}', {_HOW_MANY}"
        )
    too_large = BatchTooLargeError(
        f"The files have more than the {max_bytes:,} bytes allowed together. Send fewer at a time."
    )
    body = await read_plain_body(request, max_bytes + max_files * _PART_OVERHEAD, too_large, seconds, room)
    too_many = TooManyFilesError(f"The form has more than the {max_files:,} files allowed. Send fewer at a time.")
    form = await _parse_form(request, body, room, BATCH_FIELD, _HOW_MANY, max_files, too_many)
    files = [part for part in form.parts if part.file is not None]
    if not form.parts:
        raise MissingFileError(f"The form has {_not_this(BATCH_FIELD, form)}. Send each image in one, {_HOW_MANY}")
    if len(files) < len(form.parts):
        raise MissingFileError(
            f"A field '{BATCH_FIELD}' of the form is text, not a file. Send a file in it, {_HOW_MANY}"
        )
    if sum(len(part.content) for part in files) > max_bytes:
        raise too_large
    return form


def _not_this(field: str, form: Form) -> str:
    """Returns what a form has instead of the field that is needed."""
    return f"no field '{field}'" + (f", but {in_quotes(form.others)}" if form.others else "")


def _media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "").partition(";")[0].strip().lower())


def _content_type(request: Request) -> str:
    """Returns in words which Content-Type a request has."""
    value = request.headers.get("content-type", "")
    return f"Content-Type {value!r}" if value else "no Content-Type"


async def _read_body(request: Request, most: int, too_large: DigitsError, seconds: float, room: Room) -> bytes:
    """Returns the body, of which no more than `most` bytes are read, whatever its Content-Length says."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    # To join many parts at the end would take the memory of the body twice, and what grows leaves holes behind. The
    # system gives pages of what is announced only when they are written.
    announced = int(length[:20]) if length.isdecimal() else 0
    whole, part, seen = BytesIO(bytes(announced)), b"", 0
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                part = message.get("body", b"")
                seen += len(part)
                if seen > most:
                    raise too_large
                room.take(len(part))
                more = message.get("more_body", False)
                # Most bodies come in one part, which needs no copy.
                if more or whole.tell():
                    whole.write(part)
        if context := CURRENT.get():
            context.is_read = True
    except TimeoutError:
        raise BodyTooSlowError(
            f"The body did not arrive within {seconds:g} seconds. Send a smaller image, or try again over a faster "
            "connection."
        ) from None
    finally:
        if context := CURRENT.get():
            context.size = seen
    if not whole.tell():
        return part
    whole.truncate()
    return whole.getvalue()


async def read_plain_body(request: Request, most: int, too_large: DigitsError, seconds: float, room: Room) -> bytes:
    """Returns the body without its compression; neither it nor what it unpacks to has more than `most` bytes."""
    body = await _read_body(request, most, too_large, seconds, room)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    content = await room.unpack(inflate, body, encoding, most, too_large, takes=inflated_bytes(body, most))
    # What was compressed is needed no longer.
    room.take(len(content) - len(body))
    return content


async def _parse_form(
    request: Request,
    body: bytes,
    room: Room,
    field: str,
    how: str,
    most: int,
    too_many: DigitsError,
    texts: Collection[str] = (),
) -> Form:
    """Returns the parts of one field of a multipart form; raises `too_many` if there are more than `most`.

    The parts of the fields `texts` are among them.

    Starlette's own parser passes each part through a temporary file and several awaitables, which for small images
    takes longer than reading the digit.
    """
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get("boundary")
    try:
        if not boundary:
            raise MultipartError("its Content-Type names no boundary")
        # The parts are a copy of the body, and take its place.
        wanted = (boundary, field, most, too_many, texts)
        return await room.unpack(_parts_of, body, *wanted, takes=len(body), on_the_spot=_PARSE_ON_THE_SPOT_BYTES)
    except MultipartError as error:
        raise MalformedFormError(
            f"The multipart form cannot be read ({error.args[0]}). Let your HTTP client build it, {how}"
        ) from error


def _parts_of(body: bytes, boundary: str, field: str, most: int, too_many: DigitsError, texts: Collection[str]) -> Form:
    parts: list[Part] = []
    others: list[str] = []
    content: list[bytes] = []
    seen = seen_others = 0
    # Any byte is a character of Latin-1: names in other encodings do not spoil the form.
    with PushMultipartParser(boundary, max_header_count=_MAX_HEADERS, header_charset="latin-1") as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                part, content = event, []
                if part.name == field and seen == most:
                    raise too_many
                seen += part.name == field
                seen_others += part.name != field
                if seen_others > _MAX_OTHER_PARTS:
                    raise MultipartError(f"it has more than {_MAX_OTHER_PARTS} other fields")
            elif event is None:
                if part.name == field or part.name in texts:
                    is_base64 = (part.header(_TRANSFER_ENCODING) or "").strip().lower() == "base64"
                    parts.append(Part(part.name, _file_name(part), b"".join(content), is_base64))
                else:
                    others.append(_in_utf8(part.name))
            else:
                content.append(event)
    return Form(parts, list(dict.fromkeys(others)))


def _file_name(part: MultipartSegment) -> str | None:
    """Returns the name of a part's file, in whatever way the client wrote it; None if the part is a text field."""
    name: str | None = part.filename
    if name is None:
        extended = _EXTENDED_NAME.search(part.header("Content-Disposition") or "")
        return unquote(extended[1].rpartition("'")[2]) if extended else None
    return _in_utf8(name)


def _in_utf8(name: str) -> str:
    """Returns a name that was read as Latin-1 in UTF-8, which most clients send, if it is that."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name
