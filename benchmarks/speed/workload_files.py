"""The pictures that people and programs send, made by code: the workloads a to h."""

import io
from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.accuracy.corpus.numbers import write_line
from benchmarks.accuracy.corpus.paper import Paper, put_on_paper
from benchmarks.accuracy.corpus.pen import Hand, seeded, write_digit

Pixels = npt.NDArray[np.uint8]

# The digits of the pictures of each workload.
DIGITS = (3, 7, 8, 2, 5)
_UPRIGHT = Hand()


def workload_files() -> Mapping[str, list[bytes]]:
    """Returns several image files of each workload by its name, the same in every run.

    The pages of workload h are for `/read/`; all other files show one digit.
    """
    return {
        "a  28x28 gray PNG, as MNIST": [_png(_like_mnist(digit)) for digit in DIGITS],
        "b  28x28 gray PNG, a shrunken drawing": [_png(_shrunken(digit)) for digit in DIGITS],
        "c  280x280 RGBA PNG, opaque canvas": [_png(_canvas(digit, opaque=True)) for digit in DIGITS],
        "d  280x280 RGBA PNG, transparent canvas": [_png(_canvas(digit, opaque=False)) for digit in DIGITS],
        "e  200x200 gray JPEG": [_jpeg(_scan(digit, (200, 200))) for digit in DIGITS],
        "f  1080x1440 JPEG photo": [_jpeg(_photo(digit, (1080, 1440))) for digit in DIGITS],
        "g  4000x3000 JPEG photo": [_jpeg(_photo(digit, (4000, 3000))) for digit in DIGITS[:2]],
        "h  1600x1200 gray JPEG page, read as numbers": [_jpeg(_page(number)) for number in range(2)],
    }


def _png(pixels: Pixels) -> bytes:
    return _encode(pixels, "PNG")


def _jpeg(pixels: Pixels) -> bytes:
    return _encode(pixels, "JPEG", quality=90)


def _encode(pixels: Pixels, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _strokes(name: str, digit: int, shape: tuple[int, int], share: int = 60, thickness: int | None = None) -> Pixels:
    """Returns the strokes of a digit, 255 on 0."""
    return write_digit(digit, shape, seeded(f"workload/{name}/{digit}"), share, thickness, _UPRIGHT)


def _like_mnist(digit: int) -> Pixels:
    """Returns white strokes on black that fit in 20x20 pixels, their center of mass in the middle, as MNIST's are."""
    large = _strokes("a", digit, (320, 320), 90, 36)
    rows, columns = np.flatnonzero(large.any(axis=1)), np.flatnonzero(large.any(axis=0))
    tight = large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20.0 / max(tight.shape)
    size = (max(1, round(tight.shape[1] * scale)), max(1, round(tight.shape[0] * scale)))
    small = cv2.resize(tight, size, interpolation=cv2.INTER_AREA)
    moments = cv2.moments(small)
    left, top = (round(14 - moments[key] / moments["m00"]) for key in ("m10", "m01"))
    field = np.zeros((28, 28), np.uint8)
    left, top = (max(0, min(28 - side, at)) for side, at in zip(size, (left, top), strict=True))
    field[top : top + size[1], left : left + size[0]] = small
    return field


def _shrunken(digit: int) -> Pixels:
    large = 255 - _strokes("b", digit, (280, 280), 70, 18)
    return np.asarray(cv2.resize(large, (28, 28), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _canvas(digit: int, *, opaque: bool) -> Pixels:
    """Returns black strokes as a web page's canvas gives them: RGBA, with soft edges."""
    strokes = cv2.GaussianBlur(_strokes("c", digit, (280, 280), 70, 18), (3, 3), 0)
    if opaque:
        return np.dstack([255 - strokes] * 3 + [np.full_like(strokes, 255)])
    return np.dstack([np.zeros_like(strokes)] * 3 + [strokes])


def _scan(digit: int, shape: tuple[int, int]) -> Pixels:
    rng = seeded(f"workload/e/{digit}")
    return put_on_paper(_strokes("e", digit, shape), Paper(paper=235, pen=50, noise=4, blur=1), rng)


def _photo(digit: int, size: tuple[int, int]) -> Pixels:
    """Returns a color photo of a digit with uneven light and the grain of a phone's camera.

    Args:
        digit: on the paper.
        size: (width, height) in pixels.
    """
    width, height = size
    rng = seeded(f"workload/photo/{digit}")
    strokes = _strokes("photo", digit, (height, width), 35).astype(np.float32) / 255.0
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 205.0 - 40.0 * x / width - 25.0 * y / height
    grain = cv2.GaussianBlur(rng.normal(0.0, 8.0, (height, width, 3)).astype(np.float32), (0, 0), 1.0)
    paper = ((1.0 - 0.75 * strokes) * light)[..., np.newaxis] * np.array((1.0, 0.97, 0.9), dtype=np.float32)
    return np.clip(paper + grain, 0, 255).astype(np.uint8)


def _page(number: int) -> Pixels:
    """Returns a page of twelve lines of eight digits."""
    rng = seeded(f"workload/h/{number}")
    strokes = np.zeros((1200, 1600), np.uint8)
    for line in range(12):
        digits = "".join(str(digit) for digit in rng.integers(0, 10, 8))
        write_line(strokes, digits, (120, 60 + 92 * line, 48), rng, gap=50)
    return put_on_paper(strokes, Paper(paper=235, pen=50, noise=4), rng)
