"""Fits when something in a number counts as a digit, and how sure a line is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES
from digits.errors import NoInkError
from digits.numbers.decoding import (
    CONFIDENCE_FEATURES,
    Decoding,
    Floats,
    acceptance_scores,
    decode,
    digit_probabilities,
    line_features,
)
from digits.numbers.reader import Networks, read_lines
from digits.numbers.segments.classifier import SIGN
from digits.numbers.segments.windows import draw_windows, reduce_line
from digits.numbers.signs.classifier import SignClassifier
from digits.recognizer import Recognizer
from digits.synthetic.pages import WrittenNumber
from digits.synthetic.sums import WrittenSum
from digits.training.segmenter.dataset import ReadLine
from digits.vision.foreground import find_foreground

# So many rightly read digits may be refused as other signs: a number has several, and one of them spoils it.
_REFUSED = 0.001
# And by the sign classifier, which is the only judge of many signs.
_REFUSED_AS_SIGNS = 0.005
# Strength of the L2 penalty of the logistic regressions.
_PENALTY = 1e-3


def fit_logistic(
    features: Floats, targets: npt.NDArray[np.bool_], names: Sequence[str], without: Sequence[str] = ()
) -> dict[str, float]:
    """Fits a logistic regression.

    Args:
        features: of shape (n, f).
        targets: of shape (n,).
        names: of the features.
        without: features whose weights stay 0.

    Returns:
        The weights by name.
    """
    from scipy.optimize import minimize

    free = [k for k, name in enumerate(names) if name not in without]
    chosen, sides = features[:, free], np.where(targets, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = sides * (chosen @ weights)
        by_margin = -sides / (1.0 + np.exp(np.clip(margins, -500.0, 500.0)))
        value = float(np.logaddexp(0.0, -margins).mean()) + 0.5 * _PENALTY * float(weights @ weights)
        return value, chosen.T @ by_margin / len(chosen) + _PENALTY * weights

    fitted = minimize(loss, np.zeros(len(free)), jac=True, method="L-BFGS-B").x
    weights = dict.fromkeys(names, 0.0)
    return weights | {names[k]: round(float(weight), 4) for k, weight in zip(free, fitted, strict=True)}


def fit_acceptance(
    lines: list[ReadLine], decoding: Decoding, signs: SignClassifier
) -> tuple[Decoding, dict[str, float]]:
    """Fits the thresholds, each of which refuses a given share of rightly read digits.

    Args:
        lines: that were read.
        decoding: the parameters, of which the thresholds do not count.
        signs: tells digits and signs apart.

    Returns:
        The parameters with the thresholds; and how many digits and signs there were, and the share of each that is
        accepted.
    """
    scores, chances, is_digit = [], [], []
    for line in lines:
        lattice, path = line.lattice, decode(line.lattice, decoding)
        classes = line.targets.classes()[path]
        right = classes == line.digits(decoding.pool)[path]
        kept = np.flatnonzero(right | (classes == SIGN))
        path = [path[k] for k in kept.tolist()]
        windows, _ = draw_windows(reduce_line(lattice.chain), [lattice.candidates[k] for k in path])
        scores.append(acceptance_scores(lattice.segment_probabilities[path], lattice.probabilities[path]))
        chances.append(digit_probabilities(signs(windows)))
        is_digit.append(classes[kept] < CLASSES)
    score, chance, digit = np.concatenate(scores), np.concatenate(chances), np.concatenate(is_digit)
    decoding = replace(
        decoding,
        digit=_floor(float(np.quantile(score[digit], _REFUSED))),
        sign=_floor(float(np.quantile(chance[digit], _REFUSED_AS_SIGNS))),
    )
    accepted = (score >= decoding.digit) & (chance >= decoding.sign)
    return decoding, {
        "digits": int(digit.sum()),
        "digits_accepted": float(accepted[digit].mean()),
        "signs": int((~digit).sum()),
        "signs_accepted": float(accepted[~digit].sum() / max(1, (~digit).sum())),
    }


def _floor(threshold: float) -> float:
    """Rounded down to four decimals: rounding up would refuse more."""
    return math.floor(threshold * 1e4) / 1e4


def fit_confidence(
    recognizer: Recognizer, networks: Networks, numbers: Iterable[WrittenNumber]
) -> tuple[dict[str, float], dict[str, float]]:
    """Fits the probability that all of a line is right.

    Args:
        recognizer: reads digits.
        networks: with the parameters of the decoding, of which the confidence does not count.
        numbers: of one line each.

    Returns:
        The weights by name; and how many lines there were, and the share of them that is right.
    """
    features, right = [], []
    for number in numbers:
        try:
            foreground = find_foreground(number.picture, even_light=True)
        except NoInkError:
            continue
        written = number.transcript.replace(" ", "") if isinstance(number, WrittenSum) else number.text
        lines = [line for line in read_lines(recognizer, foreground, networks) if line.entries]
        for line in lines:
            features.append(line_features([entry.probability for entry in line.entries], line.path))
            right.append(len(lines) == 1 and "".join(entry.shown for entry in line.entries) == written)
    weights = fit_logistic(np.stack(features), np.array(right), CONFIDENCE_FEATURES)
    return weights, {"confidence_lines": len(right), "confidence_right": float(np.mean(right))}
