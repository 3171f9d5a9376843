"""Small AVIF and HEIF files that ask for far more than they are, made by code."""

import struct
from collections.abc import Callable, Mapping

from PIL import Image

from benchmarks.hostile.specimens import encode

# Over the API's own limit of 50,000,000 pixels.
_OVER = 25_000


def box(kind: bytes, content: bytes) -> bytes:
    """A box of an AVIF or HEIF file."""
    return struct.pack(">I", 8 + len(content)) + kind + content


def _avif_that_says(file: bytes, width: int, height: int) -> bytes:
    """An AVIF file whose boxes say another size than its coded image has."""
    at = file.index(b"ispe") + 8
    return file[:at] + struct.pack(">II", width, height) + file[at + 8 :]


def _avif(side: int) -> bytes:
    return encode(Image.new("L", (side, side), 255), "AVIF", speed=10, subsampling="4:0:0")


def avif_claims() -> bytes:
    """A coded image of 64 x 64 pixels that says to have 625 million."""
    return _avif_that_says(_avif(64), _OVER, _OVER)


def avif_hides() -> bytes:
    """16 million coded pixels that say to be 64 x 64."""
    return _avif_that_says(_avif(4_000), 64, 64)


def avif_boxes() -> bytes:
    """An image before two million empty boxes."""
    return _avif(64) + box(b"free", b"") * 2_000_000


def avif_properties() -> bytes:
    """A million sizes among the properties of no picture."""
    sizes = box(b"ispe", bytes(4) + struct.pack(">II", 64, 64)) * 900_000
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", sizes)))
    return box(b"ftyp", b"avif" + bytes(4) + b"avifmif1") + meta


def avif_items() -> bytes:
    """Half a million items, each a part of the same bytes."""
    item = struct.pack(">HHHII", 1, 0, 1, 0, 1_000_000)
    location = b"\0\0\0\0\x44\0" + struct.pack(">H", 60_000) + item * 1_400_000
    return box(b"ftyp", b"avif" + bytes(4) + b"avifmif1") + box(b"meta", bytes(4) + box(b"iloc", location))


def avif_units() -> bytes:
    """A coded image of millions of empty units."""
    units = b"\x12\0" * 9_000_000
    location = b"\0\0\0\0\x44\0" + struct.pack(">HHHHII", 1, 1, 0, 1, 100, len(units))
    head = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1") + box(b"meta", bytes(4) + box(b"iloc", location))
    return head.ljust(100, b"\0") + units


def _located(locations: bytes, following: bytes = b"") -> bytes:
    """An AVIF file of item location boxes, and what follows them."""
    return box(b"ftyp", b"avif" + bytes(4) + b"avifmif1") + box(b"meta", bytes(4) + locations) + following


def avif_empty_parts() -> bytes:
    """Ten thousand boxes of 22 bytes, each of 9,999 parts that take no bytes."""
    return _located(box(b"iloc", bytes(6) + struct.pack(">HHHH", 1, 1, 0, 9_999)) * 9_990)


def _overlapping_parts(lengths: range, data: bytes) -> bytes:
    """Parts of different lengths that begin at the same byte."""

    def location(start: int) -> bytes:
        item = struct.pack(">HHIH", 1, 0, start, len(lengths))
        packed = b"".join(struct.pack(">H", length) for length in lengths)
        return box(b"iloc", b"\0\0\0\0\x02\x40" + struct.pack(">H", 1) + item + packed)

    return _located(location(len(_located(location(0)))), data)


def avif_overlapping_parts() -> bytes:
    """As many parts as are allowed, each of 9,000 units, which are the same."""
    return _overlapping_parts(range(18_000, 18_790), b"\x12\0" * 10_000)


def avif_many_parts() -> bytes:
    """The same of 9,000 parts."""
    return _overlapping_parts(range(11_000, 20_000), b"\x12\0" * 10_000)


def avif_headers() -> bytes:
    """9,000 headers that differ, each of 32 kinds of decoder."""
    units = b"".join(b"\x0a\x06\x01\xf0" + struct.pack(">I", number) for number in range(9_000))
    return _overlapping_parts(range(65_000, 65_001), units)


def heif_units() -> bytes:
    """A decoder configuration of millions of empty parameters."""
    configuration = bytes(22) + b"\xff" + (b"\x21\xff\xff" + bytes(2 * 65_535)) * 140
    return _heif(box(b"hvcC", configuration))


def heif_lists() -> bytes:
    """Ten thousand decoder configurations of 255 lists, for which there is no room."""
    return _heif(box(b"hvcC", bytes(22) + b"\xff") * 9_990)


def _heif(properties: bytes) -> bytes:
    meta = box(b"meta", bytes(4) + box(b"iprp", box(b"ipco", properties)))
    return box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + meta


def heif_claims() -> bytes:
    """A HEIF file of boxes alone that says to have 625 million pixels."""
    return _heif(box(b"ispe", bytes(4) + struct.pack(">II", _OVER, _OVER)))


BOX_BOMBS: Mapping[str, Callable[[], bytes]] = {
    function.__name__.replace("_", " "): function
    for function in (
        avif_claims, avif_hides, avif_boxes, avif_properties, avif_items, avif_units, avif_empty_parts,
        avif_overlapping_parts, avif_many_parts, avif_headers, heif_units, heif_lists, heif_claims,
    )
}  # fmt: skip
