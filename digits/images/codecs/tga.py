"""Opens TGA files."""

import io
from typing import TYPE_CHECKING

from digits.images.screening.rare.tga import has_alpha

if TYPE_CHECKING:
    from PIL import Image

# How Pillow calls the pixels of 16 and of 32 bits whose transparency means nothing, by how it calls the others.
_OPAQUE = {"BGRA": "BGRX", "BGRA;15Z": "BGR;15"}


def open_tga(data: bytes) -> "Image.Image":
    """Reads the header of a TGA file; its pixels are decoded when they are loaded.

    Pillow takes the spare bits of a pixel for transparency, whether the header says that they are or not.

    Args:
        data: the file, screened.
    """
    from PIL import Image, ImageFile

    image = Image.open(io.BytesIO(data), formats=("TGA",))
    if isinstance(image, ImageFile.ImageFile) and not has_alpha(data) and image.mode == "RGBA":
        tile = image.tile[0]
        mode, *others = tuple(tile.args or ())
        image.tile = [tile._replace(args=(_OPAQUE[mode], *others))]
        image._mode = "RGB"
    return image
