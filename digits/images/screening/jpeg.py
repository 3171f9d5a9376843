"""Screens JPEG files."""

import re
import struct
from collections.abc import Iterator

from digits.images.screening.exif import orientation_only
from digits.images.screening.screened import MAX_PIECES, Screened, too_many

# The most scans (passes over the pixels). A progressive file has about ten.
MAX_SCANS = 50
# The most filling bytes in one place among the pixels, where encoders write none. Runs of twice as many are always
# found.
MAX_FILLING = 5_000
# The most bytes of tables and frame headers before the pixels. Encoders write some hundred; decoders read them number
# by number.
MAX_TABLE_BYTES = 65_536

# The markers of frame headers, which give the size of the picture.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# The frames that take a single scan if that scan has all color components.
_SINGLE_SCAN_FRAMES = frozenset({0xC0, 0xC1, 0xC3, 0xC9, 0xCB})
_END, _SCAN, _JFIF, _EXIF, _ADOBE, _COMMENT = 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
# The segments that programs add to the picture.
_ADDED = frozenset({*range(0xE0, 0xF0), _COMMENT})
# How the added segments start that say how colors are meant and, besides EXIF data, which way is up.
_NEEDED = {_JFIF: b"JFIF\0", _ADOBE: b"Adobe", _EXIF: b"http://ns.adobe.com/xap/1.0/\0"}
# The markers that are followed by the length of their segment.
_WITH_LENGTH = _FRAMES | _ADDED | {0xC4, 0xCC, *range(0xDA, 0xE0)}
_EXIF_START = b"Exif\0\0"
_SEARCH_BYTES = 1_000_000
_NO_FILLING = re.compile(rb"[^\xff]")


def screen_jpeg(data: bytes) -> Screened:
    """Leaves out segments that the picture does not need; checks that the file is long enough for its pixels.

    Raises:
        BrokenImageError: far more segments, filling bytes, bytes of tables or scans than an image needs.
    """
    kept, seen = [data[:2]], set[bytes]()
    rest: bytes | memoryview = b""
    # Up to this offset, what is kept is the same as the file.
    same_until, is_whole = 2, True
    pixels, components, has_many_scans, table_bytes = 0, 0, True, 0
    for number, (marker, at, end) in enumerate(_segments(data)):
        if number >= MAX_PIECES:
            raise too_many("segments", MAX_PIECES)
        if marker == _SCAN:
            # Each block of 64 pixels takes at least one bit.
            is_whole = (len(data) - at) * 8 * 64 >= pixels
            has_many_scans |= data[at + 4 : at + 5] != bytes([components])
            if has_many_scans:
                scans, _ = _count_scans(data, at, len(data))
                if scans > MAX_SCANS:
                    raise too_many("scans", MAX_SCANS)
            # A decoder that gets a file in parts starts over with such filling at each part.
            if (filling := _filling_at(data, at)) and not _count_scans(data, at, filling)[1]:
                raise too_many("bytes of filling", MAX_FILLING)
            if at == same_until:
                return Screened(data, is_whole=is_whole, is_in_passes=has_many_scans)
            rest = memoryview(data)[at:]
            break
        if marker in _FRAMES:
            height, width, components = struct.unpack(">HHB", data[at + 5 : at + 10].ljust(5, b"\0"))
            pixels, has_many_scans = width * height, marker not in _SINGLE_SCAN_FRAMES
        segment = data[at:end]
        # A segment that is cut off is kept whole: it shows that the file is.
        if marker in _ADDED and end <= len(data):
            segment = _needed_part(marker, segment, seen)
        elif marker not in _ADDED:
            table_bytes += end - at
            if table_bytes > MAX_TABLE_BYTES:
                raise too_many("bytes of tables", MAX_TABLE_BYTES)
        kept.append(segment)
        if at == same_until and segment == data[at:end]:
            same_until = end
    # Without a frame there are no pixels, and no passes.
    is_in_passes = has_many_scans and components > 0
    return Screened(b"".join([*kept, rest]), is_whole=is_whole, is_in_passes=is_in_passes)


def _needed_part(marker: int, segment: bytes, seen: set[bytes]) -> bytes:
    """Returns what is kept of a segment that a program added; of each kind, only the first is kept."""
    start = _EXIF_START if segment.startswith(_EXIF_START, 4) else _NEEDED.get(marker, b"")
    if not start or start in seen or not segment.startswith(start, 4):
        return b""
    seen.add(start)
    if start != _EXIF_START:
        return segment
    exif = orientation_only(segment[4:])
    return exif and b"\xff\xe1" + struct.pack(">H", 2 + len(start) + len(exif)) + start + exif


def _filling_at(data: bytes, start: int) -> int:
    """Returns the offset of a long run of filling bytes at or behind `start`; 0 if there is none."""
    filling = b"\xff" * MAX_FILLING
    # `find` would take long among many shorter runs.
    return next((at for at in range(start, len(data), MAX_FILLING) if data.startswith(filling, at)), 0)


def _count_scans(data: bytes, start: int, stop: int) -> tuple[int, bool]:
    """Returns the number of scans between two offsets, and whether the end of the image is among them.

    Scans behind the end do not count; counting stops above `MAX_SCANS`.
    """
    # Imported here so that the table of formats, which the command line reads for its help, does without NumPy.
    import numpy as np

    scans, codes = 0, np.frombuffer(data[:stop], np.uint8)
    # `bytes.find` for two bytes would take long where the first of them is frequent.
    for at in range(start, stop, _SEARCH_BYTES):
        following = codes[at + 1 : at + 1 + _SEARCH_BYTES]
        is_marker = codes[at : at + len(following)] == 0xFF
        ends = np.flatnonzero(is_marker & (following == _END))
        scans += int(np.count_nonzero((is_marker & (following == _SCAN))[: ends[0] if ends.size else None]))
        if ends.size or scans > MAX_SCANS:
            return scans, bool(ends.size)
    return scans, False


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yields marker, start and end of each segment; skips bytes between segments, as decoders do."""
    at = data.find(b"\xff", 2)
    while at >= 0 and at + 4 <= len(data):
        match = _NO_FILLING.search(data, at, at + MAX_PIECES + 1)
        if match is None:
            raise too_many("bytes of filling", MAX_PIECES)
        at = match.start() - 1
        marker = data[at + 1]
        end = at + 2 + (int.from_bytes(data[at + 2 : at + 4]) if marker in _WITH_LENGTH else 0)
        yield marker, at, end
        at = data.find(b"\xff", end)
