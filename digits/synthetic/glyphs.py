"""The signs that stand among digits in sums, dates and prices, as people write them, drawn by code.

A form is a few strokes of a pen (see digits/synthetic/strokes.py). Its points are in heights of a digit, x to the
right and y down, 0 at the top of the digits beside it and 1 on their base line.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.synthetic.strokes import LETTERS, Form, Stroke, curve_through

Ink = npt.NDArray[np.float32]

# Chance that a glyph outside the known signs is a letter in handwriting; the others are scribbles.
_LETTER = 0.8
# Points move by this standard deviation, in heights of a digit.
_SHAKE = 0.02


def _dot(x: float, y: float) -> Stroke:
    return ((x, y), (x + 0.005, y + 0.01))


def _ring(x: float, y: float, radius: float) -> Stroke:
    r = radius
    return ((x, y - r), (x - r, y), (x, y + r), (x + r, y), (x, y - r))


_LESS: Stroke = ((0.5, 0.2), (0.0, 0.52), (0.0, 0.52), (0.5, 0.85))
_MORE: Stroke = ((0.0, 0.2), (0.5, 0.52), (0.5, 0.52), (0.0, 0.85))
_LESS_ABOVE: Stroke = ((0.5, 0.1), (0.0, 0.4), (0.0, 0.4), (0.5, 0.7))
_MORE_ABOVE: Stroke = ((0.0, 0.1), (0.5, 0.4), (0.5, 0.4), (0.0, 0.7))
_UNDER: Stroke = ((0.0, 0.9), (0.25, 0.9), (0.52, 0.89))
_S: Stroke = ((0.5, 0.15), (0.25, 0.05), (0.03, 0.25), (0.25, 0.48), (0.5, 0.7), (0.28, 0.95), (0.0, 0.82))

FORMS: Mapping[str, tuple[Form, ...]] = {
    ".": ((_dot(0.0, 0.96),), (_dot(0.0, 1.0),), (((0.0, 0.93), (0.04, 0.98)),)),
    ",": (
        (((0.05, 0.92), (0.04, 1.02), (-0.05, 1.15)),),
        (((0.04, 0.95), (-0.06, 1.2)),),
        (((0.0, 0.93), (0.05, 0.95), (0.04, 1.06), (-0.04, 1.14)),),
    ),
    ":": ((_dot(0.0, 0.38), _dot(0.0, 0.85)), (_dot(0.02, 0.25), _dot(0.0, 0.7)), (_dot(0.0, 0.45), _dot(0.0, 0.95))),
    ";": (
        (_dot(0.02, 0.4), ((0.05, 0.88), (0.04, 0.98), (-0.05, 1.12))),
        (_dot(0.02, 0.5), ((0.04, 0.9), (-0.05, 1.15))),
    ),
    "/": (
        (((0.5, -0.05), (0.25, 0.5), (0.0, 1.08)),),
        (((0.62, -0.02), (0.3, 0.5), (0.0, 1.05)),),
        (((0.4, -0.1), (0.22, 0.5), (0.0, 1.15)),),
        (((0.7, 0.05), (0.36, 0.5), (0.0, 1.0)),),
    ),
    "-": (
        (((0.0, 0.55), (0.2, 0.54), (0.42, 0.54)),),
        (((0.0, 0.5), (0.3, 0.5), (0.62, 0.48)),),
        (((0.0, 0.55), (0.25, 0.55)),),
    ),
    "+": (
        (((0.0, 0.55), (0.3, 0.55), (0.6, 0.54)), ((0.3, 0.25), (0.3, 0.55), (0.3, 0.86))),
        (((0.25, 0.3), (0.24, 0.82)), ((0.0, 0.57), (0.5, 0.55))),
        (((0.3, 0.15), (0.3, 0.92)), ((0.0, 0.5), (0.62, 0.5))),
    ),
    "=": (
        (((0.0, 0.42), (0.25, 0.42), (0.55, 0.41)), ((0.0, 0.66), (0.25, 0.66), (0.55, 0.65))),
        (((0.0, 0.5), (0.4, 0.48)), ((0.02, 0.68), (0.42, 0.66))),
        (((0.0, 0.38), (0.6, 0.36)), ((0.0, 0.75), (0.6, 0.73))),
    ),
    "×": (
        (((0.0, 0.3), (0.5, 0.82)), ((0.5, 0.3), (0.0, 0.82))),
        (((0.0, 0.45), (0.38, 0.85)), ((0.38, 0.45), (0.0, 0.85))),
        (((0.0, 0.15), (0.6, 0.92)), ((0.58, 0.15), (0.0, 0.92))),
    ),
    "÷": (
        (((0.0, 0.55), (0.3, 0.55), (0.6, 0.54)), _dot(0.3, 0.3), _dot(0.3, 0.8)),
        (((0.0, 0.55), (0.5, 0.54)), _dot(0.25, 0.22), _dot(0.25, 0.88)),
    ),
    "%": (
        (((0.75, 0.05), (0.35, 0.5), (0.0, 0.98)), _ring(0.13, 0.22, 0.13), _ring(0.64, 0.8, 0.13)),
        (((0.6, 0.0), (0.3, 0.5), (0.0, 1.0)), _ring(0.08, 0.2, 0.1), _ring(0.55, 0.82, 0.1)),
        (((0.7, 0.1), (0.05, 0.95)), _ring(0.1, 0.25, 0.1), _ring(0.68, 0.82, 0.1)),
    ),
    "(": (
        (((0.28, -0.05), (0.05, 0.25), (0.02, 0.72), (0.25, 1.08)),),
        (((0.2, 0.0), (0.04, 0.3), (0.04, 0.7), (0.2, 1.0)),),
        (((0.35, -0.1), (0.02, 0.4), (0.06, 0.8), (0.32, 1.12)),),
    ),
    ")": (
        (((0.0, -0.05), (0.23, 0.25), (0.25, 0.72), (0.02, 1.08)),),
        (((0.0, 0.0), (0.16, 0.3), (0.16, 0.7), (0.0, 1.0)),),
        (((0.0, -0.1), (0.32, 0.4), (0.28, 0.8), (0.03, 1.12)),),
    ),
    "[": (
        (((0.3, -0.02), (0.02, 0.0), (0.02, 0.0), (0.0, 1.05), (0.0, 1.05), (0.3, 1.05)),),
        (((0.2, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 1.0), (0.0, 1.0), (0.22, 1.0)),),
    ),
    "]": (
        (((0.0, -0.02), (0.28, 0.0), (0.28, 0.0), (0.3, 1.05), (0.3, 1.05), (0.0, 1.05)),),
        (((0.0, 0.0), (0.2, 0.0), (0.2, 0.0), (0.2, 1.0), (0.2, 1.0), (0.0, 1.0)),),
    ),
    "<": ((_LESS,), (((0.42, 0.3), (0.0, 0.55), (0.0, 0.55), (0.42, 0.8)),)),
    ">": ((_MORE,), (((0.0, 0.3), (0.42, 0.55), (0.42, 0.55), (0.0, 0.8)),)),
    "≤": (
        (_LESS_ABOVE, _UNDER),
        (((0.55, 0.0), (0.0, 0.35), (0.0, 0.35), (0.55, 0.65)), ((0.0, 0.78), (0.55, 0.95))),
        (_LESS_ABOVE, ((0.0, 0.86), (0.5, 0.84)), ((0.0, 1.02), (0.5, 1.0))),
    ),
    "≥": (
        (_MORE_ABOVE, _UNDER),
        (((0.0, 0.0), (0.55, 0.35), (0.55, 0.35), (0.0, 0.65)), ((0.0, 0.95), (0.55, 0.78))),
        (_MORE_ABOVE, ((0.0, 0.86), (0.5, 0.84)), ((0.0, 1.02), (0.5, 1.0))),
    ),
    "≠": (
        (((0.0, 0.42), (0.55, 0.41)), ((0.0, 0.68), (0.55, 0.67)), ((0.45, 0.18), (0.12, 0.92))),
        (((0.0, 0.38), (0.6, 0.36)), ((0.0, 0.66), (0.6, 0.64)), ((0.55, 0.08), (0.08, 0.98))),
    ),
    "€": (
        (
            ((0.6, 0.15), (0.35, 0.02), (0.1, 0.35), (0.12, 0.7), (0.38, 0.98), (0.62, 0.85)),
            ((-0.05, 0.42), (0.45, 0.4)),
            ((-0.05, 0.6), (0.42, 0.58)),
        ),
        (
            ((0.55, 0.1), (0.2, 0.12), (0.06, 0.5), (0.22, 0.92), (0.55, 0.92)),
            ((-0.1, 0.45), (0.4, 0.44)),
            ((-0.1, 0.62), (0.38, 0.61)),
        ),
    ),
    "$": (
        (_S, ((0.27, -0.1), (0.25, 0.5), (0.25, 1.1))),
        (_S, ((0.3, -0.08), (0.28, 0.12)), ((0.26, 0.88), (0.24, 1.1))),
        (_S, ((0.2, -0.1), (0.18, 1.08)), ((0.34, -0.1), (0.32, 1.08))),
    ),
    "#": (
        (
            ((0.25, 0.1), (0.15, 0.95)),
            ((0.5, 0.1), (0.4, 0.95)),
            ((0.0, 0.38), (0.65, 0.36)),
            ((0.0, 0.68), (0.62, 0.66)),
        ),
        (((0.2, 0.0), (0.18, 1.0)), ((0.45, 0.0), (0.43, 1.0)), ((0.0, 0.35), (0.65, 0.3)), ((0.0, 0.7), (0.65, 0.65))),
    ),
    "*": (
        (((0.0, 0.3), (0.4, 0.62)), ((0.4, 0.3), (0.0, 0.62)), ((0.2, 0.22), (0.2, 0.7))),
        (((0.2, 0.1), (0.2, 0.5)), ((0.02, 0.2), (0.38, 0.42)), ((0.38, 0.2), (0.02, 0.42))),
        (((0.0, 0.5), (0.4, 0.5)), ((0.08, 0.32), (0.32, 0.68)), ((0.32, 0.32), (0.08, 0.68))),
    ),
}


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
    forms = FORMS[sign]
    return _draw(forms[int(rng.integers(len(forms)))], height, slant, pen, rng)


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
    return _draw(form, height, slant, pen, rng)


def _draw(form: Form, height: float, slant: float, pen: float, rng: np.random.Generator) -> Glyph:
    size = height * rng.uniform(0.85, 1.15)
    wide = size * rng.uniform(0.8, 1.2)
    margin = int(np.ceil(0.7 * height + pen))
    canvas = np.zeros((round(1.3 * size) + 2 * margin, round(1.3 * wide) + 2 * margin), np.uint8)
    turn = rng.normal(0.0, 0.06)
    for stroke in form:
        points = np.array(stroke)
        bends = [i for i in range(1, len(points)) if (points[i] == points[i - 1]).all()]
        points = points + rng.normal(0.0, _SHAKE, points.shape)
        points[bends] = points[[i - 1 for i in bends]]
        x, y = points[:, 0] * wide, points[:, 1] * size
        x, y = x + slant * (0.5 * size - y) - turn * (y - 0.5 * size), y + turn * (x - 0.3 * wide)
        curve = curve_through(np.stack([x + margin, y + margin], axis=1))
        cv2.polylines(canvas, [np.rint(curve * 8.0).astype(np.int32)], False, 255, max(1, round(pen)), cv2.LINE_AA, 3)
    left, top, width, high = cv2.boundingRect((canvas > 25).astype(np.uint8))
    ink = canvas[top : top + high, left : left + width].astype(np.float32) / np.float32(255.0)
    # A larger or smaller sign keeps its middle.
    return Glyph(np.asarray(ink, dtype=np.float32), round(top - margin + 0.5 * (height - size)))
