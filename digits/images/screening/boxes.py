"""Screens AVIF and HEIF files, which consist of boxes (ISO/IEC 14496-12 and 23008-12).

A file says how large its picture is, and the coded images in it say how large they are: a decoder makes all of their
pixels, so both have to agree.
"""

from collections.abc import Iterator

from digits.images.screening.coded_size import CodedImages
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

# The most parts of items in a file, those of all its boxes together. A picture of 50 million pixels in tiles of
# 256 x 256 has 763; phones make tiles of 512 x 512.
MAX_PARTS = 800


def screen_boxes(data: bytes) -> Screened:
    """Counts boxes and frames; finds the largest coded image.

    Raises:
        BrokenImageError: the file has more than `MAX_PIECES` boxes or units of coded images, more than `MAX_PARTS`
            parts of items, or more than `MAX_HEADERS` different headers.
    """
    frames, largest, in_data = 1, 0, 0
    view, images, parts = memoryview(data), CodedImages(), _Parts()
    for number, (kind, start, end) in enumerate(_boxes(data, 0, len(data), 0)):
        if number >= MAX_PIECES:
            raise too_many("boxes", MAX_PIECES)
        if kind == b"ispe":
            largest = max(largest, _number(data, start + 4, 4) * _number(data, start + 8, 4))
        elif kind == b"hvcC":
            images.see_hevc(view[start:end])
        elif kind == b"av1C":
            images.see_av1(view[start + 4 : end])
        elif kind == b"stsz":
            frames = max(frames, _number(data, start + 8, 4))
        elif kind == b"idat":
            in_data = start
        elif kind in (b"stco", b"co64"):
            # The coded images of a sequence begin at its first chunk.
            parts.count(1)
            parts.places.add((_number(data, start + 8, 8 if kind == b"co64" else 4), len(data)))
        elif kind == b"iloc":
            parts.add_items(view[start:end])
    # An offset counts from the beginning of the file or of the box of data; places that are the same are one.
    for start, end in {
        (at, min(at + length, len(data))) for first, length in parts.places for at in {first, first + in_data}
    }:
        images.see_av1(view[start:end])
    return Screened(data, frames, coded_pixels=max(largest, images.pixels))


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


class _Parts:
    """The parts of a file that hold its items, by all of its boxes.

    Attributes:
        places: offset and length of each that is not empty.
    """

    def __init__(self) -> None:
        self.places: set[tuple[int, int]] = set()
        self._count = 0

    def count(self, parts: int) -> None:
        """Counts more parts, before anyone looks at them: empty ones may take no bytes of the file.

        Raises:
            BrokenImageError: they are more than `MAX_PARTS` in all.
        """
        self._count += parts
        if self._count > MAX_PARTS:
            raise too_many("parts of items", MAX_PARTS)

    def add_items(self, content: memoryview) -> None:
        """Adds the parts of each item in an item location box; an item of none counts as one."""
        version, sizes = _number(content, 0, 1), _number(content, 4, 2)
        offset_bytes, length_bytes, base_bytes = (sizes >> 12) & 15, (sizes >> 8) & 15, (sizes >> 4) & 15
        index_bytes = sizes & 15 if version in (1, 2) else 0
        id_bytes = 4 if version == 2 else 2
        items, at = _number(content, 6, id_bytes), 6 + id_bytes
        while items and at < len(content):
            at += id_bytes + (2 if version in (1, 2) else 0) + 2
            base, at = _number(content, at, base_bytes), at + base_bytes
            parts, at, items = _number(content, at, 2), at + 2, items - 1
            self.count(max(parts, 1))
            for _ in range(parts):
                offset = base + _number(content, at + index_bytes, offset_bytes)
                length = _number(content, at + index_bytes + offset_bytes, length_bytes)
                at += index_bytes + offset_bytes + length_bytes
                if length:
                    self.places.add((offset, length))


def _number(data: bytes | memoryview, at: int, size: int) -> int:
    """Returns the big-endian number of `size` bytes at an offset; bytes beyond the end do not count."""
    return int.from_bytes(data[at : at + size])
