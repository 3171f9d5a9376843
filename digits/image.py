"""Bytes to pixels, safely: whatever a stranger uploads becomes an array or an `ImageError`."""

import io
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageTooLargeError,
    SettingError,
    TooManyFramesError,
    TooManyPixelsError,
    UnsupportedFormatError,
)

# Allowed by content, never by file name. The order is the order in which people are told of them.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")

# Images with twice as many pixels on the longer side, or more, are reduced while they are decoded. The normalizer
# works on so many.
ENOUGH_SIDE = 800

_REDUCED_SIDE = 2 * ENOUGH_SIDE

# What a plain PNG file consists of; programs write its pixels in one chunk or a few.
_PLAIN_CHUNKS = frozenset({b"IHDR", b"IDAT", b"IEND"})
_MAX_CHUNKS = 1_000

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
        max_frames: of an animation, pages of a document; only the first is read, but counting them takes time.
        formats: those of `FORMATS` that are read.

    Raises:
        SettingError: a limit out of range.
    """

    max_bytes: int = 20 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_frames: int = 200
    formats: tuple[str, ...] = FORMATS

    def __post_init__(self) -> None:
        for name, most in (("max_bytes", MAX_BYTES), ("max_pixels", MAX_PIXELS)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise SettingError(f"{name} is {value}; it must be from 1 to {most}.")
        if self.max_frames < 1:
            raise SettingError(f"max_frames is {self.max_frames}; it must be 1 or more.")
        if not self.formats or set(self.formats) - set(FORMATS):
            raise SettingError(f"formats is {self.formats}; it must name some of {', '.join(FORMATS)}.")


class OpenedImage:
    """An image file whose header was read, and no pixel yet; made by `open_image`.

    `width` and `height` are in pixels; `is_plain` tells files that take little time and memory to decode.

    Args:
        data: the file.
        limits: what it may cost.
        size: (width, height) in pixels, if it is a plain PNG file of moderate size.
    """

    def __init__(self, data: bytes, limits: ImageLimits, size: tuple[int, int] | None) -> None:
        self._data = data
        self._limits = limits
        self.is_plain = size is not None
        self._image: Image.Image | None = None
        if size is None:
            self._image = self._open()
            size = self._image.size
        self.width, self.height = size

    def decode(self) -> npt.NDArray[np.uint8]:
        """Decodes the file into upright pixels.

        EXIF orientation is applied, transparency is put on a contrasting ground, gray samples of 16 bits and more
        are stretched to 8, an animation gives its first frame, and an image of 1,600 pixels or more on a side is
        reduced.

        Returns:
            uint8 array of shape (height, width) for gray images, (height, width, 3) in RGB order for colored ones.

        Raises:
            BrokenImageError: the decoder gave up (damaged, cut off).
            TooManyFramesError: more frames or pages than the limit.
        """
        if self.is_plain and (pixels := _decode_plain_png(self._data)) is not None:
            return pixels
        image = self._image or self._open()
        self._image = None
        try:
            with image:
                _check_frames(image, self._limits.max_frames)
                return _to_array(image)
        except TooManyFramesError:
            raise
        except Exception as error:
            raise _as_image_error(error, self._limits) from error

    def _open(self) -> Image.Image:
        try:
            image = Image.open(io.BytesIO(self._data), formats=self._limits.formats)
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

    That takes microseconds for a small file; a header made to waste time may take seconds for one of many megabytes.

    Args:
        data: the file, in one of `FORMATS`.
        limits: what the file may cost; `ImageLimits()` if None.

    Raises:
        EmptyFileError: no bytes.
        ImageTooLargeError: over `limits`.
        UnsupportedFormatError: not an image, or of another format.
        BrokenImageError: its header is damaged.
    """
    limits = limits or ImageLimits()
    if not data:
        raise EmptyFileError("The file is empty (0 bytes). Choose an image file and send it again.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(too_many_bytes(limits.max_bytes))
    opened = OpenedImage(data, limits, _plain_png_size(data) if "PNG" in limits.formats else None)
    width, height = opened.width, opened.height
    if width * height > limits.max_pixels:
        raise TooManyPixelsError(
            f"The image has {width:,} x {height:,} pixels, more than the {limits.max_pixels:,} allowed. "
            "Scale it down or crop it to the digit."
        )
    return opened


def _check_frames(image: Image.Image, most: int) -> None:
    """Refuses an animation or a document of more frames or pages; none of them is decoded."""
    if image.format == "TIFF":
        # Pages hang together in a chain, which may be very long: no more of it is followed than it takes.
        try:
            image.seek(most)
        except EOFError:
            image.seek(0)
            return
    elif getattr(image, "n_frames", 1) <= most:
        return
    raise TooManyFramesError(
        f"The image has more than the {most:,} frames or pages allowed. Send the one that shows the digit."
    )


def _plain_png_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a PNG file with 8-bit gray or RGB samples and nothing else, whole and undamaged; else None.

    None, too, if it is so large that it has to be reduced, or of very many chunks. Plain files are what programs send
    most, and OpenCV decodes small ones in a sixth of Pillow's time. Whatever has transparency, a palette, an
    orientation, or a fault is left to Pillow.
    """
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or len(data) < 57:
        return None
    width, height, depth, color, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if (
        depth != 8
        or color not in (0, 2)
        or interlaced
        or not 0 < min(width, height) <= max(width, height) < _REDUCED_SIDE
    ):
        return None
    view, at = memoryview(data), 8
    kinds: list[bytes] = []
    while at + 12 <= len(data) and len(kinds) < _MAX_CHUNKS:
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data) or zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4]):
            return None
        kinds.append(bytes(view[at + 4 : at + 8]))
        if kinds[-1] not in _PLAIN_CHUNKS:
            return None
        at = end + 4
    plain = kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and set(kinds[1:-1]) == {b"IDAT"} and at == len(data)
    return (width, height) if plain else None


def _decode_plain_png(data: bytes) -> npt.NDArray[np.uint8] | None:
    """The pixels; None if OpenCV cannot tell them."""
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        return None
    return np.asarray(pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), dtype=np.uint8)


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


def _to_array(image: Image.Image) -> npt.NDArray[np.uint8]:
    deep = image.mode in _DEEP_MODES
    # A JPEG is decoded at a half, a quarter or an eighth where that is enough.
    factor = max(1, max(image.size) // ENOUGH_SIDE)
    if factor > 1:
        image.draft(None, (max(1, image.width // factor), max(1, image.height // factor)))
    image.load()
    image = _reduce(image)
    try:
        # Transposing copies; most files say nothing about which way is up.
        upright = ImageOps.exif_transpose(image) if image.getexif() else image
    except Exception:  # noqa: BLE001
        # Damaged EXIF data, whose reader raises nearly anything, does not make the pixels worse.
        upright = image
    if deep:
        return _stretch(np.asarray(upright, dtype=np.float64))
    if upright.has_transparency_data:
        return _flatten_transparency(np.asarray(upright.convert("RGBA")))
    gray = upright.mode in ("L", "1")
    wanted = "L" if gray else "RGB"
    return np.asarray(upright if upright.mode == wanted else upright.convert(wanted))


def _reduce(image: Image.Image) -> Image.Image:
    """The image with fewer pixels if it has many more than it takes to find a digit, before anything copies it."""
    factor = max(image.size) // ENOUGH_SIDE
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
