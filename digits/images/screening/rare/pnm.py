"""Screens PNM files: bitmaps, graymaps and pixmaps (P1 to P6), whose numbers are text or bytes."""

import re
from dataclasses import dataclass

from digits.images.screening.screened import MAX_TEXT_BYTES, Screened, broken

# White space and comments stand between the numbers of a header; one white space ends it. What was matched is never
# tried again in another way (`++`), so that no header takes longer than its length.
_GAP = rb"(?:\s|#[^\r\n]*+[\r\n])++"
_HEADER = re.compile(rb"P([1-6])" + _GAP + rb"(\d{1,10})" + _GAP + rb"(\d{1,10})")
_MAXIMUM = re.compile(_GAP + rb"(\d{1,5})")
# A header of so many bytes, or one with comments, is written anew.
_USUAL_BYTES = 40
# No usual program writes more text for a sample, with the space around it.
_BYTES_OF_SAMPLE = 32
_BITMAPS, _PIXMAPS, _TEXTS = (1, 4), (3, 6), (1, 2, 3)


@dataclass(frozen=True)
class PnmHeader:
    """The header of a PNM file.

    Args:
        kind: 1 to 6: bitmap, graymap and pixmap as text, and the same as bytes.
        width, height: in pixels.
        maximum: of the samples, 1 to 65535.
        start: offset of the first sample.
    """

    kind: int
    width: int
    height: int
    maximum: int
    start: int

    @property
    def is_text(self) -> bool:
        """Whether the samples are written as text."""
        return self.kind in _TEXTS

    @property
    def samples(self) -> int:
        """How many the picture has."""
        return self.width * self.height * (3 if self.kind in _PIXMAPS else 1)

    @property
    def least_bytes(self) -> int:
        """The length of the samples, of text the shortest."""
        if self.kind == 1:
            return self.samples
        if self.kind in _TEXTS:
            return 2 * self.samples - 1
        if self.kind in _BITMAPS:
            return -(-self.width // 8) * self.height
        return self.samples * (1 if self.maximum < 256 else 2)

    @property
    def most_bytes(self) -> int:
        """The length of the samples, of text the longest that is read."""
        return MAX_TEXT_BYTES + _BYTES_OF_SAMPLE * self.samples if self.is_text else self.least_bytes


def pnm_header(data: bytes) -> PnmHeader:
    """Reads the header of a PNM file.

    Raises:
        BrokenImageError: there is none within `MAX_TEXT_BYTES`, or it has a number out of range.
    """
    head = data[:MAX_TEXT_BYTES]
    size, maximum, end = _HEADER.match(head), 1, 0
    if size:
        kind, width, height, end = int(size[1]), int(size[2]), int(size[3]), size.end()
        if kind not in _BITMAPS:
            size = _MAXIMUM.match(head, end)
            maximum, end = (int(size[1]), size.end()) if size else (0, 0)
    # The end of a bitmap's header may be the end of a number that is too long.
    if not size or not head[end : end + 1].isspace() or not 0 < maximum < 65_536 or not width * height:
        raise broken("its header cannot be read")
    return PnmHeader(kind, width, height, maximum, end + 1)


def screen_pnm(data: bytes) -> Screened:
    """Checks that the file is long enough for its pixels; leaves out comments of the header, and what is behind the
    pixels.

    Raises:
        BrokenImageError: the header is damaged, or longer than `MAX_TEXT_BYTES`.
    """
    header = pnm_header(data)
    is_whole = len(data) - header.start >= header.least_bytes
    end = header.start + header.most_bytes
    if header.start > _USUAL_BYTES or b"#" in data[: header.start] or len(data) > end:
        # Pillow reads a header byte by byte.
        maximum = b"" if header.kind in _BITMAPS else b"%d\n" % header.maximum
        data = b"P%d\n%d %d\n" % (header.kind, header.width, header.height) + maximum + data[header.start : end]
    return Screened(data, is_whole=is_whole)
