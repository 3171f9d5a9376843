"""Decodes JPEG 2000 files smaller than they are, which takes a fraction of the time and memory."""

import math
from typing import TYPE_CHECKING

from digits.images.screening.jpeg2000.codestream import most_samples
from digits.images.screening.screened import Screened

if TYPE_CHECKING:
    from PIL import Image


def halvings_of(image: "Image.Image", screened: Screened, factor: int) -> int:
    """Returns how often width and height of a JPEG 2000 file are halved while it is decoded.

    Args:
        image: opened and not loaded.
        screened: its file.
        factor: by which the picture may be reduced. One of more than `most_samples` is reduced further.
    """
    most = most_samples(screened.data)
    samples, halvings = math.prod(image.size) * len(image.getbands()), 0
    while halvings < screened.halvings and (2 << halvings <= factor or samples >> 2 * halvings > most):
        halvings += 1
    return halvings


def halve(image: "Image.Image", screened: Screened, factor: int) -> None:
    """Makes an opened JPEG 2000 image one that is decoded smaller; arguments as for `halvings_of`.

    Pillow can do so by itself, but rounds some sizes to others than its decoder makes.
    """
    from PIL import ImageFile

    halvings = halvings_of(image, screened, factor)
    if halvings and isinstance(image, ImageFile.ImageFile):
        width, height = (-(-side >> halvings) for side in image.size)
        tile = image.tile[0]
        kind, _, *others = tuple(tile.args or ())
        image.tile = [tile._replace(extents=(0, 0, width, height), args=(kind, halvings, *others))]
        image._size = (width, height)
