"""What tells how sure a line is, and which of two ways to read it is right: features of logistic regressions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digits.arrays import Floats
from digits.numbers.acceptance import log_odds, logistic
from digits.numbers.decoding import Decoding
from digits.numbers.signs.kinds import UNKNOWN

# Of a line, for a logistic regression of whether all of it is right: by the lattice alone, and by both ways.
LATTICE_FEATURES = (
    "each",
    "log odds of what is shown",
    "log odds of the least sure of it",
    "log odds of the mean of it",
    "log odds of the path",
    "log odds of the least that a network alone gives a digit of it",
    "logarithm of how many digits and signs",
    "logarithm of how many signs",
    "a sign",
    "log odds of what is shown, with a sign",
    "log odds of the least sure of it, with a sign",
    "log odds of the mean of it, with a sign",
    "log odds of the path, with a sign",
    "log odds of the least that a network alone gives a digit of it, with a sign",
)
_A_SIGN = LATTICE_FEATURES.index("a sign")
CONFIDENCE_FEATURES = (
    *LATTICE_FEATURES,
    "log odds of all of it by line network",
    "both ways read the same",
    "log odds of the choice between them",
    "other signs by the other way",
    "log odds of all of it by line network, with a sign",
    "both ways read the same, with a sign",
    "log odds of the choice between them, with a sign",
    "other signs by the other way, with a sign",
)
# No line is sure by a less likely path, or if one network alone gives a digit less, whatever the fit would allow. In
# other hands than those of the fit, paths of 0.9 took a minus or the dots of a colon for a part of the digit beside it.
LEAST_PATH, LEAST_ALONE = 0.99, 0.98
# Of a line that the line network reads in another way, for a logistic regression of whether that way is right.
CHOICE_FEATURES = (
    "each",
    "log of how much likelier the line network takes it",
    "log of how much likelier the line network takes it, beyond a factor of 20",
    "log probability of it by line network",
    "log odds of the path of the other",
    "log odds of the least sure of the other",
    "no such path",
    "log of how much likelier the lattice takes the other",
    "log of how much likelier the lattice takes the other, beyond a factor of 20",
    "unknown signs of the other that it knows",
    "digits that it has more",
    "digits that it has less",
    "signs that it has more",
    "signs that it has less",
)

# Beyond this logarithm of a ratio, all that is added means less. Larger ratios than the second count as that, and
# probabilities whose logarithms are less than the third as that.
_SURE_RATIO, _MOST_RATIO, _LEAST_LOG = 3.0, 30.0, -20.0
# So many digits or signs that differ count at the most.
_MOST_OTHERS = 3


def lattice_features(probabilities: Sequence[float], path: float, alone: float, signs: int) -> Floats:
    """Computes what tells how sure a line is by the lattice alone, float64 of shape (len(LATTICE_FEATURES),).

    Args:
        probabilities: of each digit and sign that is shown.
        path: the probability of the way in which the line was taken apart.
        alone: the least probability that any network alone gives any digit.
        signs: how many of them are signs.
    """
    odds = log_odds(np.array([np.prod(probabilities), min(probabilities), np.mean(probabilities), path, alone]))
    # What is known of a line means less where signs are on it.
    sign = float(signs > 0)
    return np.array([1.0, *odds, np.log(len(probabilities)), np.log1p(signs), sign, *(sign * odds)])


def line_features(of_lattice: Floats, written: float, is_agreed: bool, chance: float, other_signs: bool) -> Floats:
    """Computes what tells how sure a line is, float64 of shape (len(CONFIDENCE_FEATURES),).

    Args:
        of_lattice: as `lattice_features` gives it.
        written: the logarithm of the probability that the line network gives to all of it.
        is_agreed: whether the lattice and the line network read the same.
        chance: the probability with which this way was chosen of two; 0.5 if there was no choice.
        other_signs: whether the other way of two shows other signs.
    """
    of_both, of_choice = log_odds(np.array([np.exp(written), chance]))
    by_network = np.array([of_both, float(is_agreed), of_choice, float(other_signs)])
    sign = of_lattice[_A_SIGN]
    return np.concatenate([of_lattice, by_network, sign * by_network])


@dataclass(frozen=True)
class Evidence:
    """What speaks for one of two ways to read a line.

    Args:
        shown: the digits and signs.
        written: the logarithm of the probability that the line network gives to it.
        likelihood: the logarithm of the probability that the lattice gives to it; None if it has no path for it.
    """

    shown: Sequence[str]
    written: float
    likelihood: float | None


def choice_features(by_network: Evidence, by_lattice: Evidence, path: float, least: float) -> Floats:
    """Computes what tells which of two ways to read a line is right, float64 of shape (len(CHOICE_FEATURES),).

    Args:
        by_network: the way that the line network takes.
        by_lattice: the other way, which the lattice takes.
        path: the probability of the path of the other way, 0..1.
        least: the least probability of a digit or sign of the other way, 0..1.
    """
    ratio = _bounded(by_network.written, by_lattice.written)
    other_ratio = _bounded(by_lattice.likelihood, by_network.likelihood)
    unknown, digits, signs = (
        [sum(is_such(one) for one in way.shown) for way in (by_network, by_lattice)]
        for is_such in (lambda one: one == UNKNOWN, str.isdecimal, lambda one: not one.isdecimal())
    )
    return np.array(
        [
            *(1.0, ratio, max(0.0, ratio - _SURE_RATIO), max(by_network.written, _LEAST_LOG)),
            *(*log_odds(np.array([path, least])), float(by_network.likelihood is None)),
            *(other_ratio, max(0.0, other_ratio - _SURE_RATIO)),
            _more(unknown[1], unknown[0]),
            *(_more(digits[0], digits[1]), _more(digits[1], digits[0])),
            *(_more(signs[0], signs[1]), _more(signs[1], signs[0])),
        ]
    )


def _bounded(one: float | None, other: float | None) -> float:
    """How much larger the logarithm of one probability is than that of another, up to a bound; 0 if one is unknown."""
    return 0.0 if one is None or other is None else min(one - other, _MOST_RATIO)


def _more(some: int, others: int) -> int:
    return min(_MOST_OTHERS, max(0, some - others))


def is_sure(of_lattice: Floats, path: float, alone: float, decoding: Decoding) -> bool:
    """Whether a line, as the lattice reads it, is so sure that the line network need not be asked: one of digits alone.

    A line may be confident as a whole although its digits could be cut in another way, or although one network sees
    another digit or a sign. The path and each network are therefore checked by themselves.

    Args:
        of_lattice: as `lattice_features` gives it.
        path: the probability of the way in which the line was taken apart.
        alone: the least probability that any network alone gives any digit.
        decoding: holds the bounds, of which those of the path and of the networks are no less than `LEAST_PATH` and
            `LEAST_ALONE`.
    """
    if path < max(decoding.sure_path, LEAST_PATH) or alone < max(decoding.sure_alone, LEAST_ALONE):
        return False
    if of_lattice[_A_SIGN]:
        return False
    return lattice_confidence(of_lattice, decoding) >= decoding.sure


def lattice_confidence(of_lattice: Floats, decoding: Decoding) -> float:
    """The probability that all of a line is right, 0..1, by what `lattice_features` gives."""
    weights = np.array([decoding.lattice_confidence[name] for name in LATTICE_FEATURES])
    return float(logistic(of_lattice @ weights))


def line_confidence(features: Floats, decoding: Decoding) -> float:
    """The probability that all of a line is right, 0..1, by what `line_features` gives."""
    weights = np.array([decoding.confidence[name] for name in CONFIDENCE_FEATURES])
    return float(logistic(features @ weights))
