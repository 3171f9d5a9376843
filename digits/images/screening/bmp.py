"""Screens bitmaps (BMP files)."""

import struct

from digits.errors import BrokenImageError
from digits.images.screening.screened import Screened

# The limits of bitmaps with run lengths: Pillow reads runs one by one, and fills in skipped pixels one by one.
MAX_RUN_BYTES = 100_000
MAX_RUN_PIXELS = 250_000

# The numbers of the two compressions with run lengths (BI_RLE8, BI_RLE4).
_RUN_LENGTHS = frozenset({1, 2})
# The oldest header, of this many bytes, has no compression.
_OLDEST_HEADER_BYTES = 12


def screen_bmp(data: bytes) -> Screened:
    """Checks the size of bitmaps with run lengths; lets all others pass as they are.

    Raises:
        BrokenImageError: more than `MAX_RUN_BYTES` bytes or `MAX_RUN_PIXELS` pixels of run lengths.
    """
    header_bytes, width, height = struct.unpack("<Iii", data[14:26].ljust(12, b"\0"))
    if header_bytes != _OLDEST_HEADER_BYTES and int.from_bytes(data[30:34], "little") in _RUN_LENGTHS:
        for unit, count, limit in (
            ("bytes", len(data), MAX_RUN_BYTES),
            ("pixels", abs(width * height), MAX_RUN_PIXELS),
        ):
            if count > limit:
                raise BrokenImageError(
                    f"The bitmap has more than {limit:,} {unit} of run lengths. Save it anew, as PNG, and use that."
                )
    return Screened(data)
