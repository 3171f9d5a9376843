"""Training images as other hands, pens and cameras would have made them.

MNIST's digits are written upright, with one kind of pen, by people who were asked to. Each epoch therefore sees every
digit anew: turned, slanted, stretched and bent a little (Simard et al., "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis", ICDAR 2003), with thicker, thinner, broken or blurred strokes, in low
resolution or with specks, and fitted into the field again as `digits.vision.normalize` would. Some 1s get the upstroke
and the foot, and some 7s the crossbar, that are usual in Europe and rare in MNIST; some digits are drawn anew, in forms
that MNIST lacks; and some are put on bad paper, from which the normalizer itself fetches them back, with its marks.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from digits.arrays import SIDE
from digits.data.mnist import Images, Labels
from digits.errors import NoInkError
from digits.synthetic.outliers import draw_outlier
from digits.synthetic.strokes import draw_digit
from digits.vision.mnist_form import BOX, CENTER
from digits.vision.normalize import normalize

# Digits are bent on a canvas of twice the size, so that strokes can be thickened by less than a pixel.
_ZOOM = 2
_CANVAS = 72
_GRID = 4


@dataclass(frozen=True)
class Augmentation:
    """How far training images are changed.

    Args:
        plain: share of the images that stay as they are, 0..1.
        rotation: largest angle, in degrees.
        shear: largest horizontal shift per vertical pixel.
        stretch: largest logarithm of the change of aspect.
        bend: standard deviation of the elastic displacement, in pixels of the 28x28 field.
        shift: largest distance from the center, in pixels.
        squeeze: share of the images that are stretched three times as far, as if to fill a box, 0..1.
        european: share of the 1s that get an upstroke, and half the share of the 7s that get a crossbar, 0..1.
        drawn: share of the images that give way to a drawing of the same digit, 0..1; twice that for a 1, whose
            forms differ most.
        bad_paper: share of the images that the normalizer fetches from noisy paper, 0..1.
    """

    plain: float = 0.2
    rotation: float = 16.0
    shear: float = 0.3
    stretch: float = 0.2
    bend: float = 1.0
    shift: int = 1
    squeeze: float = 0.25
    european: float = 0.5
    drawn: float = 0.1
    bad_paper: float = 0.06


def augment(images: Images, labels: Labels, rng: np.random.Generator, how: Augmentation | None = None) -> Images:
    """Changes each image at random.

    Args:
        images: uint8 of shape (n, 28, 28), white ink on black.
        labels: uint8 of shape (n,), the digits on them.
        rng: decides everything; the same state gives the same images.
        how: how far.

    Returns:
        uint8 images of the same shape.
    """
    how = how or Augmentation()
    result = images.copy()
    for i in np.flatnonzero(rng.random(len(images)) >= how.plain):
        result[i] = _change(images[i], int(labels[i]), rng, how)
    return result


def make_outliers(count: int, images: Images, labels: Labels, rng: np.random.Generator) -> Images:
    """Makes images of things that are not one digit, worn like the digits' images.

    Args:
        count: how many.
        images: uint8 training images of shape (n, 28, 28), to make some outliers of.
        labels: the digits on them, of shape (n,).
        rng: decides everything.

    Returns:
        uint8 images of shape (count, 28, 28).
    """
    how = Augmentation()
    result = np.zeros((count, SIDE, SIDE), dtype=np.uint8)
    for i in range(count):
        field = None
        while field is None:
            canvas = _bend(draw_outlier(_CANVAS, images, labels, rng), rng, how)
            field = _refit(_restroke(canvas, rng), rng, how)
        result[i] = _wear(field, rng)
    return result


def _change(image: Images, digit: int, rng: np.random.Generator, how: Augmentation) -> Images:
    chance = rng.random()
    if chance < how.bad_paper:
        return _from_bad_paper(image, rng)
    if chance < how.bad_paper + how.drawn * (2.0 if digit == 1 else 1.0):
        field = _refit(_restroke(draw_digit(digit, _CANVAS, rng), rng), rng, how)
        return image if field is None else _wear(field, rng)
    canvas = _bend(image, rng, how)
    if digit == 1 and rng.random() < how.european:
        canvas = _add_upstroke(canvas, rng)
    elif digit == 7 and rng.random() < how.european / 2.0:
        canvas = _add_crossbar(canvas, rng)
    canvas = _restroke(canvas, rng)
    field = _refit(canvas, rng, how)
    return image if field is None else _wear(field, rng)


def _bend(image: Images, rng: np.random.Generator, how: Augmentation) -> Images:
    """An affine and an elastic change, onto a canvas of shape (_CANVAS, _CANVAS)."""
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation))
    shear = rng.uniform(-how.shear, how.shear)
    most = how.stretch * (3.0 if rng.random() < how.squeeze else 1.0)
    stretch = np.exp(rng.uniform(-most, most) / 2.0)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    side = len(image)
    zoom = _ZOOM * SIDE / side
    inverse = rotate @ np.array([[1.0, shear], [0.0, 1.0]]) @ np.diag([stretch, 1.0 / stretch]) / zoom
    # Where each pixel of the canvas comes from, in pixels of the image.
    offset = (np.arange(_CANVAS) - (_CANVAS - 1) / 2.0).astype(np.float32)
    from_x = inverse[0, 0] * offset[None, :] + inverse[0, 1] * offset[:, None] + (side - 1) / 2.0
    from_y = inverse[1, 0] * offset[None, :] + inverse[1, 1] * offset[:, None] + (side - 1) / 2.0
    coarse = rng.normal(0.0, how.bend * rng.random() * side / SIDE, (_GRID, _GRID, 2)).astype(np.float32)
    smooth = cv2.resize(coarse, (_CANVAS, _CANVAS), interpolation=cv2.INTER_CUBIC)
    from_x, from_y = (from_x + smooth[..., 0]).astype(np.float32), (from_y + smooth[..., 1]).astype(np.float32)
    return np.asarray(cv2.remap(image, from_x, from_y, cv2.INTER_LINEAR), dtype=np.uint8)


def _from_bad_paper(image: Images, rng: np.random.Generator) -> Images:
    """The digit on noisy paper of some size and contrast, as the normalizer sees it."""
    side = SIDE if rng.random() < 0.5 else int(rng.integers(SIDE, 112))
    digit = cv2.resize(image, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255.0
    paper = rng.uniform(150.0, 255.0) - digit * rng.uniform(60.0, 200.0)
    paper += rng.normal(0.0, rng.uniform(3.0, 35.0), paper.shape)
    try:
        return normalize(np.clip(paper, 0.0, 255.0).astype(np.uint8)).image
    except NoInkError:
        return image


def _add_upstroke(canvas: Images, rng: np.random.Generator) -> Images:
    """A stroke that leads up to the top of a 1, and sometimes a foot under it."""
    rows = np.flatnonzero((canvas > 96).any(axis=1))
    if len(rows) < 8:
        return canvas
    canvas = canvas.copy()
    top, bottom = int(rows[0]), int(rows[-1])
    height = bottom - top
    pen = int(np.clip(round(float((canvas > 96).sum()) / height), 2, 7))
    start_x = _middle_of(canvas, top + pen // 2)
    length, slope = height * rng.uniform(0.2, 0.75), np.deg2rad(rng.uniform(25.0, 65.0))
    start = (start_x, top + pen // 2)
    end = (round(start_x - length * np.cos(slope)), round(top + pen // 2 + length * np.sin(slope)))
    cv2.line(canvas, start, end, 255, pen, cv2.LINE_AA)
    if rng.random() < 0.3:
        foot, middle = height * rng.uniform(0.15, 0.35), _middle_of(canvas, bottom - pen // 2)
        row = bottom - pen // 2
        cv2.line(canvas, (round(middle - foot), row), (round(middle + foot), row), 255, pen, cv2.LINE_AA)
    return canvas


def _add_crossbar(canvas: Images, rng: np.random.Generator) -> Images:
    """The bar across the stem of a 7."""
    rows = np.flatnonzero((canvas > 96).any(axis=1))
    if len(rows) < 8:
        return canvas
    canvas = canvas.copy()
    height = len(rows)
    row = int(rows[0] + height * rng.uniform(0.45, 0.65))
    middle, half = _middle_of(canvas, row), height * rng.uniform(0.12, 0.28)
    tilt = round(float(half * rng.uniform(-0.3, 0.3)))
    cv2.line(canvas, (round(middle - half), row + tilt), (round(middle + half), row - tilt), 255, 4, cv2.LINE_AA)
    return canvas


def _middle_of(canvas: Images, row: int) -> int:
    """The column in the middle of a row's ink."""
    columns = np.flatnonzero(canvas[row] > 96)
    return int(columns.mean()) if len(columns) else _CANVAS // 2


def _restroke(canvas: Images, rng: np.random.Generator) -> Images:
    """Another pen: thicker, thinner, broken, or seen through few pixels."""
    choice = rng.random()
    if choice < 0.30:
        size = int(rng.integers(2, 5))
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        canvas = np.asarray(cv2.dilate(canvas, pen), dtype=np.uint8)
    elif choice < 0.50:
        size = int(rng.integers(2, 4))
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        thin = np.asarray(cv2.erode(canvas, pen), dtype=np.uint8)
        # A hairline that would vanish stays as it is.
        canvas = thin if int(thin.sum()) > int(canvas.sum()) // 4 else canvas
    if rng.random() < 0.15:
        few = int(rng.integers(14, 30))
        small = cv2.resize(canvas, (few, few), interpolation=cv2.INTER_AREA)
        canvas = np.asarray(cv2.resize(small, (_CANVAS, _CANVAS), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    if rng.random() < 0.08:
        ends = rng.integers(_CANVAS // 4, 3 * _CANVAS // 4, 4)
        canvas = canvas.copy()
        cv2.line(canvas, (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3])), 0, int(rng.integers(1, 3)))
    return canvas


def _refit(canvas: Images, rng: np.random.Generator, how: Augmentation) -> Images | None:
    """Into the 20x20 box and around the center of mass; None if no ink is left."""
    top = int(canvas.max())
    if top < 64:
        return None
    x, y, width, height = cv2.boundingRect((canvas > top // 4).astype(np.uint8))
    scale = (BOX + rng.uniform(-1.0, 0.5)) / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(canvas[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA).astype(np.float32)
    small *= 255.0 / max(1.0, float(small.max()))
    total = float(small.sum())
    center_x = float(small.sum(axis=0) @ np.arange(size[0])) / total + 0.5
    center_y = float(small.sum(axis=1) @ np.arange(size[1])) / total + 0.5
    shift_x, shift_y = rng.integers(-how.shift, how.shift + 1, 2)
    left = int(np.clip(round(CENTER - center_x) + shift_x, 0, SIDE - size[0]))
    above = int(np.clip(round(CENTER - center_y) + shift_y, 0, SIDE - size[1]))
    field = np.zeros((SIDE, SIDE), np.uint8)
    field[above : above + size[1], left : left + size[0]] = small.astype(np.uint8)
    return field


def _wear(field: Images, rng: np.random.Generator) -> Images:
    """What paper, light and camera leave of it."""
    if rng.random() < 0.3:
        curve = np.linspace(0.0, 1.0, 256) ** np.exp(rng.uniform(-0.7, 0.5)) * 255.0
        field = curve.astype(np.uint8)[field]
    choice = rng.random()
    if choice < 0.08:
        field = np.asarray(cv2.GaussianBlur(field, (3, 3), rng.uniform(0.4, 0.9)))
    elif choice < 0.16:
        noise = rng.normal(0.0, rng.uniform(5.0, 35.0), field.shape)
        field = np.clip(field + noise, 0, 255).astype(np.uint8)
    elif choice < 0.22:
        field = field.copy()
        for row, column in rng.integers(2, SIDE - 2, (int(rng.integers(1, 5)), 2)):
            field[row, column] = int(rng.integers(80, 256))
    return field
