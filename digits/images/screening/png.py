"""Screens PNG files, animated ones (APNG) too."""

import struct
import zlib
from collections.abc import Iterator

from digits.images.screening.exif import orientation_only
from digits.images.screening.screened import MAX_PIECES, MAX_TEXT_BYTES, Screened, too_many

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Deflate cannot make its output longer than this many times its input.
_MAX_INFLATION = 1_032
# The chunks that pixels and colors need. Other chunks, such as texts and profiles, may inflate to any size.
_NEEDED_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_XMP = b"XML:com.adobe.xmp\0\0"
_SAMPLES_BY_COLOR_TYPE = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def screen_png(data: bytes) -> Screened:
    """Keeps the chunks that pixels, colors and orientation need; counts frames; checks the length of the pixel data.

    The orientation is put before the pixels, so that it is known without decoding them.

    Raises:
        BrokenImageError: the file has more than `MAX_PIECES` chunks.
    """
    view = memoryview(data)
    kept, orientation = [view[:8]], list[bytes]()
    deflated_bytes, frames, seen = 0, 1, set[bytes]()
    pixels_at: int | None = None
    for number, (kind, start, end) in enumerate(chunks(data)):
        if number >= MAX_PIECES:
            raise too_many("chunks", MAX_PIECES)
        length = end - 4 - (start + 8)
        if kind == b"IDAT":
            deflated_bytes += length
            pixels_at = len(kept) if pixels_at is None else pixels_at
        elif kind == b"acTL":
            frames = int.from_bytes(data[start + 8 : start + 12])
        if kind in _NEEDED_CHUNKS:
            kept.append(view[start:end])
        elif kind not in seen and kind == b"eXIf":
            seen.add(kind)
            if exif := orientation_only(data[start + 8 : min(end - 4, start + 8 + MAX_TEXT_BYTES)]):
                orientation.append(_chunk(kind, exif))
        elif kind not in seen and kind == b"iTXt" and data.startswith(_XMP, start + 8) and length < MAX_TEXT_BYTES:
            seen.add(kind)
            orientation.append(_chunk(kind, data[start + 8 : end - 4]))
    is_whole = deflated_bytes * _MAX_INFLATION >= _raw_bytes(data)
    if not orientation and sum(map(len, kept)) == len(data):
        # Nothing is left out.
        return Screened(data, max(1, frames), is_whole)
    pixels_at = len(kept) if pixels_at is None else pixels_at
    return Screened(b"".join([*kept[:pixels_at], *orientation, *kept[pixels_at:]]), max(1, frames), is_whole)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _raw_bytes(data: bytes) -> int:
    """Returns how many bytes the pixels inflate to, by the header; 0 without one. Interlaced files need a few more."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        return 0
    width, height, depth, color_type = struct.unpack_from(">IIBB", data, 16)
    return int(height * (1 + (width * _SAMPLES_BY_COLOR_TYPE.get(color_type, 1) * depth + 7) // 8))


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start and end of each chunk of a PNG file; the last one may end beyond the file."""
    at, kind = 8, b""
    while at + 8 <= len(data) and kind != b"IEND":
        kind = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield kind, at, end
        at = end
