"""What on a line may be a digit: strokes alone, strokes together, and strokes cut apart where digits may touch."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from digits.cutting import find_cuts
from digits.layout import Line
from digits.segmentation import Parts

# In heights of the line's digits: what is taken for one digit is at most so wide and so high, and has no gap as wide
# as this; a piece that is cut off is at least so wide.
_WIDEST, _HIGHEST, _WIDEST_GAP, _NARROWEST = 1.4, 1.7, 0.3, 0.12
# Two strokes as high as this are rarely one digit: a 4, or a 0 whose pen skipped, with a smaller gap.
_TALL, _WIDEST_GAP_OF_TALL = 0.6, 0.12
# A digit consists of so many strokes and so many pieces of them at the most.
_MOST_STROKES, _MOST_PIECES = 5, 16


@dataclass(frozen=True)
class Pieces:
    """The pieces of a line: strokes, or what cuts leave of them.

    Args:
        parts: them, as strokes, from left to right.
        cut_ink: how much ink the cuts on the left and on the right of each go through, in heights of the line's
            digits; float64 of shape (n, 2), 0 where there is no cut.
        strokes: which stroke each is of, as an index of the page's; int array of shape (n,).
        height: of the line's digits, in pixels.
    """

    parts: Parts
    cut_ink: npt.NDArray[np.float64]
    strokes: npt.NDArray[np.int64]
    height: float

    @cached_property
    def counts(self) -> Counter[int]:
        """How many pieces there are of each stroke."""
        return Counter(self.strokes.tolist())


@dataclass(frozen=True)
class Candidate:
    """Neighboring pieces that may be one digit.

    Args:
        first: index of the first piece.
        last: index of the last.
        box: (left, top, right, bottom) in pixels, the last two exclusive.
    """

    first: int
    last: int
    box: tuple[int, int, int, int]


def find_pieces(parts: Parts, line: Line, to_cut: Collection[int]) -> Pieces:
    """The strokes of a line, some of them cut wherever digits may touch.

    Args:
        parts: the strokes of the page.
        line: of it.
        to_cut: indices of the strokes to cut; their pieces get labels of their own in `parts`.
    """
    labels = parts.labels
    next_id = int(labels.max()) + 1 if to_cut else 0
    ids: list[int] = []
    boxes: list[tuple[int, int, int, int]] = []
    inks: list[tuple[float, float]] = []
    strokes: list[int] = []
    for i in line.members:
        (rows, columns), mask = parts.cut([i], 0)
        cuts = find_cuts(mask, line.height) if i in to_cut else []
        # How many cuts each pixel is right of.
        side = sum((np.arange(mask.shape[1]) >= cut.columns[:, None] for cut in cuts), np.zeros(mask.shape, np.int64))
        edges = [0.0, *(cut.ink for cut in cuts), 0.0]
        for k in range(len(cuts) + 1):
            inked = (mask > 0) & (side == k)
            across, down = np.flatnonzero(inked.any(axis=0)), np.flatnonzero(inked.any(axis=1))
            if not across.size:
                continue
            strokes.append(i)
            inks.append((edges[k], edges[k + 1]))
            left, top = columns.start + int(across[0]), rows.start + int(down[0])
            boxes.append((left, top, columns.start + int(across[-1]) + 1, rows.start + int(down[-1]) + 1))
            if cuts:
                labels[rows, columns][inked] = next_id
                ids.append(next_id)
                next_id += 1
            else:
                ids.append(int(parts.ids[i]))
    order = sorted(range(len(ids)), key=lambda k: boxes[k][0] + boxes[k][2])
    left_edges, tops, right_edges, bottoms = np.array(boxes, dtype=np.int64)[order].T
    no = np.zeros(len(ids), dtype=np.bool_)
    whole = np.array(ids, dtype=np.int64)[order]
    pieces = Parts(labels, whole, left_edges, tops, right_edges, bottoms, np.ones(len(ids)), no, no)
    return Pieces(pieces, np.array(inks)[order], np.array(strokes, dtype=np.int64)[order], line.height)


def find_candidates(pieces: Pieces) -> list[Candidate]:
    """Every piece, and every few neighboring pieces that are together no larger than a digit."""
    parts, height = pieces.parts, pieces.height
    boxes = np.stack([parts.left, parts.top, parts.right, parts.bottom], axis=1).tolist()
    found = []
    for first, box in enumerate(boxes):
        left, top, right, bottom = box
        found.append(Candidate(first, first, (left, top, right, bottom)))
        for last in range(first + 1, min(first + _MOST_PIECES, len(boxes))):
            next_left, next_top, next_right, next_bottom = boxes[last]
            tall = bottom - top >= _TALL * height and next_bottom - next_top >= _TALL * height
            if next_left - right > (_WIDEST_GAP_OF_TALL if tall else _WIDEST_GAP) * height:
                break
            left, top = min(left, next_left), min(top, next_top)
            right, bottom = max(right, next_right), max(bottom, next_bottom)
            if right - left > _WIDEST * height or len(set(pieces.strokes[first : last + 1].tolist())) > _MOST_STROKES:
                break
            if bottom - top <= _HIGHEST * height and right - left >= _NARROWEST * height:
                found.append(Candidate(first, last, (left, top, right, bottom)))
    return found
