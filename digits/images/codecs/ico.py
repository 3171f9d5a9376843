"""Opens the picture that `digits.images.screening.rare.ico` keeps of an ICO file."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


def open_ico(data: bytes) -> "Image.Image":
    """Reads the header of a PNG file, or decodes a bitmap in an ICO file, which is small.

    Args:
        data: the file, screened.
    """
    from PIL import Image

    return Image.open(io.BytesIO(data), formats=("PNG", "ICO"))
