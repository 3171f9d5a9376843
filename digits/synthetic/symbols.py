"""Draws symbols that stand among digits on a page but are none: letters, and the signs of arithmetic."""

import cv2
import numpy as np

from digits.arrays import SIDE
from digits.data.mnist import Images
from digits.synthetic.outliers import draw_symbol
from digits.synthetic.strokes import LETTERS, draw_curve, draw_form

# On a canvas of so many pixels a capital letter of a font is about as high as a digit in MNIST.
_CANVAS = 56
# Strokes of signs that people write beside digits, on a field of 1 x 1, x to the right and y down.
_WRITTEN = (
    [[(0.22, 0.5), (0.78, 0.5)]],  # minus
    [[(0.22, 0.5), (0.78, 0.5)], [(0.5, 0.24), (0.5, 0.76)]],  # plus
    [[(0.22, 0.4), (0.78, 0.4)], [(0.22, 0.6), (0.78, 0.6)]],  # equals
    [[(0.3, 0.3), (0.7, 0.7)], [(0.3, 0.7), (0.7, 0.3)]],  # times
    [[(0.22, 0.5), (0.78, 0.5)], [(0.49, 0.3), (0.51, 0.3)], [(0.49, 0.7), (0.51, 0.7)]],  # divided by
    [[(0.49, 0.35), (0.51, 0.35)], [(0.49, 0.65), (0.51, 0.65)]],  # colon
)


def draw_symbols(count: int, rng: np.random.Generator) -> Images:
    """Draws symbols with a pen, in varied hands, and with fonts.

    Returns:
        uint8 of shape (count, 28, 28), white on black, in which a capital letter is about 20 pixels high.
    """
    makers = [_written, _letter, _printed]
    return np.stack([makers[rng.choice(3, p=(0.4, 0.3, 0.3))](rng) for _ in range(count)])


def _written(rng: np.random.Generator) -> Images:
    canvas = np.zeros((4 * SIDE, 4 * SIDE), np.uint8)
    pen = int(rng.integers(6, 13))
    turn = np.deg2rad(rng.normal(0.0, 6.0))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * rng.uniform(0.75, 1.15, 2)
    for stroke in _WRITTEN[rng.integers(len(_WRITTEN))]:
        ends = (np.array(stroke) - 0.5) @ matrix.T + rng.normal(0.0, 0.015, 2)
        points = np.array([ends[0], ends.mean(axis=0) + rng.normal(0.0, 0.01, 2), ends[1]]) + 0.5
        draw_curve(canvas, points * 4 * SIDE, pen)
    return np.asarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _letter(rng: np.random.Generator) -> Images:
    return _reduced(draw_form(LETTERS, _CANVAS, rng))


def _printed(rng: np.random.Generator) -> Images:
    return _reduced(draw_symbol(_CANVAS, rng))


def _reduced(canvas: Images) -> Images:
    """Reduces the middle of a canvas to 28x28 pixels, in which a capital letter is about 20 pixels high."""
    edge = round(0.15 * _CANVAS)
    return np.asarray(
        cv2.resize(canvas[edge:-edge, edge:-edge], (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
