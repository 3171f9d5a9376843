"""EXIF data, which is a TIFF file without an image: reduces it to the orientation."""

import struct

from digits.images.screening.tiff import directories, number_at

_EXIF_START = b"Exif\0\0"
_ORIENTATION = 0x0112
_UPRIGHT = 1
_BYTE_ORDERS = {b"II": "<", b"MM": ">"}
# Struct codes of the TIFF types for whole numbers, SHORT and LONG.
_WHOLE_NUMBERS = {3: "H", 4: "I"}


def orientation_only(exif: bytes) -> bytes:
    r"""Returns EXIF data with the orientation of the given EXIF data and nothing else.

    A picture needs nothing else from it, and the rest may be built to keep its reader busy.

    Args:
        exif: EXIF data, with or without the leading `Exif\0\0`.

    Returns:
        b"" if the picture is upright, if no orientation is there, or if the data is damaged or has more tags than
        cameras write.
    """
    data = exif.removeprefix(_EXIF_START)
    first = next(directories(data), None) if data[:2] in _BYTE_ORDERS else None
    for tag, kind, _, value in first.tags if first else ():
        if tag == _ORIENTATION and kind in _WHOLE_NUMBERS:
            orientation = number_at(value, 0, _BYTE_ORDERS[data[:2]] + _WHOLE_NUMBERS[kind])
            if orientation == _UPRIGHT or orientation > 8:
                return b""
            return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)
    return b""
