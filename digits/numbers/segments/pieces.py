"""Makes pieces of strokes strokes of their own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digits import budget
from digits.arrays import Flags
from digits.numbers.segments.lattice import Where
from digits.vision.components import Components
from digits.vision.foreground import Foreground


def with_pieces(parts: Components, foreground: Foreground, pieces: Sequence[tuple[Where, Flags]]) -> Components:
    """Makes pieces of strokes strokes of their own.

    Args:
        parts: the strokes of the page.
        foreground: the page's ink.
        pieces: for each, rows and columns of the page, and where in them it is; at least one pixel.

    Returns:
        The strokes, and the pieces as strokes after them, in their order.
    """
    # The labels of the whole page are copied.
    budget.spend(parts.labels.size)
    labels = parts.labels.astype(np.int32)
    last, boxes, ink = int(labels.max()), [], []
    for label, (where, piece) in enumerate(pieces, start=last + 1):
        labels[where][piece] = label
        top, left = where[0].start, where[1].start
        rows, columns = np.flatnonzero(piece.any(axis=1)), np.flatnonzero(piece.any(axis=0))
        boxes.append((left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1))
        ink.append(float(foreground.strength[where][piece].sum()))
    added = dict(zip(("left", "top", "right", "bottom"), np.array(boxes).T, strict=True))
    added |= {"ids": last + 1 + np.arange(len(pieces)), "ink": np.array(ink)}
    added |= dict.fromkeys(("apart", "touches"), np.zeros(len(pieces), np.bool_))
    return replace(parts, labels=labels, **{k: np.append(getattr(parts, k), v) for k, v in added.items()})
