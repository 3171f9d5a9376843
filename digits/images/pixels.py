"""From a Pillow image to an array: upright, opaque, 8 bits, gray or RGB."""

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from digits.images.channels import channels_of
from digits.images.codecs.jpeg import decode_jpeg, turn_upright
from digits.images.reducing import DEEP_MODES, load_reduced
from digits.images.refusals import is_lack
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
    if (pixels := upright_jpeg(image, screened, enough)) is None:
        is_deep = image.mode in DEEP_MODES
        image = load_reduced(image, screened, enough)
        pixels = turn_upright(_to_array(image, is_deep), _orientation_of(image))
    # Some formats have their EXIF data behind the pixels.
    return pixels, _orientation_of(image) in _QUARTER_TURNS


def upright_jpeg(image: Image.Image, screened: Screened, enough: int) -> npt.NDArray[np.uint8] | None:
    """Does what `upright_pixels` does with most JPEG images, and leaves the image open; None for all others."""
    pixels = decode_jpeg(image, screened.data, enough)
    if pixels is None:
        return None
    return turn_upright(gray_if_equal(pixels) if pixels.ndim == 3 else pixels, _orientation_of(image))


def _orientation_of(image: Image.Image) -> int | None:
    """Returns an image's EXIF orientation; None if it has none, or if its EXIF data is damaged."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception as error:
        # It is loaded with the first image.
        if is_lack(error):
            raise
        # The reader of EXIF data raises nearly anything on damaged data; the pixels are no worse for it.
        return None
    return orientation if isinstance(orientation, int) else None


def _to_array(image: Image.Image, is_deep: bool) -> npt.NDArray[np.uint8]:
    if is_deep:
        return _stretch(np.asarray(image, dtype=np.float64))
    if image.has_transparency_data:
        flat = flatten_transparency(np.asarray(image if image.mode == "RGBA" else image.convert("RGBA")))
        return flat if flat.ndim == 2 else gray_if_equal(flat)
    mode = "L" if image.mode in ("L", "1") else "RGB"
    pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    return pixels if mode == "L" else gray_if_equal(pixels)


def gray_if_equal(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Returns a picture of equal channels, which programs often store as RGB, as gray: all that follows is faster.

    Args:
        rgb: uint8 of shape (height, width, 3).

    Returns:
        uint8 of shape (height, width) if the three channels are equal, else `rgb` itself.
    """
    # A row in the middle tells most colored pictures apart.
    middle = rgb[rgb.shape[0] // 2]
    if (middle != middle[:, :1]).any():
        return rgb
    red, green, blue = channels_of(rgb)
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red
    return rgb


def _stretch(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Maps the range that the samples use to 0..255. Many "16-bit" files use only 10 or 12 bits."""
    samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    if high <= low:
        return np.zeros(samples.shape, dtype=np.uint8)
    return np.rint((samples - low) * (255.0 / (high - low))).astype(np.uint8)
