"""Which candidates a line consists of: the best way from its first piece to its last.

A semi-Markov conditional random field (Sarawagi and Cohen, NIPS 2004): each candidate has a score, the sum of its
features times weights, and the best way is the one of the largest sum. `python -m scripts.fit_paths` fits the weights.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from digits.acceptance import digit_scores
from digits.candidates import Candidate, Pieces

Floats = npt.NDArray[np.float64]

FEATURES = (
    "each digit",
    "log probability of the digit",
    "log odds of the digit",
    "log odds of any digit",
    "width, but of a 1",
    "its square",
    "a 1",
    "width of a 1",
    "height",
    "its square",
    "ink that cuts go through",
    "sides that are cut",
    "of a 1",
    "of a 7",
    "cuts not made",
    "those through little ink",
    "strokes that are joined",
    "gaps between them",
)

WEIGHTS = (
    -1.41,
    1.4,
    0.149,
    0.188,
    3.32,
    -1.86,
    -0.995,
    1.39,
    2.59,
    2.12,
    -1.89,
    -1.8,
    0.223,
    -0.657,
    0.291,
    5.4,
    3.34,
    4.59,
)

# A probability is never taken for a certainty.
_SURE = 1e-6
# A cut through less ink than this, in heights of a digit, parts digits that merely touch.
_LITTLE_INK = 0.25


def describe(pieces: Pieces, candidates: Sequence[Candidate], probabilities: Floats) -> Floats:
    """The features of candidates, float64 of shape (n, len(FEATURES)); sizes are in heights of the line's digits.

    Args:
        pieces: of a line.
        candidates: of it.
        probabilities: the network's for each, calibrated, of shape (n, 10).
    """
    likely = np.clip(probabilities, _SURE, 1.0 - _SURE)
    top, digit = likely.max(axis=1), likely.argmax(axis=1)
    any_digit = np.clip(digit_scores(likely), _SURE, 1.0 - _SURE)
    first, last = np.array([one.first for one in candidates]), np.array([one.last for one in candidates])
    left, upper, right, lower = np.array([one.box for one in candidates], dtype=np.float64).T / pieces.height
    width, height = np.minimum(right - left, 1.5), np.minimum(lower - upper, 1.8)
    one, seven = digit == 1, digit == 7
    outer = np.stack([pieces.cut_ink[first, 0], pieces.cut_ink[last, 1]])
    cut = (outer > 0.0).sum(axis=0)
    # What lies between each piece and the next, summed from the left, so that sums over a candidate are differences.
    same = pieces.strokes[1:] == pieces.strokes[:-1]
    between = np.where(same, pieces.cut_ink[:-1, 1], 0.0)
    gaps = np.where(same, 0.0, np.maximum(pieces.parts.left[1:] - pieces.parts.right[:-1], 0) / pieces.height)
    sums = {
        name: np.concatenate([[0.0], np.cumsum(values)])
        for name, values in {
            "cuts": between > 0.0,
            "little": np.where(between > 0.0, np.maximum(_LITTLE_INK - between, 0.0), 0.0),
            "joins": ~same,
            "gaps": gaps,
        }.items()
    }
    return np.stack(
        [
            np.ones(len(first)),
            np.log(top),
            np.log(top / (1.0 - top)),
            np.log(any_digit / (1.0 - any_digit)),
            np.where(one, 0.0, width),
            np.where(one, 0.0, width**2),
            one,
            np.where(one, width, 0.0),
            height,
            height**2,
            outer.sum(axis=0),
            cut,
            one * cut,
            seven * cut,
            *(total[last] - total[first] for total in sums.values()),
        ],
        axis=1,
    )


def best_path(candidates: Sequence[Candidate], scores: Floats) -> list[int]:
    """The candidates that cover all pieces once and have the largest sum of scores (Viterbi's algorithm).

    Args:
        candidates: of a line, every single piece among them.
        scores: of shape (n,).

    Returns:
        Indices of candidates, from left to right.
    """
    count = 1 + max(one.last for one in candidates)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    chosen = [0] * (count + 1)
    for k in sorted(range(len(candidates)), key=lambda k: candidates[k].last):
        total = best[candidates[k].first] + scores[k]
        if total > best[candidates[k].last + 1]:
            best[candidates[k].last + 1], chosen[candidates[k].last + 1] = total, k
    path, at = [], count
    while at:
        path.append(chosen[at])
        at = candidates[path[-1]].first
    return path[::-1]
