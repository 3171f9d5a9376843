"""Screens JPEG 2000 files: a codestream alone, or in boxes (ITU-T T.800, annex I)."""

import struct
from collections.abc import Iterator

from digits.images.screening.jpeg2000.codestream import CODESTREAM, screen_codestream
from digits.images.screening.screened import MAX_PIECES, MAX_TEXT_BYTES, Screened, broken, too_many

_SIGNATURE_BOX = b"\0\0\0\x0cjP  \r\n\x87\n"
_TYPE_BOX = b"\0\0\0\x14ftypjp2 \0\0\0\0jp2 "
# The boxes of the header that colors need: size, depths, color space, palette and which channel is what.
_NEEDED_BOXES = frozenset({b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"})
# How a color space begins that is one of the numbered ones; others are profiles.
_NUMBERED = b"\1"


def screen_jpeg2000(data: bytes) -> Screened:
    """Keeps what the pixels need; checks that all headers agree, and what they ask for.

    OpenJPEG, which decodes these files, takes memory for all that the headers ask for, before it sees whether there
    are bytes for it. What hardly any file uses is left out or refused, so that less of it is open to attack.

    Raises:
        BrokenImageError: the file is damaged, cut off or hardly usual, or asks for far more than an image needs.
        TooManyPixelsError: it has too many pixels and no smaller copy of them.
    """
    if data.startswith(CODESTREAM):
        stream = screen_codestream(data)
        return Screened(stream.data, halvings=stream.halvings)
    header, content = _header_and_codestream(data)
    kept, size = list[bytes](), b""
    for kind, start, end in _boxes(header):
        is_profile = kind == b"colr" and not header.startswith(_NUMBERED, start)
        if kind in _NEEDED_BOXES and not is_profile:
            kept.append(_box(kind, header[start:end]))
        if kind == b"ihdr":
            size = header[start : start + 10]
    stream = screen_codestream(content)
    if size != struct.pack(">IIH", stream.height, stream.width, stream.components):
        raise broken("its headers say two sizes")
    boxes = (_SIGNATURE_BOX, _TYPE_BOX, _box(b"jp2h", b"".join(kept)), _box(b"jp2c", stream.data))
    return Screened(b"".join(boxes), halvings=stream.halvings)


def _header_and_codestream(data: bytes) -> tuple[bytes, bytes]:
    """Returns the contents of the first header box and of the first codestream behind it."""
    header = b""
    for number, (kind, start, end) in enumerate(_boxes(data)):
        if number >= MAX_PIECES:
            raise too_many("boxes", MAX_PIECES)
        if kind == b"jp2h" and not header:
            if end - start > MAX_TEXT_BYTES:
                raise too_many("bytes of header", MAX_TEXT_BYTES)
            header = data[start:end]
        elif kind == b"jp2c" and header:
            return header, data[start:end]
    raise broken("its header or its pixels are missing")


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start of the content and end of each box; the last one ends with the data at the latest."""
    at = 0
    while at + 8 <= len(data):
        size, kind, head = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16]), 16
        end = at + size if size else len(data)
        if end < at + head:
            return
        yield kind, min(at + head, len(data)), min(end, len(data))
        at = end
