"""Decides which candidates a line consists of: the best path from its first place to its last.

A semi-Markov conditional random field (Sarawagi and Cohen, NIPS 2004): each candidate has a score, the sum of its
features times weights, and the best path has the largest sum. `python -m digits.training.segmenter.run` fits the
weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from digits.arrays import CLASSES, Floats
from digits.model.acceptance import digit_scores
from digits.numbers.acceptance import digit_probabilities, log_odds, whole_probabilities
from digits.numbers.segments.lattice import Lattice
from digits.numbers.signs.kinds import PIECE
from digits.numbers.window_network import NOTHING_WHOLE, SIGN

FEATURES = (
    "each",
    "log odds of something whole",
    "log probability of something whole",
    "log odds of something whole, of a digit by sign classifier",
    "log odds of a whole sign by sign classifier",
    "log probability of a digit, of what is whole",
    "log probability of the digit",
    "log odds of any digit",
    "log probability that the segment classifier gives the digit",
    "log odds of something whole by sign classifier",
    "log probability of something whole by sign classifier",
    "digit by sign classifier",
    "log probability of the digit, of a digit by sign classifier",
    "log odds of any digit, of a digit by sign classifier",
    "log probability of what it is by sign classifier",
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
# Those that depend on how sure the recognizer is; the defaults give them no weight.
RECOGNIZER_FEATURES = (
    "log probability of the digit",
    "log odds of any digit",
    "log probability of the digit, of a digit by sign classifier",
    "log odds of any digit, of a digit by sign classifier",
)

# No confidence reaches this bound of `Decoding.sure`.
NEVER_SURE = 1.5

# No probability counts as less than this.
_LEAST = 1e-5
# Two halves are joined to a 1 that is at least so probable, if their score is larger by less than this.
_SURELY_ONE, _NEARLY = 0.8, 1.5


@dataclass(frozen=True)
class Pool:
    """The exponents of a logarithmic opinion pool: how much each network's probabilities of the digits count.

    Args:
        segment_classifier: exponent of the segment classifier's probabilities.
        recognizer: exponent of the recognizer's probabilities.
    """

    segment_classifier: float
    recognizer: float


@dataclass(frozen=True)
class Decoding:
    """The parameters of the decoding.

    Args:
        weights: of each of `FEATURES`, by name.
        confidence: weights of each of `CONFIDENCE_FEATURES`, by name.
        lattice_confidence: weights of each of `LATTICE_FEATURES`, by name.
        sure, sure_path, sure_alone: the line network is not asked about a line of digits alone if its confidence by the
            lattice, the probability of its path, and the least that any network alone gives one of its digits, all
            0..1, reach these.
        choice: weights of each of `CHOICE_FEATURES`, by name.
        acceptance: weights of each of `digits.numbers.acceptance.ACCEPTANCE_FEATURES`, by name.
        digit: the least probability, by these weights, with which a candidate counts as a digit, 0..1.
        pool: how the probabilities of both networks are combined.
    """

    weights: Mapping[str, float]
    confidence: Mapping[str, float]
    lattice_confidence: Mapping[str, float]
    sure: float
    sure_path: float
    sure_alone: float
    choice: Mapping[str, float]
    acceptance: Mapping[str, float]
    digit: float
    pool: Pool


def pooled_probabilities(segment_probabilities: Floats, probabilities: Floats, pool: Pool) -> Floats:
    """Combines what both networks say about which digit each candidate is.

    The recognizer knows digits better, the segment classifier knows what cuts leave of them: the result is the product
    of both, each to a power (a logarithmic opinion pool; Hinton, "Products of experts", ICANN 1999). The powers are
    fitted, so that the result is calibrated.

    Args:
        segment_probabilities: the segment classifier's, of shape (n, 12).
        probabilities: the recognizer's, calibrated, of shape (n, 10).
        pool: the powers.

    Returns:
        Probabilities of the digits 0 to 9 if the candidate is a digit, float64 of shape (n, 10).
    """
    segment, recognizer = np.maximum(segment_probabilities[:, :CLASSES], _LEAST), np.maximum(probabilities, _LEAST)
    product = segment**pool.segment_classifier * recognizer**pool.recognizer
    return np.asarray(product / product.sum(axis=1, keepdims=True), dtype=np.float64)


def least_probabilities(segment_probabilities: Floats, probabilities: Floats, sign_probabilities: Floats) -> Floats:
    """The least probability that any of the networks alone gives each digit, if the candidate is whole.

    What all together hold for likely, one of them may see as something else, such as a 7 as a 1, or a 1 as a slash.

    Args:
        segment_probabilities: the segment classifier's, of shape (n, 12).
        probabilities: the recognizer's, calibrated, of shape (n, 10).
        sign_probabilities: the sign classifier's, of shape (n, SIGN_CLASSES).

    Returns:
        float64 of shape (n, 10), 0..1.
    """
    by_segments = segment_probabilities[:, :CLASSES] / np.maximum(
        1.0 - segment_probabilities[:, NOTHING_WHOLE, np.newaxis], _LEAST
    )
    by_signs = sign_probabilities[:, :CLASSES] / np.maximum(
        whole_probabilities(sign_probabilities)[:, np.newaxis], _LEAST
    )
    return np.asarray(np.minimum(np.minimum(by_segments, by_signs), probabilities), dtype=np.float64)


def acceptance_scores(segment_probabilities: Floats, probabilities: Floats) -> Floats:
    """Scores how much candidates look like digits rather than other signs.

    The score is the product of the segment classifier's probability of a digit, of what is whole, and of the
    recognizer's probability of its two most likely digits.

    Args:
        segment_probabilities: the segment classifier's, of shape (n, 12).
        probabilities: the recognizer's, calibrated, of shape (n, 10).

    Returns:
        float64 of shape (n,), 0..1.
    """
    return np.asarray(_digit_if_whole(segment_probabilities) * digit_scores(probabilities), dtype=np.float64)


def _digit_if_whole(segment_probabilities: Floats) -> Floats:
    """The segment classifier's probability that a candidate is a digit, if it is a whole digit or sign."""
    digit = segment_probabilities[:, :CLASSES].sum(axis=1)
    return np.asarray(digit / np.maximum(digit + segment_probabilities[:, SIGN], _LEAST), dtype=np.float64)


def features_of(lattice: Lattice, pool: Pool) -> Floats:
    """Computes the features of a line's candidates.

    Args:
        lattice: the line; sizes are in heights of its digits.
        pool: how the probabilities of both networks are combined.

    Returns:
        float64 of shape (n, len(FEATURES)).
    """
    chain, segment_probabilities, probabilities = lattice.chain, lattice.segment_probabilities, lattice.probabilities
    digit = pooled_probabilities(segment_probabilities, probabilities, pool).argmax(axis=1)
    rows = np.arange(len(digit))
    whole = np.clip(1.0 - segment_probabilities[:, NOTHING_WHOLE], _LEAST, 1.0 - _LEAST)
    digit_if_whole = np.clip(_digit_if_whole(segment_probabilities), 0.01, 1.0)
    any_digit = np.clip(digit_scores(probabilities), _LEAST, 1.0 - _LEAST)
    segment_digits = segment_probabilities[:, :CLASSES] / np.maximum(
        segment_probabilities[:, :CLASSES].sum(axis=1, keepdims=True), _LEAST
    )
    by_signs, whole_by_signs = lattice.sign_probabilities, whole_probabilities(lattice.sign_probabilities)
    digit_by_signs = digit_probabilities(by_signs)
    of_digit = np.log(np.maximum(probabilities[rows, digit], 1e-4))
    of_any_digit = np.log(any_digit / (1.0 - any_digit))
    width = np.minimum(lattice.boxes[:, 2] - lattice.boxes[:, 0], 1.5)
    height = np.minimum(lattice.boxes[:, 3] - lattice.boxes[:, 1], 1.8)
    is_one = digit == 1
    ends = [(chain.places[candidate.first], chain.places[candidate.last]) for candidate in lattice.candidates]
    cut_ink = np.array([[place.cut.ink if place.cut else 0.0 for place in pair] for pair in ends])
    is_cut = np.array([[place.cut is not None for place in pair] for pair in ends])
    joined = [len(chain.shares(candidate.first, candidate.last)) - 1 for candidate in lattice.candidates]
    return np.stack(
        [
            np.ones(len(digit)),
            np.log(whole / (1.0 - whole)),
            np.log(whole),
            digit_by_signs * np.log(whole / (1.0 - whole)),
            (1.0 - digit_by_signs) * log_odds(whole_by_signs),
            np.log(digit_if_whole),
            of_digit,
            of_any_digit,
            np.log(np.maximum(segment_digits[rows, digit], 1e-4)),
            log_odds(whole_by_signs),
            np.log(np.maximum(whole_by_signs, 1e-4)),
            digit_by_signs,
            digit_by_signs * of_digit,
            digit_by_signs * of_any_digit,
            np.log(np.maximum(by_signs[:, :PIECE].max(axis=1) / np.maximum(whole_by_signs, 1e-4), 1e-4)),
            np.where(is_one, 0.0, width),
            np.where(is_one, 0.0, width**2),
            is_one,
            np.where(is_one, width, 0.0),
            height,
            height**2,
            cut_ink.sum(axis=1),
            is_cut.sum(axis=1),
            np.array(joined),
        ],
        axis=1,
    ).astype(np.float64)


def candidate_scores(lattice: Lattice, decoding: Decoding) -> Floats:
    """The score of each candidate of a line, of shape (n,)."""
    return features_of(lattice, decoding.pool) @ np.array([decoding.weights[name] for name in FEATURES])


def decode(lattice: Lattice, decoding: Decoding) -> list[int]:
    """Finds the candidates that a line most likely consists of.

    Returns:
        Indices of candidates, from left to right.
    """
    return best_path([candidate.span for candidate in lattice.candidates], candidate_scores(lattice, decoding))


def join_halves(lattice: Lattice, scores: Floats, path: Sequence[int], pool: Pool) -> list[int]:
    """Joins two halves of a 1 with a long upstroke, which look like a 1 each.

    The scores of candidates know nothing of their neighbors. That both halves of what is cut are a 1, and that it is a
    whole 1 itself, is hardly ever so of two digits.

    Args:
        lattice: the line.
        scores: of its candidates, as `candidate_scores` gives them.
        path: that was found.
        pool: how the probabilities of both networks are combined.

    Returns:
        The path with one candidate instead of each such pair.
    """
    candidates, places = lattice.candidates, lattice.chain.places
    index = {candidate.span: k for k, candidate in enumerate(candidates)}
    whole = 1.0 - lattice.segment_probabilities[:, NOTHING_WHOLE]
    joined: list[int] = []
    for k in path:
        before = joined[-1] if joined else None
        both = None if before is None else index.get((candidates[before].first, candidates[k].last))
        if before is None or both is None or places[candidates[k].first].cut is None:
            joined.append(k)
            continue
        three = [before, k, both]
        digits = pooled_probabilities(lattice.segment_probabilities[three], lattice.probabilities[three], pool)
        if (
            (digits.argmax(axis=1) == 1).all()
            and digits[2, 1] >= _SURELY_ONE
            and whole[both] > min(whole[before], whole[k])
            and scores[before] + scores[k] - scores[both] < _NEARLY
        ):
            joined[-1] = both
        else:
            joined.append(k)
    return joined


def best_path(spans: Sequence[tuple[int, int]], scores: Floats) -> list[int]:
    """Finds the path from the first place to the last that has the largest sum of scores (Viterbi's algorithm).

    Args:
        spans: the first and the last place of each candidate of a line, every whole stroke among them.
        scores: of each candidate, of shape (n,).

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
    path, place = [], count
    while place:
        path.append(chosen[place])
        place = spans[path[-1]][0]
    return path[::-1]


def path_probability(spans: Sequence[tuple[int, int]], scores: Floats, path: Sequence[int]) -> float:
    """The probability of a path among all paths, 0..1 (the forward algorithm); other arguments as of `best_path`."""
    total = np.full(max(last for _, last in spans) + 1, -np.inf)
    total[0] = 0.0
    for k in sorted(range(len(spans)), key=lambda k: spans[k][1]):
        first, last = spans[k]
        total[last] = np.logaddexp(total[last], total[first] + scores[k])
    return float(np.exp(min(0.0, float(scores[list(path)].sum()) - float(total[-1]))))
