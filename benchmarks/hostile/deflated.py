"""Deflated data that is much larger than what it is made of, and never in memory as a whole."""

import struct
import zlib


def zeros(size: int) -> bytes:
    """So many zeros, deflated, without ever being in memory."""
    packer, piece = zlib.compressobj(9, wbits=-zlib.MAX_WBITS), 1_000_000
    # A piece that ends with a full flush may be repeated.
    packed = packer.compress(bytes(piece)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(size % piece)) + packer.flush()
    # The checksum of zeros is their number.
    return b"\x78\xda" + packed * (size // piece) + rest + struct.pack(">HH", size % 65_521, 1)


def repeated(piece: bytes, times: int) -> bytes:
    """A piece so many times, deflated, without ever being in memory."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(times):
        checksum = zlib.adler32(piece, checksum)
    return b"\x78\xda" + packed * times + packer.flush() + struct.pack(">I", checksum)
