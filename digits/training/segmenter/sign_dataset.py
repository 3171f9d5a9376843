"""What the sign classifier is fitted on: windows of whole digits and signs in written lines."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES
from digits.data.mnist import Images, Labels
from digits.errors import NoInkError
from digits.numbers.segments.lattice import find_candidates, find_chain
from digits.numbers.segments.layout import Line, find_lines
from digits.numbers.segments.windows import Floats, ReducedLine, Stroke, Windows, draw_window, reduce_field, reduce_line
from digits.numbers.signs.kinds import SIGN_CLASSES, SIGNS, UNKNOWN
from digits.synthetic.pages import Page, WrittenNumber, write_numbers
from digits.synthetic.sums import WrittenSum, write_sums
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.dataset import with_forms
from digits.training.segmenter.targets import WHOLE, owners_of_ink, targets_of
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.ruling import page_mask

Targets = npt.NDArray[np.bool_]

# Sums, and numbers with letters and digits that touch, by turns of so many pictures.
_SUMS, _NUMBERS = 12, 8
_PAGE = Page(digits=(1, 4), height=(24, 60))
_NUMBER = Page(digits=(2, 5), touching=0.25, signs=0.4, height=(24, 60), thin_pen=0.3)
_SYMBOLS = 400
# Strokes are cut in one line of six; of each digit or sign so many candidates are taken.
_CUT, _OF_EACH = 0.16, 2
_CHUNK = 2_000


def draw_sign_examples(images: Images, labels: Labels, count: int, seed: int) -> tuple[Windows, Targets]:
    """Windows of whole digits and signs, and which classes each may be.

    Args:
        images: training digits, uint8 of shape (n, 28, 28).
        labels: of them.
        count: how many windows.
        seed: decides everything.

    Returns:
        Windows of shape (count, SIDE, SIDE, 2); and bool of shape (count, SIGN_CLASSES), True for each class that
        would be right: one of them, or all that are no digit where the sign is not known.
    """
    processes = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(mp_context=processes, initializer=_learn_from, initargs=(images, labels)) as pool:
        chunks = list(pool.map(_draw_numbered, [(seed, k) for k in range(-(-count // _CHUNK))]))
    windows, targets = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    return windows[:count], targets[:count]


_learned: tuple[Images, Labels]


def _learn_from(images: Images, labels: Labels) -> None:
    """Has a process keep what all its chunks are drawn from."""
    global _learned
    _learned = images, labels
    cv2.setNumThreads(1)


def _draw_numbered(chunk: tuple[int, int]) -> tuple[Windows, Targets]:
    return draw_chunk(*_learned, *chunk)


def draw_chunk(images: Images, labels: Labels, seed: int, number: int, count: int = _CHUNK) -> tuple[Windows, Targets]:
    """One chunk of the windows; arguments and result are those of `draw_sign_examples`."""
    rng = np.random.default_rng((seed, number))
    windows: list[npt.NDArray[np.uint8]] = []
    targets: list[npt.NDArray[np.bool_]] = []
    for written in _pictures(*with_forms(images, labels, rng), rng):
        for window, target in _examples(written, rng):
            windows.append(window)
            targets.append(target)
        if len(windows) >= count:
            break
    return np.stack(windows[:count]), np.stack(targets[:count])


def _pictures(images: Images, labels: Labels, rng: np.random.Generator) -> Iterator[WrittenNumber]:
    """Pictures without an end."""
    symbols = draw_symbols(_SYMBOLS, rng)
    while True:
        yield from write_sums(_PAGE, images, labels, _SUMS, int(rng.integers(2**31)))
        yield from write_numbers(_NUMBER, images, labels, _NUMBERS, int(rng.integers(2**31)), symbols)


def target_of(written: WrittenNumber, owner: int) -> Targets:
    """Which classes of the sign classifier are right for a digit or sign of a picture, of shape (SIGN_CLASSES,)."""
    right = np.zeros(SIGN_CLASSES, np.bool_)
    label = written.labels[owner]
    if label is not None:
        right[label] = True
    elif isinstance(written, WrittenSum):
        sign = written.signs[owner]
        right[SIGN_CLASSES - 1 if sign is None or sign == UNKNOWN else CLASSES + SIGNS.index(sign)] = True
    else:
        right[CLASSES:] = True
    return right


def _examples(written: WrittenNumber, rng: np.random.Generator) -> Iterator[tuple[npt.NDArray[np.uint8], Targets]]:
    """Windows of a picture and what they show."""
    try:
        ink = find_foreground(written.picture, even_light=True)
    except NoInkError:
        return
    parts = find_components(ink, page_mask(ink))
    owners = owners_of_ink(written.owners, ink)
    lines = find_lines(parts)
    in_lines = {i for line in lines for i in line.members}
    specks = [i for i in range(len(parts)) if i not in in_lines]
    owner_of_speck = {i: _owner(parts, i, owners) for i in specks}
    for line in lines:
        chain = find_chain(parts, line, line.members if rng.random() < _CUT else ())
        candidates, reduced = find_candidates(chain), reduce_line(chain)
        targets = targets_of(reduced, candidates, owners, tuple(range(len(written.labels))))
        if not targets.labels:
            continue
        nearest, most = targets.overlaps.argmax(axis=1), targets.overlaps.max(axis=1)
        for j, owner in enumerate(targets.labels):
            if owner is None:
                continue
            whole = np.flatnonzero((nearest == j) & (most >= WHOLE))
            alongside = [i for i in specks if owner_of_speck[i] == owner]
            for k in rng.permutation(whole)[:_OF_EACH].tolist():
                own = reduced.shares(candidates[k]) + _strokes(parts, alongside, reduced)
                window = draw_window(reduced, own)
                if window.any():
                    yield window, target_of(written, owner)
        for owner in {owner_of_speck[i] for i in specks} - {-1} - set(targets.labels):
            members = [i for i in specks if owner_of_speck[i] == owner and _beside(parts, i, line)]
            if members:
                window = draw_window(reduced, _strokes(parts, members, reduced))
                if window.any():
                    yield window, target_of(written, owner)


def _owner(parts: Components, i: int, owners: npt.NDArray[np.int16]) -> int:
    where, mask = parts.cut([i], 0)
    values = owners[where][mask > 0]
    values = values[values >= 0]
    return int(np.bincount(values).argmax()) if values.size else -1


def _strokes(parts: Components, members: list[int], line: ReducedLine) -> list[tuple[Stroke, Floats]]:
    strokes = []
    for i in members:
        (rows, columns), mask = parts.cut([i], 0)
        stroke = reduce_field(mask.astype(np.float32), rows.start, columns.start, line.scale)
        strokes.append((stroke, stroke.ink))
    return strokes


def _beside(parts: Components, i: int, line: Line) -> bool:
    """Whether a stroke lies within the rows of a line, or a little under them."""
    top, bottom = parts.top[line.members].min(), parts.bottom[line.members].max()
    return bool(top <= (parts.top[i] + parts.bottom[i]) / 2.0 <= bottom + 0.3 * line.height)
