"""Estimates the memory that decoding an image takes, from its header, before any of it is taken."""

from PIL import Image, ImageFile

from digits.images.codecs.jpeg2000 import PROCESS_BYTES, halvings_of, is_decoded_apart
from digits.images.codecs.png_strips import strip_rows
from digits.images.codecs.pnm import SAMPLES_DECODER
from digits.images.screening.rare.tga import is_mirrored
from digits.images.screening.screened import Screened

# Bytes that Pillow keeps for each pixel, by mode; it keeps colors as four bytes.
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
_COLOR_BYTES = 4
# Bytes per pixel at the peak of decoders that keep more than the pixels: planes of brightness and color, an output and
# a copy of it. Measured by `python -m benchmarks.hostile.bombs`.
_DECODER_BYTES = {"WEBP": 8, "AVIF": 9, "HEIF": 13}
# A large HEIF image is reduced without a copy: planes of brightness, color and transparency, and an output. By how its
# colors are sampled, for each pixel, the samples of the first two; and those of the decoder's own.
_HEIF_SAMPLES, _HEIF_OWN_SAMPLES = {400: 1.0, 420: 1.5, 422: 2.0, 444: 3.0}, 0.5
# Pillow decodes small WebP files as animations, with two canvases more.
_SMALL_WEBP_BYTES = 17
# Text, copies of it, and numbers of four bytes, of which a text has half as many as bytes.
_TEXT_COPIES = 5
# OpenJPEG copies the bytes of a tile, and Digits the file without what is not needed.
_STREAM_COPIES = 3
# A JPEG file in several passes keeps its coefficients, two bytes each.
_COEFFICIENT_BYTES = 2
# For each pixel of a strip of a PNG file: its bytes as they stand in the file, a copy, and images of up to four bytes.
_STRIP_BYTES = 20
# For each pixel of the reduced image: its copies on the way to an array, and samples of more than 8 bits as floats.
_REDUCED_BYTES, _DEEP_BYTES = 16, 32


def decoding_bytes(image: Image.Image, screened: Screened, size: tuple[int, int], enough: int) -> int:
    """Estimates the memory at the peak of decoding an image, in bytes; the file itself is not counted.

    Args:
        image: opened and not loaded.
        screened: its file.
        size: (width, height) in pixels of the whole picture.
        enough: as for `OpenedImage.decode`.
    """
    pixels, factor = size[0] * size[1], max(1, max(size) // enough)
    reduced = -(-size[0] // factor) * -(-size[1] // factor)
    deep = image.mode in ("I", "F") or image.mode.startswith("I;")
    after = reduced * (_DEEP_BYTES if deep else _REDUCED_BYTES)
    if image.format in ("JPEG", "MPO"):
        # Decoded at a half, a quarter or an eighth where that is enough.
        scale = next(scale for scale in (8, 4, 2, 1) if scale <= factor)
        coefficients = round(pixels * _COEFFICIENT_BYTES * _samples(image)) if screened.is_in_passes else 0
        return coefficients + pixels // scale**2 * _COLOR_BYTES + after
    if image.format == "WEBP" and factor == 1:
        return pixels * _SMALL_WEBP_BYTES + after
    if image.format == "HEIF" and factor > 1:
        return round(pixels * _heif_bytes(image)) + after
    if factor > 1 and (rows := strip_rows(image, factor)):
        return min(rows, image.height) * image.width * _STRIP_BYTES + after
    kept = _MODE_BYTES.get(image.mode, _COLOR_BYTES)
    if isinstance(image, ImageFile.ImageFile) and image.tile and image.tile[0].codec_name == SAMPLES_DECODER:
        after += _TEXT_COPIES * len(screened.data)
    if image.format == "TGA" and is_mirrored(screened.data):
        kept *= 2
    if image.format == "JPEG2000":
        # Samples of four bytes, then of one or two, then pixels.
        sample = _COEFFICIENT_BYTES * 2 + (2 if deep else 1)
        decoded = pixels >> 2 * halvings_of(image, screened, factor)
        after += PROCESS_BYTES if is_decoded_apart(image, screened) else 0
        return decoded * (len(image.getbands()) * sample + kept) + after + _STREAM_COPIES * len(screened.data)
    return pixels * _DECODER_BYTES.get(image.format or "", kept) + after


def _heif_bytes(image: Image.Image) -> float:
    """Returns the bytes for each pixel at the peak of decoding a HEIF file without a copy."""
    samples = _HEIF_SAMPLES.get(image.info.get("chroma", 444), 3.0) + _HEIF_OWN_SAMPLES + len(image.getbands())
    if image.mode == "RGBA":
        samples += 1.0
    return samples * (2 if image.info.get("bit_depth", 8) > 8 else 1)


def _samples(image: Image.Image) -> float:
    """Returns the samples of a JPEG file for each of its pixels: channels of color often have fewer than one each."""
    channels: list[tuple[int, int, int, int]] = getattr(image, "layer", [])
    most = max((across * down for _, across, down, _ in channels), default=0)
    return sum(across * down for _, across, down, _ in channels) / most if most else float(len(image.getbands()))
