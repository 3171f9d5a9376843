"""Opens HEIC and HEIF photos with pillow-heif, an optional part of the install."""

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from digits.errors import MissingInstallError
from digits.installation import install_command

if TYPE_CHECKING:
    from PIL import Image


def open_heif(data: bytes) -> "Image.Image":
    """Reads the header of a HEIF file; its pixels are decoded when they are loaded.

    Raises:
        MissingInstallError: pillow-heif is not installed.
    """
    try:
        from pillow_heif.as_plugin import HeifImageFile
    except ModuleNotFoundError as error:
        raise MissingInstallError(
            f"HEIC photos need pillow-heif, which is not installed. Install it with: {install_command('phone')}"
        ) from error
    opener: Callable[[io.BytesIO], Image.Image] = HeifImageFile
    return opener(io.BytesIO(data))


def decode_strips(data: bytes, frame: int, rows: int) -> "Iterator[Image.Image]":
    """Decodes an image of a HEIF file, and yields it in strips, without the copy of it that Pillow would keep.

    Args:
        data: the file, of which `open_heif` has read the header.
        frame: which of its images, from 0.
        rows: of each strip but the last one, in pixels.

    Yields:
        Images of 8 bits, from top to bottom, as wide as the image.

    Raises:
        ValueError: the pixels cannot be read.
    """
    import pillow_heif
    from PIL import Image

    opener: Callable[..., Any] = pillow_heif.HeifFile
    image = opener(io.BytesIO(data), convert_hdr_to_8bit=True, remove_stride=False)[frame]
    pixels, stride = memoryview(image.data), image.stride
    width, height = image.size
    for top in range(0, height, rows):
        size = (width, min(rows, height - top))
        strip = pixels[top * stride : (top + size[1]) * stride]
        yield Image.frombytes(image.mode, size, strip, "raw", image.mode, stride)
