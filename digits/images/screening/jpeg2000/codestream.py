"""Screens a JPEG 2000 codestream, which consists of marker segments and tile-parts (ITU-T T.800, annex A)."""

import struct
from dataclasses import dataclass

from digits.errors import BrokenImageError, TooManyPixelsError
from digits.images.screening.jpeg2000.demand import Demand, Grid
from digits.images.screening.screened import MAX_PIECES, broken, too_many

CODESTREAM = b"\xff\x4f\xff\x51"

# The most samples that are decoded: so many for each byte of the file, and some more, for blank paper takes few bytes.
# Passes over samples are told in few bytes too. The most take a second and a half.
_LEAST_SAMPLES, _SAMPLES_OF_BYTE, _MOST_SAMPLES = 1_000_000, 8, 8_000_000

# More pixels than these are over any limit that can be set.
_MOST_PIXELS = 100_000_000

_SIZES, _TILE_PART, _DATA, _END = 0xFF51, 0xFF90, 0xFF93, b"\xff\xd9"
# Coding styles of all components and of one, and their quantization.
_STYLE, _STYLE_OF_ONE, _STEPS, _STEPS_OF_ONE = 0xFF52, 0xFF53, 0xFF5C, 0xFF5D
_KEPT = frozenset({_SIZES, _STYLE, _STYLE_OF_ONE, _STEPS, _STEPS_OF_ONE})
# Lengths of tile-parts and of packets, places of components, and comments.
_NEEDLESS = frozenset({0xFF55, 0xFF57, 0xFF58, 0xFF63, 0xFF64})
_TILE_PART_BYTES = 12


@dataclass(frozen=True)
class Codestream:
    """A codestream that is safe to decode.

    Args:
        data: without comments and the like.
        width, height: in pixels.
        components: gray, or colors, with or without transparency: 1 to 4.
        halvings: how often width and height can be halved by decoding less.
    """

    data: bytes
    width: int
    height: int
    components: int
    halvings: int


def most_samples(data: bytes) -> int:
    """Returns how many samples of a screened file are decoded at most."""
    return min(_MOST_SAMPLES, _LEAST_SAMPLES + _SAMPLES_OF_BYTE * len(data))


def screen_codestream(data: bytes) -> Codestream:
    """Goes from segment to segment; leaves out those that pixels do not need.

    Raises:
        BrokenImageError: it is damaged or cut off, has more than `MAX_PIECES` segments, uses what hardly any file
            uses, or asks for more than `Demand` allows.
        TooManyPixelsError: it has more pixels than any limit allows, or more than `most_samples` when it is decoded as
            small as it can be.
    """
    if not data.startswith(CODESTREAM):
        raise broken("its pixels begin with no header")
    walk = _Walk(data)
    marker, start, end = walk.segment(2)
    grid, kept = Grid.of(data[start:end]), [data[:end]]
    width, height = grid.size
    if width * height > _MOST_PIXELS:
        raise TooManyPixelsError(
            f"The image has {width:,} x {height:,} pixels, more than can be read. "
            "Scale it down or crop it to what is written."
        )
    demand = Demand(grid)
    while (marker := walk.marker(end)) != _TILE_PART:
        _, start, end = walk.segment(end)
        if marker not in _KEPT | _NEEDLESS or marker == _SIZES:
            raise _unusual(marker)
        _see_style(demand, marker, data[start:end])
        if marker in _KEPT:
            kept.append(data[start - 4 : end])
    first = end
    tiles = set[int]()
    while walk.marker(end) == _TILE_PART:
        tile, end = _see_tile_part(walk, end, demand)
        tiles.add(tile)
    if tiles != set(range(grid.tiles)):
        raise broken("parts of its pixels are missing")
    demand.check()
    body = data[first:end]
    kept += [body, b"" if body.endswith(_END) else _END]
    stream = b"".join(kept)
    if width * height * len(grid.steps) >> 2 * demand.halvings > most_samples(stream):
        raise TooManyPixelsError(
            f"The JPEG 2000 file has {width:,} x {height:,} pixels and no smaller copy of them. Save it anew, as PNG."
        )
    return Codestream(stream, width, height, len(grid.steps), demand.halvings)


class _Walk:
    """Reads segments one after the other, and counts them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._count = 0

    def marker(self, at: int) -> int:
        return int.from_bytes(self.data[at : at + 2])

    def segment(self, at: int) -> tuple[int, int, int]:
        """Returns marker, start of the content and end of the segment at an offset.

        Raises:
            BrokenImageError: it is cut off, or it is one of too many.
        """
        self._count += 1
        if self._count > MAX_PIECES:
            raise too_many("segments", MAX_PIECES)
        marker, length = self.marker(at), int.from_bytes(self.data[at + 2 : at + 4])
        if length < 2 or at + 2 + length > len(self.data):
            raise broken("its header is cut off")
        return marker, at + 4, at + 2 + length


def _see_style(demand: Demand, marker: int, content: bytes) -> None:
    if marker == _STYLE:
        demand.see_style(content)
    elif marker == _STYLE_OF_ONE:
        demand.see_style_of_one(content)


def _see_tile_part(walk: _Walk, at: int, demand: Demand) -> tuple[int, int]:
    """Goes through the header of a tile-part; returns which tile it is of, and its end."""
    _, start, end = walk.segment(at)
    if end - at != _TILE_PART_BYTES:
        raise broken("a header of its pixels is cut off")
    tile, length, _, _ = struct.unpack_from(">HIBB", walk.data, start)
    # The last one may go on to the end.
    stop = at + length if length else len(walk.data)
    while (marker := walk.marker(end)) != _DATA:
        _, start, end = walk.segment(end)
        if marker not in _KEPT | _NEEDLESS or marker == _SIZES:
            raise _unusual(marker)
        _see_style(demand, marker, walk.data[start:end])
    if not end + 2 <= stop <= len(walk.data):
        raise broken("some of its pixels are cut off")
    return tile, stop


def _unusual(marker: int) -> BrokenImageError:
    return BrokenImageError(
        f"The JPEG 2000 file is damaged, or uses a part of the format that is not read (marker {marker:04X}). "
        "Save it anew, as PNG, and use that."
    )
