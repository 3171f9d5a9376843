"""Makes pieces of strokes strokes of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digits import budget
from digits.arrays import Flags
from digits.numbers.segments.lattice import Where
from digits.vision.components import Components
from digits.vision.foreground import Foreground


def with_pieces(parts: Components, foreground: Foreground, pieces: Sequence[tuple[int, Where, Flags]]) -> Components:
    """Makes pieces of strokes strokes of their own.

    Args:
        parts: the strokes of the page.
        foreground: the page's ink.
        pieces: for each, the index of its stroke, rows and columns of the page, and where in them it is; at least one
            pixel. No pixel is in two of them.

    Returns:
        The strokes, those that pieces were cut off with the ink and the box of what is left of them, and the pieces as
        strokes after them, in their order. A stroke of which nothing is left keeps its box, and counts as apart.
    """
    # The labels of the whole page are copied.
    budget.spend(parts.labels.size)
    labels = parts.labels.astype(np.int32)
    last, boxes, ink = int(labels.max()), [], []
    for label, (_, where, piece) in enumerate(pieces, start=last + 1):
        labels[where][piece] = label
        top, left = where[0].start, where[1].start
        rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
        boxes.append((left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1))
        ink.append(float(foreground.strength[where][piece].sum()))
    added = dict(zip(("left", "top", "right", "bottom"), np.array(boxes).T, strict=True))
    added |= {"ids": last + 1 + np.arange(len(pieces)), "ink": np.array(ink)}
    added |= dict.fromkeys(("apart", "touches"), np.zeros(len(pieces), np.bool_))
    whole = replace(parts, labels=labels, **{k: np.append(getattr(parts, k), v) for k, v in added.items()})
    for i in sorted({i for i, _, _ in pieces}):
        at, rest = whole.cut([i], 0)
        whole.ink[i] = float(foreground.strength[at][rest > 0].sum())
        if not rest.any():
            whole.apart[i] = True
            continue
        down, across = np.flatnonzero(rest.any(axis=1)), np.flatnonzero(rest.any(axis=0))
        whole.left[i], whole.right[i] = at[1].start + across[0], at[1].start + across[-1] + 1
        whole.top[i], whole.bottom[i] = at[0].start + down[0], at[0].start + down[-1] + 1
    return whole
