"""Looks at how an image file is built before a decoder does, and refuses what would keep one busy for nothing.

Decoders take formats at their word: a file of a few megabytes may consist of millions of empty pieces, go over its
pixels thousands of times, or carry texts that inflate to gigabytes. All of that is seen from the outside, without
decoding anything.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping

from digits.errors import BrokenImageError
from digits.images.screening.jpeg import screen_jpeg
from digits.images.screening.result import MAX_PIECES, Screened, too_many
from digits.images.screening.tiff import orientation_alone, screen_tiff

# Pixels of a GIF file come in blocks of 255 bytes, of some programs in half as many; in shorter ones, no more than
# `MAX_PIECES` more.
GIF_BLOCK_BYTES = 128
# Run lengths of a bitmap are read one by one, and pixels that they leave out are filled in one by one.
MAX_RUN_BYTES = 100_000
MAX_RUN_PIXELS = 250_000

# Of what programs say about a picture, no more is read; in a JPEG file there is no room for more.
MAX_TEXT_BYTES = 65_536

# Deflate makes its output at most so many times its input.
_MAX_INFLATION = 1_032

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What pixels, colors and the way up need. Others, such as texts and profiles, may inflate to any size.
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_XMP = b"XML:com.adobe.xmp\0\0"
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_RUNS = frozenset({1, 2})


def screen(data: bytes) -> Screened:
    """Looks at how a file is built; files of unknown formats, and damaged ones, pass as they are.

    It takes some milliseconds, and 50 at the most for a file of 20 MB, whatever it is.

    Raises:
        BrokenImageError: it consists of far more pieces than an image needs.
    """
    for signature, look in _FORMATS.items():
        if data.startswith(signature):
            return look(data)
    return Screened(data)


def _look_at_png(data: bytes) -> Screened:
    kept, packed, frames, seen = [data[:8]], 0, 1, set[bytes]()
    for number, (kind, start, end) in enumerate(_png_chunks(data)):
        if number >= MAX_PIECES:
            raise too_many("chunks", MAX_PIECES)
        length = end - 4 - (start + 8)
        if kind == b"IDAT":
            packed += length
        elif kind == b"acTL":
            frames = int.from_bytes(data[start + 8 : start + 12])
        if kind in _PNG_CHUNKS:
            kept.append(data[start:end])
        elif kind not in seen and kind == b"eXIf":
            seen.add(kind)
            if exif := orientation_alone(data[start + 8 : min(end - 4, start + 8 + MAX_TEXT_BYTES)]):
                kept.append(_png_chunk(kind, exif))
        elif kind not in seen and kind == b"iTXt" and data.startswith(_XMP, start + 8) and length < MAX_TEXT_BYTES:
            seen.add(kind)
            kept.append(data[start:end])
    is_whole = packed * _MAX_INFLATION >= _png_pixel_bytes(data)
    return Screened(b"".join(kept), max(1, frames), is_whole)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png_pixel_bytes(data: bytes) -> int:
    """How many bytes a PNG file's pixels inflate to, by its header; in Adam7 order a little more."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        return 0
    width, height, depth, color = struct.unpack_from(">IIBB", data, 16)
    return int(height * (1 + (width * _PNG_SAMPLES.get(color, 1) * depth + 7) // 8))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each; the last may end beyond the file."""
    at, kind = 8, b""
    while at + 8 <= len(data) and kind != b"IEND":
        kind = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4])
        yield kind, at, end
        at = end


def _look_at_gif(data: bytes) -> Screened:
    frames, blocks, at = 0, 0, 13 + _palette_size(data, 10)
    pieces, most_pieces, end = 0, MAX_PIECES + len(data) // GIF_BLOCK_BYTES, len(data)
    while at < end and data[at : at + 1] in (b"!", b","):
        is_frame = data[at : at + 1] == b","
        frames += is_frame
        at += 11 + _palette_size(data, at + 9) if is_frame else 2
        before = pieces
        while at < end and data[at]:
            at += 1 + data[at]
            pieces += 1
            if pieces > most_pieces:
                raise too_many("blocks of pixels", most_pieces)
        # Pixels come in so many blocks as they need.
        at, blocks = at + 1, blocks + 1 + (0 if is_frame else pieces - before)
        if blocks > MAX_PIECES:
            raise too_many("blocks", MAX_PIECES)
    return Screened(data, max(1, frames))


def _palette_size(data: bytes, at: int) -> int:
    """Bytes of the palette that the flags at a place announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _look_at_webp(data: bytes) -> Screened:
    frames, pieces, at = 0, 0, 12
    kept, start, seen = list[bytes](), 8, set[bytes]()
    while at + 8 <= len(data):
        pieces += 1
        if pieces > MAX_PIECES:
            raise too_many("chunks", MAX_PIECES)
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        frames += kind == b"ANMF"
        if kind == b"EXIF" or (kind == b"XMP " and (kind in seen or size > MAX_TEXT_BYTES)):
            exif = orientation_alone(data[at + 8 : min(end, at + 8 + MAX_TEXT_BYTES)]) if kind not in seen else b""
            kept += [data[start:at], exif and kind + struct.pack("<I", len(exif)) + exif]
            start = end
        seen.add(kind)
        at = end
    if not kept:
        return Screened(data, max(1, frames))
    rest = b"".join([*kept, data[start:]])
    # The file says how long it is.
    length = int.from_bytes(data[4:8], "little") + 8 + len(rest) - len(data)
    return Screened(b"RIFF" + struct.pack("<I", max(0, length)) + rest, max(1, frames))


def _look_at_bmp(data: bytes) -> Screened:
    header, width, height = struct.unpack("<Iii", data[14:26].ljust(12, b"\0"))
    # The oldest header, of twelve bytes, knows no run lengths.
    if header != 12 and int.from_bytes(data[30:34], "little") in _RUNS:
        for what, found, most in (
            ("bytes", len(data), MAX_RUN_BYTES),
            ("pixels", abs(width * height), MAX_RUN_PIXELS),
        ):
            if found > most:
                raise BrokenImageError(
                    f"The bitmap has more than {most:,} {what} of run lengths. Save it anew, as PNG, and send that."
                )
    return Screened(data)


_FORMATS: Mapping[bytes, Callable[[bytes], Screened]] = {
    PNG_SIGNATURE: _look_at_png,
    b"\xff\xd8": screen_jpeg,
    b"GIF8": _look_at_gif,
    b"RIFF": _look_at_webp,
    b"BM": _look_at_bmp,
    b"II": screen_tiff,
    b"MM": screen_tiff,
}
