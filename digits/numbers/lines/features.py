"""What tells how sure a line is, and which of two ways to read it is right: features of logistic regressions."""

from collections.abc import Sequence

import numpy as np

from digits.arrays import Floats
from digits.numbers.acceptance import log_odds, logistic
from digits.numbers.decoding import Decoding
from digits.numbers.signs.kinds import UNKNOWN

# Of a line, for a logistic regression of whether all of it is right.
CONFIDENCE_FEATURES = (
    "each",
    "log odds of what is shown",
    "log odds of the least sure of it",
    "log odds of the mean of it",
    "log odds of the path",
    "logarithm of how many digits and signs",
    "logarithm of how many signs",
    "a sign",
    "log odds of what is shown, with a sign",
    "log odds of the least sure of it, with a sign",
    "log odds of the mean of it, with a sign",
    "log odds of the path, with a sign",
    "log odds of all of it by line network",
    "both ways read the same",
    "log odds of all of it by line network, with a sign",
    "both ways read the same, with a sign",
)
# Of a line that the line network reads in another way, for a logistic regression of whether that way is right.
CHOICE_FEATURES = (
    "each",
    "log of how much likelier the line network takes it",
    "log of how much likelier the line network takes it, beyond a factor of 20",
    "log probability of it by line network",
    "log odds of the path of the other",
    "log odds of the least sure of the other",
    "no such path",
    "unknown signs of the other that it knows",
    "digits that it has more",
    "digits that it has less",
)

# Beyond this logarithm of a ratio, all that is added means less. Larger ratios than the second count as that, and
# probabilities whose logarithms are less than the third as that.
_SURE_RATIO, _MOST_RATIO, _LEAST_LOG = 3.0, 30.0, -20.0
# So many digits or signs that differ count at the most.
_MOST_OTHERS = 3


def line_features(probabilities: Sequence[float], path: float, signs: int, written: float, is_agreed: bool) -> Floats:
    """Computes what tells how sure a line is, float64 of shape (len(CONFIDENCE_FEATURES),).

    Args:
        probabilities: of each digit and sign that is shown.
        path: the probability of the way in which the line was taken apart.
        signs: how many of them are signs.
        written: the logarithm of the probability that the line network gives to all of it.
        is_agreed: whether the lattice and the line network read the same.
    """
    odds = log_odds(np.array([np.prod(probabilities), min(probabilities), np.mean(probabilities), path]))
    by_network = np.array([float(log_odds(np.exp(np.array(written)))), float(is_agreed)])
    # What is known of a line means less where signs are on it.
    sign = float(signs > 0)
    return np.array(
        [
            *(1.0, *odds, np.log(len(probabilities)), np.log1p(signs), sign, *(sign * odds)),
            *(*by_network, *(sign * by_network)),
        ]
    )


def choice_features(
    chosen: float,
    other: float,
    path: float,
    least: float,
    *,
    has_path: bool,
    shown: tuple[Sequence[str], Sequence[str]],
) -> Floats:
    """Computes what tells which of two ways to read a line is right, float64 of shape (len(CHOICE_FEATURES),).

    Args:
        chosen: the logarithm of the probability that the line network gives to the way that it takes.
        other: that of the other way, which the lattice takes.
        path: the probability of the path of the other way, 0..1.
        least: the least probability of a digit or sign of the other way, 0..1.
        has_path: whether the lattice has a path for the way that the line network takes.
        shown: the digits and signs of the network's way, and of the other.
    """
    ratio = min(chosen - other, _MOST_RATIO)
    odds = log_odds(np.array([path, least]))
    unknown = [sum(one == UNKNOWN for one in way) for way in shown]
    digits = [sum(one.isdecimal() for one in way) for way in shown]
    return np.array(
        [
            *(1.0, ratio, max(0.0, ratio - _SURE_RATIO), max(chosen, _LEAST_LOG), *odds, float(not has_path)),
            min(_MOST_OTHERS, max(0, unknown[1] - unknown[0])),
            min(_MOST_OTHERS, max(0, digits[0] - digits[1])),
            min(_MOST_OTHERS, max(0, digits[1] - digits[0])),
        ]
    )


def line_confidence(features: Floats, decoding: Decoding) -> float:
    """The probability that all of a line is right, 0..1, by its features."""
    weights = np.array([decoding.confidence[name] for name in CONFIDENCE_FEATURES])
    return float(logistic(features @ weights))
