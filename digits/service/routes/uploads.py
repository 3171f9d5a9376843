"""Reads the image files out of request bodies."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

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
from digits.service.request_context import CURRENT, noted
from digits.service.routes.bodies import Upload, from_base64, from_json, inflate, inflated_bytes, unpacked_json_bytes
from digits.service.routes.forms import TRANSFER_ENCODING, Form, FormReader, Joined, Wanted, read_form
from digits.service.routes.parameters import in_quotes, passed_over, passed_over_in_query, told_of_query

FIELD = "file"
# The media types of a body that is the file itself; any other that begins with image/ is one, too.
RAW_TYPES = ("image/*", "application/pdf", "application/octet-stream")
BATCH_FIELD = "files"

# Most bytes that boundaries and part headers add to each file.
_PART_OVERHEAD = 16 * 1024
# Most fields of the wanted name; the last one counts, as in most web frameworks.
_MAX_SAME_PARTS = 8
# A thread parses a larger form, so that other requests need not wait for it.
_PARSE_ON_THE_SPOT_BYTES = 64 * 1024

_HOW = f"for example: curl -F {FIELD}=@7.png"
_HOW_RAW = "curl -H 'Content-Type: image/png' --data-binary @7.png"
_HOW_MANY = f"for example: curl -F {BATCH_FIELD}=@7.png -F {BATCH_FIELD}=@2.png"


async def read_upload(
    request: Request, max_bytes: int, seconds: float, room: Room, text_fields: Sequence[str] = ()
) -> Upload:
    """Returns the image of a request, the texts in other fields of its form, and what was passed over in all of it.

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
    with told_of_query(request, text_fields):
        upload = await _read_upload(request, max_bytes, seconds, room, text_fields)
    return replace(upload, warnings=upload.warnings + passed_over_in_query(request, upload.texts, text_fields))


async def _read_upload(
    request: Request, max_bytes: int, seconds: float, room: Room, text_fields: Sequence[str]
) -> Upload:
    """Returns what the body of a request holds; arguments and errors as for `read_upload`."""
    media_type = _media_type(request)
    too_large = ImageTooLargeError(too_many_bytes(max_bytes))
    if media_type.startswith("image/") or media_type in RAW_TYPES:
        body = await read_plain_body(request, max_bytes, too_large, seconds, room)
        if request.headers.get(TRANSFER_ENCODING, "").strip().lower() == "base64":
            body = await room.unpack(from_base64, body, max_bytes, takes=len(body))
        return Upload(body)
    if media_type == "application/json":
        # Base64 takes four bytes for three.
        most = max_bytes * 4 // 3 + _PART_OVERHEAD
        body = await read_plain_body(request, most, too_large, seconds, room)
        return await room.unpack(from_json, body, max_bytes, text_fields, takes=unpacked_json_bytes(body))
    if media_type != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has {_content_type(request)}. Send the image as multipart/form-data in field '{FIELD}', "
            f"{_HOW}; as the body alone, with a Content-Type such as image/png, for example: {_HOW_RAW}; or as "
            "application/json, with base64 or a data URL as 'image'."
        )
    too_many = MalformedFormError(
        f"The form has more than {_MAX_SAME_PARTS} fields '{FIELD}'. Send one file, {_HOW}; many go to /predict/batch/."
    )
    wanted = Wanted(FIELD, _HOW, _MAX_SAME_PARTS, too_many, tuple(text_fields))
    form = await _read_form(request, max_bytes + _PART_OVERHEAD, too_large, seconds, room, wanted)
    chosen = [part for part in form.parts if part.field == FIELD]
    texts = {part.field: part.content.decode("utf-8", "replace") for part in form.parts if part.field != FIELD}
    warnings = passed_over("form", form.others, (FIELD, *text_fields))
    if len(chosen) > 1:
        warnings += (f"The form has {len(chosen)} fields '{FIELD}'. The last was read; many go to /predict/batch/.",)
    noted(warnings)
    if not chosen:
        raise MissingFileError(f"The form has {_not_this(FIELD, form)}. Send the image in it, {_HOW}")
    content, file = chosen[-1].content, chosen[-1].file
    if chosen[-1].is_base64 or (file is None and content[:5].lower() == b"data:"):
        image = await room.unpack(from_base64, content, max_bytes, takes=len(content))
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
    """Returns the files in a form's fields `files`, in order, and what was passed over in the request.

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
    with told_of_query(request, ()):
        form = await _read_image_files(request, max_files, max_bytes, seconds, room)
    return replace(form, warnings=form.warnings + passed_over_in_query(request, {}, ()))


async def _read_image_files(request: Request, max_files: int, max_bytes: int, seconds: float, room: Room) -> Form:
    """Returns what the body of a request holds; arguments and errors as for `read_image_files`."""
    if _media_type(request) != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has {_content_type(request)}. Send the images as "
            f"multipart/form-data, each in a field '{BATCH_FIELD}', {_HOW_MANY}"
        )
    too_large = BatchTooLargeError(
        f"The files have more than the {max_bytes:,} bytes allowed together. Send fewer at a time."
    )
    too_many = TooManyFilesError(f"The form has more than the {max_files:,} files allowed. Send fewer at a time.")
    wanted = Wanted(BATCH_FIELD, _HOW_MANY, max_files, too_many)
    form = await _read_form(request, max_bytes + max_files * _PART_OVERHEAD, too_large, seconds, room, wanted)
    warnings = noted(passed_over("form", form.others, (BATCH_FIELD,)))
    files = [part for part in form.parts if part.file is not None]
    if not form.parts:
        raise MissingFileError(f"The form has {_not_this(BATCH_FIELD, form)}. Send each image in one, {_HOW_MANY}")
    if len(files) < len(form.parts):
        raise MissingFileError(
            f"A field '{BATCH_FIELD}' of the form is text, not a file. Send a file in it, {_HOW_MANY}"
        )
    if sum(len(part.content) for part in files) > max_bytes:
        raise too_large
    return replace(form, warnings=warnings)


def _not_this(field: str, form: Form) -> str:
    """Returns what a form has instead of the field that is needed."""
    return f"no field '{field}'" + (f", but {in_quotes(form.others)}" if form.others else "")


def _media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "").partition(";")[0].strip().lower())


def _content_type(request: Request) -> str:
    """Returns in words which Content-Type a request has."""
    value = request.headers.get("content-type", "")
    return f"Content-Type {value!r}" if value else "no Content-Type"


async def _receive_body(
    request: Request, most: int, too_large: DigitsError, seconds: float, room: Room, keep: Callable[[bytes], None]
) -> None:
    """Hands over the body piece by piece, of which no more than `most` bytes, whatever its Content-Length says."""
    if _announced_bytes(request) > most:
        raise too_large
    seen, more = 0, True
    try:
        async with asyncio.timeout(seconds):
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                piece = message.get("body", b"")
                seen += len(piece)
                if seen > most:
                    raise too_large
                room.take(len(piece))
                more = message.get("more_body", False)
                keep(piece)
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


def _announced_bytes(request: Request) -> int:
    """Returns the Content-Length; 0 if there is none."""
    length = request.headers.get("content-length", "")
    return int(length[:20]) if length.isdecimal() else 0


def _encoding_of(request: Request) -> str:
    encoding: str = request.headers.get("content-encoding", "").strip().lower()
    return "" if encoding == "identity" else encoding


async def read_plain_body(request: Request, most: int, too_large: DigitsError, seconds: float, room: Room) -> bytes:
    """Returns the body without its compression; neither it nor what it unpacks to has more than `most` bytes."""
    whole = Joined(min(_announced_bytes(request), most))
    await _receive_body(request, most, too_large, seconds, room, whole.add)
    body, encoding = whole.content(), _encoding_of(request)
    if not encoding:
        return body
    content = await room.unpack(inflate, body, encoding, most, too_large, takes=inflated_bytes(body, most))
    # What was compressed is needed no longer.
    room.take(len(content) - len(body))
    return content


async def _read_form(
    request: Request, most: int, too_large: DigitsError, seconds: float, room: Room, wanted: Wanted
) -> Form:
    """Returns what is wanted of a multipart form, whose body may have `most` bytes, also where it is compressed."""
    content_type = request.headers["content-type"]
    if _encoding_of(request):
        body = await read_plain_body(request, most, too_large, seconds, room)
        # The parts are a copy of the body, and take its place.
        counted = {"takes": len(body), "on_the_spot": _PARSE_ON_THE_SPOT_BYTES}
        return await room.unpack(read_form, body, content_type, wanted, **counted)
    reader = FormReader(content_type, wanted, min(_announced_bytes(request), most))
    await _receive_body(request, most, too_large, seconds, room, reader.feed)
    return reader.form()
