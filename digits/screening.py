"""Looks at how an image file is built before a decoder does, and refuses what would keep one busy for nothing.

Decoders take formats at their word: a file of a few megabytes may consist of millions of empty pieces, go over its
pixels thousands of times, or carry texts that inflate to gigabytes. All of that is seen from the outside, without
decoding anything.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from digits.errors import BrokenImageError

# Chunks of a PNG file, segments before the pixels of a JPEG file, blocks of a GIF file, tags of a TIFF file. Programs
# write some tens; pixels in pieces of 8 kB, and profiles in pieces of 64 kB, make it some thousands.
MAX_PIECES = 10_000
# A progressive JPEG file has about ten.
MAX_SCANS = 50
# Strips or tiles of a TIFF file, each of which costs about as much as a piece.
MAX_STRIPS = 20_000
# Run lengths of a bitmap are read one by one.
MAX_RUN_BYTES = 1_000_000

# Deflate makes its output at most so many times its input.
_MAX_INFLATION = 1_032

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What pixels, colors and the way up need. Others, such as texts and profiles, may inflate to any size.
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_XMP = b"XML:com.adobe.xmp\0\0"
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

_EXIF = b"Exif\0\0"
# The markers that begin a frame, and so give its size.
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Those of frames that come in one scan, if it has all their colors.
_JPEG_AT_ONCE = frozenset({0xC0, 0xC1, 0xC3, 0xC9, 0xCB})
_JPEG_SCAN, _JPEG_EXIF = 0xDA, 0xE1
_NO_MARKER = re.compile(rb"[^\xff]")

_MAX_EXIF_TAGS = 1_000
_TIFF_STRIPS = frozenset({273, 279, 324, 325})


@dataclass(frozen=True)
class Screened:
    """A file that is safe to hand to its decoder.

    Args:
        data: the file, perhaps without parts that its picture does not need.
        frames: images in it: frames of an animation, pages of a document.
        is_whole: False if it is too short to hold as many pixels as it says.
    """

    data: bytes
    frames: int = 1
    is_whole: bool = True


def screen(data: bytes) -> Screened:
    """Looks at how a file is built; files of unknown formats, and damaged ones, pass as they are.

    It takes a few milliseconds at the most, whatever the file.

    Raises:
        BrokenImageError: it consists of far more pieces than an image needs.
    """
    for signature, look in _FORMATS.items():
        if data.startswith(signature):
            return look(data)
    return Screened(data)


def _too_many(what: str, most: int) -> BrokenImageError:
    return BrokenImageError(
        f"The image file has more than {most:,} {what}, far more than an image needs. Save it anew and send that."
    )


def _look_at_png(data: bytes) -> Screened:
    kept, packed, frames = [data[:8]], 0, 1
    for number, (kind, start, end) in enumerate(_png_chunks(data)):
        if number >= MAX_PIECES:
            raise _too_many("chunks", MAX_PIECES)
        length = end - 4 - (start + 8)
        if kind == b"IDAT":
            packed += length
        elif kind == b"acTL":
            frames = int.from_bytes(data[start + 8 : start + 12])
        if (
            kind in _PNG_CHUNKS
            or (kind == b"eXIf" and _tags_are_bounded(data[start + 8 : end - 4]))
            or (kind == b"iTXt" and data.startswith(_XMP, start + 8) and length < 65_536)
        ):
            kept.append(data[start:end])
    is_whole = packed * _MAX_INFLATION >= _png_pixel_bytes(data)
    return Screened(b"".join(kept), max(1, frames), is_whole)


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


def _look_at_jpeg(data: bytes) -> Screened:
    kept, start, is_whole = [], 0, True
    pixels, colors, in_scans = 0, 0, True
    for number, (marker, at, end) in enumerate(_jpeg_segments(data)):
        if number >= MAX_PIECES:
            raise _too_many("segments", MAX_PIECES)
        if marker in _JPEG_FRAMES:
            height, width, colors = struct.unpack(">HHB", data[at + 5 : at + 10].ljust(5, b"\0"))
            pixels, in_scans = width * height, marker not in _JPEG_AT_ONCE
        elif marker == _JPEG_SCAN:
            # Each block of 64 pixels takes a bit at the least.
            is_whole = (len(data) - at) * 8 * 64 >= pixels
            if (in_scans or data[at + 4 : at + 5] != bytes([colors])) and _scans(data, at) > MAX_SCANS:
                raise _too_many("scans", MAX_SCANS)
            break
        elif marker == _JPEG_EXIF and data.startswith(_EXIF, at + 4) and not _tags_are_bounded(data[at + 10 : end]):
            kept.append(data[start:at])
            start = end
    return Screened(b"".join([*kept, data[start:]]) if kept else data, is_whole=is_whole)


def _scans(data: bytes, at: int) -> int:
    """How often a JPEG file goes over its pixels; what comes after its end does not count."""
    end = data.find(b"\xff\xd9", at)
    return data.count(b"\xff\xda", at, len(data) if end < 0 else end)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each before the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        found = _NO_MARKER.search(data, at, at + MAX_PIECES + 1)
        if found is None:
            raise _too_many("bytes of filling", MAX_PIECES)
        at = found.start() - 1
        marker = data[at + 1]
        alone = marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD9
        end = at + (2 if alone else 2 + int.from_bytes(data[at + 2 : at + 4]))
        yield marker, at, end
        at = end


def _look_at_gif(data: bytes) -> Screened:
    frames, blocks, at = 0, 0, 13 + _palette_size(data, 10)
    while at < len(data) and data[at : at + 1] in (b"!", b","):
        is_frame = data[at : at + 1] == b","
        frames += is_frame
        at += 11 + _palette_size(data, at + 9) if is_frame else 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
            # Pixels come in so many blocks as they need.
            blocks += not is_frame
        at, blocks = at + 1, blocks + 1
        if blocks > MAX_PIECES:
            raise _too_many("blocks", MAX_PIECES)
    return Screened(data, max(1, frames))


def _palette_size(data: bytes, at: int) -> int:
    """Bytes of the palette that the flags at a place announce."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _look_at_webp(data: bytes) -> Screened:
    frames, pieces, at = 0, 0, 12
    while at + 8 <= len(data):
        pieces += 1
        if pieces > MAX_PIECES:
            raise _too_many("chunks", MAX_PIECES)
        frames += data[at : at + 4] == b"ANMF"
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    return Screened(data, max(1, frames))


def _look_at_bmp(data: bytes) -> Screened:
    if int.from_bytes(data[30:34], "little") in (1, 2) and len(data) > MAX_RUN_BYTES:
        raise BrokenImageError(
            f"The bitmap has more than {MAX_RUN_BYTES:,} bytes of run lengths. Save it anew, as PNG, and send that."
        )
    return Screened(data)


def _look_at_tiff(data: bytes) -> Screened:
    pages, tags = 0, 0
    for directory in _tiff_directories(data):
        pages, tags = pages + 1, tags + directory.tags
        if tags > MAX_PIECES:
            raise _too_many("tags", MAX_PIECES)
        if directory.strips > MAX_STRIPS:
            raise _too_many("strips or tiles", MAX_STRIPS)
    return Screened(data, max(1, pages))


@dataclass(frozen=True)
class _Directory:
    """One of the directories of a TIFF file: how many tags it has, and how many strips or tiles its image."""

    tags: int
    strips: int


def _tiff_directories(data: bytes) -> Iterator[_Directory]:
    """Each in the order of the chain, up to its end, or to where it leads out of the file or back into itself."""
    order, large = "<" if data[:2] == b"II" else ">", 43 in data[2:4]
    offset, count, entry, size = ("Q", "Q", "HHQQ", 20) if large else ("I", "H", "HHII", 12)
    at, seen = _number(data, 8 if large else 4, order + offset), set[int]()
    while at and at not in seen:
        seen.add(at)
        tags = _number(data, at, order + count)
        if tags == 0:
            return
        start = at + struct.calcsize(order + count)
        end = start + size * min(tags, MAX_PIECES)
        inside = data[start:end]
        entries = struct.iter_unpack(order + entry, inside[: len(inside) - len(inside) % size])
        yield _Directory(tags, max((many for tag, _, many, _ in entries if tag in _TIFF_STRIPS), default=0))
        at = _number(data, end, order + offset)


def _number(data: bytes, at: int, form: str) -> int:
    """The number at a place; 0 beyond the end."""
    return int(struct.unpack_from(form, data, at)[0]) if at + struct.calcsize(form) <= len(data) else 0


def _tags_are_bounded(exif: bytes) -> bool:
    """Whether EXIF data, which is built like a TIFF file, has no more tags than cameras write."""
    return all(directory.tags <= _MAX_EXIF_TAGS for directory in _tiff_directories(exif.removeprefix(_EXIF)))


_FORMATS: Mapping[bytes, Callable[[bytes], Screened]] = {
    PNG_SIGNATURE: _look_at_png,
    b"\xff\xd8": _look_at_jpeg,
    b"GIF8": _look_at_gif,
    b"RIFF": _look_at_webp,
    b"BM": _look_at_bmp,
    b"II": _look_at_tiff,
    b"MM": _look_at_tiff,
}
