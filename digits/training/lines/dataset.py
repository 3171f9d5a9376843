"""What the network that reads whole lines learns from: drawn lines and what is written on them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES
from digits.data.mnist import Images, Labels
from digits.errors import NoInkError
from digits.numbers.lines.image import draw_line_image
from digits.numbers.segmentation import find_writing
from digits.numbers.signs.kinds import SIGNS, UNKNOWN_CLASS
from digits.numbers.signs.marks import find_small_strokes
from digits.synthetic.lines import write_lines
from digits.synthetic.pages import Page
from digits.synthetic.sums import WrittenSum
from digits.training.segmenter.dataset import with_forms
from digits.vision.foreground import find_foreground

# The share of the pictures whose digits lean alike, and of those that one drawn writer has written.
_EVEN, _OF_A_WRITER = 0.35, 0.25
_PAGE = Page(digits=(1, 4), height=(24, 90), thin_pen=0.5, even_slant=_EVEN, drawn=_OF_A_WRITER)
_PAGES: Mapping[Page, float] = {
    _PAGE: 0.6,
    replace(_PAGE, uneven=1.0): 0.12,
    replace(_PAGE, paper="ruled"): 0.1,
    replace(_PAGE, paper="squared"): 0.1,
    replace(_PAGE, shadow=True): 0.08,
}
_AT_A_TIME = 5
_DRAWN = 600
# The least share of its ink with which a digit or sign stands on a line, and the most with which it does not.
_MOST_OF_IT, _TRACE = 0.5, 0.15


def written_lines(images: Images, labels: Labels, rng: np.random.Generator) -> Iterator[WrittenSum]:
    """Writes pictures without an end.

    Args:
        images: training digits, uint8 of shape (n, 28, 28), of which the last `_DRAWN` are drawn ones.
        labels: of them, of shape (n,).
        rng: decides everything.
    """
    pages, chances = list(_PAGES), list(_PAGES.values())
    while True:
        page = pages[rng.choice(len(pages), p=chances)]
        yield from write_lines(page, images, labels, _AT_A_TIME, int(rng.integers(2**31)), of_one=_DRAWN)


def classes_of(number: WrittenSum) -> list[int]:
    """The class of each digit and sign of a picture, as the sign classifier has them."""
    return [
        label if label is not None else CLASSES + SIGNS.index(sign) if sign in SIGNS else UNKNOWN_CLASS
        for label, sign in zip(number.labels, number.signs, strict=True)
    ]


def line_examples(number: WrittenSum) -> Iterator[tuple[npt.NDArray[np.uint8], list[int]]]:
    """Draws each line of a picture.

    Yields:
        The line's picture, uint8 of shape (ROWS, width), and the classes that stand on it, from left to right. Lines on
        which only a part of a digit or sign stands are left out.
    """
    try:
        foreground = find_foreground(number.picture, even_light=True)
    except NoInkError:
        return
    owners = np.pad(number.owners, foreground.margin, constant_values=-1)
    writing = find_writing(foreground)
    parts = writing.parts
    small = list(find_small_strokes(parts, writing.members))
    classes = classes_of(number)
    totals = np.bincount(owners[owners >= 0].ravel(), minlength=len(classes))
    for line in writing.lines:
        image = draw_line_image(parts, line.members, small, line.height)
        counts = np.zeros(len(classes))
        for i in image.strokes:
            (rows, columns), mask = parts.cut([i], 0)
            here = owners[rows, columns][mask > 0]
            counts += np.bincount(here[here >= 0], minlength=len(classes))
        share = counts / np.maximum(totals, 1)
        # What is torn apart over two lines teaches nothing.
        if ((share > _TRACE) & (share < _MOST_OF_IT)).any():
            continue
        present = np.flatnonzero(share >= _MOST_OF_IT)
        if present.size:
            yield image.pixels, [classes[k] for k in present]


def draw_lines(
    images: Images, labels: Labels, seed: int, chunk: int, count: int
) -> list[tuple[npt.NDArray[np.uint8], list[int]]]:
    """Draws one chunk of lines.

    Args:
        images: training digits, uint8 of shape (n, 28, 28).
        labels: of them, of shape (n,).
        seed: of all chunks.
        chunk: its number; with the seed it decides everything.
        count: lines of the chunk.

    Returns:
        The lines, as `line_examples` yields them.
    """
    rng = np.random.default_rng((seed, chunk))
    images, labels = with_forms(images, labels, rng)
    lines: list[tuple[npt.NDArray[np.uint8], list[int]]] = []
    for number in written_lines(images, labels, rng):
        lines.extend(line_examples(number))
        if len(lines) >= count:
            return lines[:count]
    raise AssertionError("`written_lines` never ends")
