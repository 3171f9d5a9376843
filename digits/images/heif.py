"""Opens HEIC and HEIF photos with pillow-heif, an optional part of the install."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

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
    except ImportError as error:
        raise MissingInstallError(
            f"HEIC photos need pillow-heif, which is not installed. Install it with: {install_command('phone')}"
        ) from error
    opener: Callable[[io.BytesIO], Image.Image] = HeifImageFile
    return opener(io.BytesIO(data))
