"""Takes the lines of a page apart into everything that may be a digit, and has both networks look at it.

The segment classifier looks at strokes, alone and together, first. Strokes that do not look whole are cut wherever
digits may touch, and it looks again. What may be whole goes through the recognizer's network.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import CLASSES, SIDE, Floats
from digits.errors import CrowdedImageError
from digits.numbers.acceptance import whole_probabilities
from digits.numbers.decoding import best_path
from digits.numbers.segments.crossed import free_crossed
from digits.numbers.segments.edges import without_edges
from digits.numbers.segments.lattice import Candidate, Chain, Lattice, find_candidates, find_chain
from digits.numbers.segments.layout import Line, find_lines
from digits.numbers.segments.ruled_off import free_ruled_off
from digits.numbers.segments.rules import free_from_rules
from digits.numbers.segments.windows import draw_windows, reduce_line
from digits.numbers.signs.kinds import SIGN_CLASSES
from digits.numbers.signs.marks import Box, box_of_stroke
from digits.numbers.window_network import NOTHING_WHOLE, WindowNetwork
from digits.recognizer import Recognizer
from digits.vision.components import Components, find_components
from digits.vision.foreground import Foreground
from digits.vision.mnist_form import image_of, margin_around
from digits.vision.paper.ruling import page_mask

# Strokes of what is taken for something whole with less probability than this are cut.
_SURE = 0.9
# What is something whole with less probability than this is not read.
_LEAST = 0.02
# Of what a stroke is cut into, so many candidates are read for each height of a digit that it is wide: those that are
# something whole with the greatest probability. A digit that touches another gives no more, nearly always. Writing that
# was crossed out gives hundreds, which would take all the work of the page.
_MOST_READ = 70.0
# Of strokes that are cut, so many more candidates than the limit are looked at. The limit is for those that may be
# something whole.
_MORE_SEEN = 2
# Of a page with more lines, none is read: each takes the time of several candidates, whatever is on it.
_MOST_LINES = 400
# What is wider than this, in heights of the line's digits, is no digit, and is not shown to the network.
_HOPELESS = 3.0
# Work of a candidate in pixels of crops, as `digits.budget.spend` counts it: to draw its window and look at it twice;
# and to make its image and read it. `python -m benchmarks.hostile.bombs` measures the time of pages full of them.
_WINDOW_WORK, _IMAGE_WORK = 4_000, 12_500
# So many images are made before they go through the network: more would take more memory.
_AT_A_TIME = 256


@dataclass(frozen=True)
class Writing:
    """What is written on a page.

    Args:
        foreground: the page's ink.
        parts: its strokes.
        lines: the lines that they are written in, from top to bottom.
    """

    foreground: Foreground
    parts: Components
    lines: list[Line]

    @property
    def members(self) -> set[int]:
        """The strokes that are in lines."""
        return {i for line in self.lines for i in line.members}

    def box_of(self, line: Line) -> Box:
        """What the strokes of a line take together, in pixels of the foreground."""
        return Box.around([box_of_stroke(self.parts, i) for i in line.members])


def find_writing(foreground: Foreground) -> Writing:
    """Finds the strokes and lines of a page, off which the lines of the paper are taken."""
    mask, boxes = page_mask(foreground)
    parts = find_components(foreground, mask)
    lines = find_lines(parts, boxes)
    for free in (free_from_rules, free_crossed, free_ruled_off):
        if (freed := free(parts, lines, foreground)) is not None:
            parts, lines = freed, find_lines(freed, boxes)
    return Writing(foreground, parts, without_edges(parts, lines, foreground.margin))


def take_apart(
    recognizer: Recognizer,
    classifier: WindowNetwork,
    signs: WindowNetwork,
    writing: Writing,
    lines: Sequence[Line] | None = None,
) -> list[Lattice]:
    """Finds all ways to take lines of a page apart.

    Args:
        recognizer: reads the digits; its limits hold.
        classifier: tells whole digits from pieces.
        signs: tells digits and signs apart.
        writing: what is written on the page.
        lines: those of its lines to take apart; if it is None, all of them.

    Returns:
        One lattice for each line, in the order of the lines.

    Raises:
        CrowdedImageError: there are more candidates than the recognizer's limits allow, or too many lines.
    """
    parts, most = writing.parts, recognizer.limits.max_candidates
    lines = writing.lines if lines is None else lines
    if len(lines) > _MOST_LINES:
        raise CrowdedImageError(
            f"What is written in this picture stands in {len(lines):,} lines, more than the {_MOST_LINES} allowed. "
            "Crop it to the numbers that you mean."
        )
    lattices = _classify_segments(classifier, (find_chain(parts, line, ()) for line in lines), most)
    doubtful = [_doubtful(lattice) for lattice in lattices]
    cut: list[int] = []

    def cut_lines() -> Iterator[Chain]:
        for i, strokes in enumerate(doubtful):
            chain = find_chain(parts, lines[i], strokes) if strokes else lattices[i].chain
            # A line in which no cut was found is the same as before.
            if len(chain.places) > len(lattices[i].chain.places):
                cut.append(i)
                yield chain

    again = _classify_segments(classifier, cut_lines(), most, _MORE_SEEN)
    for i, lattice in zip(cut, again, strict=True):
        lattices[i] = lattice
    _check(sum(len(lattice.candidates) for lattice in lattices), most)
    seen = [_with_signs(lattice, signs) for lattice in lattices]
    return _read_candidates(recognizer, writing.foreground, seen)


def _classify_segments(classifier: WindowNetwork, chains: Iterable[Chain], most: int, times: int = 1) -> list[Lattice]:
    """Puts the candidates of lines through the segment classifier, and keeps those that may be whole.

    The probabilities of the other networks are still 0.

    Lines are taken one by one, until they have more than `times` `most` candidates together.

    Raises:
        CrowdedImageError: there are more.
    """
    lines: list[tuple[Chain, list[Candidate]]] = []
    count = 0
    for chain in chains:
        candidates = find_candidates(chain)
        count += len(candidates)
        _check(count, most, times)
        lines.append((chain, candidates))
    # Before any of them is drawn: what is refused in the end should not have cost anything.
    budget.spend(_WINDOW_WORK * count)
    lattices = []
    for chain, candidates in lines:
        budget.check()
        windows, boxes = draw_windows(reduce_line(chain), candidates)
        of_segments, of_signs = classifier(windows), np.zeros((len(candidates), SIGN_CLASSES))
        recognized = np.zeros((len(candidates), CLASSES))
        lattice = Lattice(chain, candidates, boxes, windows, of_segments, of_signs, recognized)
        lattices.append(without_unlikely(lattice))
    return lattices


def _check(count: int, most: int, times: int = 1) -> None:
    if count > times * most:
        raise CrowdedImageError(
            # Who reads it can look up the setting, and nothing else.
            f"More than the {most:,} things allowed were seen in this picture that may be digits, or parts of them. "
            "Crop it to the numbers that you mean."
        )


def _doubtful(lattice: Lattice) -> set[int]:
    """The strokes of a line's most likely candidates that do not look whole; they are to be cut."""
    whole = 1.0 - lattice.segment_probabilities[:, NOTHING_WHOLE]
    strokes: set[int] = set()
    for k in best_path([candidate.span for candidate in lattice.candidates], np.log(np.clip(whole, 1e-6, 1.0))):
        if whole[k] < _SURE:
            candidate = lattice.candidates[k]
            shares = lattice.chain.shares(candidate.first, candidate.last)
            strokes.update(lattice.chain.strokes[i] for i, _, _ in shares)
    return strokes


def without_unlikely(lattice: Lattice) -> Lattice:
    """Leaves out candidates that are hardly whole, by the segment classifier.

    What is not cut stays, for it may be a sign, which the sign classifier knows better; and so there is always a path.
    """
    whole = 1.0 - lattice.segment_probabilities[:, NOTHING_WHOLE]
    uncut = [place.cut is None for place in lattice.chain.places]
    return lattice.only(
        [
            k
            for k, candidate in enumerate(lattice.candidates)
            # A stroke so thin that nothing of it is left in the reduced line stays, too: the path leads over it.
            if lattice.chain.is_stroke(*candidate.span)
            or (lattice.boxes[k].any() and (whole[k] >= _LEAST or (uncut[candidate.first] and uncut[candidate.last])))
        ]
    )


def _with_signs(lattice: Lattice, signs: WindowNetwork) -> Lattice:
    """Adds the sign classifier's probabilities, and leaves out what is hardly whole by both networks."""
    of_signs = signs(lattice.windows)
    whole = np.maximum(1.0 - lattice.segment_probabilities[:, NOTHING_WHOLE], whole_probabilities(of_signs))
    likely = [
        k
        for k, candidate in enumerate(lattice.candidates)
        if lattice.chain.is_stroke(*candidate.span) or whole[k] >= _LEAST
    ]
    return replace(lattice, sign_probabilities=of_signs).only(_likeliest(lattice, likely, whole))


def _likeliest(lattice: Lattice, kept: Sequence[int], whole: Floats) -> list[int]:
    """Leaves out the unlikeliest candidates of each stroke that is cut into more of them than touching digits are.

    Args:
        lattice: a line, taken apart.
        kept: indices of candidates, in rising order.
        whole: of all candidates, the probability that they are something whole.

    Returns:
        The indices that are left, in rising order. Whole strokes are always among them.
    """
    chain, of_stroke = lattice.chain, defaultdict[int, list[int]](list)
    for k in kept:
        first, last = (chain.places[end] for end in lattice.candidates[k].span)
        if first.cut is not None or last.cut is not None:
            of_stroke[first.stroke].append(k)
    dropped: set[int] = set()
    for stroke, cut in of_stroke.items():
        most = max(1, round(_MOST_READ * chain.masks[stroke].shape[1] / chain.height))
        if len(cut) > most:
            dropped.update(sorted(cut, key=lambda k: -whole[k])[most:])
    return [k for k in kept if k not in dropped]


def _read_candidates(recognizer: Recognizer, foreground: Foreground, lattices: list[Lattice]) -> list[Lattice]:
    """Puts the candidates of all lines through the recognizer's network, many at a time."""
    candidates = [(lattice.chain, candidate) for lattice in lattices for candidate in lattice.candidates]
    widths = [width for lattice in lattices for width in (lattice.boxes[:, 2] - lattice.boxes[:, 0]).tolist()]
    shown = [k for k, width in enumerate(widths) if width <= _HOPELESS]
    probabilities = np.zeros((len(candidates), CLASSES))
    budget.spend(_IMAGE_WORK * len(shown))
    for start in range(0, len(shown), _AT_A_TIME):
        batch = shown[start : start + _AT_A_TIME]
        images = np.stack([_image(foreground, *candidates[k]) for k in batch])
        probabilities[batch] = recognizer.classify(images)
    ends = np.cumsum([len(lattice.candidates) for lattice in lattices]).tolist()
    return [
        replace(lattice, probabilities=probabilities[end - len(lattice.candidates) : end])
        for lattice, end in zip(lattices, ends, strict=True)
    ]


def _image(foreground: Foreground, chain: Chain, candidate: Candidate) -> npt.NDArray[np.uint8]:
    """Makes the 28x28 image of a candidate, as if its ink were alone on the page; blank if it has no whole pixel."""
    (rows, columns), mask = chain.ink_between(candidate.first, candidate.last)
    if not mask.any():
        # Between cuts that all but meet there may be a share of a pixel, and no whole one.
        return np.zeros((SIDE, SIDE), np.uint8)
    margin = margin_around(*mask.shape)
    top, left = min(margin, rows.start), min(margin, columns.start)
    strength = foreground.strength[rows.start - top : rows.stop + margin, columns.start - left : columns.stop + margin]
    whole = np.zeros(strength.shape, np.uint8)
    whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return image_of(strength, whole, foreground.level)
