"""Turns MNIST digits into pictures that people take: on paper, in bad light, on forms, with poor cameras.

Each perturbation takes a 28x28 image and returns a picture, which then takes the whole path of an upload. Benchmarks
apply them to images that no network was fitted to. They imitate what the training augmentation leaves out: the picture
around the digit.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float64]

# The digit is drawn this much larger than in MNIST, with paper around it.
_ZOOM = 5
_MARGIN = 30
_PAPER, _PEN = 235.0, 40.0


def _enlarge(image: Image) -> Field:
    """Returns the digit's ink at `_ZOOM` times the size with sharp edges and a margin around it, 0..1."""
    large = cv2.resize(image, None, fx=_ZOOM, fy=_ZOOM, interpolation=cv2.INTER_CUBIC).astype(np.float64) / 255.0
    return np.pad(np.clip((large - 0.25) * 2.0, 0.0, 1.0), _MARGIN)


def _write(ink: Field, paper: Field | float = _PAPER, pen: float = _PEN) -> Image:
    """Draws ink of strength 0..1 with a pen of one gray on paper of another."""
    return np.clip(np.rint(paper * (1.0 - ink) + pen * ink), 0, 255).astype(np.uint8)


def _warp(ink: Field, matrix: Field) -> Field:
    """Applies an affine change about the middle. `matrix` is 2 x 3; its last column is a shift in pixels."""
    height, width = ink.shape
    middle = np.array([(width - 1) / 2.0, (height - 1) / 2.0])
    full = np.column_stack([matrix[:, :2], middle - matrix[:, :2] @ middle + matrix[:, 2]])
    return np.asarray(cv2.warpAffine(ink, full, (width, height)), dtype=np.float64)


def _plain(image: Image, _rng: np.random.Generator) -> Image:
    return _write(_enlarge(image))


def _inverted(image: Image, _rng: np.random.Generator) -> Image:
    return 255 - _write(_enlarge(image))


def _shadow(image: Image, rng: np.random.Generator) -> Image:
    """Darkens a part of the paper with a soft edge, and lets the light fall off to one side."""
    ink = _enlarge(image)
    side = np.linspace(-1.0, 1.0, ink.shape[0])
    angle = rng.uniform(0.0, 2.0 * np.pi)
    along = np.cos(angle) * side[None, :] + np.sin(angle) * side[:, None]
    edge = 1.0 / (1.0 + np.exp(-(along - rng.uniform(-0.4, 0.4)) * rng.uniform(6.0, 40.0)))
    light = (1.0 - rng.uniform(0.3, 0.6) * edge) * (1.0 - 0.15 * along)
    return np.clip(_write(ink) * light, 0, 255).astype(np.uint8)


def _rotation(image: Image, rng: np.random.Generator) -> Image:
    angle = np.deg2rad(rng.uniform(-20.0, 20.0))
    turn = np.array([[np.cos(angle), -np.sin(angle), 0.0], [np.sin(angle), np.cos(angle), 0.0]])
    return _write(_warp(_enlarge(image), turn))


def _shift(image: Image, rng: np.random.Generator) -> Image:
    """Puts the digit anywhere on a larger sheet."""
    ink = _enlarge(image)
    sheet = np.zeros((ink.shape[0] * 2, ink.shape[1] * 2))
    row, column = rng.integers(0, ink.shape[0], 2)
    sheet[row : row + ink.shape[0], column : column + ink.shape[1]] = ink
    return _write(sheet)


def _scale(image: Image, rng: np.random.Generator) -> Image:
    factor = np.exp(rng.uniform(np.log(0.3), np.log(1.3)))
    return _write(_warp(_enlarge(image), np.array([[factor, 0.0, 0.0], [0.0, factor, 0.0]])))


def _shear(image: Image, rng: np.random.Generator) -> Image:
    return _write(_warp(_enlarge(image), np.array([[1.0, rng.uniform(-0.35, 0.35), 0.0], [0.0, 1.0, 0.0]])))


def _blur(image: Image, rng: np.random.Generator) -> Image:
    return np.asarray(cv2.GaussianBlur(_write(_enlarge(image)), (0, 0), rng.uniform(2.0, 5.0)), dtype=np.uint8)


def _noise(image: Image, rng: np.random.Generator) -> Image:
    picture = _write(_enlarge(image)).astype(np.float64)
    return np.clip(picture + rng.normal(0.0, rng.uniform(10.0, 30.0), picture.shape), 0, 255).astype(np.uint8)


def _salt_and_pepper(image: Image, rng: np.random.Generator) -> Image:
    picture = _write(_enlarge(image))
    hit = rng.random(picture.shape)
    share = rng.uniform(0.01, 0.05)
    picture[hit < share / 2.0] = 0
    picture[hit > 1.0 - share / 2.0] = 255
    return picture


def _low_contrast(image: Image, rng: np.random.Generator) -> Image:
    return _write(_enlarge(image), pen=_PAPER - rng.uniform(25.0, 60.0))


def _thin(image: Image, rng: np.random.Generator) -> Image:
    """Thins strokes as far as they do not break."""
    ink = _enlarge(image)
    for size in range(int(rng.integers(5, 9)), 1, -1):
        eroded = np.asarray(cv2.erode(ink, _pen(size)), dtype=np.float64)
        if _pieces(eroded) == _pieces(ink):
            return _write(eroded)
    return _write(ink)


def _pen(size: int) -> Image:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), dtype=np.uint8)


def _pieces(ink: Field) -> int:
    return int(cv2.connectedComponents((ink > 0.5).astype(np.uint8))[0])


def _thick(image: Image, rng: np.random.Generator) -> Image:
    size = int(rng.integers(5, 10))
    return _write(np.asarray(cv2.dilate(_enlarge(image), _pen(size)), dtype=np.float64))


def _ruled_lines(image: Image, rng: np.random.Generator) -> Image:
    """Draws the lines or squares of a copybook, lighter than the pen, across the digit."""
    ink = _enlarge(image)
    paper = np.full(ink.shape, _PAPER)
    gap, color, thickness = int(rng.integers(32, 56)), rng.uniform(130.0, 190.0), int(rng.integers(1, 4))
    for start in range(int(rng.integers(4, gap)), ink.shape[0], gap):
        paper[start : start + thickness] = color
    if rng.random() < 0.4:
        for start in range(int(rng.integers(4, gap)), ink.shape[1], gap):
            paper[:, start : start + thickness] = color
    return _write(ink, paper)


def _frame(image: Image, rng: np.random.Generator) -> Image:
    """Draws the box of a form around the digit, in the color of the pen."""
    ink = _enlarge(image)
    near, thickness = int(rng.integers(4, _MARGIN - 8)), int(rng.integers(2, 5))
    cv2.rectangle(ink, (near, near), (ink.shape[1] - near, ink.shape[0] - near), 1.0, thickness)
    return _write(ink)


def _jpeg(image: Image, rng: np.random.Generator) -> Image:
    _, data = cv2.imencode(".jpg", _write(_enlarge(image)), [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(5, 25))])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def _paper_texture(image: Image, rng: np.random.Generator) -> Image:
    """Writes on coarse paper with fibers and creases."""
    ink = _enlarge(image)
    grain = cv2.GaussianBlur(rng.normal(0.0, 1.0, ink.shape), (0, 0), rng.uniform(0.8, 3.0))
    paper = _PAPER - 10.0 + grain / grain.std() * rng.uniform(4.0, 12.0)
    for _ in range(int(rng.integers(0, 8))):
        ends = rng.integers(0, ink.shape[0], 4)
        cv2.line(paper, (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3])), rng.uniform(190.0, 215.0), 1)
    return _write(ink, paper)


PERTURBATIONS: Mapping[str, Callable[[Image, np.random.Generator], Image]] = {
    "plain": _plain,
    "inverted": _inverted,
    "shadow": _shadow,
    "rotation": _rotation,
    "shift": _shift,
    "scale": _scale,
    "shear": _shear,
    "blur": _blur,
    "noise": _noise,
    "salt and pepper": _salt_and_pepper,
    "low contrast": _low_contrast,
    "thin strokes": _thin,
    "thick strokes": _thick,
    "ruled lines": _ruled_lines,
    "frame": _frame,
    "jpeg": _jpeg,
    "paper texture": _paper_texture,
}


def perturb(name: str, images: Image, seed: int = 0) -> list[Image]:
    """Makes a picture of each image.

    Args:
        name: one of `PERTURBATIONS`.
        images: uint8 of shape (n, 28, 28), white ink on black.
        seed: of all random numbers. The same seed gives the same pictures.

    Returns:
        n uint8 pictures of shape (height, width).
    """
    rng = np.random.default_rng((seed, list(PERTURBATIONS).index(name)))
    return [PERTURBATIONS[name](image, rng) for image in images]
