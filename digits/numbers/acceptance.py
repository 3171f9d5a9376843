"""Decides what on a line is a digit, by what the networks say of it and by what stands beside it.

A stroke alone may be a 1, a slash or a bracket. Whether it leans as the rest of the line does, whether it is higher
than its neighbors, whether other signs stand on the line, and whether a bracket has its partner tells them apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, Floats
from digits.numbers.segments.windows import Windows
from digits.numbers.signs.kinds import PIECE, SIGNS
from digits.vision.reduction import median_of_few

# For a logistic regression of whether something is a digit.
ACCEPTANCE_FEATURES = (
    "each",
    "log odds of a digit by segment classifier and recognizer",
    "log odds squared of a digit by segment classifier and recognizer",
    "log odds of a digit by sign classifier",
    "log odds of something whole by sign classifier",
    "another sign on the line",
    "a 1",
    "log odds of a digit by sign classifier, of a 1",
    "another sign on the line, of a 1",
    "another slash on the line, of a 1",
    "lean beside that of the line, of a 1",
    "lean beside that of the line squared, of a 1",
    "lean beyond that of the line in its spreads, of a 1",
    "lean beyond that of the line in its spreads, of what may be a slash",
    "height above its neighbors, of a 1",
    "height below its neighbors, of a 1",
    "log odds of a bracket whose partner is on the line",
)
# Those that depend on how sure the recognizer is; the defaults give them no weight.
RECOGNIZER_ACCEPTANCE_FEATURES = ACCEPTANCE_FEATURES[1:3]

# Odds are taken of no probability nearer to 0 or 1 than this.
_UNSURE = 1e-4
# A bracket that is less likely than this tells nothing.
_NO_BRACKET = 0.005
_SLASH = CLASSES + SIGNS.index("/")
_OPENING, _CLOSING = ([CLASSES + SIGNS.index(sign) for sign in signs] for signs in ("([", ")]"))
# What is at least so high, in heights of the line's digits, tells how the line leans and where it stands.
_TALL = 0.6
# The nearest of these tell where a line stands, for it may rise or fall.
_NEIGHBORS = 3
# Features of size are cut off here, in heights of the line's digits.
_MOST = 0.6
# How far what stands on a line leans this way and that, before anything of it is seen; it counts like one thing more.
# So many times the spread of a line counts at the most.
_SPREAD, _MOST_SPREADS = 0.2, 5.0


def log_odds(probabilities: Floats) -> Floats:
    """The logarithm of the odds of probabilities, none of which is taken for a certainty."""
    clipped = np.clip(probabilities, _UNSURE, 1.0 - _UNSURE)
    return np.asarray(np.log(clipped / (1.0 - clipped)), dtype=np.float64)


def logistic(scores: Floats) -> Floats:
    """The probabilities of which scores are the logarithm of the odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -30.0, 30.0))), dtype=np.float64)


def digit_probabilities(sign_probabilities: Floats) -> Floats:
    """The sign classifier's probability that each candidate is a digit, if it is something whole; of shape (n,)."""
    whole = np.maximum(sign_probabilities[:, :PIECE].sum(axis=1), 1e-9)
    return np.asarray(sign_probabilities[:, :CLASSES].sum(axis=1) / whole, dtype=np.float64)


def whole_probabilities(sign_probabilities: Floats) -> Floats:
    """The sign classifier's probability that each candidate is a whole digit or sign, of shape (n,)."""
    return np.asarray(1.0 - sign_probabilities[:, PIECE], dtype=np.float64)


def leans(windows: Windows) -> Floats:
    """How far the ink of each window leans to the right, in pixels for each pixel up, by its moments; of shape (n,)."""
    ink = windows[..., 0].astype(np.float64)
    total = np.maximum(ink.sum(axis=(1, 2)), 1e-9)
    places = np.arange(ink.shape[1], dtype=np.float64)
    y = places - (ink.sum(axis=2) @ places / total)[:, np.newaxis]
    x = places - (ink.sum(axis=1) @ places / total)[:, np.newaxis]
    both = np.einsum("nij,ni,nj->n", ink, y, x)
    down = np.einsum("ni,ni->n", ink.sum(axis=2), y**2)
    return np.asarray(np.clip(-both / np.maximum(down, 1e-9), -1.5, 1.5), dtype=np.float64)


@dataclass(frozen=True)
class Shapes:
    """Candidates of a line as the networks and the eye see them.

    Args:
        boxes: of shape (n, 4): left, top, right, bottom in heights of the line's digits.
        leans: as `leans` gives them, of shape (n,).
        scores: as `digits.numbers.decoding.acceptance_scores` gives them, of shape (n,).
        sign_probabilities: the sign classifier's, of shape (n, SIGN_CLASSES).
        is_one: bool of shape (n,), whether the most likely digit is a 1.
    """

    boxes: Floats
    leans: Floats
    scores: Floats
    sign_probabilities: Floats
    is_one: npt.NDArray[np.bool_]

    def of(self, chosen: Sequence[int]) -> "Shapes":
        """Those of some of the candidates, by their indices."""
        return Shapes(
            self.boxes[chosen],
            self.leans[chosen],
            self.scores[chosen],
            self.sign_probabilities[chosen],
            self.is_one[chosen],
        )


def acceptance_features(shapes: Shapes, line: Shapes, marks: int) -> Floats:
    """Computes what tells whether candidates are digits.

    Args:
        shapes: the candidates.
        line: what stands on the line, the candidates themselves or others.
        marks: how many points, commas and colons stand on it besides.

    Returns:
        float64 of shape (n, len(ACCEPTANCE_FEATURES)).
    """
    beside = _beside(shapes.boxes, line.boxes)
    by_signs = log_odds(digit_probabilities(shapes.sign_probabilities))
    signs = (1.0 - digit_probabilities(line.sign_probabilities)) * whole_probabilities(line.sign_probabilities)
    another = np.where(beside, signs, 0.0).max(axis=1, initial=1.0 if marks else 0.0)
    # Dates have two of them.
    slash = np.where(beside, line.sign_probabilities[:, _SLASH], 0.0).max(axis=1, initial=0.0)
    lean, spreads, above, below = _against_neighbors(shapes, line, beside)
    one, scores = shapes.is_one.astype(np.float64), log_odds(shapes.scores)
    return np.stack(
        [
            np.ones(len(one)),
            scores,
            np.sign(scores) * scores**2,
            by_signs,
            log_odds(whole_probabilities(shapes.sign_probabilities)),
            another,
            one,
            one * by_signs,
            one * another,
            one * slash,
            one * lean,
            one * lean**2,
            one * spreads,
            one * spreads * shapes.sign_probabilities[:, _SLASH],
            one * above,
            one * below,
            log_odds(np.maximum(_bracket_probabilities(shapes, line), _NO_BRACKET)),
        ],
        axis=1,
    ).astype(np.float64)


def _beside(boxes: Floats, others: Floats) -> npt.NDArray[np.bool_]:
    """Which of a line's things stand beside each candidate, rather than in its place; of shape (n, m)."""
    shared = np.minimum(boxes[:, np.newaxis, 2], others[:, 2]) - np.maximum(boxes[:, np.newaxis, 0], others[:, 0])
    narrower = np.minimum((boxes[:, 2] - boxes[:, 0])[:, np.newaxis], others[:, 2] - others[:, 0])
    return np.asarray(shared < 0.5 * np.maximum(narrower, 1e-6), dtype=np.bool_)


def _bracket_probabilities(shapes: Shapes, line: Shapes) -> Floats:
    """The probability that each candidate opens a bracket that the line closes after it, or the reverse; (n,)."""
    middles = (shapes.boxes[:, 0] + shapes.boxes[:, 2])[:, np.newaxis] / 2.0
    opening, closing = (line.sign_probabilities[:, signs].sum(axis=1) for signs in (_OPENING, _CLOSING))
    closed = np.where(line.boxes[:, 0] > middles, closing, 0.0).max(axis=1, initial=0.0)
    opened = np.where(line.boxes[:, 2] < middles, opening, 0.0).max(axis=1, initial=0.0)
    own_opening, own_closing = (shapes.sign_probabilities[:, signs].sum(axis=1) for signs in (_OPENING, _CLOSING))
    return np.asarray(np.maximum(own_opening * closed, own_closing * opened), dtype=np.float64)


def _against_neighbors(
    shapes: Shapes, line: Shapes, beside: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, Floats]:
    """How much more than the line each candidate that may be a 1 leans, and how far it is from its neighbors' edges.

    Returns:
        Its lean beside the median of the line's; how many times the line's own spread it leans more, 0 or above; how
        far it reaches above its neighbors, and how far below; each of shape (n,).
    """
    lean, spreads, above, below = np.zeros((4, len(shapes.boxes)))
    tall = line.boxes[:, 3] - line.boxes[:, 1] >= _TALL
    middles = (line.boxes[:, 0] + line.boxes[:, 2]) / 2.0
    for k in np.flatnonzero(shapes.is_one).tolist():
        neighbors = np.flatnonzero(beside[k] & tall)
        if not neighbors.size:
            continue
        middle = median_of_few(line.leans[neighbors])
        lean[k] = shapes.leans[k] - middle
        # The standard deviation of a normal distribution is 1.48 times the median deviation.
        own = 1.4826 * median_of_few(np.abs(line.leans[neighbors] - middle))
        spread = np.sqrt((_SPREAD**2 + neighbors.size * own**2) / (1 + neighbors.size))
        spreads[k] = min(max(0.0, lean[k] / spread), _MOST_SPREADS)
        away = np.abs(middles[neighbors] - (shapes.boxes[k, 0] + shapes.boxes[k, 2]) / 2.0)
        nearest = neighbors[np.argsort(away, kind="stable")[:_NEIGHBORS]]
        above[k] = float(np.mean(line.boxes[nearest, 1])) - shapes.boxes[k, 1]
        below[k] = shapes.boxes[k, 3] - float(np.mean(line.boxes[nearest, 3]))
    return lean, spreads, np.clip(above, -_MOST, _MOST), np.clip(below, -_MOST, _MOST)
