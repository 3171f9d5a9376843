"""How JPEG files are built."""

import re
import struct
from collections.abc import Iterator

import numpy as np

from digits.images.screening.result import MAX_PIECES, Screened, too_many
from digits.images.screening.tiff import orientation_alone

# A progressive JPEG file has about ten.
MAX_SCANS = 50
# In one place among the pixels, where there is none; twice as many are always found.
MAX_FILLING = 5_000
# Of tables and frames before the pixels, which have some hundred; they are read number by number.
MAX_TABLE_BYTES = 65_536

# The markers that begin a frame, and so give its size.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Those of frames that come in one scan, if it has all their colors.
_AT_ONCE = frozenset({0xC0, 0xC1, 0xC3, 0xC9, 0xCB})
_END, _SCAN, _JFIF, _EXIF, _ADOBE, _COMMENT = 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
# What programs add to the picture.
_ADDED = frozenset({*range(0xE0, 0xF0), _COMMENT})
# Of that, what says how colors are meant, and, besides EXIF data, which way is up.
_NEEDED = {_JFIF: b"JFIF\0", _ADOBE: b"Adobe", _EXIF: b"http://ns.adobe.com/xap/1.0/\0"}
# Behind these the length of what follows is given.
_WITH_LENGTH = _FRAMES | _ADDED | {0xC4, 0xCC, *range(0xDA, 0xE0)}
_EXIF_START = b"Exif\0\0"
_AT_A_TIME = 1_000_000
_NO_FILLING = re.compile(rb"[^\xff]")


def screen_jpeg(data: bytes) -> Screened:
    """Leaves out what the picture does not need; checks that the file can hold as many pixels as it says.

    Raises:
        BrokenImageError: far more segments, filling, bytes of tables or scans than an image needs.
    """
    kept, rest, seen = [data[:2]], b"", set[bytes]()
    # Where the file is as it was up to now.
    same, is_whole = 2, True
    pixels, colors, in_scans, tables = 0, 0, True, 0
    for number, (marker, at, end) in enumerate(_segments(data)):
        if number >= MAX_PIECES:
            raise too_many("segments", MAX_PIECES)
        if marker == _SCAN:
            # Each block of 64 pixels takes a bit at the least.
            is_whole = (len(data) - at) * 8 * 64 >= pixels
            if in_scans or data[at + 4 : at + 5] != bytes([colors]):
                scans, _ = _scans(data, at, len(data))
                if scans > MAX_SCANS:
                    raise too_many("scans", MAX_SCANS)
            # A decoder that gets a file in parts begins such filling anew with each.
            if (filling := _filling(data, at)) and not _scans(data, at, filling)[1]:
                raise too_many("bytes of filling", MAX_FILLING)
            if at == same:
                return Screened(data, is_whole=is_whole)
            rest = data[at:]
            break
        if marker in _FRAMES:
            height, width, colors = struct.unpack(">HHB", data[at + 5 : at + 10].ljust(5, b"\0"))
            pixels, in_scans = width * height, marker not in _AT_ONCE
        piece = data[at:end]
        # Of one that is cut off, all is kept: it shows that the file is.
        if marker in _ADDED and end <= len(data):
            piece = _what_is_needed(marker, piece, seen)
        elif marker not in _ADDED:
            tables += end - at
            if tables > MAX_TABLE_BYTES:
                raise too_many("bytes of tables", MAX_TABLE_BYTES)
        kept.append(piece)
        if at == same and piece == data[at:end]:
            same = end
    return Screened(b"".join([*kept, rest]), is_whole=is_whole)


def _what_is_needed(marker: int, segment: bytes, seen: set[bytes]) -> bytes:
    """What is kept of a segment that a program added; of each kind there is but one."""
    start = _EXIF_START if segment.startswith(_EXIF_START, 4) else _NEEDED.get(marker, b"")
    if not start or start in seen or not segment.startswith(start, 4):
        return b""
    seen.add(start)
    if start != _EXIF_START:
        return segment
    content = orientation_alone(segment[4:])
    return content and b"\xff\xe1" + struct.pack(">H", 2 + len(start) + len(content)) + start + content


def _filling(data: bytes, at: int) -> int:
    """Where there is much filling from a place on; 0 if nowhere."""
    filling = b"\xff" * MAX_FILLING
    # Searching for it takes long among many pieces of it.
    return next((place for place in range(at, len(data), MAX_FILLING) if data.startswith(filling, place)), 0)


def _scans(data: bytes, at: int, to: int) -> tuple[int, bool]:
    """How often a JPEG file goes over its pixels between two places, and whether its end is there.

    What comes after the end does not count, nor how many more there are than `MAX_SCANS`.
    """
    scans, codes = 0, np.frombuffer(data[:to], np.uint8)
    # Searching for two bytes takes long among many of the first.
    for start in range(at, to, _AT_A_TIME):
        following = codes[start + 1 : start + 1 + _AT_A_TIME]
        is_marker = codes[start : start + len(following)] == 0xFF
        ends = np.flatnonzero(is_marker & (following == _END))
        scans += int(np.count_nonzero((is_marker & (following == _SCAN))[: ends[0] if ends.size else None]))
        if ends.size or scans > MAX_SCANS:
            return scans, bool(ends.size)
    return scans, False


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each before the first scan; decoders skip what stands between them."""
    at = data.find(b"\xff", 2)
    while at >= 0 and at + 4 <= len(data):
        found = _NO_FILLING.search(data, at, at + MAX_PIECES + 1)
        if found is None:
            raise too_many("bytes of filling", MAX_PIECES)
        at = found.start() - 1
        marker = data[at + 1]
        end = at + 2 + (int.from_bytes(data[at + 2 : at + 4]) if marker in _WITH_LENGTH else 0)
        yield marker, at, end
        at = data.find(b"\xff", end)
