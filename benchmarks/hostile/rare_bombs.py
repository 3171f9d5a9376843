"""Small JPEG 2000, PNM, ICO, TGA and PCX files that ask for far more than they are, made by code."""

import struct
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.hostile.box_bombs import box
from benchmarks.hostile.deflated import zeros
from benchmarks.hostile.specimens import PNG_SIGNATURE, chunk, pnm

# Over the API's own limit of 50,000,000 pixels, and under it by a little.
_OVER, _UNDER = 25_000, 7_071
_JP2 = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
# Markers: sizes, coding style, quantization, a comment.
_SIZ, _COD, _QCD, _COM = 0xFF51, 0xFF52, 0xFF5C, 0xFF64


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG 2000 codestream."""
    return struct.pack(">HH", marker, len(content) + 2) + content


def codestream(
    width: int,
    height: int,
    tile: int = 2**31 - 1,
    *,
    components: int = 1,
    style: bytes = b"\0\0\0\1\0\5\4\4\0\1",
    more: bytes = b"",
    parts: bytes | None = None,
) -> bytes:
    """A JPEG 2000 codestream.

    Args:
        width: of the picture, in pixels.
        height: likewise.
        tile: width and height of a tile, in pixels.
        components: how many there are, of 8 bits.
        style: what the coding style says: flags, progression, layers, color transform, levels, exponents of a block's
            sides less two, modes, and wavelet.
        more: segments of the header behind those that have to be there.
        parts: the tile-parts; an empty one of the first tile if None.
    """
    sizes = struct.pack(">HIIIIIIIIH", 0, width, height, 0, 0, tile, tile, 0, 0, components)
    header = segment(_SIZ, sizes + b"\7\1\1" * components) + segment(_COD, style)
    header += segment(_QCD, b"\x40" + b"\x40" * (3 * style[5] + 1))
    return b"\xff\x4f" + header + more + (tile_part(0, b"") if parts is None else parts) + b"\xff\xd9"


def tile_part(tile: int, data: bytes) -> bytes:
    """A tile-part with its header."""
    return segment(0xFF90, struct.pack(">HIBB", tile, 14 + len(data), 0, 1)) + b"\xff\x93" + data


def _in_boxes(stream: bytes, width: int, height: int, before: bytes = b"") -> bytes:
    header = box(b"ihdr", struct.pack(">IIHBBBB", height, width, 1, 7, 7, 0, 0)) + box(b"colr", b"\1\0\0\0\0\0\x11")
    return _JP2 + before + box(b"jp2h", header) + box(b"jp2c", stream)


def jpeg2000_claims() -> bytes:
    """Two thousand million pixels on each side."""
    return codestream(2**31 - 1, 2**31 - 1)


def jpeg2000_over() -> bytes:
    """625 million pixels in boxes."""
    return _in_boxes(codestream(_OVER, _OVER), _OVER, _OVER)


def jpeg2000_hides() -> bytes:
    """50 million coded pixels that say to be 64 x 64."""
    return _in_boxes(codestream(_UNDER, _UNDER), 64, 64)


def jpeg2000_whole() -> bytes:
    """Just under the limit, and no smaller copy."""
    return codestream(_UNDER, _UNDER, components=3, style=b"\0\0\0\1\0\0\4\4\0\1")


def jpeg2000_tiles() -> bytes:
    """Sixteen million tiles of 2 x 2."""
    return codestream(8_000, 8_000, 2)


def jpeg2000_blocks() -> bytes:
    """Nine million blocks of 4 x 4."""
    return codestream(_UNDER, _UNDER, components=3, style=b"\0\0\0\1\0\5\0\0\0\1")


def jpeg2000_precincts() -> bytes:
    """Fifty million precincts."""
    return codestream(_UNDER, _UNDER, style=b"\1\0\0\1\0\1\4\4\0\1\x11\x11")


def jpeg2000_places() -> bytes:
    """Few precincts, which are looked for at each of fifty million places."""
    return codestream(_UNDER, _UNDER, style=b"\1\3\0\1\0\1\4\4\0\1\xf0\x1f")


def jpeg2000_layers() -> bytes:
    """65,535 layers."""
    return codestream(_UNDER, _UNDER, components=3, style=b"\0\0\xff\xff\0\5\4\4\0\1")


def jpeg2000_tile_parts() -> bytes:
    """A million empty tile-parts."""
    return codestream(64, 64, parts=tile_part(0, b"") * 1_000_000)


def jpeg2000_comments() -> bytes:
    """Four million empty comments."""
    return codestream(64, 64, more=segment(_COM, b"") * 4_000_000)


def jpeg2000_boxes() -> bytes:
    """Two million empty boxes."""
    return _in_boxes(codestream(64, 64), 64, 64, box(b"free", b"") * 2_000_000)


def jpeg2000_palette() -> bytes:
    """A header of 16 million bytes."""
    return _JP2 + box(b"jp2h", box(b"pclr", bytes(16_000_000))) + box(b"jp2c", codestream(64, 64))


def jpeg2000_passes(across: int = 16, bits: int = 30) -> bytes:
    """Blocks of noise in some bytes each, by as many passes as there may be: small, valid and dear to decode."""
    passes = 3 * bits - 2
    # Neither the packet nor the block is empty; no bits are left out; the passes, and eight bytes for them.
    flags = f"111111111111{passes - 37:07b}0{8:0{3 + passes.bit_length() - 1}b}".ljust(32, "0")
    # After a byte of ones, the next begins with a zero.
    packed, at = bytearray(), 0
    while at < len(flags):
        count = 7 if packed and packed[-1] == 0xFF else 8
        packed.append(int(flags[at : at + count].ljust(count, "0"), 2))
        at += count
    block = bytes(packed) + bytes.fromhex("3a91c55e07d8b24f")
    parts = b"".join(tile_part(number, block) for number in range(across * across))
    stream = codestream(64 * across, 64 * across, 64, style=b"\0\0\0\1\0\0\4\4\0\1", parts=parts)
    return stream.replace(segment(_QCD, b"\x40\x40"), segment(_QCD, bytes([7 << 5, (bits - 6) << 3])))


def pnm_claims() -> bytes:
    """625 million pixels, of which there are none."""
    return b"P6 %d %d 255\n" % (_OVER, _OVER)


def pnm_text_claims() -> bytes:
    """The same as text."""
    return b"P3 %d %d 255\n" % (_UNDER, _UNDER) + b"9 " * 1_000


def pnm_comments() -> bytes:
    """Ten million comments before the size."""
    return b"P5\n" + b"#\n" * 10_000_000 + b"64 64 255\n" + bytes(4_096)


def pnm_spaces() -> bytes:
    """Twenty million blanks before the size."""
    return b"P5" + b" " * 20_000_000 + b"64 64 255\n" + bytes(4_096)


def pnm_long_number() -> bytes:
    """A width of twenty million digits."""
    return b"P5 " + b"9" * 20_000_000


def pnm_words() -> bytes:
    """64 x 64 pixels as text, and twenty million bytes behind them."""
    return pnm(np.full((64, 64), 255, np.uint8), 2) + b"9 " * 10_000_000


def ico_entries() -> bytes:
    """65,535 pictures that are the same."""
    entry = struct.pack("<BBBBHHII", 64, 64, 0, 0, 1, 32, 20_000, 22)
    return struct.pack("<HHH", 0, 1, 65_535) + entry * 65_535 + bytes(20_000)


def _icon(picture: bytes) -> bytes:
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 0, 0, 0, 0, 1, 32, len(picture), 22) + picture


def ico_png() -> bytes:
    """A PNG file of 625 million black-and-white pixels."""
    header = struct.pack(">IIBBBBB", _OVER, _OVER, 1, 0, 0, 0, 0)
    return _icon(PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zeros(_OVER * (1 + _OVER // 8))))


def ico_bitmap() -> bytes:
    """A bitmap of 50 million pixels."""
    return _icon(struct.pack("<IiiHHIIiiII", 40, _UNDER, 2 * _UNDER, 1, 1, 0, 0, 0, 0, 0, 0) + bytes(13_000_000))


def ico_palette() -> bytes:
    """A palette of four thousand million colors."""
    return _icon(struct.pack("<IiiHHIIiiII", 40, 64, 128, 1, 8, 0, 0, 0, 0, 2**32 - 1, 0) + bytes(10_000))


def tga_claims() -> bytes:
    """65,535 x 65,535 pixels, of which there are none."""
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 65_535, 65_535, 32, 8)


def tga_runs_claim() -> bytes:
    """Fifty million pixels in a thousand runs."""
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 11, 0, 0, 0, 0, 0, _UNDER, _UNDER, 8, 0) + b"\xff\xff" * 1_000


def tga_mirrored() -> bytes:
    """The same of a hundred runs too few, stored from right to left."""
    runs = _UNDER * -(-_UNDER // 128) - 100
    return struct.pack("<BBBHHBHHHHBB", 0, 0, 11, 0, 0, 0, 0, 0, _UNDER, _UNDER, 8, 16) + b"\xff\xff" * (runs // 2)


def _pcx(side: int, runs: bytes) -> bytes:
    """A gray picture of so many pixels on each side."""
    return struct.pack("<BBBBHHHHHH48xBBH60x", 10, 5, 1, 8, 0, 0, side - 1, side - 1, 0, 0, 0, 1, side) + runs


def pcx_claims() -> bytes:
    """Four thousand million pixels."""
    return _pcx(65_535, bytes(1_000))


def pcx_runs_claim() -> bytes:
    """Fifty million pixels in a thousand runs."""
    return _pcx(_UNDER, b"\xff\xff" * 1_000)


def pcx_empty_runs() -> bytes:
    """Ten million runs of nothing, and no pixel."""
    return _pcx(64, b"\xc0\xff" * 10_000_000)


RARE_BOMBS: Mapping[str, Callable[[], bytes]] = {
    function.__name__.replace("_", " "): function
    for function in (
        jpeg2000_claims, jpeg2000_over, jpeg2000_hides, jpeg2000_whole, jpeg2000_tiles, jpeg2000_blocks,
        jpeg2000_precincts, jpeg2000_places, jpeg2000_layers, jpeg2000_tile_parts, jpeg2000_comments, jpeg2000_boxes,
        jpeg2000_palette, pnm_claims, pnm_text_claims, pnm_comments, pnm_spaces, pnm_long_number, pnm_words,
        ico_entries, ico_png, ico_bitmap, ico_palette, tga_claims, tga_runs_claim, tga_mirrored,
        pcx_claims, pcx_runs_claim, pcx_empty_runs,
    )
}  # fmt: skip
