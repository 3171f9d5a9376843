"""Bytes to pixels, safely: whatever a stranger uploads becomes an array or an `ImageError`."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageTooLargeError,
    SettingError,
    UnsupportedFormatError,
)

# Allowed by content, never by file name. The order is the order in which people are told of them.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
FORMAT_NAMES = "PNG, JPEG, WebP, GIF, BMP or TIFF"

# Larger images are reduced while they are decoded; half of this is still twice what the normalizer works on.
_ENOUGH_SIDE = 1600

# The highest limits that can be set. Above the second, Pillow suspects a decompression bomb in every image.
MAX_BYTES = 2**31 - 1
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 2**26

# Modes whose samples have more than 8 bits; their range is unknown, so it is read from the data.
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})


@dataclass(frozen=True)
class ImageLimits:
    """What an upload may cost.

    Args:
        max_bytes: size of the encoded file, in bytes.
        max_pixels: width times height, checked on the file's header before any pixel is decoded. At most Pillow's
            own limit.

    Raises:
        SettingError: a limit out of range.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        for name, most in (("max_bytes", MAX_BYTES), ("max_pixels", MAX_PIXELS)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise SettingError(f"{name} is {value}; it must be from 1 to {most}.")


def decode(data: bytes, limits: ImageLimits | None = None) -> npt.NDArray[np.uint8]:
    """Decodes an image file into upright pixels.

    EXIF orientation is applied, transparency is put on a contrasting ground, gray samples of 16 bits and more are
    stretched to 8, an animation gives its first frame, and an image of more than 3,200 pixels on a side is reduced.

    Args:
        data: the file, in one of `FORMATS`.
        limits: what the file may cost; `ImageLimits()` if None.

    Returns:
        uint8 array of shape (height, width) for gray images, (height, width, 3) in RGB order for colored ones.

    Raises:
        EmptyFileError: no bytes.
        ImageTooLargeError: over `limits`.
        UnsupportedFormatError: not an image, or of another format.
        BrokenImageError: the decoder gave up (damaged, cut off).
    """
    limits = limits or ImageLimits()
    if not data:
        raise EmptyFileError("The file is empty (0 bytes). Choose an image file and send it again.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(too_many_bytes(limits.max_bytes))
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > limits.max_pixels:
                raise ImageTooLargeError(_too_many_pixels(width, height, limits.max_pixels))
            return _to_array(image)
    except UnidentifiedImageError:
        raise UnsupportedFormatError(
            f"This is not an image that can be read. Send a {FORMAT_NAMES} file; "
            "a HEIC photo from a phone has to be saved as JPEG first."
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLargeError(
            f"The image has more than the {limits.max_pixels:,} pixels allowed. Send a smaller one."
        ) from None
    except (ImageTooLargeError, MemoryError):
        raise
    except Exception as error:
        # On damaged bytes the decoders raise nearly anything: OSError, SyntaxError, struct.error, ValueError ...
        raise BrokenImageError(
            f"The image file is damaged or cut off and cannot be decoded ({_first_line(error)}). "
            "Save or photograph it again and send the new file."
        ) from error


def too_many_bytes(max_bytes: int) -> str:
    """The message for a file of more than `max_bytes` bytes."""
    return f"The file has more than the {max_bytes:,} bytes allowed. Send a smaller image."


def _too_many_pixels(width: int, height: int, max_pixels: int) -> str:
    return (
        f"The image has {width:,} x {height:,} pixels, more than the {max_pixels:,} allowed. "
        "Scale it down or crop it to the digit."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__


def _to_array(image: Image.Image) -> npt.NDArray[np.uint8]:
    deep = image.mode in _DEEP_MODES
    # A JPEG is decoded at a half, a quarter or an eighth where that is enough.
    image.draft(None, (_ENOUGH_SIDE, _ENOUGH_SIDE))
    image.load()
    image = _reduce(image)
    try:
        upright = ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001
        # Damaged EXIF data, whose reader raises nearly anything, does not make the pixels worse.
        upright = image
    if deep:
        return _stretch(np.asarray(upright, dtype=np.float64))
    if upright.has_transparency_data:
        return _flatten_transparency(np.asarray(upright.convert("RGBA")))
    if upright.mode in ("L", "1"):
        return np.asarray(upright.convert("L"))
    return np.asarray(upright.convert("RGB"))


def _reduce(image: Image.Image) -> Image.Image:
    """The image with fewer pixels if it has many more than it takes to find a digit, before anything copies it."""
    factor = max(image.size) // _ENOUGH_SIDE
    if factor < 2:
        return image
    exif = image.getexif()
    if image.mode in _DEEP_MODES:
        size = (max(1, image.width // factor), max(1, image.height // factor))
        reduced = image.resize(size, Image.Resampling.NEAREST)
    else:
        if image.mode in ("1", "P", "PA"):
            image = image.convert("L" if image.mode == "1" else "RGBA" if image.has_transparency_data else "RGB")
        reduced = image.reduce(factor)
    # Reducing forgets which way is up.
    reduced.getexif().update(exif)
    return reduced


def _stretch(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Maps the range that the samples use to 0..255; many "16-bit" files use 10 or 12 bits of it."""
    samples = np.nan_to_num(samples, posinf=0.0, neginf=0.0)
    low, high = float(samples.min()), float(samples.max())
    if high <= low:
        return np.zeros(samples.shape, dtype=np.uint8)
    return np.rint((samples - low) * (255.0 / (high - low))).astype(np.uint8)


def _flatten_transparency(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Puts an RGBA image of shape (height, width, 4) on a ground that shows its ink; returns RGB.

    Black ink on a transparent ground is commonly stored as black on transparent black: only the ground's color
    can make it visible. Where most of the image is opaque it has a ground of its own, and the rest is filled
    with its average.
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    color = rgba[..., :3].astype(np.float32)
    coverage = float(alpha.mean())
    if coverage == 0.0:
        return np.full((*rgba.shape[:2], 3), 255, dtype=np.uint8)
    visible = (color * alpha).mean(axis=(0, 1)) / coverage
    contrast = np.full(3, 255.0 if visible.mean() < 128.0 else 0.0, dtype=np.float32)
    ground = visible if coverage > 0.5 else contrast
    flat: npt.NDArray[np.uint8] = np.rint(color * alpha + ground * (1.0 - alpha)).astype(np.uint8)
    return flat
