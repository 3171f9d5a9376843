"""What the sign classifier is fitted on: windows of digits, signs and pieces of both in written lines."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES
from digits.data.mnist import Images, Labels
from digits.errors import NoInkError
from digits.numbers.segments.lattice import find_candidates, find_chain
from digits.numbers.segments.layout import Line, find_lines
from digits.numbers.segments.windows import Floats, ReducedLine, Stroke, Windows, draw_window, reduce_field, reduce_line
from digits.numbers.signs.kinds import PIECE, SIGN_CLASSES, SIGNS, UNKNOWN, UNKNOWN_CLASS
from digits.synthetic.pages import Page, WrittenNumber, write_numbers
from digits.synthetic.sums import WrittenSum, write_sums
from digits.synthetic.symbols import draw_symbols
from digits.training.segmenter.chunks import draw_chunks
from digits.training.segmenter.dataset import with_forms
from digits.training.segmenter.targets import NOT_WHOLE, WHOLE, SegmentTargets, owners_of_ink, targets_of
from digits.vision.components import Components, find_components
from digits.vision.foreground import find_foreground
from digits.vision.paper.ruling import page_mask

Targets = npt.NDArray[np.bool_]

# Pictures of sums are drawn by turns with pictures of numbers, in which letters stand and digits touch.
_SUMS, _NUMBERS = 14, 5
# The share of the sums whose digits lean alike, and of those that one drawn writer has written.
_EVEN, _OF_A_WRITER = 0.5, 0.4
_PAGE = Page(digits=(1, 4), height=(22, 60), uneven=0.35, even_slant=_EVEN, drawn=_OF_A_WRITER)
_NUMBER = Page(digits=(2, 5), touching=0.25, signs=0.3, height=(24, 60), thin_pen=0.3, uneven=0.35)
_SYMBOLS = 400
# The share of the lines in which strokes are cut.
_CUT = 0.5
# How many candidates are taken of each digit or sign that are all of it, and how many that are a piece of a digit or of
# a sign. A piece has at least this share of it.
_OF_EACH, _OF_DIGIT, _OF_SIGN, _MUCH = 2, 1, 3, 0.2
_CHUNK = 5_000


def draw_sign_examples(images: Images, labels: Labels, count: int, seed: int) -> tuple[Windows, Targets]:
    """Draws windows of digits, signs and pieces, and says which classes each may be.

    Args:
        images: training digits, uint8 of shape (n, 28, 28).
        labels: of them.
        count: how many windows.
        seed: decides everything.

    Returns:
        Windows of shape (count, SIDE, SIDE, CHANNELS); and bool of shape (count, SIGN_CLASSES), True for each class
        that would be right: one of them, or all whole ones that are no digit where the sign is not known.
    """
    windows, targets = draw_chunks(draw_chunk, images, labels, count, seed, _CHUNK)
    return windows, targets.astype(np.bool_)


def draw_chunk(images: Images, labels: Labels, seed: int, number: int, count: int = _CHUNK) -> tuple[Windows, Targets]:
    """Draws one chunk of the windows; arguments and result are those of `draw_sign_examples`."""
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
    """Writes pictures without an end."""
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
        right[UNKNOWN_CLASS if sign is None or sign == UNKNOWN else CLASSES + SIGNS.index(sign)] = True
    else:
        right[CLASSES:PIECE] = True
    return right


def _examples(written: WrittenNumber, rng: np.random.Generator) -> Iterator[tuple[npt.NDArray[np.uint8], Targets]]:
    """Draws windows of a picture, and says what they show."""
    try:
        ink = find_foreground(written.picture, even_light=True)
    except NoInkError:
        return
    parts = find_components(ink, page_mask(ink)[0])
    owners = owners_of_ink(written.owners, ink)
    lines = find_lines(parts)
    in_lines = {i for line in lines for i in line.members}
    specks = [i for i in range(len(parts)) if i not in in_lines]
    owner_of_speck = {i: _owner(parts, i, owners) for i in specks}
    is_piece = np.zeros(SIGN_CLASSES, np.bool_)
    is_piece[PIECE] = True
    for line in lines:
        chain = find_chain(parts, line, line.members if rng.random() < _CUT else ())
        candidates, reduced = find_candidates(chain), reduce_line(chain)
        targets = targets_of(reduced, candidates, owners, tuple(range(len(written.labels))))
        if not targets.labels:
            continue
        for k, owner in _choose(targets, written, rng):
            alongside = [i for i in specks if owner_of_speck[i] == owner]
            own = reduced.shares(candidates[k])
            if owner is not None:
                own += _strokes(parts, alongside, reduced)
            window = draw_window(reduced, own)
            if window[..., 0].any():
                yield window, is_piece if owner is None else target_of(written, owner)
        for owner in {owner_of_speck[i] for i in specks} - {-1} - set(targets.labels):
            members = [i for i in specks if owner_of_speck[i] == owner and _beside(parts, i, line)]
            if members:
                window = draw_window(reduced, _strokes(parts, members, reduced))
                if window[..., 0].any():
                    yield window, target_of(written, owner)


def _choose(
    targets: SegmentTargets, written: WrittenNumber, rng: np.random.Generator
) -> Iterator[tuple[int, int | None]]:
    """Chooses candidates, each with the digit or sign that it is; None for a piece, or several together."""
    nearest, most = targets.overlaps.argmax(axis=1), targets.overlaps.max(axis=1)
    for j, owner in enumerate(targets.labels):
        whole = np.flatnonzero((nearest == j) & (most >= WHOLE))
        piece = np.flatnonzero((nearest == j) & (most < NOT_WHOLE) & (most >= _MUCH))
        yield from ((k, owner) for k in rng.permutation(whole)[:_OF_EACH].tolist())
        pieces = _OF_SIGN if owner is not None and written.labels[owner] is None else _OF_DIGIT
        yield from ((k, None) for k in rng.permutation(piece)[:pieces].tolist())


def _owner(parts: Components, i: int, owners: npt.NDArray[np.int16]) -> int:
    """The digit or sign that has most of a stroke; -1 if none has."""
    where, mask = parts.cut([i], 0)
    values = owners[where][mask > 0]
    values = values[values >= 0]
    return int(np.bincount(values).argmax()) if values.size else -1


def _strokes(parts: Components, members: list[int], line: ReducedLine) -> list[tuple[Stroke, Floats]]:
    """Strokes of the page, reduced to the size of windows."""
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
