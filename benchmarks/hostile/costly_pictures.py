"""Small, valid pictures whose content is costly to read, made by code: thin strokes that reach over the whole picture.

A stroke's crop is as large as the stroke, and everything that looks at strokes one by one looks at many times the
picture.
"""

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def _paper(side: int) -> Picture:
    return np.full((side, side), 255, np.uint8)


def chevrons(side: int) -> Picture:
    """Nested chevrons, one pixel wide, three pixels apart."""
    page, middle = _paper(side), side // 2
    for top in range(4, side - middle // 2, 3):
        points = np.array([(4, top + middle // 2), (middle, top), (side - 4, top + middle // 2)], np.int32)
        cv2.polylines(page, [points], False, 0, 1)
    return page


def comb(side: int) -> Picture:
    """A comb: a bar with teeth of one pixel, two pixels apart."""
    page = _paper(side)
    page[10:14, 10:-10] = 0
    page[10:-10, 10:-10:3] = 0
    return page


def diagonals(side: int) -> Picture:
    """Diagonal lines, one pixel wide, three pixels apart."""
    page = _paper(side)
    for start in range(-side, side, 3):
        cv2.line(page, (start, 0), (start + side, side), 0, 1)
    return page


def spiral(side: int) -> Picture:
    """Two hundred arms that wind around the middle."""
    page, middle = _paper(side), side / 2
    turns = np.linspace(0.0, 2.0 * math.pi, 200)
    reach = np.linspace(0.1, 0.95, 200) * middle
    for arm in range(200):
        angle = arm * 2.0 * math.pi / 200 + turns / 3
        points = np.stack([middle + reach * np.cos(angle), middle + reach * np.sin(angle)], axis=1)
        cv2.polylines(page, [np.rint(points).astype(np.int32)], False, 0, 1)
    return page


def rings(side: int) -> Picture:
    """Concentric rings."""
    page = _paper(side)
    for radius in range(4, side // 2 - 4, 4):
        cv2.circle(page, (side // 2, side // 2), radius, 0, 1)
    return page


def squares(side: int) -> Picture:
    """Concentric squares."""
    page = _paper(side)
    for inset in range(4, side // 2 - 4, 4):
        cv2.rectangle(page, (inset, inset), (side - inset, side - inset), 0, 1)
    return page


def fading_dots(side: int) -> Picture:
    """Dots every two pixels, fainter towards the strongest one in a corner."""
    rows, columns = np.mgrid[0:side, 0:side]
    far = np.hypot(rows, columns) / np.hypot(side, side)
    page = _paper(side)
    page[::2, ::2] = (140 - 120 * far)[::2, ::2].astype(np.uint8)
    page[0:4, 0:4] = 0
    return page


def hatching(side: int) -> Picture:
    """Two sets of lines that cross, broken so that each piece is a stroke of its own."""
    page = diagonals(side)
    page[:, ::40] = 255
    page[::40] = 255
    return page


COSTLY: Mapping[str, Callable[[int], Picture]] = {
    "chevrons": chevrons,
    "comb": comb,
    "diagonals": diagonals,
    "spiral": spiral,
    "rings": rings,
    "squares": squares,
    "fading dots": fading_dots,
    "hatching": hatching,
}
