"""Draws signs that stand among digits, by hand and in type, letters and scribbles that are none, and MNIST's digits."""

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from digits.numbers.acceptance import leans
from digits.synthetic.sign_forms import FORMS
from digits.synthetic.strokes import LETTERS, Form, curve_through, shaken

Ink = npt.NDArray[np.float32]

# Height of a digit in MNIST.
_BOX = 20

# Chance that a glyph outside the known signs is a letter in handwriting; the others are scribbles.
_LETTER = 0.8
# Points move by a standard deviation between these, in heights of a digit.
_SHAKE = (0.004, 0.025)
# Matplotlib brings them.
FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Italic.ttf",
    "DejaVuSansMono.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralItalic.ttf",
    "STIXGeneralBol.ttf",
    "cmr10.ttf",
    "cmss10.ttf",
    "cmtt10.ttf",
)


@dataclass(frozen=True)
class Glyph:
    """Ink of one sign, cut out.

    Args:
        ink: float32 of shape (height, width), how much of each pixel is ink, 0..1.
        top: its first row, in pixels below the top of the digits beside it.
    """

    ink: Ink
    top: int


def draw_sign(sign: str, height: float, slant: float, pen: float, rng: np.random.Generator) -> Glyph:
    """Draws a sign of `SIGNS` in one of its forms.

    Args:
        sign: which.
        height: of the digits beside it, in pixels.
        slant: how far the writing leans to the right, in pixels for each pixel up.
        pen: width of the strokes, in pixels.
        rng: decides the form and everything about it.
    """
    return draw_strokes(FORMS[sign](rng), height, slant, pen, rng)


def draw_typed(character: str, font: str, height: float) -> Glyph | None:
    """Draws a digit or a sign in type.

    Args:
        character: what to draw.
        font: one of `FONTS`.
        height: of the digit 0 in this font, in pixels.

    Returns:
        The glyph; None if the font has none for the character.
    """
    typeface, top_of_digits = _typeface(font, round(height))
    mask = typeface.getmask(character)
    if mask.getbbox() is None or bytes(mask) == bytes(typeface.getmask("\ufffe")):
        return None
    side = 3 * round(height)
    canvas = Image.new("L", (side, side))
    ImageDraw.Draw(canvas).text((height, height), character, 255, typeface)
    drawn = np.asarray(canvas)
    left, top, width, high = cv2.boundingRect((drawn > 25).astype(np.uint8))
    ink = drawn[top : top + high, left : left + width].astype(np.float32) / np.float32(255.0)
    return Glyph(np.asarray(ink, dtype=np.float32), round(top - height - top_of_digits))


def font_file(name: str) -> str:
    """Returns the path of one of `FONTS`."""
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)


@functools.lru_cache(maxsize=256)
def _typeface(name: str, height: int) -> tuple[ImageFont.FreeTypeFont, float]:
    """The font in which the digit 0 is so high, and how far below the origin its top lies, in pixels."""
    file = font_file(name)
    _, top, _, bottom = ImageFont.truetype(file, 100).getbbox("0")
    typeface = ImageFont.truetype(file, round(100.0 * height / (bottom - top)))
    return typeface, float(typeface.getbbox("0")[1])


def draw_unknown(height: float, slant: float, pen: float, rng: np.random.Generator) -> Glyph:
    """Draws what is neither a digit nor one of `SIGNS`: a letter or a scribble; arguments are those of `draw_sign`."""
    if rng.random() < _LETTER:
        letter = LETTERS[int(rng.integers(len(LETTERS)))]
        low, tall = (0.35, 0.65) if rng.random() < 0.4 else (0.0, 1.0)
        wide = rng.uniform(0.4, 0.9)
        form = tuple(tuple((x * wide, low + y * tall) for x, y in stroke) for stroke in letter)
    else:
        form = tuple(
            tuple((float(x), float(y)) for x, y in rng.uniform((0.0, 0.0), (0.8, 1.0), (int(rng.integers(3, 8)), 2)))
            for _ in range(int(rng.integers(1, 3)))
        )
    return draw_strokes(form, height, slant, pen, rng)


def draw_strokes(form: Form, height: float, slant: float, pen: float, rng: np.random.Generator) -> Glyph:
    """Draws a form, a little larger or smaller and shaken; the other arguments are those of `draw_sign`."""
    size = height * rng.uniform(0.85, 1.15)
    wide = size * rng.uniform(0.8, 1.2)
    margin = int(np.ceil(0.7 * height + pen))
    canvas = np.zeros((round(1.3 * size) + 2 * margin, round(1.3 * wide) + 2 * margin), np.uint8)
    turn, shake = rng.normal(0.0, 0.06), rng.uniform(*_SHAKE)
    for stroke in shaken(_from_left(form), shake, rng):
        points = np.array(stroke)
        x, y = points[:, 0] * wide, points[:, 1] * size
        x, y = x + slant * (0.5 * size - y) - turn * (y - 0.5 * size), y + turn * (x - 0.3 * wide)
        curve = curve_through(np.stack([x + margin, y + margin], axis=1))
        cv2.polylines(canvas, [np.rint(curve * 8.0).astype(np.int32)], False, 255, max(1, round(pen)), cv2.LINE_AA, 3)
    left, top, width, high = cv2.boundingRect((canvas > 25).astype(np.uint8))
    ink = canvas[top : top + high, left : left + width].astype(np.float32) / np.float32(255.0)
    # A larger or smaller sign keeps its middle.
    return Glyph(np.asarray(ink, dtype=np.float32), round(top - margin + 0.5 * (height - size)))


def _from_left(form: Form) -> Form:
    """The form whose leftmost point lies at 0."""
    left = min(x for stroke in form for x, _ in stroke)
    return tuple(tuple((x - left, y) for x, y in stroke) for stroke in form)


def slant_of(image: npt.NDArray[np.uint8]) -> float:
    """Returns how far a digit, uint8 of shape (28, 28), leans to the right, in pixels for each pixel up."""
    return float(leans(image[np.newaxis, ..., np.newaxis])[0])


def draw_ink(image: npt.NDArray[np.uint8], height: float, slant: float, pen: float | None) -> Ink:
    """Returns a digit's ink with sharp edges, cut out: at the height of the page, slanted like its neighbors.

    Args:
        image: uint8 of shape (28, 28), white ink on black.
        height: of the digit on the page, in pixels.
        slant: how far it is to lean further to the right, in pixels for each pixel up.
        pen: width in pixels to which wider strokes are thinned; None if they stay.

    Returns:
        float32 of shape (height, width) of its bounding box, 0..1.
    """
    zoom = height / _BOX
    side = round(28 * zoom)
    # About the middle; the slant moves the top one way and the foot the other.
    matrix = np.array([[zoom, -slant * zoom, slant * side / 2.0], [0.0, zoom, 0.0]])
    padded = np.pad(image, ((0, 0), (14, 14))).astype(np.float32) / 255.0
    large = cv2.warpAffine(padded, matrix, (2 * side, side), flags=cv2.INTER_CUBIC)
    sharp = np.clip((large - 0.25) * 2.0, 0.0, 1.0).astype(np.float32)
    if pen is not None:
        # What lies within half a pen's width of the middle of a stroke.
        depth = cv2.distanceTransform((sharp > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        reach = max(3, round(0.12 * height) | 1)
        middle = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        sharp = np.clip(depth - np.maximum(middle - pen / 2.0, 0.0) + 0.5, 0.0, 1.0) * (depth > 0.0)
    x, y, wide, high = cv2.boundingRect((sharp > 0.1).astype(np.uint8))
    return np.asarray(sharp[y : y + high, x : x + wide], dtype=np.float32)
