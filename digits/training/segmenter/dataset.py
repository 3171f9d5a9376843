"""What the splitter and its paths are fitted on: windows and lattices of written numbers whose truth is known."""

import itertools
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.data.mnist import Images, Labels
from digits.errors import NoInkError
from digits.model.engine import CLASSES
from digits.numbers.decoding import digits_of
from digits.numbers.lattice import find_candidates, find_chain
from digits.numbers.layout import find_lines
from digits.numbers.reader import Lattice, take_apart
from digits.numbers.segment_classifier import NOTHING_WHOLE, Pool, SegmentClassifier
from digits.numbers.windows import Windows, draw_windows, reduce_line
from digits.recognizer import Recognizer
from digits.synthetic.pages import Page, WrittenNumber, write_numbers
from digits.synthetic.strokes import draw_digit
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.crf import Example
from digits.training.segmenter.targets import UNCLEAR, SegmentTargets, compare, owners_of_ink
from digits.vision.components import find_components
from digits.vision.foreground import find_foreground
from digits.vision.normalize import BOX, SIDE
from digits.vision.ruling import writing_mask

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
# A chunk of windows, and the numbers for paths, are written with so many images of MNIST and so many drawn ones.
_OF_MNIST, _DRAWN = 2_400, 600
# Windows are drawn in chunks, each of which depends on the seed and on its number alone.
CHUNK = 4_000
# Most strokes are cut for the exercise, even where a reading would not.
_CUT = 0.75
# Of each digit so many candidates are taken that are it, and so many that are much of it.
_OF_EACH, _OF_MUCH = 4, 4
_MUCH = 0.3


@dataclass(frozen=True)
class ReadLine:
    """A line that was taken apart and read, and what is written on it.

    Args:
        lattice: the ways to take it apart.
        truth: what its candidates really are.
    """

    lattice: Lattice
    truth: SegmentTargets

    def digits(self, pool: Pool) -> npt.NDArray[np.int64]:
        """As which digit each candidate is read, of shape (n,)."""
        return digits_of(self.lattice.segment_probabilities, self.lattice.probabilities, pool).argmax(axis=1)

    def example(self, pool: Pool) -> Example:
        """It for the fit of paths."""
        spans = tuple(one.span for one in self.lattice.candidates)
        fits = _fits(self.truth, self.digits(pool))
        return Example(self.lattice.features(pool), spans, fits, len(self.truth.labels))


def draw_example(images: Images, labels: Labels, count: int, seed: int) -> tuple[Windows, npt.NDArray[np.int64]]:
    """Windows of written numbers, and what they show.

    Args:
        images: training digits, uint8 of shape (n, 28, 28).
        labels: of them.
        count: how many windows.
        seed: decides everything.

    Returns:
        Windows of shape (count, SIDE, SIDE, 2), and their classes, of shape (count,), as of the splitter.
    """
    # TensorFlow's threads do not survive a fork.
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=processes, initializer=_learn_from, initargs=(images, labels)) as pool:
        chunks = list(pool.map(_draw_numbered, [(seed, k) for k in range(-(-count // CHUNK))]))
    windows, classes = (np.concatenate(some) for some in zip(*chunks, strict=True))
    return windows[:count], classes[:count]


_learned: tuple[Images, Labels]


def _learn_from(images: Images, labels: Labels) -> None:
    """Has a process keep what all its chunks are drawn from."""
    global _learned
    _learned = images, labels
    cv2.setNumThreads(1)


def _draw_numbered(chunk: tuple[int, int]) -> tuple[Windows, npt.NDArray[np.int64]]:
    return draw_chunk(*_learned, *chunk)


def draw_chunk(
    images: Images, labels: Labels, seed: int, number: int, count: int = CHUNK
) -> tuple[Windows, npt.NDArray[np.int64]]:
    """One chunk of an exercise; arguments and result are those of `draw_example`."""
    rng = np.random.default_rng((seed, number))
    images, labels = _with_forms(images, labels, rng)
    windows: list[Windows] = []
    classes: list[npt.NDArray[np.int64]] = []
    for one in _numbers(images, labels, rng):
        for some, truths in _windows_of(one, rng):
            windows.append(some)
            classes.append(truths)
        if sum(map(len, windows)) >= count:
            break
    return np.concatenate(windows)[:count], np.concatenate(classes)[:count]


def write_example(images: Images, labels: Labels, count: int, seed: int) -> Iterator[WrittenNumber]:
    """`count` numbers of the kinds that windows are drawn from; the other arguments are those of `draw_example`."""
    rng = np.random.default_rng(seed)
    return itertools.islice(_numbers(*_with_forms(images, labels, rng), rng), count)


def read_example(
    recognizer: Recognizer, splitter: SegmentClassifier, numbers: Iterable[WrittenNumber]
) -> list[ReadLine]:
    """Lines of written numbers, taken apart and read; pictures on which no ink is found give none.

    Args:
        recognizer: reads digits.
        splitter: says what is whole.
        numbers: of digits that both did not learn from.
    """
    found = []
    for number in numbers:
        try:
            ink = find_foreground(number.picture, even_light=True)
        except NoInkError:
            continue
        owners = owners_of_ink(number.owners, ink)
        for lattice in take_apart(recognizer, splitter, ink):
            truth = compare(reduce_line(lattice.chain), lattice.candidates, owners, number.labels)
            found.append(ReadLine(lattice, truth))
    return found


def _fits(truth: SegmentTargets, digits: npt.NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Which digits and signs each candidate reads rightly: with at least half of their ink; signs as anything."""
    return tuple(
        tuple(
            j
            for j in np.flatnonzero(overlaps >= 0.5).tolist()
            if truth.labels[j] is None or truth.labels[j] == int(digit)
        )
        for overlaps, digit in zip(truth.overlaps, digits, strict=True)
    )


def _numbers(images: Images, labels: Labels, rng: np.random.Generator) -> Iterator[WrittenNumber]:
    """Written numbers without an end."""
    signs = draw_symbols(_SIGNS, rng)
    pages, chances = list(_PAGES), list(_PAGES.values())
    while True:
        page = pages[rng.choice(len(pages), p=chances)]
        yield from write_numbers(page, images, labels, _AT_A_TIME, int(rng.integers(2**31)), signs)


def _with_forms(images: Images, labels: Labels, rng: np.random.Generator) -> tuple[Images, Labels]:
    """Some images, and among them drawn ones, in forms of other countries: MNIST's alone are not to be relied on."""
    kept = rng.choice(len(images), min(_OF_MNIST, len(images)), replace=False)
    drawn = rng.integers(0, CLASSES, _DRAWN)
    forms = [_fitted(draw_digit(int(digit), 4 * SIDE, rng)) for digit in drawn]
    return np.concatenate([images[kept], np.stack(forms)]), np.concatenate([labels[kept], drawn])


def _fitted(canvas: Images) -> Images:
    """A drawn digit as MNIST has them: 20 pixels on the longer side, of 28."""
    x, y, width, height = cv2.boundingRect((canvas > 0).astype(np.uint8))
    scale = BOX / max(width, height)
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(canvas[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    return np.pad(small, ((top, SIDE - size[1] - top), (left, SIDE - size[0] - left))).astype(np.uint8)


def _windows_of(number: WrittenNumber, rng: np.random.Generator) -> Iterator[tuple[Windows, npt.NDArray[np.int64]]]:
    """Some windows of each line of a number, and what they show."""
    try:
        ink = find_foreground(number.picture, even_light=True)
    except NoInkError:
        return
    parts = find_components(ink, writing_mask(ink))
    owners = owners_of_ink(number.owners, ink)
    for line in find_lines(parts):
        chain = find_chain(parts, line, line.members if rng.random() < _CUT else ())
        candidates = find_candidates(chain)
        reduced = reduce_line(chain)
        truth = compare(reduced, candidates, owners, number.labels)
        if not truth.labels:
            continue
        classes, chosen = truth.classes(), _choose(truth, rng)
        windows, boxes = draw_windows(reduced, [candidates[k] for k in chosen])
        inked = boxes.any(axis=1)
        yield windows[inked], classes[chosen][inked]


def _choose(truth: SegmentTargets, rng: np.random.Generator) -> list[int]:
    """Candidates of which there are not too many alike."""
    classes, nearest, most = truth.classes(), truth.overlaps.argmax(axis=1), truth.overlaps.max(axis=1)
    whole = (classes != NOTHING_WHOLE) & (classes != UNCLEAR)
    chosen: list[int] = []
    for j in range(len(truth.labels)):
        chosen += rng.permutation(np.flatnonzero(whole & (nearest == j)))[:_OF_EACH].tolist()
    for much, limit in ((True, _OF_MUCH * len(truth.labels)), (False, len(truth.labels) + 1)):
        chosen += rng.permutation(np.flatnonzero((classes == NOTHING_WHOLE) & ((most > _MUCH) == much)))[
            :limit
        ].tolist()
    return chosen
