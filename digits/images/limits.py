"""The limits on what an image file may cost."""

from dataclasses import dataclass

from PIL import Image

from digits.errors import SettingError
from digits.images.formats import FORMATS

# The highest limits that can be set. Above MAX_PIXELS, Pillow suspects a decompression bomb in every image.
MAX_BYTES = 2**31 - 1
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 2**26


@dataclass(frozen=True)
class ImageLimits:
    """What an image file may cost.

    Args:
        max_bytes: the size of the encoded file, in bytes.
        max_pixels: width times height, checked on the file's header before any pixel is decoded. At most Pillow's
            own limit.
        max_frames: frames of an animation, of which the first is read, or pages of a document.
        max_pages: pages of a document that are read at a time.
        max_document_pixels: of all pages that are read at a time.
        formats: names of the formats that are read, all from `digits.images.formats`.
        max_candidates: parts of a picture that may be digits and go through the network, where a whole number is
            read.

    Raises:
        SettingError: a limit is out of range.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_frames: int = 200
    max_pages: int = 20
    max_document_pixels: int = 200_000_000
    formats: tuple[str, ...] = FORMATS
    max_candidates: int = 3_000

    def __post_init__(self) -> None:
        for name, highest in (("max_bytes", MAX_BYTES), ("max_pixels", MAX_PIXELS)):
            value = getattr(self, name)
            if not 1 <= value <= highest:
                raise SettingError(f"{name} is {value}; it must be from 1 to {highest}.")
        for name in ("max_frames", "max_pages", "max_document_pixels", "max_candidates"):
            if (value := getattr(self, name)) < 1:
                raise SettingError(f"{name} is {value}; it must be 1 or more.")
        if not self.formats or set(self.formats) - set(FORMATS):
            raise SettingError(f"formats is {self.formats}; it must name some of {', '.join(FORMATS)}.")


def too_many_bytes(max_bytes: int) -> str:
    """Returns the message for a file of more than `max_bytes` bytes."""
    return f"The file has more than the {max_bytes:,} bytes allowed. Use a smaller image."
