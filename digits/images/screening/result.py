"""What comes of looking at how an image file is built, whatever its format."""

from dataclasses import dataclass

from digits.errors import BrokenImageError

# Chunks of a PNG or WebP file, segments before the pixels of a JPEG file, blocks of a GIF file, tags of a TIFF file.
# Programs write some tens; pixels in pieces of 8 kB, and profiles in pieces of 64 kB, make it some thousands.
MAX_PIECES = 10_000


@dataclass(frozen=True)
class Screened:
    """A file that is safe to hand to its decoder.

    Args:
        data: the file, perhaps without parts that its picture does not need.
        frames: images in it: frames of an animation, pages of a document.
        is_whole: False if it is too short to hold as many pixels as it says.
    """

    data: bytes
    frames: int = 1
    is_whole: bool = True


def too_many(what: str, most: int) -> BrokenImageError:
    """The error for a file of more than `most` of something."""
    return BrokenImageError(
        f"The image file has more than {most:,} {what}, far more than an image needs. Save it anew and send that."
    )
