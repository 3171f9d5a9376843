"""Screens TGA files, which have no signature: a header that agrees with itself in all points is one."""

import re
import struct

from digits.images.screening.screened import Screened

_HEADER = struct.Struct("<BBBHHBHHHHBB")
# The kinds of pixels: colors of a palette, colors, and gray; with run lengths 8 more.
_RUN_LENGTHS = 8
# A run or a piece of single pixels has one byte before it, and so many pixels at most.
_MOST_RUN = 128
# Of the last byte of the header.
_ALPHA_BITS, _FROM_THE_RIGHT = 0x0F, 0x10

# Any origin, and a width and height that are not 0.
_PLACE = rb".{4}(?!\x00\x00)..(?!\x00\x00).."
# No palette, which would have a first color, a count of colors, and bits of a color.
_NO_PALETTE = rb"\x00{5}"
# Of a palette, at most 256 colors of 16, 24 or 32 bits.
_PALETTE = rb".\x00(?!\x00\x00)(?:.\x00|\x00\x01)[\x10\x18\x20]"

# The length of a comment; whether there is a palette; the kind of pixels; the palette; the place; bits of a pixel; and
# in one byte the corner where the pixels begin, and how many of their bits are transparency.
TGA_SIGNATURE = re.compile(
    rb"."
    rb"(?:\x01[\x01\x09]" + _PALETTE + _PLACE + rb"\x08"
    rb"|\x00[\x02\x0a]" + _NO_PALETTE + _PLACE + rb"[\x10\x18\x20]"
    rb"|\x00[\x03\x0b]" + _NO_PALETTE + _PLACE + rb"[\x08\x10]"
    rb"|\x00\x03" + _NO_PALETTE + _PLACE + rb"\x01)"
    rb"[\x00\x01\x08\x10\x11\x18\x20\x21\x28\x30\x31\x38]",
    re.DOTALL,
)


def screen_tga(data: bytes) -> Screened:
    """Checks that the file is long enough for its pixels, or for as many runs as these need at least.

    Args:
        data: a file that `TGA_SIGNATURE` matches.
    """
    comment, _, kind, _, colors, color_bits, _, _, width, height, depth, _ = _HEADER.unpack_from(data)
    size = len(data) - _HEADER.size - comment - colors * color_bits // 8
    if kind & _RUN_LENGTHS:
        return Screened(data, is_whole=size // (1 + depth // 8) * _MOST_RUN >= width * height)
    return Screened(data, is_whole=size >= -(-width * depth // 8) * height)


def has_alpha(data: bytes) -> bool:
    """Returns whether the header says that pixels have bits of transparency."""
    return bool(data[_HEADER.size - 1] & _ALPHA_BITS)


def is_mirrored(data: bytes) -> bool:
    """Returns whether the pixels of a row are stored from right to left."""
    return bool(data[_HEADER.size - 1] & _FROM_THE_RIGHT)
