"""Screens PDF files."""

import re

from digits.errors import BrokenImageError
from digits.images.screening.screened import Screened

# The file ends with the place of the table of its parts; programs look for it in so many bytes.
_END_BYTES = 64 * 1024
_TABLE = re.compile(rb"startxref|trailer")


def screen_pdf(data: bytes) -> Screened:
    """Checks that the end of the file is there. Its pages are counted by the process that draws them.

    Raises:
        BrokenImageError: the file is cut off.
    """
    if not _TABLE.search(data, max(0, len(data) - _END_BYTES)):
        raise BrokenImageError(
            "The PDF file is damaged or cut off and cannot be opened (the table of its parts, at its end, is missing). "
            "Save it again and use the new file."
        )
    return Screened(data)
