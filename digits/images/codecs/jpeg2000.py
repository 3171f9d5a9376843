"""Decodes JPEG 2000 files smaller than they are, which takes a fraction of the time and memory."""

import math
from typing import TYPE_CHECKING

from digits.images.screening.jpeg2000.codestream import CODESTREAM, MAX_SAMPLES
from digits.images.screening.jpeg2000.demand import Grid
from digits.images.screening.screened import Screened

if TYPE_CHECKING:
    from PIL import Image


def halvings_of(image: "Image.Image", screened: Screened, factor: int) -> int:
    """Returns how often width and height of a JPEG 2000 file are halved while it is decoded.

    Args:
        image: opened and not loaded.
        screened: its file.
        factor: by which the picture may be reduced. One of more than `MAX_SAMPLES` samples is reduced further.
    """
    samples, halvings = math.prod(image.size) * len(image.getbands()), 0
    while halvings < screened.halvings and (2 << halvings <= factor or samples >> 2 * halvings > MAX_SAMPLES):
        halvings += 1
    return halvings


def halve(image: "Image.Image", screened: Screened, factor: int) -> None:
    """Makes an opened JPEG 2000 image one that is decoded smaller; arguments as for `halvings_of`.

    Pillow can do so, but knows the size only of some.
    """
    from PIL import ImageFile

    halvings = halvings_of(image, screened, factor)
    if halvings and isinstance(image, ImageFile.ImageFile):
        at = screened.data.index(CODESTREAM)
        length = int.from_bytes(screened.data[at + 4 : at + 6])
        size = Grid.of(screened.data[at + 6 : at + 4 + length]).size(halvings)
        codec, _, offset, (kind, _, layers, file, file_length) = image.tile[0]
        image.tile = [ImageFile._Tile(codec, (0, 0, *size), offset, (kind, halvings, layers, file, file_length))]
        image._size = size
