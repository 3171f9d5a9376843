"""Request bodies to image bytes."""

from dataclasses import dataclass

import anyio.to_thread
from multipart import (
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)
from starlette.requests import Request

from api.problems import (
    MalformedFormError,
    MissingFileError,
    TooManyFilesError,
    UnsupportedMediaTypeError,
    UploadError,
)
from digits.errors import ImageTooLargeError
from digits.image import too_many_bytes

FIELD = "file"
BATCH_FIELD = "files"

# What boundaries and part headers may add to each file.
_PART_OVERHEAD = 16 * 1024
# Other fields than the one that is asked for are read past, up to so many.
_MAX_OTHER_PARTS = 7
_MAX_HEADERS = 16
# A larger form is taken apart in a thread, so that the others need not wait for it.
_ON_THE_SPOT_BYTES = 64 * 1024

_HOW = "for example: curl -F file=@7.png"


@dataclass(frozen=True)
class Part:
    """One part of a multipart form.

    Args:
        name: of its field.
        file: the name that the client gave the file; None if the part is a text field.
        content: its bytes.
    """

    name: str
    file: str | None
    content: bytes


async def read_image_file(request: Request, max_bytes: int) -> bytes:
    """The image of a request: its whole body, or the file in a form's field `file`.

    Args:
        request: whose body was not read yet.
        max_bytes: the largest file; bytes are counted as they come in, and no more than that is taken.

    Raises:
        UnsupportedMediaTypeError: neither an image nor a multipart form.
        MalformedFormError: not a readable form.
        MissingFileError: no file in it.
        ImageTooLargeError: more than `max_bytes`.
    """
    media_type = _media_type(request)
    if media_type.startswith("image/") or media_type == "application/octet-stream":
        return await _read_body(request, max_bytes, too_many_bytes(max_bytes))
    if media_type != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has Content-Type {request.headers.get('content-type', '')!r}. Send the image as "
            f"multipart/form-data in field '{FIELD}', {_HOW}; or as the body alone, with a Content-Type such as "
            "image/png."
        )
    body = await _read_body(request, max_bytes + _PART_OVERHEAD, too_many_bytes(max_bytes))
    parts = await _parse_form(request, body, _MAX_OTHER_PARTS + 1, _malformed("it has too many parts"))
    chosen = [part for part in parts if part.name == FIELD]
    if not chosen:
        raise MissingFileError(f"The form has no field '{FIELD}'. Send the image in it, {_HOW}")
    if chosen[-1].file is None:
        raise MissingFileError(f"The form's field '{FIELD}' is text, not a file. Send a file in it, {_HOW}")
    return chosen[-1].content


async def read_image_files(request: Request, max_files: int, max_bytes: int) -> list[Part]:
    """The files in a form's fields `files`, in order.

    Args:
        request: whose body was not read yet.
        max_files: how many there may be.
        max_bytes: all of them together.

    Raises:
        UnsupportedMediaTypeError, MalformedFormError, MissingFileError, ImageTooLargeError: as for one file.
        TooManyFilesError: more than `max_files`.
    """
    how = f"for example: curl -F {BATCH_FIELD}=@7.png -F {BATCH_FIELD}=@2.png"
    if _media_type(request) != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has Content-Type {request.headers.get('content-type', '')!r}. Send the images as "
            f"multipart/form-data, each in a field '{BATCH_FIELD}', {how}"
        )
    too_large = f"The files have more than the {max_bytes:,} bytes allowed together. Send fewer at a time."
    body = await _read_body(request, max_bytes + max_files * _PART_OVERHEAD, too_large)
    too_many = TooManyFilesError(f"The form has more than the {max_files:,} files allowed. Send fewer at a time.")
    parts = await _parse_form(request, body, _MAX_OTHER_PARTS + max_files, too_many)
    files = [part for part in parts if part.name == BATCH_FIELD and part.file is not None]
    if not files:
        raise MissingFileError(f"The form has no file in a field '{BATCH_FIELD}'. Send each image in one, {how}")
    if len(files) > max_files:
        raise too_many
    if sum(len(part.content) for part in files) > max_bytes:
        raise ImageTooLargeError(too_large)
    return files


def _media_type(request: Request) -> str:
    return str(request.headers.get("content-type", "").partition(";")[0].strip().lower())


async def _read_body(request: Request, most: int, too_large: str) -> bytes:
    """The body, of which no more than `most` bytes are taken, whatever its length is said to be."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise ImageTooLargeError(too_large)
    chunks, seen = [], 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > most:
            raise ImageTooLargeError(too_large)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _parse_form(request: Request, body: bytes, most_parts: int, too_many: UploadError) -> list[Part]:
    """The parts of a multipart form that was received whole; raises `too_many` for more than `most_parts`.

    Starlette's own parser hands each part through a temporary file and several awaitables, which for small images
    costs more than reading the digit.
    """
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get("boundary")
    if not boundary:
        raise _malformed("its Content-Type names no boundary")
    try:
        if len(body) <= _ON_THE_SPOT_BYTES:
            return _parts_of(body, boundary, most_parts, too_many)
        return await anyio.to_thread.run_sync(_parts_of, body, boundary, most_parts, too_many)
    except MultipartError as error:
        raise _malformed(str(error.args[0] if error.args else error)) from error


def _parts_of(body: bytes, boundary: str, most_parts: int, too_many: UploadError) -> list[Part]:
    parts: list[Part] = []
    content: list[bytes] = []
    with PushMultipartParser(boundary, max_header_count=_MAX_HEADERS) as parser:
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                if len(parts) == most_parts:
                    raise too_many
                part, content = event, []
            elif event is None:
                parts.append(Part(part.name, part.filename, b"".join(content)))
            else:
                content.append(event)
    return parts


def _malformed(reason: str) -> MalformedFormError:
    return MalformedFormError(f"The multipart form cannot be read ({reason}). Let your HTTP client build it, {_HOW}")
