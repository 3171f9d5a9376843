"""Fits when something in a number counts as a digit, and how sure a line is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, Floats
from digits.errors import NoInkError
from digits.numbers.acceptance import ACCEPTANCE_FEATURES, logistic
from digits.numbers.decoding import CONFIDENCE_FEATURES, Decoding
from digits.numbers.line_reading import read_line
from digits.numbers.reader import Networks, read_lines
from digits.numbers.window_network import SIGN, WindowNetwork
from digits.recognizer import Recognizer
from digits.synthetic.pages import WrittenNumber
from digits.synthetic.sums import WrittenSum
from digits.training.segmenter.dataset import ReadLine
from digits.vision.foreground import find_foreground

# So many rightly read digits may be refused as other signs: a number has several, and one of them spoils it.
_REFUSED = 0.005
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
    lines: list[ReadLine], decoding: Decoding, signs: WindowNetwork, without: Sequence[str] = ()
) -> tuple[Decoding, dict[str, float]]:
    """Fits the probability that something is a digit, and the threshold, which refuses a given share of the digits.

    Args:
        lines: that were read.
        decoding: the parameters, of which those of acceptance do not count.
        signs: tells digits and signs apart.
        without: features whose weights stay 0.

    Returns:
        The parameters with those of acceptance; and how many rightly read digits and how many signs there were, and
        the share of each that is accepted.
    """
    features, is_digit = [], []
    undecided = replace(decoding, acceptance=dict.fromkeys(ACCEPTANCE_FEATURES, 0.0))
    for line in lines:
        reading = read_line(line.lattice, line.parts, line.small, undecided, signs)
        path = list(reading.candidates)
        if reading.acceptance is None or not line.targets.labels:
            continue
        classes = line.targets.classes()[path]
        kept = (classes == line.digits(decoding.pool)[path]) | (classes == SIGN)
        features.append(reading.acceptance[kept])
        is_digit.append(classes[kept] < CLASSES)
    told, digit = np.concatenate(features), np.concatenate(is_digit)
    weights = fit_logistic(told, digit, ACCEPTANCE_FEATURES, without)
    chances = logistic(told @ np.array([weights[name] for name in ACCEPTANCE_FEATURES]))
    threshold = math.floor(min(0.5, float(np.quantile(chances[digit], _REFUSED))) * 1e4) / 1e4
    accepted = chances >= threshold
    return replace(decoding, acceptance=weights, digit=threshold), {
        "digits": int(digit.sum()),
        "digits_accepted": float(accepted[digit].mean()),
        "signs": int((~digit).sum()),
        "signs_accepted": float(accepted[~digit].sum() / max(1, (~digit).sum())),
    }


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
            features.append(line.features)
            right.append(len(lines) == 1 and "".join(entry.shown for entry in line.entries) == written)
    weights = fit_logistic(np.stack(features), np.array(right), CONFIDENCE_FEATURES)
    return weights, {"confidence_lines": len(right), "confidence_right": float(np.mean(right))}
