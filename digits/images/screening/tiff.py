"""Screens TIFF files, those of several pages too."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from digits.images.screening.screened import MAX_PIECES, MAX_TEXT_BYTES, Screened, too_many

# The most tags of a directory. Cameras write some tens; raw images have two hundred.
MAX_TAGS = 300
# The most strips or tiles. A page scanned at 600 dots per inch has 7,016 rows, each of which may be a strip.
MAX_STRIPS = 7_500
# The most numbers in all tags of a directory. The curves of a 16-bit image have that many. Pillow reads them one by
# one.
MAX_NUMBERS = 200_000

# NewSubfileType, whose bits mark a reduced copy of another image and a mask of its transparent part, and SubfileType,
# in which 2 is a reduced copy.
_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
_COPY_OR_MASK, _OLD_COPY = 0b101, 2
# StripOffsets, StripByteCounts, TileOffsets, TileByteCounts.
_STRIP_TAGS = frozenset({273, 279, 324, 325})
# What one value of a TIFF type costs, counted in numbers. Bytes are read at once, text takes memory, fractions time.
_COSTS = {1: 0.0, 7: 0.0, 2: 0.02, 5: 20.0, 10: 20.0}
# The types of bytes and of text: profiles, layers and notes of editors, which may fill most of a file, and which Pillow
# copies several times. Values of more bytes are left out, but for those that pixels need: XMP, which may tell the
# orientation, and JPEGTables.
_BYTE_TYPES, _LONG_VALUE = frozenset({1, 2, 7}), 4096
_NEEDED_VALUES = frozenset({700, 347})
# A type that decoders do not know: they pass over the tag.
_NO_TYPE = bytes(2)
# A directory costs as much as at least this many tags. The directory of an image has that many.
_LEAST_TAGS = 10


@dataclass(frozen=True)
class Directory:
    """An image file directory (IFD) of a TIFF file.

    Args:
        count: how many tags it announces.
        tags: number, type, count and value (or its offset) of each tag; empty if `count` is over `MAX_TAGS`.
        start: offset of the first tag.
        entry_bytes: length of the entry of each tag.
    """

    count: int
    tags: list[tuple[int, int, int, bytes]]
    start: int = 0
    entry_bytes: int = 12

    def long_values(self) -> Iterator[int]:
        """Yields the offsets of the types of tags whose long values no picture needs."""
        for number, (tag, kind, count, _) in enumerate(self.tags):
            most = MAX_TEXT_BYTES if tag in _NEEDED_VALUES else _LONG_VALUE
            if kind in _BYTE_TYPES and count > most:
                yield self.start + number * self.entry_bytes + 2


def screen_tiff(data: bytes) -> Screened:
    """Counts images, and finds those that are pages: previews and masks of others are none. Leaves out long values of
    tags that no picture needs.

    Raises:
        BrokenImageError: the file has far more tags, strips, tiles or numbers than an image needs.
    """
    frames, pages, tags, unneeded = 0, list[int](), 0, list[int]()
    order = "<" if data[:2] == b"II" else ">"
    for directory in directories(data):
        if not _is_preview_or_mask(directory, order):
            pages.append(frames)
        frames, tags = frames + 1, tags + max(directory.count, _LEAST_TAGS)
        if directory.count > MAX_TAGS:
            raise too_many("tags", MAX_TAGS)
        if tags > MAX_PIECES:
            raise too_many("tags in all", MAX_PIECES)
        if max((count for tag, _, count, _ in directory.tags if tag in _STRIP_TAGS), default=0) > MAX_STRIPS:
            raise too_many("strips or tiles", MAX_STRIPS)
        if sum(count * _COSTS.get(kind, 1.0) for _, kind, count, _ in directory.tags) > MAX_NUMBERS:
            raise too_many("numbers", MAX_NUMBERS)
        unneeded += directory.long_values()
    return Screened(_without_types(data, unneeded), max(1, frames), pages=tuple(pages) or (0,))


def _without_types(data: bytes, offsets: list[int]) -> bytes:
    """Returns a file without the types at these offsets, so that decoders pass over their tags."""
    if not offsets:
        return data
    view, pieces, end = memoryview(data), list[bytes | memoryview](), 0
    for offset in sorted(offsets):
        pieces += view[end:offset], _NO_TYPE
        end = offset + len(_NO_TYPE)
    return b"".join((*pieces, view[end:]))


def _is_preview_or_mask(directory: Directory, order: str) -> bool:
    """Returns whether an image only shows another one smaller, or where another one is transparent."""
    for tag, _, _, value in directory.tags:
        if tag == _NEW_SUBFILE_TYPE:
            return bool(number_at(value, 0, order + "I") & _COPY_OR_MASK)
        if tag == _SUBFILE_TYPE:
            return number_at(value, 0, order + "H") == _OLD_COPY
    return False


def directories(data: bytes) -> Iterator[Directory]:
    """Yields directories in the order of their chain, up to its end or to where it repeats itself.

    A directory that lies beyond the end of the file, which was cut off, is an empty one.

    Args:
        data: a TIFF or BigTIFF file.
    """
    order, is_big = "<" if data[:2] == b"II" else ">", 43 in data[2:4]
    offset_code, count_code, entry_code, entry_bytes = ("Q", "Q", "HHQ8s", 20) if is_big else ("I", "H", "HHI4s", 12)
    at, seen = number_at(data, 8 if is_big else 4, order + offset_code), set[int]()
    while at and at not in seen:
        seen.add(at)
        if at >= len(data):
            yield Directory(0, [])
            return
        count = number_at(data, at, order + count_code)
        if count == 0:
            return
        start = at + struct.calcsize(order + count_code)
        end = start + entry_bytes * count
        entries = data[start:end] if count <= MAX_TAGS else b""
        whole = entries[: len(entries) - len(entries) % entry_bytes]
        yield Directory(count, list(struct.iter_unpack(order + entry_code, whole)), start, entry_bytes)
        at = number_at(data, end, order + offset_code)


def number_at(data: bytes, at: int, code: str) -> int:
    """Returns the number at an offset, unpacked with a struct code; 0 if it would end beyond the data."""
    return int(struct.unpack_from(code, data, at)[0]) if at + struct.calcsize(code) <= len(data) else 0
