"""Takes the files and texts out of multipart forms."""

import re
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from digits.errors import DigitsError
from digits.service.errors import MalformedFormError

TRANSFER_ENCODING = "Content-Transfer-Encoding"

# Most fields of other names, which are skipped.
_MAX_OTHER_PARTS = 7
_MAX_HEADERS = 16

# Such as filename*=utf-8''caf%C3%A9.png (RFC 5987). RFC 7578 does not allow it in forms, but clients send it.
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*\"?([^\";]*)", re.IGNORECASE)


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
        warnings: what was passed over in the request, a sentence each.
    """

    parts: list[Part]
    others: list[str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What is asked for of a form.

    Args:
        field: the name of the field of the files.
        how: how to send them, for messages.
        most: parts of this field.
        too_many: is raised if there are more.
        texts: names of fields whose texts are asked for.
    """

    field: str
    how: str
    most: int
    too_many: DigitsError
    texts: tuple[str, ...] = ()


class Joined:
    """Joins pieces of bytes.

    To join them at the end would take their memory twice, and what grows is copied, and leaves holes behind.

    Args:
        announced: bytes that are to come. The system gives pages of them only when they are written.
    """

    def __init__(self, announced: int) -> None:
        self._announced = announced
        self._only = b""
        self._joined: BytesIO | None = None

    def add(self, piece: bytes | bytearray) -> None:
        """Adds the next piece."""
        if not piece:
            return
        # Most are all in one piece, which needs no copy.
        if self._joined is None and not self._only:
            self._only = bytes(piece)
            return
        if self._joined is None:
            self._joined = BytesIO(bytes(self._announced))
            self._joined.write(self._only)
            self._only = b""
        self._joined.write(piece)

    def content(self) -> bytes:
        """Returns all pieces together."""
        if self._joined is None:
            return self._only
        self._joined.truncate()
        return self._joined.getvalue()


class FormReader:
    """Takes what is wanted out of a multipart form while its body comes in, so that the body is never held besides.

    Starlette's own parser passes each part through a temporary file and several awaitables, which for small images
    takes longer than reading the digit.

    Args:
        content_type: of the request.
        wanted: what is asked for.
        announced: bytes of the body that are to come; 0 if they are not known.
    """

    def __init__(self, content_type: str, wanted: Wanted, announced: int) -> None:
        # How many bytes may come from the beginning of the present piece on.
        self._wanted, self._left = wanted, announced
        self._error: DigitsError | None = None
        self._parts: list[Part] = []
        self._others: list[str] = []
        self._of_field = self._beside = 0
        self._part: MultipartSegment | None = None
        self._content = Joined(0)
        boundary = parse_options_header(content_type)[1].get("boundary")
        # Any byte is a character of Latin-1: names in other encodings do not spoil the form.
        self._parser = PushMultipartParser(boundary or "-", max_header_count=_MAX_HEADERS, header_charset="latin-1")
        if not boundary:
            self._error = self._malformed("its Content-Type names no boundary")

    def feed(self, piece: bytes) -> None:
        """Takes the next piece of the body. What is wrong with it is told at the end."""
        if self._error is not None or not piece:
            return
        try:
            for event in self._parser.parse(piece):
                self._take(event)
        except MultipartError as error:
            self._error = self._malformed(error.args[0])
        except DigitsError as error:
            self._error = error
        self._left = max(0, self._left - len(piece))
        if self._error is not None:
            self._parts.clear()
            self._content = Joined(0)

    def form(self) -> Form:
        """Returns what is wanted, once the body has come.

        Raises:
            MalformedFormError: the form cannot be read.
            DigitsError: it has too many parts of the field; `Wanted.too_many`.
        """
        if self._error is None:
            try:
                self._parser.close()
            except MultipartError as cause:
                self._error = self._malformed(cause.args[0])
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                # Its traceback holds this frame: a circle, which would stay until garbage is collected.
                del error
        return Form(self._parts, list(dict.fromkeys(self._others)))

    def _take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """Takes the head of a part, bytes of it, or its end, which is None."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._is_kept():
            self._content.add(event)

    def _begin(self, part: MultipartSegment) -> None:
        wanted = self._wanted
        if part.name == wanted.field and self._of_field == wanted.most:
            raise wanted.too_many
        self._of_field += part.name == wanted.field
        self._beside += part.name != wanted.field
        self._part, self._content = part, Joined(self._left)
        if self._beside > _MAX_OTHER_PARTS:
            raise MultipartError(f"it has more than {_MAX_OTHER_PARTS} other fields")

    def _is_kept(self) -> bool:
        return self._part is not None and self._part.name in (self._wanted.field, *self._wanted.texts)

    def _end(self) -> None:
        part = self._part
        if part is None:
            return
        if not self._is_kept():
            self._others.append(_in_utf8(part.name))
            return
        is_base64 = (part.header(TRANSFER_ENCODING) or "").strip().lower() == "base64"
        self._parts.append(Part(part.name, _file_name(part), self._content.content(), is_base64))
        self._part, self._content = None, Joined(0)

    def _malformed(self, reason: str) -> MalformedFormError:
        return MalformedFormError(
            f"The multipart form cannot be read ({reason}). Let your HTTP client build it, {self._wanted.how}"
        )


def read_form(body: bytes, content_type: str, wanted: Wanted) -> Form:
    """Returns what is wanted of a multipart form whose whole body is there; arguments and errors as for FormReader."""
    reader = FormReader(content_type, wanted, len(body))
    reader.feed(body)
    return reader.form()


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
