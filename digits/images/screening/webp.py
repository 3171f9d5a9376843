"""Screens WebP files, animated ones too."""

import struct

from digits.images.screening.exif import orientation_only
from digits.images.screening.screened import MAX_PIECES, MAX_TEXT_BYTES, Screened, too_many


def screen_webp(data: bytes) -> Screened:
    """Counts frames; leaves out all of the EXIF data but the orientation, and XMP data that is long or doubled.

    Raises:
        BrokenImageError: the file has more than `MAX_PIECES` chunks.
    """
    frames, pieces, at = 0, 0, 12
    kept, kept_from, seen = list[bytes](), 8, set[bytes]()
    while at + 8 <= len(data):
        pieces += 1
        if pieces > MAX_PIECES:
            raise too_many("chunks", MAX_PIECES)
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        frames += kind == b"ANMF"
        if kind == b"EXIF" or (kind == b"XMP " and (kind in seen or size > MAX_TEXT_BYTES)):
            exif = orientation_only(data[at + 8 : min(end, at + 8 + MAX_TEXT_BYTES)]) if kind not in seen else b""
            kept += [data[kept_from:at], exif and kind + struct.pack("<I", len(exif)) + exif]
            kept_from = end
        seen.add(kind)
        at = end
    if not kept:
        return Screened(data, max(1, frames))
    rest = b"".join([*kept, data[kept_from:]])
    # The header gives the length of the file, which is shorter now.
    length = int.from_bytes(data[4:8], "little") + 8 + len(rest) - len(data)
    return Screened(b"RIFF" + struct.pack("<I", max(0, length)) + rest, max(1, frames))
