"""Screens AVIF and HEIF files, which consist of boxes (ISO/IEC 14496-12 and 23008-12).

A file says how large its picture is, and the coded images in it say how large they are: a decoder makes all of their
pixels, so both have to agree.
"""

from collections.abc import Iterator

from digits.images.screening.coded_size import av1_pixels, hevc_pixels
from digits.images.screening.screened import MAX_PIECES, Screened, too_many

# The boxes that hold other boxes, and how many bytes come before these.
_CONTAINERS = {
    b"meta": 4,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
    b"stsd": 8,
    b"av01": 78,
    b"hvc1": 78,
    b"hev1": 78,
}
_DEEPEST = 8


def screen_boxes(data: bytes) -> Screened:
    """Counts boxes and frames; finds the largest coded image.

    Raises:
        BrokenImageError: the file has more than `MAX_PIECES` boxes or parts of items.
    """
    frames, coded_pixels = 1, 0
    extents: list[tuple[int, int]] = []
    in_data = 0
    for number, (kind, start, end) in enumerate(_boxes(data, 0, len(data), 0)):
        if number >= MAX_PIECES:
            raise too_many("boxes", MAX_PIECES)
        if kind == b"ispe":
            coded_pixels = max(coded_pixels, _number(data, start + 4, 4) * _number(data, start + 8, 4))
        elif kind == b"hvcC":
            coded_pixels = max(coded_pixels, hevc_pixels(data[start:end]))
        elif kind == b"av1C":
            coded_pixels = max(coded_pixels, av1_pixels(data[start + 4 : end]))
        elif kind == b"stsz":
            frames = max(frames, _number(data, start + 8, 4))
        elif kind == b"idat":
            in_data = start
        elif kind in (b"stco", b"co64"):
            # The coded images of a sequence begin at its first chunk.
            first = _number(data, start + 8, 8 if kind == b"co64" else 4)
            extents.append((first, len(data)))
        elif kind == b"iloc":
            extents += _item_extents(data[start:end])
    for start, length in extents:
        for offset in {start, start + in_data} if in_data else {start}:
            coded_pixels = max(coded_pixels, av1_pixels(data[offset : offset + length]))
    return Screened(data, frames, coded_pixels=coded_pixels)


def _boxes(data: bytes, start: int, stop: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start of the content and end of each box, those in containers too."""
    at = start
    while at + 8 <= stop:
        size, kind, head = _number(data, at, 4), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = _number(data, at + 8, 8), 16
        end = stop if size == 0 else at + size
        if size and size < head:
            return
        yield kind, at + head, min(end, stop)
        if kind in _CONTAINERS and depth < _DEEPEST:
            yield from _boxes(data, at + head + _CONTAINERS[kind], min(end, stop), depth + 1)
        at = end


def _item_extents(content: bytes) -> list[tuple[int, int]]:
    """Returns offset and length of each part of each item, by the item location box."""
    version, sizes = content[:1], _number(content, 4, 2)
    offset_bytes, length_bytes, base_bytes = (sizes >> 12) & 15, (sizes >> 8) & 15, (sizes >> 4) & 15
    index_bytes = sizes & 15 if version in (b"\1", b"\2") else 0
    id_bytes = 4 if version == b"\2" else 2
    count, at = _number(content, 6, id_bytes), 6 + id_bytes
    extents: list[tuple[int, int]] = []
    for _ in range(count):
        at += id_bytes + (2 if version in (b"\1", b"\2") else 0) + 2
        base, at = _number(content, at, base_bytes), at + base_bytes
        parts, at = _number(content, at, 2), at + 2
        for _ in range(parts):
            offset = base + _number(content, at + index_bytes, offset_bytes)
            length = _number(content, at + index_bytes + offset_bytes, length_bytes)
            at += index_bytes + offset_bytes + length_bytes
            extents.append((offset, length))
            if len(extents) > MAX_PIECES:
                raise too_many("parts of items", MAX_PIECES)
        if at >= len(content):
            break
    return extents


def _number(data: bytes, at: int, size: int) -> int:
    """Returns the big-endian number of `size` bytes at an offset; bytes beyond the end do not count."""
    return int.from_bytes(data[at : at + size])
