"""Draws the windows that the small networks look at: the ink of a candidate, and the ink of the line around it.

A 28x28 image of the candidate alone does not show whether a stroke goes on beyond the cut; a window does. Its last
channel shows more of the line at half the size: how its other digits lean, and where they stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import Gray
from digits.numbers.segments.cuts import Cut
from digits.numbers.segments.lattice import Candidate, Chain

Floats = npt.NDArray[np.float32]
Windows = npt.NDArray[np.uint8]

# Side of a window, and height of a digit in it, in pixels.
SIDE = 28
HEIGHT = 16
# A candidate's own ink; that of the rest of the line; and all ink of the line, at half the size.
CHANNELS = 3
# Ink as strong as this belongs to a candidate's box.
_INKED = 0.25
# So many windows are drawn at a time: more would take memory, and leave the processor's cache.
_DRAWN = 64
# Fields are reduced by so many rows at a time, and no more of their pixels become floats: those of a stroke as large as
# the page would take 20 MB.
_ROWS, _MULTIPLIED = 32, 128 * 1024


@dataclass(frozen=True)
class Stroke:
    """A stroke on the reduced line.

    Args:
        top, left: of its field, in pixels of the reduced line.
        ink: float32 of shape (height, width), how much of each pixel is ink, 0..1.
    """

    top: int
    left: int
    ink: Floats


@dataclass(frozen=True)
class ReducedLine:
    """A line at the size of windows.

    Args:
        chain: the line.
        scale: size of the reduced line's pixels beside the page's.
        strokes: of the chain, reduced.
    """

    chain: Chain
    scale: float
    strokes: tuple[Stroke, ...]

    @cached_property
    def _sides(self) -> dict[int, Floats]:
        """For each cut, how much of each pixel of its stroke's field lies right of it."""
        sides = {}
        for place in self.chain.places:
            if place.cut is not None:
                stroke = self.strokes[place.stroke]
                sides[id(place.cut)] = self._right_of(place.cut, place.stroke, stroke)
        return sides

    def _right_of(self, cut: Cut, index: int, stroke: Stroke) -> Floats:
        rows, columns = self.chain.where[index]
        middles = (np.arange(stroke.ink.shape[0]) + stroke.top + 0.5) / self.scale - rows.start - 0.5
        way = (np.interp(middles, np.arange(len(cut.columns)), cut.columns) + columns.start) * self.scale - stroke.left
        return np.clip(np.arange(1, stroke.ink.shape[1] + 1) - way[:, None], 0.0, 1.0).astype(np.float32)

    def shares(self, candidate: Candidate) -> list[tuple[Stroke, Floats]]:
        """The strokes of a candidate, and how much ink in each pixel of their fields is its own."""
        shares = []
        for i, left, right in self.chain.shares(candidate.first, candidate.last):
            ink = self.strokes[i].ink
            if left is not None:
                ink = ink * self._sides[id(left)]
            if right is not None:
                ink = ink * (1.0 - self._sides[id(right)])
            shares.append((self.strokes[i], ink))
        return shares

    def amounts(self, inks: list[Floats], candidates: list[Candidate]) -> npt.NDArray[np.float64]:
        """Computes how much ink of several kinds each candidate has.

        Args:
            inks: for each stroke, the ink of each kind: float32 of shape (kinds, height, width) of its field.
            candidates: of the line.

        Returns:
            float64 of shape (kinds, n), in pixels of the reduced line.
        """
        # For each stroke, the ink right of one of its places and left of another, for all pairs of them at once.
        ahead: dict[int, int] = {}
        tables: list[npt.NDArray[np.float64]] = []
        for i, ink in enumerate(inks):
            places = [k for k, place in enumerate(self.chain.places) if place.stroke == i]
            sides = [self._sides[id(place.cut)] for k in places if (place := self.chain.places[k]).cut is not None]
            count = len(sides) + 2
            table = np.zeros((len(ink), count, count))
            right = np.stack([np.ones_like(ink[0]), *sides, np.zeros_like(ink[0])]).reshape(count, -1)
            for kind in np.flatnonzero(ink.any(axis=(1, 2))).tolist():
                table[kind] = (right * ink[kind].ravel()) @ (1.0 - right).T
            tables.append(table)
            ahead |= {place: k for k, place in enumerate(places)}
        amounts = np.zeros((len(candidates), len(inks[0])))
        for n, candidate in enumerate(candidates):
            for i, left, right_cut in self.chain.shares(candidate.first, candidate.last):
                start, end = ahead[candidate.first] if left else 0, ahead[candidate.last] if right_cut else -1
                amounts[n] += tables[i][:, start, end]
        return amounts.T


def reduce_line(chain: Chain) -> ReducedLine:
    """Brings a line to the size of windows."""
    scale = HEIGHT / chain.height
    strokes = []
    for (rows, columns), mask in zip(chain.where, chain.masks, strict=True):
        strokes.append(reduce_field(mask, rows.start, columns.start, scale))
    return ReducedLine(chain, scale, tuple(strokes))


def reduce_field(field: Floats | Gray, top: int, left: int, scale: float) -> Stroke:
    """Averages a field of the page over the pixels of the reduced line."""
    rows, first_row = _reduce_rows(field, top, scale)
    columns, first_column = _reduce_rows(rows.T, left, scale)
    ink = np.ascontiguousarray(columns.T, dtype=np.float32)
    return Stroke(first_row, first_column, np.minimum(ink, np.float32(1.0)))


def _reduce_rows(
    field: Floats | Gray | npt.NDArray[np.float64], start: int, scale: float
) -> tuple[npt.NDArray[np.float64], int]:
    """A field whose first row is the page's row `start` with reduced rows, and which of these is the first.

    Each is a sum of rows by how much of them it covers: a matrix product. A single matrix for all rows of a large field
    would grow with the square of its height.
    """
    first, last = int(np.floor(start * scale)), int(np.ceil((start + len(field)) * scale))
    reduced = np.empty((last - first, field.shape[1]))
    some = max(1, min(_ROWS, int(_MULTIPLIED * scale) // field.shape[1]))
    for top in range(first, last, some):
        edges = np.arange(top, min(top + some, last) + 1) / scale - start
        rows = slice(max(0, int(edges[0])), int(edges[-1]) + 1)
        # NumPy's `clip` and `diff` take longer on small arrays than all that is done with them.
        above = np.minimum(np.maximum(edges[:, None] - np.arange(len(field))[rows], 0.0), 1.0)
        reduced[top - first : top - first + some] = (above[1:] - above[:-1]) @ field[rows]
    reduced *= scale
    return reduced, first


def draw_windows(line: ReducedLine, candidates: list[Candidate]) -> tuple[Windows, npt.NDArray[np.float64]]:
    """Draws the windows of candidates, each centered on its box.

    Returns:
        uint8 of shape (n, SIDE, SIDE, CHANNELS); and the boxes, float64 of shape (n, 4): left, top, right, bottom in
        heights of a digit; all 0 where a candidate has no ink.
    """
    boxes = np.zeros((len(candidates), 4))
    windows = np.zeros((len(candidates), SIDE, SIDE, CHANNELS), np.uint8)
    if not candidates:
        return windows, boxes
    canvas = _draw_line(line.strokes)
    for start in range(0, len(candidates), _DRAWN):
        some = candidates[start : start + _DRAWN]
        inks = np.zeros((len(some), CHANNELS, SIDE, SIDE), np.float32)
        for k, candidate in enumerate(some):
            box = _draw_inks(line.shares(candidate), canvas, inks[k])
            if box is not None:
                boxes[start + k] = box
        windows[start : start + _DRAWN] = _as_windows(inks)
    return windows, boxes


def draw_window(line: ReducedLine, own: list[tuple[Stroke, Floats]]) -> Windows:
    """Draws the window of ink that is no candidate of the line, such as a decimal point.

    Args:
        line: that is around it.
        own: the ink, as `ReducedLine.shares` gives it; it may lie outside the line's strokes.

    Returns:
        uint8 of shape (SIDE, SIDE, CHANNELS), as of `draw_windows`; all 0 if there is too little ink.
    """
    of_line = {id(stroke) for stroke in line.strokes}
    beside = [stroke for stroke, _ in own if id(stroke) not in of_line]
    inks = np.zeros((1, CHANNELS, SIDE, SIDE), np.float32)
    _draw_inks(own, _draw_line((*line.strokes, *beside)), inks[0])
    return _as_windows(inks)[0]


@dataclass(frozen=True)
class _Canvas:
    """All ink of a line with a margin that holds any window.

    Args:
        ink: float32 of shape (height, width), in pixels of the reduced line.
        half: the same at half the size.
        top, left: where its corner lies on the reduced line.
    """

    ink: Floats
    half: Floats
    top: int
    left: int


def _draw_line(strokes: Sequence[Stroke]) -> _Canvas:
    top, left = (min(edge) - 2 * SIDE for edge in zip(*((stroke.top, stroke.left) for stroke in strokes), strict=True))
    bottom = max(stroke.top + stroke.ink.shape[0] for stroke in strokes) + 2 * SIDE
    right = max(stroke.left + stroke.ink.shape[1] for stroke in strokes) + 2 * SIDE
    # An even number of rows and columns can be halved.
    ink = np.zeros((bottom - top + (bottom - top) % 2, right - left + (right - left) % 2), np.float32)
    for stroke in strokes:
        _add(ink, stroke.ink, stroke.top - top, stroke.left - left)
    half = (ink[::2, ::2] + ink[1::2, ::2] + ink[::2, 1::2] + ink[1::2, 1::2]) / np.float32(4.0)
    return _Canvas(ink, np.minimum(half, np.float32(1.0)), top, left)


def _draw_inks(
    shares: list[tuple[Stroke, Floats]], canvas: _Canvas, inks: Floats
) -> tuple[float, float, float, float] | None:
    """Draws the three kinds of ink of a window.

    Args:
        shares: the strokes of a candidate, and the ink of each that is its own.
        canvas: of the line.
        inks: of shape (CHANNELS, SIDE, SIDE), all 0, on which they are drawn; it stays so if there is too little ink.

    Returns:
        The box of the candidate's ink in heights of a digit: left, top, right, bottom; None if there is too little.
    """
    box_top, box_left = min(stroke.top for stroke, _ in shares), min(stroke.left for stroke, _ in shares)
    if len(shares) == 1:
        own = shares[0][1]
    else:
        box_bottom = max(stroke.top + ink.shape[0] for stroke, ink in shares)
        box_right = max(stroke.left + ink.shape[1] for stroke, ink in shares)
        own = np.zeros((box_bottom - box_top, box_right - box_left), np.float32)
        for stroke, ink in shares:
            _add(own, ink, stroke.top - box_top, stroke.left - box_left)
    x, y, wide, high = cv2.boundingRect((own >= _INKED).view(np.uint8))
    if not wide:
        return None
    x0, x1, y0, y1 = x + box_left, x + wide + box_left, y + box_top, y + high + box_top
    # The window's corner, on the reduced line.
    top, left = (y0 + y1 - SIDE) // 2, (x0 + x1 - SIDE) // 2
    alone, around, wider = inks
    _add(alone, own, box_top - top, box_left - left)
    top, left = top - canvas.top, left - canvas.left
    np.subtract(canvas.ink[top : top + SIDE, left : left + SIDE], alone, out=around)
    wide_top, wide_left = (top - SIDE // 2) // 2, (left - SIDE // 2) // 2
    wider[:] = canvas.half[wide_top : wide_top + SIDE, wide_left : wide_left + SIDE]
    return x0 / HEIGHT, y0 / HEIGHT, x1 / HEIGHT, y1 / HEIGHT


def _as_windows(inks: Floats) -> Windows:
    """Inks of shape (n, CHANNELS, SIDE, SIDE), 0..1 but for where strokes overlap, as windows."""
    levels = np.rint(np.minimum(np.maximum(inks, 0.0), 1.0) * np.float32(255.0)).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))


def _add(canvas: Floats, ink: Floats, top: int, left: int) -> None:
    """Adds ink to a canvas, with its corner at a place of it; what lies outside is left out."""
    first_row, first_column = max(0, -top), max(0, -left)
    last_row, last_column = min(ink.shape[0], canvas.shape[0] - top), min(ink.shape[1], canvas.shape[1] - left)
    if last_row > first_row and last_column > first_column:
        canvas[top + first_row : top + last_row, left + first_column : left + last_column] += ink[
            first_row:last_row, first_column:last_column
        ]
