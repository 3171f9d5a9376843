"""Screens PCX files (Paintbrush)."""

import re
import struct

from digits.images.screening.screened import Screened

# Left, top, right and bottom of the picture, the last two within it.
_EDGES = struct.Struct("<HHHH")
_EDGES_AT, _BITS_AT, _PLANES_AT, _HEADER_BYTES = 4, 3, 65, 128
# Two bytes stand for so many equal ones at most.
_MOST_RUN, _RUN_BYTES = 63, 2

# The maker, a version, run lengths, and the bits of a pixel in a plane; a byte that is always 0, and the planes.
PCX_SIGNATURE = re.compile(
    rb"\n[\x00\x02\x03\x05]\x01(?:\x01.{60}\x00[\x01\x02\x04]|\x08.{60}\x00[\x01\x03])", re.DOTALL
)


def screen_pcx(data: bytes) -> Screened:
    """Checks that the file is long enough for as many runs as its pixels need at least.

    Args:
        data: a file that `PCX_SIGNATURE` matches.
    """
    left, top, right, bottom = _EDGES.unpack_from(data, _EDGES_AT)
    row = -(-(right - left + 1) * data[_BITS_AT] // 8) * data[_PLANES_AT]
    runs = (len(data) - _HEADER_BYTES) // _RUN_BYTES
    return Screened(data, is_whole=runs * _MOST_RUN >= row * (bottom - top + 1))
