"""Images of things that are not one digit, from which a network learns not to be sure of them.

Trained on digits alone, a network calls a T-shirt an 8 and is sure of it. Shown other things as well, with the answer
"any digit is as likely as another", it is unsure of things that it was never shown, too (Hendrycks, Mazeika and
Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019). Everything here is drawn by code or made of
training images; signs that could pass for a digit (O, I, l, S, Z, B, g, q and the like) are left out.
"""

import functools
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from digits.data.mnist import Images, Labels
from digits.synthetic.glyphs import FONTS, font_file
from digits.synthetic.icons import ICONS
from digits.synthetic.strokes import LETTERS, curve_through, draw_curve, draw_form

_SIGNS = (
    "ACEFHKMNPRTUVWXYacdefhkmnprtuvwxy"  # Latin
    "αβγδζπλμψωφηκξχντΓΔΛΞΠΣΦΨΩ"  # Greek
    "ЖШЫЮЯДЛЦФИאשמטצ"  # Cyrillic, Hebrew
    "سشصضغلكجح"  # Arabic
    "+×÷=%#@*~<>^-±≠∞√∑"  # signs
)
# Bold type, and Computer Modern, which has few of the signs, are left out.
_FONTS = tuple(name for name in FONTS if "Bol" not in name and not name.startswith("cm"))
# Of the drawings whose outline is closed, so many have it filled.
_FILLED = 0.35
# Turned by a right angle, these digits are none.
_TURNABLE = (2, 3, 4, 7)


def draw_outlier(side: int, images: Images, labels: Labels, rng: np.random.Generator) -> Images:
    """Draws something that is not one digit.

    Args:
        side: of the canvas, in pixels.
        images: uint8 training images of shape (n, 28, 28), to make some outliers of.
        labels: the digits on them, of shape (n,).
        rng: decides everything.

    Returns:
        uint8 of shape (side, side), white on black, reaching no edge.
    """
    kinds: dict[Callable[[], Images], float] = {
        lambda: draw_symbol(side, rng): 0.22,
        lambda: draw_form(LETTERS, side, rng): 0.16,
        lambda: draw_icon(side, rng): 0.22,
        lambda: _silhouette(side, rng): 0.11,
        lambda: _scribble(side, rng): 0.08,
        lambda: _several(side, images, rng): 0.1,
        lambda: _texture(side, rng): 0.04,
        lambda: _turned(side, images, labels, rng): 0.04,
        lambda: _line(side, rng): 0.03,
    }
    return list(kinds)[rng.choice(len(kinds), p=list(kinds.values()))]()


@functools.cache
def _signs(side: int) -> tuple[Images, ...]:
    """Every sign in every font that has it."""
    drawn = []
    for name in _FONTS:
        font = ImageFont.truetype(font_file(name), size=side // 2)
        missing = font.getmask("\ufffe").getbbox(), bytes(font.getmask("\ufffe"))
        for sign in _SIGNS:
            mask = font.getmask(sign)
            if mask.getbbox() is None or (mask.getbbox(), bytes(mask)) == missing:
                continue
            image = Image.new("L", (side, side))
            ImageDraw.Draw(image).text((side / 2, side / 2), sign, 255, font, anchor="mm")
            drawn.append(np.asarray(image))
    return tuple(drawn)


def draw_symbol(side: int, rng: np.random.Generator) -> Images:
    """A letter or sign, its strokes of many widths."""
    signs = _signs(side)
    sign = signs[rng.integers(len(signs))]
    # A font's strokes are as wide as its designer wished; along their middle a pen draws them anew.
    if rng.random() < 0.6:
        distance = cv2.distanceTransform((sign > 127).astype(np.uint8), cv2.DIST_L2, 3)
        ridge = (distance >= 0.75 * cv2.dilate(distance, np.ones((5, 5), np.uint8))) & (distance > 0.9)
        width = int(rng.integers(2, 8))
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        sign = np.asarray(cv2.dilate(ridge.astype(np.uint8) * 255, pen), dtype=np.uint8)
    return sign


def draw_icon(side: int, rng: np.random.Generator, names: tuple[str, ...] = tuple(ICONS)) -> Images:
    """Draws a thing.

    Args:
        side: of the canvas, in pixels.
        rng: decides which thing, and everything about it.
        names: the keys of `ICONS` to choose from.

    Returns:
        uint8 of shape (side, side), white ink on black, the drawing somewhere in the middle.
    """
    strokes = ICONS[names[int(rng.integers(len(names)))]]
    angle = np.deg2rad(rng.uniform(-14.0, 14.0))
    slant, stretch = rng.uniform(-0.15, 0.2), np.exp(rng.uniform(-0.3, 0.3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    change = turn @ np.array([[1.0, -slant], [0.0, 1.0]]) @ np.diag([stretch**0.5, stretch**-0.5])
    pen, size = max(1, round(side * rng.uniform(0.02, 0.09))), side * rng.uniform(0.52, 0.64)
    is_filled = rng.random() < _FILLED and _is_closed(strokes[0][0])
    shake = rng.uniform(0.0, 0.03)
    first, rest = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    for i, (points, is_smooth) in enumerate(strokes):
        moved = points + rng.normal(0.0, shake, points.shape)
        # What was closed stays closed.
        if _is_closed(points):
            moved[-1] = moved[0]
        placed = (moved - 0.5) @ change.T * size + side / 2.0
        # OpenCV takes coordinates in eighths of a pixel.
        path = [np.rint((curve_through(placed) if is_smooth else placed) * 8.0).astype(np.int32)]
        if is_filled and i == 0:
            cv2.fillPoly(first, path, 255, cv2.LINE_AA, 3)
        cv2.polylines(rest if i else first, path, False, 255, pen, cv2.LINE_AA, 3)
    # What lies on a filled outline is left out of it.
    combined = cv2.absdiff(first, rest) if is_filled else cv2.max(first, rest)
    return np.asarray(combined, dtype=np.uint8)


def _is_closed(points: npt.NDArray[np.float64]) -> bool:
    """Whether a stroke ends where it begins, but for the rounding of sines and cosines."""
    return bool(np.allclose(points[0], points[-1]))


def _scribble(side: int, rng: np.random.Generator) -> Images:
    """A few strokes that lead nowhere."""
    canvas = np.zeros((side, side), dtype=np.uint8)
    pen = max(1, round(side * rng.uniform(0.03, 0.12)))
    for _ in range(int(rng.integers(1, 4))):
        draw_curve(canvas, rng.uniform(0.2, 0.8, (int(rng.integers(4, 9)), 2)) * side, pen)
    return canvas


def _silhouette(side: int, rng: np.random.Generator) -> Images:
    """A filled shape, such as a garment's: often symmetric, with seams, patterns and gray in it, or its negative."""
    rows = int(rng.integers(3, 8))
    heights = np.linspace(0.22, 0.78, rows) * side
    right = rng.uniform(0.05, 0.28, rows) * side
    left = right if rng.random() < 0.7 else rng.uniform(0.05, 0.28, rows) * side
    middle = side / 2.0
    outline = np.concatenate([np.c_[middle + right, heights], np.c_[middle - left, heights][::-1]])
    canvas = np.zeros((side, side), dtype=np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline).astype(np.int32)], int(rng.integers(150, 256)), cv2.LINE_AA)
    inside = canvas > 0
    choice = rng.random()
    if choice < 0.3:
        canvas = np.where(inside, _noise_field(side, rng), 0).astype(np.uint8)
    elif choice < 0.6:
        for _ in range(int(rng.integers(1, 6))):
            ends = rng.integers(side // 5, side - side // 5, 4)
            start, end = (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3]))
            cv2.line(canvas, start, end, 0, int(rng.integers(1, 4)), cv2.LINE_AA)
    if rng.random() < 0.2:
        box = np.zeros_like(canvas)
        x, y, width, height = cv2.boundingRect(inside.astype(np.uint8))
        box[y : y + height, x : x + width] = 255 - canvas[y : y + height, x : x + width]
        canvas = box
    return canvas


def _texture(side: int, rng: np.random.Generator) -> Images:
    """A patch of noise, stripes or checks."""
    field = _noise_field(side, rng)
    choice = rng.random()
    if choice < 0.5:
        period, angle = rng.uniform(3.0, 16.0), rng.uniform(0.0, np.pi)
        y, x = np.indices((side, side))
        waves = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2.0 * np.pi / period)
        if choice < 0.25:
            waves = waves * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2.0 * np.pi / period)
        field = np.where(waves > 0.0, 255, 0)
    canvas = np.zeros((side, side), dtype=np.uint8)
    width, height = (int(value) for value in rng.integers(side // 3, round(0.6 * side), 2))
    left, top = (side - width) // 2, (side - height) // 2
    canvas[top : top + height, left : left + width] = field[top : top + height, left : left + width]
    return canvas


def _noise_field(side: int, rng: np.random.Generator) -> Images:
    few = int(rng.integers(4, side))
    coarse = np.where(rng.random((few, few)) < 0.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _several(side: int, images: Images, rng: np.random.Generator) -> Images:
    """Two or three digits in a row, as a house number is: to say which digit it is would be wrong."""
    parts = []
    for image in images[rng.integers(len(images), size=2 if rng.random() < 0.7 else 3)]:
        x, y, width, height = cv2.boundingRect((image > 64).astype(np.uint8))
        parts += [np.pad(image[y : y + height, x : x + width], ((0, 20 - min(20, height)), (0, int(rng.integers(5)))))]
    tallest = max(len(part) for part in parts)
    row = np.hstack([np.pad(part, ((tallest - len(part), 0), (0, 0))) for part in parts])
    scale = 0.65 * side / max(row.shape)
    size = (max(1, round(row.shape[1] * scale)), max(1, round(row.shape[0] * scale)))
    canvas = np.zeros((side, side), dtype=np.uint8)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = cv2.resize(row, size, interpolation=cv2.INTER_LINEAR)
    return canvas


def _turned(side: int, images: Images, labels: Labels, rng: np.random.Generator) -> Images:
    """A digit that lies on its side."""
    while int(labels[i := rng.integers(len(images))]) not in _TURNABLE:
        pass
    turned = np.rot90(images[i], 1 if rng.random() < 0.5 else 3)
    return np.asarray(cv2.resize(turned, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _line(side: int, rng: np.random.Generator) -> Images:
    """A stroke that lies, or a cross, or a dot."""
    canvas = np.zeros((side, side), dtype=np.uint8)
    pen = max(1, round(side * rng.uniform(0.03, 0.14)))
    half = 0.3 * side * np.array([1.0, rng.uniform(-0.4, 0.4)])
    choice = rng.random()
    if choice < 0.3:
        cv2.circle(canvas, (side // 2, side // 2), round(side * rng.uniform(0.1, 0.3)), 255, -1, cv2.LINE_AA)
        return canvas
    draw_curve(canvas, np.array([side / 2 - half, side / 2 + rng.normal(0.0, 0.02, 2) * side, side / 2 + half]), pen)
    if choice < 0.6:
        half = 0.3 * side * np.array([rng.uniform(-0.7, 0.7), 1.0])
        draw_curve(canvas, np.array([side / 2 - half, side / 2 + half]), pen)
    return canvas
