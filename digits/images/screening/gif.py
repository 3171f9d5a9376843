"""Screens GIF files."""

from digits.images.screening.screened import MAX_PIECES, Screened, too_many

# Most programs write pixels in blocks of 255 bytes, some in half as many. A file may have one block for each
# `GIF_BLOCK_BYTES` of its length, and `MAX_PIECES` shorter ones.
GIF_BLOCK_BYTES = 128


def screen_gif(data: bytes) -> Screened:
    """Counts frames and blocks.

    Raises:
        BrokenImageError: the file has far more blocks than its pixels need.
    """
    frames, blocks, at = 0, 0, 13 + _palette_bytes(data, 10)
    pieces, max_pieces, end = 0, MAX_PIECES + len(data) // GIF_BLOCK_BYTES, len(data)
    while at < end and data[at : at + 1] in (b"!", b","):
        is_frame = data[at : at + 1] == b","
        frames += is_frame
        at += 11 + _palette_bytes(data, at + 9) if is_frame else 2
        pieces_before = pieces
        while at < end and data[at]:
            at += 1 + data[at]
            pieces += 1
            if pieces > max_pieces:
                raise too_many("blocks of pixels", max_pieces)
        # The blocks of a frame are bounded above, by the length of the file; those of an extension count one by one.
        at, blocks = at + 1, blocks + 1 + (0 if is_frame else pieces - pieces_before)
        if blocks > MAX_PIECES:
            raise too_many("blocks", MAX_PIECES)
    return Screened(data, max(1, frames))


def _palette_bytes(data: bytes, at: int) -> int:
    """Returns the length of the palette that the flags at an offset announce, in bytes."""
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
