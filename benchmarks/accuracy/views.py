"""How the views of a picture are combined: python -m benchmarks.accuracy.views

Puts held-out MNIST training digits, and drawn things that are no digits, through the bad pictures of
digits/synthetic/bad_pictures.py, and asks the network about each view of them. Of the pictures that the first view does
not read, it fits how much each view counts for its digit and against others, by logistic regression, and the start: so
low that no more non-digits and wrong digits pass than `--passing` allows. Prints the table for digits/vision/views.py,
and how many pictures of each kind are accepted with the first view and with all.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from benchmarks.support.machine import models_to_measure
from digits.arrays import CLASSES, Floats, Images, Pixels
from digits.cli.arguments import whole_number
from digits.data.mnist import load, split
from digits.errors import ImageError
from digits.model.artifact import read
from digits.recognizer import Recognizer
from digits.synthetic.bad_pictures import BAD_PICTURES, spoil
from digits.synthetic.outliers import draw_outlier
from digits.vision.views import AGAINST_FIRST, VIEWS

# What a picture of no digit shows.
_NOTHING = -1
# How strongly weights are drawn towards 0, and how much a picture of no digit counts beside one of a digit.
_RIDGE, _NON_DIGIT = 0.02, 6.0
# Weights are at most so large, in nats: what was never wrong in some hundred pictures may be wrong in the next.
_LARGEST = 6.0
# Drawn things have so many pixels on a side before they are spoilt.
_DRAWN_SIDE = 112


@dataclass(frozen=True)
class Sight:
    """What the views show of a picture.

    Args:
        kind: of bad picture.
        target: the digit on it; `_NOTHING` if none.
        first: the digit that the first view is accepted as; None if it is not.
        leaning: the digit that the first view was taken for where it is not accepted; None if it was taken for none.
        votes: pairs of the index of another view and the digit that it is accepted as.
    """

    kind: str
    target: int
    first: int | None
    leaning: int | None
    votes: tuple[tuple[int, int], ...]


def see(recognizer: Recognizer, kind: str, picture: Pixels, target: int) -> Sight:
    """Asks the network about each view of a picture."""
    try:
        answer = recognizer.recognize_pixels(picture)
        first, leaning = (answer.digit, None) if answer.accepted else (None, answer.digit)
    except ImageError:
        first, leaning = None, None
    names = [view.name for view in VIEWS]
    looks = () if first is not None else recognizer.look(picture)
    return Sight(kind, target, first, leaning, tuple((names.index(view.name), seen.digit) for view, seen in looks))


def fit(sights: Sequence[Sight], passing: float) -> tuple[Floats, Floats, float]:
    """Fits how much views count.

    Args:
        sights: of digits and of other things.
        passing: share of the pictures of no digit, and of those of digits, that may be accepted wrongly by the views.

    Returns:
        The support and the doubt of each view, and the start, in nats.
    """
    rows, right, counts = [], [], []
    for sight in sights:
        for digit in {digit for _, digit in sight.votes}:
            row = np.zeros(2 * len(VIEWS))
            for view, voted in sight.votes:
                row[view + (0 if voted == digit else len(VIEWS))] = 1.0 if voted == digit else -1.0
            rows.append(row)
            right.append(digit == sight.target)
            counts.append(_NON_DIGIT if sight.target == _NOTHING else 1.0)
    features, signs, weighs = np.array(rows), np.where(right, 1.0, -1.0), np.array(counts)

    def loss(values: Floats) -> float:
        margins = signs * (features @ values[:-1] + values[-1])
        return float(weighs @ np.logaddexp(0.0, -margins) / weighs.sum() + _RIDGE * np.square(values[:-1]).mean())

    bounds = [(0.0, _LARGEST)] * (2 * len(VIEWS)) + [(-10.0, 0.0)]
    values = minimize(loss, np.r_[np.ones(2 * len(VIEWS)), -2.0], bounds=bounds, method="L-BFGS-B").x
    doubt = values[len(VIEWS) : -1]
    for start in np.arange(float(values[-1]), -20.0, -0.1):
        # One view alone is never enough.
        support = np.minimum(values[: len(VIEWS)], -start - 0.1)
        answers = [accepted_digit(sight, support, doubt, start) for sight in sights]
        wrong = [
            sight.first is None and answer is not None and answer != sight.target
            for sight, answer in zip(sights, answers, strict=True)
        ]
        of_nothing = [bad for bad, sight in zip(wrong, sights, strict=True) if sight.target == _NOTHING]
        of_digits = [bad for bad, sight in zip(wrong, sights, strict=True) if sight.target != _NOTHING]
        if np.mean(of_nothing) <= passing and np.mean(of_digits) <= passing:
            return support, doubt, float(start)
    raise RuntimeError(f"No start lets so few pictures pass as {passing:.2%}. Allow more with --passing.")


def accepted_digit(sight: Sight, support: Floats, doubt: Floats, start: float) -> int | None:
    """The digit that a picture is accepted as; None if it is not."""
    if sight.first is not None:
        return sight.first
    scores = np.full(CLASSES, start)
    if sight.leaning is not None:
        scores -= AGAINST_FIRST
        scores[sight.leaning] += AGAINST_FIRST
    for view, digit in sight.votes:
        scores -= doubt[view]
        scores[digit] += doubt[view] + support[view]
        if scores.max() >= -1e-9:
            return int(scores.argmax())
    return None


def sights_of(recognizer: Recognizer, count: int, seed: int) -> list[Sight]:
    """Sees `count` digits and `count` other things of each kind of bad picture."""
    data, rng, sights = split(load()), np.random.default_rng(seed), list[Sight]()
    for number, kind in enumerate(BAD_PICTURES):
        chosen = rng.choice(len(data.x_validation), count, replace=False)
        others: Images = np.stack([draw_outlier(_DRAWN_SIDE, data.x_fit, data.y_fit, rng) for _ in range(count)])
        for images, targets in ((data.x_validation[chosen], data.y_validation[chosen]), (others, [_NOTHING] * count)):
            for picture, target in zip(spoil(kind, images, seed * 100 + number), targets, strict=True):
                sights.append(see(recognizer, kind, picture, int(target)))
    return sights


def main(argv: Sequence[str] | None = None) -> int:
    """Fits on one half of the pictures, and prints the table and the counts of the other half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=whole_number(10, 2_000), default=100, help="of each kind (default: 100)")
    parser.add_argument("--passing", type=float, default=0.004, help="share that may pass wrongly (default: 0.004)")
    options = parser.parse_args(argv)
    recognizer = Recognizer(read(models_to_measure()[0]), looks_again=False)
    support, doubt, start = fit(sights_of(recognizer, options.pictures, 1), options.passing)
    print(f"START = {start:.1f}", flush=True)
    for view, speaks_for, speaks_against in zip(VIEWS, support, doubt, strict=True):
        print(f"{view.name:24} support {speaks_for:.1f}, doubt {speaks_against:.1f}", flush=True)
    print("| other pictures | right: first view, all | wrong | accepted non-digits | n of each |")
    print("| --- | --- | --- | --- | --- |")
    others = sights_of(recognizer, options.pictures, 2)
    for kind in (*BAD_PICTURES, None):
        of_kind = [sight for sight in others if kind in {None, sight.kind}]
        digits = [sight for sight in of_kind if sight.target != _NOTHING]
        nothing = [sight for sight in of_kind if sight.target == _NOTHING]
        last = {id(sight): accepted_digit(sight, support, doubt, start) for sight in of_kind}
        right = sum(s.first == s.target for s in digits), sum(last[id(s)] == s.target for s in digits)
        wrong = tuple(
            sum(answer not in {None, s.target} for s, answer in pairs)
            for pairs in ([(s, s.first) for s in digits], [(s, last[id(s)]) for s in digits])
        )
        passed = sum(s.first is not None for s in nothing), sum(last[id(s)] is not None for s in nothing)
        cells = (f"{first}, {second}" for first, second in (right, wrong, passed))
        print(f"| {kind or 'all'} | {' | '.join(cells)} | {len(digits)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
