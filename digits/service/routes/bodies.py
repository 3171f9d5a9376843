"""What a body may be wrapped in: compression, base64, data URLs, JSON; and strokes instead of an image.

Whatever is unpacked has a bound, and bodies that take long to unpack are unpacked in a thread.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import cv2

from digits.errors import DigitsError, ImageTooLargeError, UnsupportedFormatError
from digits.images.formats import format_of
from digits.images.ink import MAX_POINTS, Frame, draw_strokes, read_strokes
from digits.images.limits import too_many_bytes
from digits.service.errors import MalformedBodyError, MissingFileError, UnsupportedMediaTypeError
from digits.service.request_context import noted
from digits.service.routes.parameters import PAGE_FIELD, in_quotes, passed_over

IMAGE_MEMBERS = ("image", "file")
# Strokes; those of the second name hold all x of a stroke, then all y, as in Quick, Draw!.
STROKES, COLUMNS = ("strokes", "ink"), ("drawing",)

# Deflate makes at most so many bytes of one.
_MOST_INFLATED = 1_040
# A point has two numbers, and perhaps a time, a pressure and two more.
_MOST_COMMAS = 8 * MAX_POINTS
# Base64 is decoded in pieces of so many characters: to clean and decode all of it at once takes its size several times.
_PIECE = 16 * 1024
# A quoted character that goes on in the next piece.
_CUT_OFF = re.compile(r"%[0-9A-Fa-f]?\Z")
_WITHOUT_BLANKS = dict.fromkeys(map(ord, " \t\r\n\f\v"))
_DATA_URL = re.compile(r"data:[^,]{0,200}", re.IGNORECASE)
_WINDOW = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_NO_STROKES = (
    "There are no points in the strokes, so there is nothing to read. Send at least one stroke with one point."
)


def inflated_bytes(body: bytes, most: int) -> int:
    """Returns the most bytes that `inflate` makes of a body; arguments as there."""
    return min(most + 1, _MOST_INFLATED * len(body))


def inflate(body: bytes, encoding: str, most: int, too_large: DigitsError) -> bytes:
    """Returns a body without its Content-Encoding.

    Args:
        body: as it came in.
        encoding: the header's value, in lower case; "" or "identity" if it is not compressed.
        most: bytes that it may inflate to; no more are inflated.
        too_large: is raised if there are more.

    Raises:
        UnsupportedMediaTypeError: the encoding is another than gzip or deflate, or there are several.
        MalformedBodyError: it is damaged or cut short.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOW:
        raise UnsupportedMediaTypeError(
            f"The request has Content-Encoding {encoding[:60]!r}. Send the body as it is, or with gzip or deflate."
        )
    window = _WINDOW[encoding]
    # Some clients send deflate without the frame that the standard asks for.
    if encoding == "deflate" and not _has_zlib_head(body):
        window = -zlib.MAX_WBITS
    unpacker = zlib.decompressobj(window)
    try:
        content = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise MalformedBodyError(f"The body cannot be unpacked as {encoding} ({error}). Send it again.") from error
    if len(content) > most:
        raise too_large
    if not unpacker.eof or unpacker.unused_data:
        rest = "it is cut short" if not unpacker.eof else "other bytes follow it"
        raise MalformedBodyError(f"The body cannot be unpacked as {encoding} ({rest}). Send it again.")
    return content


def _has_zlib_head(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def from_base64(text: bytes | str, max_bytes: int) -> bytes:
    """Returns the bytes of a data URL, or of base64 in either alphabet, with or without line ends and padding.

    It takes hardly more memory than what it returns.

    Raises:
        MalformedBodyError: it is neither.
        ImageTooLargeError: it holds more than `max_bytes`.
        UnsupportedFormatError: what it holds is no image of any known format.
    """
    if len(text) > 2 * max_bytes + 1024:
        raise ImageTooLargeError(too_many_bytes(max_bytes))
    if not text.isascii():
        raise MalformedBodyError("The image's base64 has characters that base64 does not have.")
    start, is_quoted = _start_of_base64(text)
    try:
        content = _joined(_pieces(text, start, is_quoted=is_quoted))
    except (binascii.Error, ValueError) as error:
        raise MalformedBodyError(
            f"The image's base64 cannot be read ({error}). Send a data URL, as canvas.toDataURL() gives it, or base64."
        ) from error
    if len(content) > max_bytes:
        raise ImageTooLargeError(too_many_bytes(max_bytes))
    if content and format_of(content) is None:
        raise UnsupportedFormatError(
            "The base64 holds no image that can be read: it may be cut off, or hold something else. Send that of a "
            "whole image file, or a data URL, as canvas.toDataURL() gives it."
        )
    return content


def _start_of_base64(text: bytes | str) -> tuple[int, bool]:
    """Returns where the base64 of a text begins, and whether it stands in a data URL, which may quote characters."""
    begin = _in_ascii(text[:_PIECE])
    head = _DATA_URL.match(begin, len(begin) - len(begin.lstrip()))
    if head is None:
        return 0, False
    if not head[0].lower().endswith(";base64") or begin[head.end() : head.end() + 1] != ",":
        raise MalformedBodyError(
            f"The data URL begins with {head[0][:60]!r}; one with base64 is needed, such as "
            "data:image/png;base64,iVBORw0... (curl's -F ends a text at a semicolon: use --form-string)."
        )
    return head.end() + 1, True


def _pieces(text: bytes | str, start: int, *, is_quoted: bool) -> Iterator[str]:
    """Yields a text from `start` on in pieces, without blanks, in the usual alphabet."""
    rest = ""
    for first in range(start, len(text), _PIECE):
        piece, rest = rest + _in_ascii(text[first : first + _PIECE]), ""
        if is_quoted and "%" in piece:
            cut = _CUT_OFF.search(piece) if first + _PIECE < len(text) else None
            if cut is not None:
                piece, rest = piece[: cut.start()], cut[0]
            piece = unquote(piece)
        # Not by split: of many short lines it would make as many texts.
        yield piece.translate(_WITHOUT_BLANKS).replace("-", "+").replace("_", "/")


def _joined(pieces: Iterable[str]) -> bytes:
    """Returns the bytes of base64 that comes in pieces of any length, with or without padding at the end.

    Raises:
        ValueError: it is none.
    """
    content, rest, is_padded = BytesIO(), "", False
    for piece in pieces:
        characters = piece.rstrip("=")
        if is_padded and characters:
            raise ValueError("characters follow its end")
        is_padded = is_padded or len(characters) < len(piece)
        rest += characters
        whole = len(rest) // 4 * 4
        content.write(base64.b64decode(rest[:whole], validate=True))
        rest = rest[whole:]
    content.write(base64.b64decode(rest + "=" * (-len(rest) % 4), validate=True))
    return content.getvalue()


def _in_ascii(piece: bytes | str) -> str:
    return piece if isinstance(piece, str) else piece.decode("ascii")


def unpacked_json_bytes(body: bytes) -> int:
    """Returns the most bytes that `from_json` takes besides a body with one image: its text and that of the image."""
    # Python keeps a text with any character beyond Latin-1 in two or four bytes for each.
    is_narrow = body.isascii() and b"\\u" not in body
    return 2 * len(body) * (1 if is_narrow else 4)


@dataclass(frozen=True)
class Upload:
    """What a request sent.

    Args:
        content: the bytes of the image file.
        texts: the texts that came with it, by the names of their fields.
        frame: where the picture lies among the strokes of which it was drawn; None if it came as an image.
        warnings: what was passed over, a sentence each.
    """

    content: bytes
    texts: Mapping[str, str] = field(default_factory=dict)
    frame: Frame | None = None
    warnings: tuple[str, ...] = ()


def from_json(body: bytes, max_bytes: int, text_fields: Collection[str]) -> Upload:
    """Returns the image of a JSON body, or a picture of its strokes, and the texts of other members.

    Args:
        body: an object with `image`, which holds base64 or a data URL; or with `strokes`, `ink` or `drawing`; or a list
            of strokes.
        max_bytes: largest image, in bytes.
        text_fields: names of the members whose texts are asked for.

    Raises:
        MalformedBodyError: it is no JSON of this form.
        MissingFileError: it has neither image nor strokes.
        InkError: the strokes have another form.
        ImageTooLargeError: the image has more than `max_bytes`.
    """
    if body.count(b",") + body.count(b"[") + body.count(b"{") > _MOST_COMMAS:
        raise MalformedBodyError(
            f"The JSON has more values than strokes with {MAX_POINTS:,} points. Send fewer points."
        )
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedBodyError(f"The body is no JSON ({str(error)[:100]}). Let your HTTP client write it.") from error
    if isinstance(value, list):
        return _drawn(value, {}, columns=False)
    if not isinstance(value, dict):
        raise MalformedBodyError("The JSON is neither an object nor a list. " + _HOW)
    used = next((name for name in (*IMAGE_MEMBERS, *STROKES, *COLUMNS) if name in value), None)
    warnings = _passed_over(value, used or IMAGE_MEMBERS[0], text_fields)
    texts = {}
    for name in text_fields:
        member = value.get(name)
        if member is None:
            continue
        kind = int if name == PAGE_FIELD else str
        if isinstance(member, bool) or not isinstance(member, kind):
            what = "a whole number, such as 2" if kind is int else 'a text, such as "4-6"'
            raise MalformedBodyError(f"The JSON's member {name!r} is of another type than needed. Send {what}.")
        # A text may hold half of a character, which no answer could show.
        texts[name] = str(member).encode("utf-8", "replace").decode()
    if used is None:
        raise MissingFileError(f"The JSON has {f'only {in_quotes(value)}' if value else 'no members'}. {_HOW}")
    content = value[used]
    if used in IMAGE_MEMBERS:
        if not isinstance(content, str):
            raise MalformedBodyError(f"The JSON's member {used!r} is no text. " + _HOW)
        return Upload(from_base64(content, max_bytes), texts, warnings=warnings)
    # ML Kit's Ink is an object with strokes.
    strokes = content["strokes"] if isinstance(content, dict) and "strokes" in content else content
    return replace(_drawn(strokes, texts, columns=used in COLUMNS), warnings=warnings)


_HOW = 'Send {"image": "<base64 or data URL>"}, or {"strokes": [[[x, y], ...], ...]}.'


def _passed_over(members: Collection[str], used: str, text_fields: Collection[str]) -> tuple[str, ...]:
    """Returns the warning of members beside the one that holds the picture, and beside those of parameters."""
    others = [name for name in members if name != used and name not in text_fields]
    return noted(passed_over("JSON", others, (used, *text_fields)))


def _drawn(value: Any, texts: Mapping[str, str], *, columns: bool) -> Upload:
    """Returns a PNG file of strokes, with the texts that came with them."""
    strokes = read_strokes(value, columns=columns)
    if not strokes:
        raise MalformedBodyError(_NO_STROKES)
    # Hardly packed: it is read at once.
    picture, frame = draw_strokes(strokes)
    done, file = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise MalformedBodyError("The strokes cannot be drawn. Send them with fewer points.")
    return Upload(file.tobytes(), texts, frame)
