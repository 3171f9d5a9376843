"""What the segment classifier and the decoding are fitted on: windows and lattices of numbers that code has written."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, SIDE
from digits.data.mnist import Images, Labels
from digits.errors import CrowdedImageError, NoInkError
from digits.numbers.decoding import Pool, features_of, pooled_probabilities
from digits.numbers.segmentation import find_writing, take_apart
from digits.numbers.segments.lattice import Lattice, find_candidates, find_chain
from digits.numbers.segments.layout import find_lines
from digits.numbers.segments.windows import Windows, draw_windows, reduce_line
from digits.numbers.signs.marks import find_small_strokes
from digits.numbers.window_network import NOTHING_WHOLE, WindowNetwork
from digits.recognizer import Recognizer
from digits.synthetic.pages import Page, WrittenNumber, write_numbers
from digits.synthetic.strokes import draw_digit
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.chunks import draw_chunks
from digits.training.segmenter.crf import Example
from digits.training.segmenter.targets import UNCLEAR, SegmentTargets, owners_of_ink, targets_of
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.mnist_form import BOX
from digits.vision.paper.ruling import page_mask

# What is written, and how often.
_PAGES: Mapping[Page, float] = {
    Page(digits=(2, 6), touching=0.45, height=(36, 110), thin_pen=0.3): 0.45,
    Page(digits=(2, 6), height=(36, 110), thin_pen=0.3): 0.12,
    Page(digits=(1, 5), touching=0.2, signs=0.4, height=(36, 110), thin_pen=0.3): 0.25,
    Page(digits=(2, 6), touching=0.2, signs=0.1, height=(36, 110), thin_pen=0.3, paper="ruled"): 0.06,
    Page(digits=(2, 6), touching=0.2, signs=0.1, height=(36, 110), thin_pen=0.3, paper="squared"): 0.06,
    Page(digits=(2, 6), touching=0.2, height=(36, 110), thin_pen=0.3, shadow=True): 0.06,
}
# Pictures of one page before the next is chosen, and kinds of signs drawn for all of them.
_AT_A_TIME, _SIGNS = 5, 300
# Images of MNIST, and drawn ones, with which a chunk of windows and the numbers for the decoding are written.
_OF_MNIST, _DRAWN = 2_400, 600
# Channels of a window that the segment classifier gets.
_CHANNELS = 2
# Windows are drawn in chunks, each of which depends on the seed and on its number alone.
CHUNK = 4_000
# The share of the lines whose strokes are cut, even where a reading would not cut them.
_CUT = 0.75
# How many candidates of each digit are taken that are all of it, and how many that are much of it: more than `_MUCH`.
_OF_EACH, _OF_MUCH = 4, 4
_MUCH = 0.3


@dataclass(frozen=True)
class ReadLine:
    """A line that was taken apart and read, and what is written on it.

    Args:
        lattice: the ways to take it apart.
        targets: what its candidates really are.
        parts: the strokes of its page.
        small: those that may be points, commas and dots.
        number: what the picture shows.
    """

    lattice: Lattice
    targets: SegmentTargets
    parts: Components
    small: tuple[int, ...]
    number: WrittenNumber

    def digits(self, pool: Pool) -> npt.NDArray[np.int64]:
        """As which digit each candidate is read, of shape (n,)."""
        lattice = self.lattice
        return pooled_probabilities(lattice.segment_probabilities, lattice.probabilities, pool).argmax(axis=1)

    def example(self, pool: Pool) -> Example:
        """The line as an example for the fit of the decoding."""
        spans = tuple(candidate.span for candidate in self.lattice.candidates)
        matches = _matches(self.targets, self.digits(pool))
        return Example(features_of(self.lattice, pool), spans, matches, len(self.targets.labels))


def draw_dataset(images: Images, labels: Labels, count: int, seed: int) -> tuple[Windows, npt.NDArray[np.int64]]:
    """Draws windows of written numbers, and says what they show.

    Args:
        images: training digits, uint8 of shape (n, 28, 28).
        labels: of them.
        count: how many windows.
        seed: decides everything.

    Returns:
        Windows of shape (count, SIDE, SIDE, 2), with the channels that the network is given; and their classes of the
        segment classifier, of shape (count,).
    """
    windows, classes = draw_chunks(draw_chunk, images, labels, count, seed, CHUNK)
    return windows, classes.astype(np.int64)


def draw_chunk(
    images: Images, labels: Labels, seed: int, chunk: int, count: int = CHUNK
) -> tuple[Windows, npt.NDArray[np.int64]]:
    """Draws one chunk of the windows; arguments and result are those of `draw_dataset`."""
    rng = np.random.default_rng((seed, chunk))
    images, labels = with_forms(images, labels, rng)
    windows: list[Windows] = []
    classes: list[npt.NDArray[np.int64]] = []
    for number in written_numbers(images, labels, rng):
        for of_line, classes_of_line in _windows_of(number, rng):
            windows.append(of_line)
            classes.append(classes_of_line)
        if sum(map(len, windows)) >= count:
            break
    return np.concatenate(windows)[:count], np.concatenate(classes)[:count]


def write_dataset(images: Images, labels: Labels, count: int, seed: int) -> Iterator[WrittenNumber]:
    """Writes `count` numbers of the kinds that windows are drawn from; other arguments as of `draw_dataset`."""
    rng = np.random.default_rng(seed)
    return itertools.islice(written_numbers(*with_forms(images, labels, rng), rng), count)


def read_dataset(
    recognizer: Recognizer, classifier: WindowNetwork, signs: WindowNetwork, numbers: Iterable[WrittenNumber]
) -> list[ReadLine]:
    """Takes the lines of written numbers apart and reads them; pictures without ink, and crowded ones, give none.

    Args:
        recognizer: reads digits.
        classifier: tells whole digits from pieces.
        signs: tells digits and signs apart.
        numbers: of digits that neither network has learned from.
    """
    lines = []
    for number in numbers:
        try:
            foreground = find_foreground(number.picture, even_light=True)
        except NoInkError:
            continue
        owners = owners_of_ink(number.owners, foreground)
        writing = find_writing(foreground)
        small = tuple(find_small_strokes(writing.parts, writing.members))
        try:
            lattices = take_apart(recognizer, classifier, signs, writing)
        except CrowdedImageError:
            continue
        for lattice in lattices:
            targets = targets_of(reduce_line(lattice.chain), lattice.candidates, owners, number.labels)
            lines.append(ReadLine(lattice, targets, writing.parts, small, number))
    return lines


def _matches(targets: SegmentTargets, digits: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Which digits and signs each candidate reads rightly, with at least half of their ink; signs match any digit."""
    return tuple(
        tuple(
            j
            for j in np.flatnonzero(overlaps >= 0.5).tolist()
            if targets.labels[j] is None or targets.labels[j] == int(digit)
        )
        for overlaps, digit in zip(targets.overlaps, digits, strict=True)
    )


def written_numbers(images: Images, labels: Labels, rng: np.random.Generator) -> Iterator[WrittenNumber]:
    """Writes numbers without an end, with training digits of shape (n, 28, 28) and their labels of shape (n,)."""
    signs = draw_symbols(_SIGNS, rng)
    pages, chances = list(_PAGES), list(_PAGES.values())
    while True:
        page = pages[rng.choice(len(pages), p=chances)]
        yield from write_numbers(page, images, labels, _AT_A_TIME, int(rng.integers(2**31)), signs)


def with_forms(images: Images, labels: Labels, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Chooses some images and adds drawn ones, in the forms of other countries, which MNIST does not have.

    Args:
        images: training digits, uint8 of shape (n, 28, 28).
        labels: of them, of shape (n,).
        rng: of the choice and the drawings.

    Returns:
        Images of shape (m, 28, 28), of which the last `_DRAWN` are drawn ones, and their labels, of shape (m,).
    """
    kept = rng.choice(len(images), min(_OF_MNIST, len(images)), replace=False)
    drawn = rng.integers(0, CLASSES, _DRAWN)
    forms = [_fitted(draw_digit(int(digit), 4 * SIDE, rng)) for digit in drawn]
    return np.concatenate([images[kept], np.stack(forms)]), np.concatenate([labels[kept], drawn])


def _fitted(canvas: Images) -> Images:
    """Brings a drawn digit to the size of MNIST's: 20 of 28 pixels on the longer side."""
    x, y, width, height = cv2.boundingRect((canvas > 0).astype(np.uint8))
    scale = BOX / max(width, height)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(canvas[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    return np.pad(small, ((top, SIDE - size[1] - top), (left, SIDE - size[0] - left))).astype(np.uint8)


def _windows_of(number: WrittenNumber, rng: np.random.Generator) -> Iterator[tuple[Windows, npt.NDArray[np.int64]]]:
    """Draws some windows of each line of a number, and says what they show."""
    try:
        foreground = find_foreground(number.picture, even_light=True)
    except NoInkError:
        return
    parts = find_components(foreground, page_mask(foreground)[0])
    owners = owners_of_ink(number.owners, foreground)
    for line in find_lines(parts):
        chain = find_chain(parts, line, line.members if rng.random() < _CUT else ())
        candidates = find_candidates(chain)
        reduced = reduce_line(chain)
        targets = targets_of(reduced, candidates, owners, number.labels)
        if not targets.labels:
            continue
        classes, chosen = targets.classes(), _choose(targets, rng)
        windows, boxes = draw_windows(reduced, [candidates[k] for k in chosen])
        inked = boxes.any(axis=1)
        yield windows[inked, ..., :_CHANNELS], classes[chosen][inked]


def _choose(targets: SegmentTargets, rng: np.random.Generator) -> list[int]:
    """Chooses candidates of which there are not too many alike."""
    classes, nearest, most = targets.classes(), targets.overlaps.argmax(axis=1), targets.overlaps.max(axis=1)
    whole = (classes != NOTHING_WHOLE) & (classes != UNCLEAR)
    chosen: list[int] = []
    for j in range(len(targets.labels)):
        chosen += rng.permutation(np.flatnonzero(whole & (nearest == j)))[:_OF_EACH].tolist()
    for much, limit in ((True, _OF_MUCH * len(targets.labels)), (False, len(targets.labels) + 1)):
        chosen += rng.permutation(np.flatnonzero((classes == NOTHING_WHOLE) & ((most > _MUCH) == much)))[
            :limit
        ].tolist()
    return chosen
