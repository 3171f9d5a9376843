"""Fits when something in a number counts as a digit, and how sure a line is."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, Floats
from digits.evaluation.statistics import answer_calibration
from digits.numbers.acceptance import ACCEPTANCE_FEATURES, logistic
from digits.numbers.decoding import Decoding
from digits.numbers.expectation import LEAST_DIGIT
from digits.numbers.line_reading import POINT, LineReading, PageLine
from digits.numbers.lines.features import CHOICE_FEATURES, CONFIDENCE_FEATURES
from digits.numbers.lines.image import draw_line_image
from digits.numbers.lines.reading import both_ways, read_line
from digits.numbers.networks import Networks
from digits.numbers.window_network import SIGN, WindowNetwork
from digits.synthetic.pages import WrittenNumber
from digits.synthetic.sums import WrittenSum
from digits.training.segmenter.dataset import ReadLine

# So many rightly read digits may be refused as other signs: a number has several, and one of them spoils it.
_REFUSED = 0.006
# Strength of the L2 penalty on weights of features that are scaled to a standard deviation of 1.
_PENALTY = 1e-4
# A feature that is spread less than this is the same everywhere.
_SAME = 1e-9
# The confidence of each of so many parts of the lines is measured by a fit on the others.
_PARTS = 5


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
    spread = features[:, free].std(axis=0)
    spread = np.where(spread < _SAME, 1.0, spread)
    chosen, sides = features[:, free] / spread, np.where(targets, 1.0, -1.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margins = sides * (chosen @ weights)
        by_margin = -sides / (1.0 + np.exp(np.clip(margins, -500.0, 500.0)))
        value = float(np.logaddexp(0.0, -margins).mean()) + 0.5 * _PENALTY * float(weights @ weights)
        return value, chosen.T @ by_margin / len(chosen) + _PENALTY * weights

    fitted = minimize(loss, np.zeros(len(free)), jac=True, method="L-BFGS-B").x / spread
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
        The parameters with those of acceptance; and how many rightly read digits and how many signs there were, the
        share of each that is accepted, the shares that lie below and above `LEAST_DIGIT`, and the share of the digits
        that are no larger than `POINT`.
    """
    features, is_digit, sizes = [], [], []
    undecided = replace(decoding, acceptance=dict.fromkeys(ACCEPTANCE_FEATURES, 0.0))
    for line in lines:
        reading = PageLine(line.lattice, line.parts, line.small, undecided, signs).best()
        path = list(reading.candidates)
        if reading.acceptance is None or not line.targets.labels:
            continue
        classes = line.targets.classes()[path]
        kept = (classes == line.digits(decoding.pool)[path]) | (classes == SIGN)
        features.append(reading.acceptance[kept])
        is_digit.append(classes[kept] < CLASSES)
        boxes = line.lattice.boxes[path][kept]
        sizes.append((boxes[:, 2:] - boxes[:, :2]).max(axis=1))
    told, digit = np.concatenate(features), np.concatenate(is_digit)
    weights = fit_logistic(told, digit, ACCEPTANCE_FEATURES, without)
    chances = logistic(told @ np.array([weights[name] for name in ACCEPTANCE_FEATURES]))
    threshold = math.floor(float(np.quantile(chances[digit], _REFUSED)) * 1e4) / 1e4
    accepted, of_digits = chances >= threshold, np.concatenate(sizes)[digit]
    return replace(decoding, acceptance=weights, digit=threshold), {
        "digits": int(digit.sum()),
        "digits_accepted": float(accepted[digit].mean()),
        "signs": int((~digit).sum()),
        "signs_accepted": float(accepted[~digit].sum() / max(1, (~digit).sum())),
        "digits_a_pattern_refuses": float((chances[digit] < LEAST_DIGIT).mean()),
        "signs_a_pattern_may_take": float((chances[~digit] >= LEAST_DIGIT).sum() / max(1, (~digit).sum())),
        "digits_as_small_as_points": float((of_digits <= POINT).mean()),
    }


def fit_choice(lines: Iterable[ReadLine], networks: Networks) -> tuple[dict[str, float], dict[str, float]]:
    """Fits when the way in which the line network reads a line counts, where the lattice reads it in another.

    Args:
        lines: that were read; pictures on which several lines are written do not count.
        networks: what read them; its parameters of the choice do not count.

    Returns:
        The weights by name; and how many lines are read in two ways, the shares of them that either reads rightly, and
        the share that is read rightly by choice, by weights that were fitted on the other parts of the lines.
    """
    features, lattice_right, network_right = [], [], []
    for line in lines:
        page = PageLine(line.lattice, line.parts, line.small, networks.decoding, networks.signs)
        by_lattice = page.best()
        if not by_lattice.entries or "\n" in line.number.text:
            continue
        chain = line.lattice.chain
        image = draw_line_image(line.parts, chain.strokes, line.small, chain.height)
        _, by_network, told = both_ways(page, by_lattice, image, networks.lines(image), line.parts)
        if by_network is not None and told is not None:
            features.append(told)
            lattice_right.append(_is_right(by_lattice, line.number))
            network_right.append(_is_right(by_network, line.number))
    told_apart, by_lattice_right, by_network_right = (
        np.stack(features),
        np.array(lattice_right),
        np.array(network_right),
    )
    # Where both are right or wrong, either may count.
    one_right = by_lattice_right != by_network_right
    weights = fit_logistic(told_apart[one_right], by_network_right[one_right], CHOICE_FEATURES)
    chosen = np.zeros(len(told_apart), np.bool_)
    chosen[one_right] = _cross_fitted(told_apart[one_right], by_network_right[one_right], CHOICE_FEATURES) >= 0.5
    return weights, {
        "read_in_two_ways": len(told_apart),
        "of_these_the_lattice_is_right": float(by_lattice_right.mean()),
        "of_these_the_line_network_is_right": float(by_network_right.mean()),
        "of_these_the_chosen_is_right": float(np.where(chosen, by_network_right, by_lattice_right).mean()),
    }


def _is_right(reading: LineReading, number: WrittenNumber) -> bool:
    """Whether all of a line is read rightly; its digits alone, where nobody named the signs."""
    written = _written(number)
    if written is not None:
        return "".join(reading.shown) == written
    return "".join(one for one in reading.shown if one.isdecimal()) == number.text


def _written(number: WrittenNumber) -> str | None:
    """What is written on a picture, without blanks; None if it has several lines, or signs that nobody named."""
    if "\n" in number.text:
        return None
    if isinstance(number, WrittenSum):
        return number.transcript.replace(" ", "")
    return number.text if None not in number.labels else None


def fit_confidence(lines: list[ReadLine], networks: Networks) -> tuple[dict[str, float], dict[str, float]]:
    """Fits the probability that all of a line is right.

    Args:
        lines: that were read, those of a picture one after the other, of pictures of which all that is written is
            known; pictures on which several lines are written do not count.
        networks: what read them; its parameters of the confidence do not count.

    Returns:
        The weights by name; and how many lines there were, the share of them that is right, and the expected
        calibration error of numbers and of sums, each by weights that were fitted on the other parts of the lines;
        beside it, the error by chance (`digits.evaluation.statistics.AnswerCalibration`).
    """
    features, right, of_sums = [], [], []
    for _, of_picture in itertools.groupby(lines, lambda line: id(line.number)):
        first, *others = of_picture
        number = first.number
        written = _written(number)
        if written is None:
            continue
        readings = [read_line(line.lattice, line.parts, line.small, networks) for line in (first, *others)]
        # A line on which nothing is read is not shown, and makes no other one wrong.
        shown = [reading for reading in readings if reading.entries]
        for reading in shown:
            features.append(reading.features)
            right.append(len(shown) == 1 and "".join(reading.shown) == written)
            of_sums.append(isinstance(number, WrittenSum))
    told, hits, has_signs = np.stack(features), np.array(right), np.array(of_sums)
    weights = fit_logistic(told, hits, CONFIDENCE_FEATURES)
    measured = {"confidence_lines": len(right), "confidence_right": float(np.mean(right))}
    confidences = _cross_fitted(told, hits, CONFIDENCE_FEATURES)
    for kind, chosen in (("numbers", ~has_signs), ("sums", has_signs)):
        if chosen.any():
            calibration = answer_calibration(confidences[chosen], hits[chosen])
            measured |= {
                f"confidence_error_{kind}": calibration.error,
                f"confidence_error_{kind}_by_chance": calibration.by_chance,
            }
    return weights, measured


def _cross_fitted(features: Floats, targets: npt.NDArray[np.bool_], names: Sequence[str]) -> Floats:
    """The probabilities by weights that were fitted without the lines themselves, of shape (n,)."""
    part = np.arange(len(targets)) % _PARTS
    scores = np.zeros(len(targets))
    for k in range(_PARTS):
        weights = fit_logistic(features[part != k], targets[part != k], names)
        scores[part == k] = features[part == k] @ np.array([weights[name] for name in names])
    return logistic(scores)
