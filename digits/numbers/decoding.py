"""Which candidates a line consists of: the best way from its first place to its last.

A semi-Markov conditional random field (Sarawagi and Cohen, NIPS 2004): each candidate has a score, the sum of its
features times weights, and the best way is the one of the largest sum. `python -m digits.training.segmenter.run` fits
the weights.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from digits.model.acceptance import digit_scores
from digits.model.engine import CLASSES
from digits.numbers.lattice import Candidate, Chain
from digits.numbers.segment_classifier import NOTHING_WHOLE, SIGN, Pool

Floats = npt.NDArray[np.float64]

FEATURES = (
    "each",
    "log odds of something whole",
    "log probability of something whole",
    "log probability of a digit, of what is whole",
    "log probability of the digit",
    "log odds of any digit",
    "log probability that the splitter gives the digit",
    "width, but of a 1",
    "width squared, but of a 1",
    "a 1",
    "width of a 1",
    "height",
    "height squared",
    "ink that cuts go through",
    "sides that are cut",
    "strokes that are joined",
)

# A probability is never taken for a certainty.
_SURE = 1e-5


def digits_of(segment_probabilities: Floats, probabilities: Floats, pool: Pool) -> Floats:
    """How likely each digit is, of what is one: what both networks say, float64 of shape (n, 10).

    The recognizer's network knows digits better, the splitter knows what cuts leave of them: the product of both, each
    to a power (a logarithmic opinion pool; Hinton, "Products of experts", ICANN 1999). The powers are fitted, so that
    the result is calibrated.

    Args:
        segment_probabilities: the splitter's for each candidate, of shape (n, 12).
        probabilities: the recognizer's, calibrated, of shape (n, 10).
        pool: the powers.
    """
    said, read = np.maximum(segment_probabilities[:, :CLASSES], _SURE), np.maximum(probabilities, _SURE)
    both = said**pool.splitter * read**pool.recognizer
    return np.asarray(both / both.sum(axis=1, keepdims=True), dtype=np.float64)


def acceptance_scores(segment_probabilities: Floats, probabilities: Floats) -> Floats:
    """How much candidates look like digits and not like other signs, 0..1, of shape (n,); both as of `digits_of`.

    It is the product of the splitter's opinion of what is whole and the recognizer's of the two most likely digits.
    """
    return np.asarray(_is_digit(segment_probabilities) * digit_scores(probabilities), dtype=np.float64)


def _is_digit(segment_probabilities: Floats) -> Floats:
    """The splitter's probability that something is a digit, if it is anything whole."""
    digit = segment_probabilities[:, :CLASSES].sum(axis=1)
    return np.asarray(digit / np.maximum(digit + segment_probabilities[:, SIGN], _SURE), dtype=np.float64)


def describe(
    chain: Chain,
    candidates: Sequence[Candidate],
    boxes: Floats,
    segment_probabilities: Floats,
    probabilities: Floats,
    pool: Pool,
) -> Floats:
    """The features of candidates, float64 of shape (n, len(FEATURES)); sizes are in heights of the line's digits.

    Args:
        chain: the line.
        candidates: of it.
        boxes: of each, of shape (n, 4): left, top, right, bottom.
        segment_probabilities: the splitter's for each, of shape (n, 12).
        probabilities: the recognizer's for each, calibrated, of shape (n, 10).
        pool: how both segment_probabilities make one.
    """
    digit = digits_of(segment_probabilities, probabilities, pool).argmax(axis=1)
    which = np.arange(len(digit))
    whole = np.clip(1.0 - segment_probabilities[:, NOTHING_WHOLE], _SURE, 1.0 - _SURE)
    is_digit = np.clip(_is_digit(segment_probabilities), 0.01, 1.0)
    any_digit = np.clip(digit_scores(probabilities), _SURE, 1.0 - _SURE)
    said = segment_probabilities[:, :CLASSES] / np.maximum(
        segment_probabilities[:, :CLASSES].sum(axis=1, keepdims=True), _SURE
    )
    width, height = np.minimum(boxes[:, 2] - boxes[:, 0], 1.5), np.minimum(boxes[:, 3] - boxes[:, 1], 1.8)
    one = digit == 1
    ends = [(chain.places[candidate.first], chain.places[candidate.last]) for candidate in candidates]
    inks = np.array([[place.cut.ink if place.cut else 0.0 for place in pair] for pair in ends])
    cut = np.array([[place.cut is not None for place in pair] for pair in ends])
    joined = [len(chain.shares(candidate.first, candidate.last)) - 1 for candidate in candidates]
    return np.stack(
        [
            np.ones(len(digit)),
            np.log(whole / (1.0 - whole)),
            np.log(whole),
            np.log(is_digit),
            np.log(np.maximum(probabilities[which, digit], 1e-4)),
            np.log(any_digit / (1.0 - any_digit)),
            np.log(np.maximum(said[which, digit], 1e-4)),
            np.where(one, 0.0, width),
            np.where(one, 0.0, width**2),
            one,
            np.where(one, width, 0.0),
            height,
            height**2,
            inks.sum(axis=1),
            cut.sum(axis=1),
            np.array(joined),
        ],
        axis=1,
    ).astype(np.float64)


def best_path(spans: Sequence[tuple[int, int]], scores: Floats) -> list[int]:
    """The way from the first place to the last that has the largest sum of scores (Viterbi's algorithm).

    Args:
        spans: the first and the last place of each candidate of a line, every whole stroke among them.
        scores: of each, of shape (n,).

    Returns:
        Indices of candidates, from left to right.
    """
    count = max(last for _, last in spans)
    best = np.full(count + 1, -np.inf)
    best[0] = 0.0
    chosen = [0] * (count + 1)
    for k in sorted(range(len(spans)), key=lambda k: spans[k][1]):
        first, last = spans[k]
        total = best[first] + scores[k]
        if total > best[last]:
            best[last], chosen[last] = total, k
    path, at = [], count
    while at:
        path.append(chosen[at])
        at = spans[path[-1]][0]
    return path[::-1]
