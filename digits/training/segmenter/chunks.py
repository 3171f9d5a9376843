"""Draws the windows that a network learns from in chunks, by several processes."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from digits.data.mnist import Images, Labels
from digits.numbers.segments.windows import Windows

Targets = npt.NDArray[np.generic]
# Draws one chunk from images, their labels, a seed, the chunk's number and the most windows in it.
Draw = Callable[[Images, Labels, int, int, int], tuple[Windows, Targets]]


class _Chunks:
    """The chunks of a data set, which a process draws from what it was given once."""

    drawn_by: "_Chunks"

    def __init__(self, draw: Draw, images: Images, labels: Labels, seed: int, size: int) -> None:
        self._draw, self._images, self._labels, self._seed, self._size = draw, images, labels, seed, size

    def draw(self, number: int) -> tuple[Windows, Targets]:
        return self._draw(self._images, self._labels, self._seed, number, self._size)


def _start(chunks: _Chunks) -> None:
    _Chunks.drawn_by = chunks
    cv2.setNumThreads(1)


def _draw(number: int) -> tuple[Windows, Targets]:
    return _Chunks.drawn_by.draw(number)


def draw_chunks(
    draw: Draw, images: Images, labels: Labels, count: int, seed: int, size: int
) -> tuple[Windows, Targets]:
    """Draws windows with as many processes as there are processors.

    Args:
        draw: a function of a module, which draws one chunk; a chunk depends on the seed and on its number alone, so
            that the windows do not depend on how many processes draw them.
        images: training digits, uint8 of shape (n, 28, 28).
        labels: the digits on them, of shape (n,).
        count: how many windows.
        seed: the same seed gives the same windows.
        size: windows of a chunk.

    Returns:
        Windows, uint8 of shape (count, SIDE, SIDE, c); and their targets, of which the first axis is as long.
    """
    chunks = _Chunks(draw, images, labels, seed, size)
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=processes, initializer=_start, initargs=(chunks,)) as pool:
        drawn = list(pool.map(_draw, range(-(-count // size))))
    windows, targets = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    return windows[:count], targets[:count]
