"""The image files that the speed benchmarks send. Code makes them, the same in every run."""

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from digits.data.mnist import load

SMALL = "28x28 PNG"
MEGAPIXEL = "1-megapixel PNG"
PHOTO = "12-megapixel JPEG"


def image_files(count: int, seed: int = 0) -> dict[str, list[bytes]]:
    """Returns image files of three kinds, each of a different MNIST test digit.

    Args:
        count: the number of small files. Of the other kinds there are 3 files each.
        seed: seed of light and noise.

    Returns:
        The files by kind. `SMALL`: gray PNG, 28x28 pixels, an MNIST image in black on white. `MEGAPIXEL`: gray PNG,
        1000x1000 pixels, as from a scanner. `PHOTO`: color JPEG, 4000x3000 pixels, with the light and noise of a
        phone's camera.
    """
    rng = np.random.default_rng(seed)
    digits = load(say=lambda _line: None).x_test
    return {
        SMALL: [encode(255 - digit, "PNG") for digit in digits[:count]],
        MEGAPIXEL: [encode(_scan(digit, rng), "PNG") for digit in digits[:3]],
        PHOTO: [encode(_photo(digit, rng), "JPEG", quality=90) for digit in digits[:3]],
    }


def encode(pixels: npt.NDArray[np.uint8], kind: str = "PNG", **options: int) -> bytes:
    """Returns pixels as the bytes of an image file.

    Args:
        pixels: uint8 array of shape (height, width), or (height, width, 3) in RGB order.
        kind: Pillow's name of the format.
        options: options of the format, such as `quality`.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _scan(digit: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Returns a digit, dark on light paper, as an array of shape (1000, 1000)."""
    ink = cv2.resize(digit, (600, 600), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255.0
    paper = np.pad(1.0 - ink, 200, constant_values=1.0) * 200.0 + 45.0
    return np.clip(paper + rng.normal(0.0, 2.0, paper.shape), 0, 255).astype(np.uint8)


def _photo(digit: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Returns a digit somewhere on paper, 900 pixels high, as an RGB array of shape (3000, 4000, 3)."""
    height, width, side = 3000, 4000, 900
    paper = np.full((height, width), 1.0, dtype=np.float32)
    ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255.0
    top, left = int(rng.integers(height - side)), int(rng.integers(width - side))
    paper[top : top + side, left : left + side] -= 0.75 * np.clip(ink, 0.0, 1.0)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 205.0 - 40.0 * x / width - 25.0 * y / height
    grain = cv2.GaussianBlur(rng.normal(0.0, 8.0, (height, width, 3)).astype(np.float32), (0, 0), 1.0)
    return np.clip((paper * light)[..., None] * (1.0, 0.97, 0.9) + grain, 0, 255).astype(np.uint8)
