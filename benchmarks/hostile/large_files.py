"""Large blank images that a person may well send, made by code."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from PIL import Image

from benchmarks.hostile.bomb_files import UNDER, png
from benchmarks.hostile.deflated import zeros
from benchmarks.hostile.specimens import encode, pnm


def blank_png(color: int) -> bytes:
    """A blank PNG file just under the limit: color 0 is gray, 2 RGB, 6 RGB and transparency."""
    samples = {0: 1, 2: 3, 6: 4}[color]
    return png(UNDER, UNDER, 8, color, zeros(UNDER * (1 + UNDER * samples)))


def stored_png(side: int) -> bytes:
    """A PNG file of colored noise that is not packed: of all files with its pixels the longest."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return cv2.imencode(".png", noise, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


def blank_animation(form: str, **options: object) -> bytes:
    """Two blank frames, or pages, of nearly as many pixels as an image may have."""
    frames = [Image.new("RGB", (UNDER, UNDER), color) for color in ("white", "black")]
    return encode(frames[0], form, save_all=True, append_images=frames[1:], **options)


# Images that a person may well send. They are read, and take what so many pixels take.
LARGE: Mapping[str, Callable[[], bytes]] = {
    "png gray": lambda: blank_png(0),
    "png color": lambda: blank_png(2),
    "png color and transparency": lambda: blank_png(6),
    "png animated": lambda: blank_animation("PNG", compress_level=1),
    "jpeg": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "JPEG"),
    "jpeg progressive": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "JPEG", progressive=True),
    "webp": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "WEBP", method=0),
    "webp lossless": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "WEBP", lossless=True, method=0),
    "webp animated": lambda: blank_animation("WEBP", lossless=True, method=0),
    "avif": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "AVIF", speed=10),
    "gif animated": lambda: blank_animation("GIF"),
    "jpeg2000": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "JPEG2000"),
    "jpeg2000 noise": lambda: encode(Image.effect_noise((3_000, 2_000), 100.0), "JPEG2000"),
    "ppm text": lambda: pnm(np.full((2_500, 2_000), 255, np.uint8), 2),
    "ppm 15 bit": lambda: pnm(np.full((3_000, 3_300), 32_767, ">u2"), 5, 32_767),
    "tga runs": lambda: encode(Image.new("L", (UNDER, UNDER), 255), "TGA", compression="tga_rle"),
    "pcx runs": lambda: encode(Image.new("L", (UNDER, UNDER), 255), "PCX"),
    "pcx runs color": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "PCX"),
    "tga runs color": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "TGA", compression="tga_rle"),
    "tiff pages": lambda: blank_animation("TIFF", compression="tiff_lzw"),
}
