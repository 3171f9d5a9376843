"""From a Pillow image to an array: upright, opaque, 8 bits, gray or RGB."""

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from digits.images.reducing import DEEP_MODES, load_reduced
from digits.images.screening.screened import Screened
from digits.images.transparency import flatten_transparency

# The EXIF orientations of pictures that are turned by 90 or 270 degrees.
_QUARTER_TURNS = (5, 6, 7, 8)


def upright_pixels(image: Image.Image, screened: Screened, enough: int) -> tuple[npt.NDArray[np.uint8], bool]:
    """Decodes an opened image and turns it upright.

    Args:
        image: opened and not loaded.
        screened: its file.
        enough: as for `load_reduced`.

    Returns:
        uint8 of shape (height, width) for gray images or (height, width, 3) in RGB order for colored ones, and
        whether width and height changed places.
    """
    is_deep = image.mode in DEEP_MODES
    image = load_reduced(image, screened, enough)
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        upright = ImageOps.exif_transpose(image) if orientation else image
        is_quarter_turn = orientation in _QUARTER_TURNS
    except Exception:  # noqa: BLE001
        # The reader of EXIF data raises nearly anything on damaged data; the pixels are no worse for it.
        upright, is_quarter_turn = image, False
    return _to_array(upright, is_deep), is_quarter_turn


def _to_array(image: Image.Image, is_deep: bool) -> npt.NDArray[np.uint8]:
    if is_deep:
        return _stretch(np.asarray(image, dtype=np.float64))
    if image.has_transparency_data:
        return flatten_transparency(np.asarray(image.convert("RGBA")))
    mode = "L" if image.mode in ("L", "1") else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode))


def _stretch(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Maps the range that the samples use to 0..255. Many "16-bit" files use only 10 or 12 bits."""
    samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    if high <= low:
        return np.zeros(samples.shape, dtype=np.uint8)
    return np.rint((samples - low) * (255.0 / (high - low))).astype(np.uint8)
