"""Screens WebP files. Of an animation only the first frame is kept, as a still image.

The layout of the chunks is that of the WebP Container Specification (RFC 9649).
"""

import struct
from collections.abc import Iterator, Mapping

from digits.images.screening.exif import orientation_only
from digits.images.screening.screened import MAX_PIECES, MAX_TEXT_BYTES, Canvas, Screened, too_many

_HEADER_BYTES = 12
_EXTENDED, _FRAME = b"VP8X", b"ANMF"
# The kinds of metadata that may say which way is up.
_METADATA = (b"EXIF", b"XMP ")
# The chunks of a frame: its transparency, and its pixels, lossy or lossless.
_PIXELS = frozenset({b"ALPH", b"VP8 ", b"VP8L"})
# Flags of the VP8X chunk.
_ANIMATION, _XMP, _EXIF, _ALPHA = 0x02, 0x04, 0x08, 0x10
# A frame's chunk begins with its place, size, duration and flags.
_FRAME_HEADER_BYTES = 16


def screen_webp(data: bytes) -> Screened:
    """Counts frames; keeps the pixels of the first frame and the orientation.

    Decoders keep two or three canvases of an animation in memory, however small its frames are. The first frame alone
    needs none of them.

    Raises:
        BrokenImageError: the file has more than `MAX_PIECES` chunks.
    """
    frames, is_animation, first_frame = 0, False, (0, 0)
    kept, kept_from, metadata = list[bytes](), 8, dict[bytes, bytes]()
    for number, (kind, start, end) in enumerate(_chunks(data, _HEADER_BYTES, len(data))):
        if number >= MAX_PIECES:
            raise too_many("chunks", MAX_PIECES)
        if kind == _FRAME:
            first_frame = first_frame if frames else (start, end)
            frames += 1
        elif kind == _EXTENDED and number == 0:
            is_animation = start + 8 < len(data) and bool(data[start + 8] & _ANIMATION)
        elif kind in _METADATA:
            content = b"" if kind in metadata else _needed_metadata(kind, data[start + 8 : min(end, len(data))])
            if kind == b"EXIF" or not content:
                kept += [data[kept_from:start], _chunk(kind, content) if content else b""]
                kept_from = end
            metadata.setdefault(kind, content)
    if is_animation:
        return _first_frame(data, *first_frame, frames, metadata)
    if not kept:
        return Screened(data, max(1, frames))
    rest = b"".join([*kept, data[kept_from:]])
    # The header gives the length of the file, which is shorter now.
    length = int.from_bytes(data[4:8], "little") + 8 + len(rest) - len(data)
    return Screened(b"RIFF" + struct.pack("<I", max(0, length)) + rest, max(1, frames))


def _needed_metadata(kind: bytes, content: bytes) -> bytes:
    """Returns what is kept of EXIF or XMP data: the orientation of the first, the second if it is short."""
    if kind == b"EXIF":
        return orientation_only(content[:MAX_TEXT_BYTES])
    return content if len(content) <= MAX_TEXT_BYTES else b""


def _first_frame(data: bytes, start: int, end: int, frames: int, metadata: Mapping[bytes, bytes]) -> Screened:
    """Returns the first frame of an animation as a still file; `is_whole` is False if it is not all there."""
    canvas_size = _size(data, _HEADER_BYTES + 8 + 4)
    if start == 0 or end > len(data) or end - start < 8 + _FRAME_HEADER_BYTES or canvas_size is None:
        return Screened(data, max(1, frames), is_whole=False)
    left, top = (2 * int.from_bytes(data[at : at + 3], "little") for at in (start + 8, start + 11))
    width, height = _size(data, start + 14) or (0, 0)
    chunks: list[tuple[bytes, bytes]] = []
    for number, (kind, at, stop) in enumerate(_chunks(data, start + 8 + _FRAME_HEADER_BYTES, end)):
        if number >= MAX_PIECES:
            raise too_many("chunks", MAX_PIECES)
        if kind in _PIXELS:
            chunks.append((kind, data[at:stop]))
    if left + width > canvas_size[0] or top + height > canvas_size[1]:
        return Screened(data, frames, is_whole=False)
    flags = _ALPHA if any(kind != b"VP8 " for kind, _ in chunks) else 0
    flags |= (_EXIF if metadata.get(b"EXIF") else 0) | (_XMP if metadata.get(b"XMP ") else 0)
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"".join(
        [
            b"WEBP" + _chunk(_EXTENDED, bytes([flags, 0, 0, 0]) + size),
            *(chunk for _, chunk in chunks),
            *(_chunk(kind, metadata[kind]) for kind in _METADATA if metadata.get(kind)),
        ]
    )
    still = b"RIFF" + struct.pack("<I", len(body)) + body
    is_all = (width, height) == canvas_size
    return Screened(still, frames, canvas=None if is_all else Canvas(*canvas_size, left, top))


def _size(data: bytes, at: int) -> tuple[int, int] | None:
    """Returns the width and height that are stored in 24 bits each, less one; None beyond the end."""
    if at + 6 > len(data):
        return None
    return int.from_bytes(data[at : at + 3], "little") + 1, int.from_bytes(data[at + 3 : at + 6], "little") + 1


def _chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def _chunks(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start and end of each chunk between two offsets; the last one may end beyond `stop`."""
    at = start
    while at + 8 <= stop:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        yield data[at : at + 4], at, end
        at = end
