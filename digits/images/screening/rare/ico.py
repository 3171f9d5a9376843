"""Screens ICO files, which hold a picture in several sizes: one of them is kept."""

import struct

from digits.images.screening.png import PNG_SIGNATURE, screen_png
from digits.images.screening.screened import Screened, broken, too_many

# The most pictures in a file. Programs write some ten: a few sizes, each in a few depths.
MAX_ENTRIES = 256

_HEADER_BYTES = 6
# Width and height, bits of a pixel, length and offset.
_ENTRY = struct.Struct("<BB4xHII")
# Larger pictures are PNG files.
_MOST_SIDE, _MOST_COLORS = 256, 256
# The lengths of a bitmap's header, of Windows 3, 95 and 98.
_BITMAP_HEADERS = frozenset({40, 108, 124})
_DEPTHS = frozenset({1, 4, 8, 16, 24, 32})
# Plain pixels, and pixels whose colors have masks of their own.
_PLAIN, _MASKED = 0, 3
_MASK_BYTES = 12


def screen_ico(data: bytes) -> Screened:
    """Keeps the largest picture, of several the one with the most colors: a PNG file, or a bitmap in an ICO file.

    Raises:
        BrokenImageError: more than `MAX_ENTRIES` pictures, or the largest is cut off or no bitmap of an icon.
    """
    count = int.from_bytes(data[4:6], "little")
    if count > MAX_ENTRIES:
        raise too_many("pictures", MAX_ENTRIES)
    directory = data[_HEADER_BYTES : _HEADER_BYTES + _ENTRY.size * count]
    if len(directory) < _ENTRY.size * count or not count:
        raise broken("its list of pictures is cut off")
    # A side of 256 pixels or more is written as 0.
    *_, length, offset = max(
        _ENTRY.iter_unpack(directory), key=lambda entry: ((entry[0] or _MOST_SIDE) * (entry[1] or _MOST_SIDE), entry[2])
    )
    picture = data[offset : offset + length]
    if len(picture) < length or length < min(_BITMAP_HEADERS):
        raise broken("its largest picture is cut off")
    return screen_png(picture) if picture.startswith(PNG_SIGNATURE) else _screen_bitmap(picture)


def _screen_bitmap(picture: bytes) -> Screened:
    """Returns a bitmap in an ICO file of its own, of which size and length are known to agree."""
    header, width, rows, _, depth, packing = struct.unpack_from("<IiiHHI", picture)
    # The mask of what is transparent is counted as rows.
    height = rows // 2
    if header not in _BITMAP_HEADERS or depth not in _DEPTHS or packing not in (_PLAIN, _MASKED):
        raise broken("its largest picture is packed in a way that icons are not")
    if not (0 < width <= _MOST_SIDE and 0 < height <= _MOST_SIDE):
        raise broken(f"its largest picture has {width} x {height} pixels, as no bitmap in an icon has")
    colors = (struct.unpack_from("<I", picture, 32)[0] or 1 << depth) if depth <= 8 else 0
    start = header + 4 * colors + (_MASK_BYTES if packing == _MASKED and header == min(_BITMAP_HEADERS) else 0)
    pixels, mask = -(-width * depth // 32) * 4 * height, -(-width // 32) * 4 * height
    if colors > _MOST_COLORS or len(picture) < start + pixels:
        raise broken("its largest picture is cut off")
    # Of old icons of 32 bits, only the mask says what is transparent, as of all of fewer bits. Pillow takes the last
    # bytes for the mask; where programs write none, or a shorter one, nothing is transparent.
    has_alpha = depth == 32 and any(picture[start + 3 : start + pixels : 4])
    end = start + pixels + (0 if has_alpha else mask)
    kept = picture[:end] if len(picture) >= end else picture[: start + pixels] + bytes(mask)
    bits = 32 if has_alpha else min(depth, 24)
    entry = _ENTRY.pack(width % 256, height % 256, bits, end, _HEADER_BYTES + _ENTRY.size)
    return Screened(struct.pack("<HHH", 0, 1, 1) + entry + kept)
