"""How TIFF files are built, and EXIF data, which is a TIFF file without an image."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from digits.images.screening.result import MAX_PIECES, Screened, too_many

# Of one directory. Cameras write some tens, and raw images two hundred.
MAX_TAGS = 300
# Strips or tiles. A page scanned at 600 dots per inch has 7,016 rows, each of which may be a strip.
MAX_STRIPS = 7_500
# In all tags of a directory: the curves of an image of 16 bits have so many. They are read one by one.
MAX_NUMBERS = 200_000

_STRIPS = frozenset({273, 279, 324, 325})
# By a tag's type, how many numbers one of its values costs: bytes are read at once, text takes memory, fractions time.
_COSTS = {1: 0.0, 7: 0.0, 2: 0.02, 5: 20.0, 10: 20.0}
# A directory costs as much as so many tags, and one of an image has as many.
_LEAST_TAGS = 10

_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_UPRIGHT = 1
_ORDERS = {b"II": "<", b"MM": ">"}
_WHOLE_NUMBERS = {3: "H", 4: "I"}


@dataclass(frozen=True)
class _Directory:
    """One of the directories of a TIFF file.

    Args:
        count: how many tags it says to have.
        tags: number, type, count and value, or where that is, of each; of more than `MAX_TAGS`, none.
    """

    count: int
    tags: list[tuple[int, int, int, bytes]]


def screen_tiff(data: bytes) -> Screened:
    """Counts pages.

    Raises:
        BrokenImageError: far more tags, strips, tiles or numbers than an image needs.
    """
    pages, tags = 0, 0
    for directory in _directories(data):
        pages, tags = pages + 1, tags + max(directory.count, _LEAST_TAGS)
        if directory.count > MAX_TAGS:
            raise too_many("tags", MAX_TAGS)
        if tags > MAX_PIECES:
            raise too_many("tags in all", MAX_PIECES)
        if max((many for tag, _, many, _ in directory.tags if tag in _STRIPS), default=0) > MAX_STRIPS:
            raise too_many("strips or tiles", MAX_STRIPS)
        numbers = sum(many * _COSTS.get(kind, 1.0) for _, kind, many, _ in directory.tags)
        if numbers > MAX_NUMBERS:
            raise too_many("numbers", MAX_NUMBERS)
    return Screened(data, max(1, pages))


def orientation_alone(exif: bytes) -> bytes:
    """EXIF data that says which way is up, as these do, and nothing else.

    All else may be built to keep its reader busy, and no picture needs it.

    Returns:
        b"" if they do not say it, are damaged, or have more tags than cameras write.
    """
    data = exif.removeprefix(_EXIF)
    first = next(_directories(data), None) if data[:2] in _ORDERS else None
    for tag, kind, _, value in first.tags if first else ():
        if tag == _ORIENTATION and kind in _WHOLE_NUMBERS:
            turn = _number(value, 0, _ORDERS[data[:2]] + _WHOLE_NUMBERS[kind])
            if turn == _UPRIGHT or turn > 8:
                return b""
            return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, turn, 0, 0)
    return b""


def _directories(data: bytes) -> Iterator[_Directory]:
    """Each in the order of the chain, up to its end, or to where it leads out of the file or back into itself."""
    order, large = "<" if data[:2] == b"II" else ">", 43 in data[2:4]
    offset, count, entry, size = ("Q", "Q", "HHQ8s", 20) if large else ("I", "H", "HHI4s", 12)
    at, seen = _number(data, 8 if large else 4, order + offset), set[int]()
    while at and at not in seen:
        seen.add(at)
        many = _number(data, at, order + count)
        if many == 0:
            return
        start = at + struct.calcsize(order + count)
        end = start + size * many
        inside = data[start:end] if many <= MAX_TAGS else b""
        yield _Directory(many, list(struct.iter_unpack(order + entry, inside[: len(inside) - len(inside) % size])))
        at = _number(data, end, order + offset)


def _number(data: bytes, at: int, form: str) -> int:
    """The number at a place; 0 beyond the end."""
    return int(struct.unpack_from(form, data, at)[0]) if at + struct.calcsize(form) <= len(data) else 0
