"""Request bodies to image bytes."""

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from api.problems import MalformedFormError, MissingFileError, UnsupportedMediaTypeError
from digits.errors import ImageTooLargeError
from digits.image import too_many_bytes

FIELD = "file"

# What boundaries and part headers may add to the file itself.
_FORM_OVERHEAD = 16 * 1024
_MAX_PARTS = 8

_HOW = "for example: curl -F file=@7.png"


async def read_image_file(request: Request, max_bytes: int) -> bytes:
    """The file in a request's form field `file`.

    Args:
        request: whose body was not read yet.
        max_bytes: the largest file; bytes are counted as they come in, and no more than that is taken.

    Raises:
        UnsupportedMediaTypeError: not a multipart form.
        MalformedFormError: not a readable one.
        MissingFileError: no file in it.
        ImageTooLargeError: more than `max_bytes`.
    """
    media_type = request.headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise UnsupportedMediaTypeError(
            f"The request has Content-Type {media_type!r}. Send the image as multipart/form-data in field "
            f"'{FIELD}', {_HOW}"
        )
    bounded = Request(request.scope, _count(request.receive, max_bytes + _FORM_OVERHEAD, max_bytes))
    try:
        form = await bounded.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS)
    except ImageTooLargeError:
        raise
    except (HTTPException, ValueError, LookupError) as error:
        # ValueError and LookupError: the header names a character set that cannot decode the parts' names.
        reason = error.detail if isinstance(error, HTTPException) else "its character set is wrong"
        raise MalformedFormError(
            f"The multipart form cannot be read ({reason}). Let your HTTP client build it, {_HOW}"
        ) from error
    try:
        part = form.get(FIELD)
        if part is None:
            raise MissingFileError(f"The form has no field '{FIELD}'. Send the image in it, {_HOW}")
        if not isinstance(part, UploadFile):
            raise MissingFileError(f"The form's field '{FIELD}' is text, not a file. Send a file in it, {_HOW}")
        return await part.read()
    finally:
        await form.close()


def _count(receive: Receive, most: int, max_bytes: int) -> Receive:
    """Hands messages on until their bodies add up to more than `most` bytes."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise ImageTooLargeError(too_many_bytes(max_bytes))
        return message

    return counted
