"""Families of pictures of any size, made by code, in which there is more of something the larger they are."""

import math
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.hostile.costly_pictures import COSTLY

Picture = npt.NDArray[np.uint8]


def _paper(side: int) -> Picture:
    return np.full((side, side), 255, np.uint8)


def _stamped(stamp: Callable[[Picture, int, int, np.random.Generator], None], step: int) -> Callable[[int], Picture]:
    """Returns a family with a stamp every `step` pixels."""

    def draw(side: int) -> Picture:
        page, rng = _paper(side), np.random.default_rng(0)
        for top in range(step, side - step, step):
            for left in range(step, side - step, step):
                stamp(page, left, top, rng)
        return page

    return draw


def _dot(page: Picture, left: int, top: int, _rng: np.random.Generator) -> None:
    page[top : top + 4, left : left + 4] = 0


def _bar(page: Picture, left: int, top: int, _rng: np.random.Generator) -> None:
    page[top : top + 24, left : left + 3] = 0


def _box(page: Picture, left: int, top: int, _rng: np.random.Generator) -> None:
    cv2.rectangle(page, (left, top), (left + 14, top + 22), 0, 2)


def _cross(page: Picture, left: int, top: int, _rng: np.random.Generator) -> None:
    cv2.drawMarker(page, (left, top), 0, cv2.MARKER_CROSS, 20, 2)


def _ring(page: Picture, left: int, top: int, _rng: np.random.Generator) -> None:
    cv2.circle(page, (left, top), 9, 0, 2)


def _digit(page: Picture, left: int, top: int, rng: np.random.Generator) -> None:
    cv2.putText(page, str(rng.integers(10)), (left, top + 20), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 0, 2)


def _stick(page: Picture, left: int, top: int, rng: np.random.Generator) -> None:
    end = rng.integers(-15, 15, 2)
    cv2.line(page, (left, top), (left + int(end[0]), top + int(end[1])), 0, 2)


def waves(side: int) -> Picture:
    """Wavy lines across the page, which look like many digits that touch."""
    page, x = _paper(side), np.arange(10, side - 10)
    for top in range(30, side - 20, 50):
        y = top + 9.0 * np.sin(x * 2.0 * np.pi / 13.0)
        cv2.polylines(page, [np.stack([x, y], axis=1).astype(np.int32)], False, 0, 2)
    return page


def checkers(side: int) -> Picture:
    """A checkerboard."""
    rows, columns = np.indices((side, side)) // 12
    return np.where((rows + columns) % 2 == 0, 0, 255).astype(np.uint8)


def grain(side: int) -> Picture:
    """Black pixels strewn over the page."""
    return np.where(np.random.default_rng(0).random((side, side)) < 0.02, 0, 255).astype(np.uint8)


def percolation(side: int) -> Picture:
    """So many black pixels that they hang together in clusters of all sizes."""
    return np.where(np.random.default_rng(0).random((side, side)) < 0.55, 0, 255).astype(np.uint8)


def maze(side: int) -> Picture:
    """A maze in which each cell opens to the right or downwards."""
    page, rng, cell = _paper(side), np.random.default_rng(0), 12
    page[::cell] = page[:, ::cell] = 0
    for top in range(0, side - cell, cell):
        for left in range(0, side - cell, cell):
            if rng.random() < 0.5:
                page[top + cell, left + 1 : left + cell] = 255
            else:
                page[top + 1 : top + cell, left + cell] = 255
    return page


def meander(side: int) -> Picture:
    """One line that goes to and fro over all of the page."""
    page = _paper(side)
    page[10:-10:6, 10:-10] = 0
    for number, top in enumerate(range(10, side - 16, 6)):
        page[top : top + 6, 10 if number % 2 else side - 11] = 0
    return page


def rays(side: int) -> Picture:
    """Rays from the middle, as many as there is room for at the border."""
    page, middle = _paper(side), side // 2
    for ray in range(side // 4):
        angle = 2.0 * math.pi * ray / (side // 4)
        end = int(middle + 0.47 * side * math.cos(angle)), int(middle + 0.47 * side * math.sin(angle))
        cv2.line(page, (middle, middle), end, 0, 1)
    return page


def ruled(side: int) -> Picture:
    """Ruled paper with a digit on each line."""
    page, rng = _paper(side), np.random.default_rng(0)
    for top in range(40, side - 10, 40):
        page[top : top + 2] = 60
        cv2.putText(page, str(rng.integers(10)), (side // 2, top - 4), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    return page


def form(side: int) -> Picture:
    """A form of boxes that touch, with a digit in each."""
    page, rng = _paper(side), np.random.default_rng(0)
    for top in range(20, side - 60, 60):
        for left in range(20, side - 44, 40):
            cv2.rectangle(page, (left, top), (left + 40, top + 44), 0, 1)
            cv2.putText(page, str(rng.integers(10)), (left + 8, top + 34), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2)
    return page


def frames(side: int) -> Picture:
    """Squares in one another, with gaps."""
    page = _paper(side)
    for inset in range(8, side // 2 - 8, 12):
        cv2.rectangle(page, (inset, inset), (side - inset, side - inset), 0, 3)
    page[:, side // 3 :: side // 3] = 255
    return page


GROWING: Mapping[str, Callable[[int], Picture]] = {
    **COSTLY,
    "dots": _stamped(_dot, 16),
    "bars": _stamped(_bar, 32),
    "boxes": _stamped(_box, 36),
    "crosses": _stamped(_cross, 36),
    "small rings": _stamped(_ring, 32),
    "digits": _stamped(_digit, 40),
    "sticks": _stamped(_stick, 24),
    "waves": waves,
    "checkers": checkers,
    "grain": grain,
    "percolation": percolation,
    "maze": maze,
    "meander": meander,
    "rays": rays,
    "ruled paper": ruled,
    "form": form,
    "frames": frames,
}
