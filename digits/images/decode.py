"""Bytes to pixels, safely: whatever a stranger uploads becomes an array or an `ImageError`."""

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageTooLargeError,
    SettingError,
    TooManyFramesError,
    TooManyPixelsError,
    UnsupportedFormatError,
)
from digits.images.plain_png import decode_plain_png, plain_png_size
from digits.images.screening.screen import screen

# Allowed by content, never by file name. The order is the order in which people are told of them.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

# Images with twice as many pixels on the longer side, or more, are reduced while they are decoded. The normalizer
# works on so many, where one digit is looked for.
ENOUGH_SIDE = 800

_REDUCED_SIDE = 2 * ENOUGH_SIDE
# Rows of the reduced image that are made at a time.
_STRIP = 64

TIFF_TILE_WIDTH, TIFF_TILE_LENGTH = 322, 323

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
        max_frames: of an animation, pages of a document; only the first is read.
        formats: those of `FORMATS` that are read.
        max_candidates: things on a picture that may be digits, and go through the network, where all of its digits
            are read.

    Raises:
        SettingError: a limit out of range.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_frames: int = 200
    formats: tuple[str, ...] = FORMATS
    max_candidates: int = 3_000

    def __post_init__(self) -> None:
        for name, most in (("max_bytes", MAX_BYTES), ("max_pixels", MAX_PIXELS)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise SettingError(f"{name} is {value}; it must be from 1 to {most}.")
        for name in ("max_frames", "max_candidates"):
            if (value := getattr(self, name)) < 1:
                raise SettingError(f"{name} is {value}; it must be 1 or more.")
        if not self.formats or set(self.formats) - set(FORMATS):
            raise SettingError(f"formats is {self.formats}; it must name some of {', '.join(FORMATS)}.")


class OpenedImage:
    """An image file whose header was read, and no pixel yet; made by `open_image`.

    `width` and `height` are in pixels, as stored; `upright_size` is both as a person sees it, known once it is decoded;
    `is_plain` tells files that take little time and memory to decode.

    Args:
        data: the file.
        limits: what it may cost.
        size: (width, height) in pixels, if it is a plain PNG file of moderate size.
    """

    def __init__(self, data: bytes, limits: ImageLimits, size: tuple[int, int] | None) -> None:
        self._data = data
        self._limits = limits
        self.is_plain = size is not None
        self._is_whole = True
        self._image: Image.Image | None = None
        if size is None:
            self._image = self._open()
            size = self._image.size
        self.width, self.height = self.upright_size = size

    def decode(self, enough: int = ENOUGH_SIDE) -> npt.NDArray[np.uint8]:
        """Decodes the file into upright pixels.

        EXIF orientation is applied, transparency is put on a contrasting ground, gray samples of 16 bits and more
        are stretched to 8, an animation gives its first frame, and a large image is reduced.

        Args:
            enough: an image with twice as many pixels on the longer side, or more, is reduced by a whole number,
                to no fewer than these.

        Returns:
            uint8 array of shape (height, width) for gray images, (height, width, 3) in RGB order for colored ones.

        Raises:
            BrokenImageError: the decoder gave up (damaged, cut off).
        """
        if self.is_plain and (pixels := decode_plain_png(self._data)) is not None:
            return pixels
        image = self._image or self._open()
        self._image = None
        if not self._is_whole:
            raise BrokenImageError(
                "The image file is damaged or cut off: it is too short to hold as many pixels as it says. "
                "Save or photograph it again and send the new file."
            )
        try:
            with image:
                pixels, is_turned = _to_array(image, self._data, enough)
        except Exception as error:
            raise _as_image_error(error, self._limits) from error
        self.upright_size = (self.height, self.width) if is_turned else (self.width, self.height)
        return pixels

    def _open(self) -> Image.Image:
        screened = screen(self._data)
        if screened.frames > self._limits.max_frames:
            raise TooManyFramesError(
                f"The image has more than the {self._limits.max_frames:,} frames or pages allowed. "
                "Send the one that shows the digit."
            )
        self._is_whole = screened.is_whole
        try:
            image = Image.open(io.BytesIO(screened.data), formats=self._limits.formats)
        except Exception as error:
            raise _as_image_error(error, self._limits) from error
        # A TIFF file's tiles may be far larger than its image, and each is decoded whole.
        tags = getattr(image, "tag_v2", {})
        tile = tags.get(TIFF_TILE_WIDTH, 1) * tags.get(TIFF_TILE_LENGTH, 1)
        if isinstance(tile, int) and tile > max(4 * image.width * image.height, 512 * 512):
            raise TooManyPixelsError(
                f"The TIFF file has tiles of {tile:,} pixels, many times as many as its image. Save it anew, as PNG."
            )
        return image


def open_image(data: bytes, limits: ImageLimits | None = None) -> OpenedImage:
    """Reads an image file's header and no pixel; of a plain PNG file, whether all of it is undamaged.

    That takes microseconds for a small file, and some milliseconds for one of many megabytes.

    Args:
        data: the file, in one of `FORMATS`.
        limits: what the file may cost; `ImageLimits()` if None.

    Raises:
        EmptyFileError: no bytes.
        ImageTooLargeError, TooManyPixelsError, TooManyFramesError: over `limits`.
        UnsupportedFormatError: not an image, or of another format.
        BrokenImageError: its header is damaged.
    """
    limits = limits or ImageLimits()
    if not data:
        raise EmptyFileError("The file is empty (0 bytes). Choose an image file and send it again.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(too_many_bytes(limits.max_bytes))
    opened = OpenedImage(data, limits, plain_png_size(data, _REDUCED_SIDE) if "PNG" in limits.formats else None)
    width, height = opened.width, opened.height
    if width * height > limits.max_pixels:
        raise TooManyPixelsError(
            f"The image has {width:,} x {height:,} pixels, more than the {limits.max_pixels:,} allowed. "
            "Scale it down or crop it to the digit."
        )
    return opened


def decode(data: bytes, limits: ImageLimits | None = None) -> npt.NDArray[np.uint8]:
    """Decodes an image file into upright pixels: `open_image` and `OpenedImage.decode` in one."""
    return open_image(data, limits).decode()


def _as_image_error(error: Exception, limits: ImageLimits) -> Exception:
    """What a decoder raised, for the person who sent the image."""
    if isinstance(error, UnidentifiedImageError):
        return UnsupportedFormatError(
            f"This is not an image that can be read. Send a {_names_of(limits.formats)} file; "
            "a HEIC photo from a phone has to be saved as JPEG first."
        )
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return TooManyPixelsError(
            f"The image has more than the {limits.max_pixels:,} pixels allowed. Send a smaller one."
        )
    if isinstance(error, MemoryError):
        return error
    # On damaged bytes the decoders raise nearly anything: OSError, SyntaxError, struct.error, ValueError ...
    reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
    return BrokenImageError(
        f"The image file is damaged or cut off and cannot be decoded ({reason}). "
        "Save or photograph it again and send the new file."
    )


def _names_of(formats: tuple[str, ...]) -> str:
    *names, last = ("WebP" if name == "WEBP" else name for name in formats)
    return f"{', '.join(names)} or {last}" if names else last


def too_many_bytes(max_bytes: int) -> str:
    """The message for a file of more than `max_bytes` bytes."""
    return f"The file has more than the {max_bytes:,} bytes allowed. Send a smaller image."


def _to_array(image: Image.Image, data: bytes, enough: int) -> tuple[npt.NDArray[np.uint8], bool]:
    """The upright pixels, and whether they were turned by a quarter, which the EXIF orientations 5 to 8 mean."""
    deep = image.mode in _DEEP_MODES
    # A JPEG is decoded at a half, a quarter or an eighth where that is enough.
    factor = max(1, max(image.size) // enough)
    if factor > 1:
        image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))
    if factor > 1 and image.format == "WEBP" and (reduced := _reduce_webp(image, data, factor)):
        image = reduced
    else:
        image.load()
        image = _reduce(image, enough)
    try:
        turn = image.getexif().get(ExifTags.Base.Orientation)
        upright, is_turned = ImageOps.exif_transpose(image) if turn else image, turn in (5, 6, 7, 8)
    except Exception:  # noqa: BLE001
        # Damaged EXIF data, whose reader raises nearly anything, does not make the pixels worse.
        upright, is_turned = image, False
    return _pixels_of(upright, deep), is_turned


def _pixels_of(upright: Image.Image, deep: bool) -> npt.NDArray[np.uint8]:
    if deep:
        return _stretch(np.asarray(upright, dtype=np.float64))
    if upright.has_transparency_data:
        return _flatten_transparency(np.asarray(upright.convert("RGBA")))
    gray = upright.mode in ("L", "1")
    wanted = "L" if gray else "RGB"
    return np.asarray(upright if upright.mode == wanted else upright.convert(wanted))


def _reduce(image: Image.Image, enough: int) -> Image.Image:
    """The image with fewer pixels if it has many more than it takes to find a digit, before anything copies it."""
    factor = max(image.size) // enough
    if factor < 2:
        return image
    if image.mode in _DEEP_MODES:
        size = (max(1, image.width // factor), max(1, image.height // factor))
        reduced = image.resize(size, Image.Resampling.NEAREST)
    else:
        reduced = _reduce_in_strips(image, factor)
    return _turned_as(image, reduced)


def _reduce_webp(image: Image.Image, data: bytes, factor: int) -> Image.Image | None:
    """The same for a WebP file that was not loaded: OpenCV takes a quarter of the memory; None if it cannot read it."""
    if getattr(image, "n_frames", 1) > 1:
        return None
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.shape[:2] != (image.height, image.width):
        return None
    size = (-(-image.width // factor), -(-image.height // factor))
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    swap = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return _turned_as(image, Image.fromarray(cv2.cvtColor(pixels, swap)))


def _turned_as(image: Image.Image, reduced: Image.Image) -> Image.Image:
    """The reduced image, with what the whole one says of which way is up; reducing forgets it."""
    if turn := image.getexif().get(ExifTags.Base.Orientation):
        reduced.getexif()[ExifTags.Base.Orientation] = turn
    return reduced


def _reduce_in_strips(image: Image.Image, factor: int) -> Image.Image:
    """The image at one part in `factor` of each side; what that takes on the way is made of a part of it at a time."""
    mode = image.mode
    if mode in ("1", "P", "PA"):
        mode = "L" if mode == "1" else "RGBA" if image.has_transparency_data else "RGB"
    height = _STRIP * factor
    reduced = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(top + height, image.height)))
        if strip.mode != mode:
            # Cropping forgets which color is transparent.
            strip.info = image.info
            strip = strip.convert(mode)
        reduced.paste(strip.reduce(factor), (0, top // factor))
    reduced.info = image.info
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
