"""The result of screening a file, and the limit on the pieces that a file may consist of."""

from dataclasses import dataclass

from digits.errors import BrokenImageError

# The most pieces in a file: chunks of a PNG or WebP file, segments before the pixels of a JPEG file, blocks of a GIF
# file, tags of a TIFF file. Usual programs write some tens. Those that write pixels in pieces of 8 kB, or color
# profiles in pieces of 64 kB, write some thousands.
MAX_PIECES = 10_000

# The most bytes of a text or of EXIF data that are read. A JPEG segment cannot hold more.
MAX_TEXT_BYTES = 65_536


@dataclass(frozen=True)
class Canvas:
    """The canvas of an animation, and where the first frame stands on it, in pixels."""

    width: int
    height: int
    left: int
    top: int


@dataclass(frozen=True)
class Screened:
    """A file that is safe to hand to its decoder.

    Args:
        data: the file, perhaps without parts that its pixels do not need.
        frames: how many images it holds: frames of an animation, pages of a document.
        pages: which of these images are pages, from 0; an animation has one page, its first frame.
        is_whole: False if the file is too short for the number of pixels that its header announces.
        coded_pixels: of the largest image that the decoder makes, where that may differ from the picture's; else 0.
        canvas: where the image in `data` stands, if it is a frame that was cut out of an animation.
        is_in_passes: whether the pixels of a JPEG file come in several passes, between which a decoder keeps them all.
        halvings: how often width and height of a JPEG 2000 file can be halved by decoding less of it.
    """

    data: bytes
    frames: int = 1
    is_whole: bool = True
    canvas: Canvas | None = None
    coded_pixels: int = 0
    pages: tuple[int, ...] = (0,)
    is_in_passes: bool = False
    halvings: int = 0


def broken(reason: str) -> BrokenImageError:
    """Returns the error for a file that cannot be decoded for this reason."""
    return BrokenImageError(
        f"The image file is damaged or cut off and cannot be decoded ({reason}). "
        "Save or photograph it again and use the new file."
    )


def too_many(pieces: str, limit: int) -> BrokenImageError:
    """Returns the error for a file with more than `limit` of the named pieces."""
    return BrokenImageError(
        f"The image file has more than {limit:,} {pieces}, far more than an image needs. Save it anew and use that."
    )
