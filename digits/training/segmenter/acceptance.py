"""Fits when something in a number counts as a digit, and how sure a line is."""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, Floats
from digits.evaluation.statistics import answer_calibration
from digits.numbers.acceptance import ACCEPTANCE_FEATURES, logistic
from digits.numbers.decoding import NEVER_SURE, Decoding
from digits.numbers.expectation import LEAST_DIGIT
from digits.numbers.line_reading import POINT, LineReading, PageLine
from digits.numbers.lines.features import (
    CHOICE_FEATURES,
    CONFIDENCE_FEATURES,
    LATTICE_FEATURES,
    LEAST_ALONE,
    LEAST_PATH,
)
from digits.numbers.lines.reading import TwoWays, read_two_ways
from digits.numbers.networks import Networks
from digits.numbers.window_network import SIGN, WindowNetwork
from digits.synthetic.sums import WrittenSum
from digits.training.segmenter.dataset import ReadLine

# So many rightly read digits may be refused as other signs: a number has several, and one of them spoils it.
_REFUSED = 0.006
# Strength of the L2 penalty on weights of features that are scaled to a standard deviation of 1.
_PENALTY = 1e-4
# A feature that is spread less than this is the same everywhere.
_SAME = 1e-9
# The line network is asked about lines of a kind if at least this share of them, 0..1, is read rightly only then.
_WORTH = 0.01
# The bounds that are tried of the probability of their paths, and of what each network alone gives each digit. No line
# is sure if all other paths together are likelier, or if a network may hold another digit for likelier.
_PATHS, _ALONE = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999), (0.5, 0.6, 0.7, 0.8, 0.9)
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
        share of each that is accepted (of the digits, what `_REFUSED` leaves), the shares that lie below and above
        `LEAST_DIGIT`, and the share of the digits that are no larger than `POINT`. All are of the lines of the fit.
    """
    features, is_digit, sizes = [], [], []
    undecided = replace(decoding, acceptance=dict.fromkeys(ACCEPTANCE_FEATURES, 0.0))
    for line in lines:
        reading = PageLine(line.lattice, line.parts, line.small, undecided, signs).best
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


@dataclass(frozen=True)
class LineWays:
    """A line of the fit, read in two ways.

    Args:
        ways: to read it.
        picture: number of the picture that it is on.
        digits: that are written on it; None if it is a part of a line.
        written: all that is written on it, without blanks; None if that is not known.
        is_sum: whether it is a sum with signs.
    """

    ways: TwoWays
    picture: int
    digits: str | None
    written: str | None
    is_sum: bool

    def is_right(self, reading: LineReading | None) -> bool:
        """Whether all of it is read rightly; its digits alone, where nobody named the signs."""
        if reading is None or self.digits is None:
            return False
        if self.written is not None:
            return "".join(reading.shown) == self.written
        return "".join(one for one in reading.shown if one.isdecimal()) == self.digits


def read_ways(lines: Iterable[ReadLine], networks: Networks) -> list[LineWays]:
    """Reads lines in two ways, those of a picture one after the other.

    Lines on which nothing is read are left out: they are not shown, and make no other line of their picture wrong. So
    are pictures of several lines that are read as more lines or as fewer: which is which is not known.

    Args:
        lines: that were read.
        networks: what read them; of its decoding, choice and confidence do not count.
    """
    read = []
    for picture, (_, of_picture) in enumerate(itertools.groupby(lines, lambda line: id(line.number))):
        some = list(of_picture)
        number = some[0].number
        pages = [PageLine(line.lattice, line.parts, line.small, networks.decoding, networks.signs) for line in some]
        ways = [read_two_ways(page, networks.lines) for page in pages if page.best.entries]
        texts: list[str] | list[None] = list(number.text.split("\n"))
        if len(texts) != len(ways):
            if len(texts) > 1:
                continue
            texts = [None] * len(ways)
        is_sum = isinstance(number, WrittenSum)
        for one, text in zip(ways, texts, strict=True):
            written = number.transcript.replace(" ", "") if isinstance(number, WrittenSum) else text
            is_known = is_sum or None not in number.labels
            read.append(LineWays(one, picture, text, (written or "") if is_known else None, is_sum))
    return read


def fit_choice(lines: Sequence[LineWays]) -> tuple[dict[str, float], list[LineReading], dict[str, float]]:
    """Fits when the way in which the line network reads a line counts, where the lattice reads it in another.

    Args:
        lines: that were read in two ways.

    Returns:
        The weights by name; each line as it is read by weights that were fitted without its picture; and how many lines
        are read in two ways, the shares of them that either way reads rightly, and the share of those readings that is
        right.
    """
    doubtful = [
        (k, one.ways.features, one.is_right(one.ways.by_lattice), one.is_right(one.ways.by_network))
        for k, one in enumerate(lines)
        if one.ways.by_network is not None and one.ways.features is not None
    ]
    told, lattice_right, network_right = (np.array([found[column] for found in doubtful]) for column in (1, 2, 3))
    pictures = np.array([lines[k].picture for k, *_ in doubtful])
    # Where both are right or wrong, either may count.
    one_right = lattice_right != network_right
    weights = fit_logistic(told[one_right], network_right[one_right], CHOICE_FEATURES)
    chances = _cross_fitted(told, network_right, CHOICE_FEATURES, pictures, one_right)
    chosen = [one.ways.by_lattice for one in lines]
    for (k, *_), chance in zip(doubtful, chances.tolist(), strict=True):
        chosen[k] = lines[k].ways.chosen(chance)
    return (
        weights,
        chosen,
        {
            "read_in_two_ways": len(doubtful),
            "of_these_the_lattice_is_right": float(lattice_right.mean()),
            "of_these_the_line_network_is_right": float(network_right.mean()),
            "of_these_the_chosen_is_right": float(np.where(chances >= 0.5, network_right, lattice_right).mean()),
        },
    )


@dataclass(frozen=True)
class Confidence:
    """How sure lines are.

    Args:
        weights: of `CONFIDENCE_FEATURES`, by name.
        by_lattice: of `LATTICE_FEATURES`, by name.
        sure, sure_path, sure_alone: as in `Decoding`.
    """

    weights: dict[str, float]
    by_lattice: dict[str, float]
    sure: float
    sure_path: float
    sure_alone: float


def fit_confidence(lines: Sequence[LineWays], chosen: Sequence[LineReading]) -> tuple[Confidence, dict[str, float]]:
    """Fits the probability that all of a line is right, and when the line network need not be asked.

    Args:
        lines: that were read in two ways; those of which not all that is written is known do not count.
        chosen: each line as it is read in the end, by a choice that was fitted without it.

    Returns:
        The fit; and how many lines there were, the share of them that is right, and the expected calibration error of
        numbers and of sums, each by weights that were fitted on the other parts of the lines; beside it, the error by
        chance (`digits.evaluation.statistics.AnswerCalibration`); and the share of the lines about which the line
        network is not asked, and of these the shares that are right by the lattice alone, and by choice.
    """
    known = [k for k, one in enumerate(lines) if one.written is not None]
    of_both = np.stack([chosen[k].features for k in known])
    of_lattice = np.stack([lines[k].ways.by_lattice.lattice_features for k in known])
    hits = np.array([lines[k].is_right(chosen[k]) for k in known])
    lattice_hits = np.array([lines[k].is_right(lines[k].ways.by_lattice) for k in known])
    has_signs, pictures = (np.array([getattr(lines[k], name) for k in known]) for name in ("is_sum", "picture"))
    measured = {"confidence_lines": len(hits), "confidence_right": float(np.mean(hits))}
    confidences = _cross_fitted(of_both, hits, CONFIDENCE_FEATURES, pictures)
    for kind, some in (("numbers", ~has_signs), ("sums", has_signs)):
        if some.any():
            calibration = answer_calibration(confidences[some], hits[some])
            measured |= {
                f"confidence_error_{kind}": calibration.error,
                f"confidence_error_{kind}_by_chance": calibration.by_chance,
            }
    by_lattice = _cross_fitted(of_lattice, lattice_hits, LATTICE_FEATURES, pictures)
    of_digits = np.array([all(entry.accepted for entry in lines[k].ways.by_lattice.entries) for k in known])
    paths, alone = (np.array([getattr(lines[k].ways.by_lattice, name) for k in known]) for name in ("path", "alone"))
    told_by = (by_lattice, paths, alone)
    lost = (hits & ~lattice_hits)[of_digits]
    bounds = fit_bounds(by_lattice[of_digits], paths[of_digits], alone[of_digits], lost)
    held = np.maximum(bounds, (0.0, LEAST_PATH, LEAST_ALONE)).tolist()
    unasked = of_digits & np.all([some >= bound for some, bound in zip(told_by, held, strict=True)], axis=0)
    measured |= {
        "line_network_not_asked": float(unasked.mean()),
        "of_these_the_lattice_alone_is_right": float(lattice_hits[unasked].mean()) if unasked.any() else 1.0,
        "of_these_the_choice_would_be_right": float(hits[unasked].mean()) if unasked.any() else 1.0,
    }
    return Confidence(
        fit_logistic(of_both, hits, CONFIDENCE_FEATURES),
        fit_logistic(of_lattice, lattice_hits, LATTICE_FEATURES),
        *bounds,
    ), measured


def fit_bounds(
    confidences: Floats, paths: Floats, alone: Floats, lost: npt.NDArray[np.bool_]
) -> tuple[float, float, float]:
    """The bounds of what tells that a line is sure; where all three are reached, the line network is not asked.

    Each line about which it is not asked saves its time, and is worth `_WORTH` of one that is lost. That lines with an
    unsure path are lost more often is not made up for by all others, as it would be by a bound of the share that is
    lost.

    Args:
        confidences: of each line by the lattice alone, of shape (n,).
        paths: the probability of each line's path, of shape (n,).
        alone: the least probability that any network alone gives any digit of each line, of shape (n,).
        lost: whether a line is read rightly only if the line network is asked, of shape (n,).

    Returns:
        The bounds of the first three: of those that are worth most, the highest.
    """
    order = np.argsort(-confidences, kind="stable")
    # If it is worth more to ask about all lines, no line is sure.
    best = (0.0, 1.0, 1.0, NEVER_SURE)
    for path, least in itertools.product(_PATHS, _ALONE):
        some = order[(paths[order] >= path) & (alone[order] >= least)]
        worth = np.cumsum(_WORTH - lost[some])
        if worth.size:
            last = int(worth.argmax())
            bound = math.ceil(float(confidences[some[last]]) * 1e4) / 1e4
            best = max(best, (round(float(worth[last]), 6), path, least, bound))
    return best[3], best[1], best[2]


def _cross_fitted(
    features: Floats,
    targets: npt.NDArray[np.bool_],
    names: Sequence[str],
    pictures: npt.NDArray[np.int64],
    fitted: npt.NDArray[np.bool_] | None = None,
) -> Floats:
    """The probabilities by weights that were fitted without the lines' own pictures, of shape (n,).

    Args:
        features: of shape (n, f).
        targets: of shape (n,).
        names: of the features.
        pictures: the number of each line's picture, of shape (n,).
        fitted: the lines that the weights are fitted on, of shape (n,); all if None.
    """
    part = pictures % _PARTS
    fitted = np.ones(len(targets), np.bool_) if fitted is None else fitted
    scores = np.zeros(len(targets))
    for k in range(_PARTS):
        others = fitted & (part != k)
        weights = fit_logistic(features[others], targets[others], names)
        scores[part == k] = features[part == k] @ np.array([weights[name] for name in names])
    return logistic(scores)
