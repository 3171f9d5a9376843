"""How the views of a picture are weighed: python -m benchmarks.accuracy.views --write

Puts held-out MNIST training digits, and drawn things that are no digits, through the bad pictures of
digits/synthetic/bad_pictures/, and asks the network about each view of those that the first view does not read. It
fits the weights of opinions by a multinomial logistic regression with "no digit" as one class, and lowers the start if
more wrong digits, or more other things, pass than `--passing` allows. It fits from which confidence on the first view
is enough. Prints for each kind how many pictures are accepted with the first view and with all: each half of the
pictures is weighed with weights that were fitted to the other half. If the start was lowered, it was lowered for
both halves: the shares that pass wrongly are then those that `--passing` asked for, and no measurement. With `--write`,
the weights that were fitted to all go to digits/vision/views/weights.py.
"""

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.support.machine import models_to_measure
from digits.arrays import CLASSES, SIDE, Floats, Images, Pixels
from digits.cli.arguments import whole_number
from digits.data.mnist import load, split
from digits.errors import SeveralDigitsError
from digits.model.artifact import read
from digits.recognizer import Prediction, Recognizer
from digits.second_look import Look, copy_of, decide, look
from digits.synthetic.bad_pictures.spoil import BAD_PICTURES, spoil
from digits.synthetic.outliers import draw_outlier
from digits.vision.normalize import Normalized
from digits.vision.views import weights as view_weights
from digits.vision.views.copy import SMALL_SIDE
from digits.vision.views.pool import MOST_IN_SUM, OpinionPool, PoolWeights, evidence
from digits.vision.views.table import LARGE_VIEWS, SMALL_VIEWS

_COMMAND = "benchmarks.accuracy.views"
_NO_IMAGE = Normalized(np.zeros((SIDE, SIDE), np.uint8), lambda: ())
# What a picture of no digit shows.
_NOTHING = -1
# How strongly weights are drawn towards 0. How many other things there are for each digit.
_RIDGE, _OTHERS = 0.005, 3
# The share of digits that the first view alone may take for another one, and of other things that it may take for one.
_PASSING_DIGITS, _PASSING_OTHERS = 0.003, 0.006
# Drawn things have so many pixels on a side before they are spoilt.
_DRAWN_SIDE = 112
# By how much the start is lowered at a time, in nats.
_STEP = 0.1


@dataclass(frozen=True)
class Sight:
    """What the views show of a picture.

    Args:
        kind: of bad picture.
        target: the digit on it; `_NOTHING` if none.
        is_small: whether it has the views of small pictures.
        first: what the first view says; None if it showed no digit.
        is_final: whether no other view is asked.
        looks: what the other views show, one half of them and the rest.
    """

    kind: str
    target: int
    is_small: bool
    first: Prediction | None
    is_final: bool
    looks: tuple[list[Look], ...]

    @property
    def first_probabilities(self) -> Floats | None:
        """What `first` says about each digit."""
        return None if self.first is None else self.first.probabilities


def see(recognizer: Recognizer, kind: str, picture: Pixels, target: int) -> Sight:
    """Asks the network about each view of a picture."""
    (answer,) = recognizer.recognize_many([picture], first_view_only=True)
    first = answer if isinstance(answer, Prediction) else None
    # Pictures of several digits are not weighed: there, views have to agree.
    is_weighed = recognizer.may_look_again(answer) and not isinstance(answer, SeveralDigitsError)
    copy = copy_of(picture) if is_weighed else None
    looks: tuple[list[Look], ...] = ()
    if copy is not None:
        # Images and their stages would fill the memory.
        looks = tuple(
            [replace(seen, normalized=_NO_IMAGE) for seen in half] for half in look(copy, recognizer.classify)
        )
    return Sight(kind, target, max(picture.shape[:2]) <= SMALL_SIDE, first, copy is None, looks)


def sights_of(recognizer: Recognizer, count: int, seed: int) -> list[Sight]:
    """Sees `count` digits and `_OTHERS` times as many other things of each kind of bad picture."""
    data, rng, sights = split(load()), np.random.default_rng(seed), list[Sight]()
    for number, kind in enumerate(BAD_PICTURES):
        chosen = rng.choice(len(data.x_validation), count, replace=False)
        others: Images = np.stack(
            [draw_outlier(_DRAWN_SIDE, data.x_fit, data.y_fit, rng) for _ in range(_OTHERS * count)]
        )
        digits = data.x_validation[chosen], data.y_validation[chosen]
        for images, targets in (digits, (others, [_NOTHING] * len(others))):
            for picture, target in zip(spoil(kind, images, seed * 100 + number), targets, strict=True):
                sights.append(see(recognizer, kind, picture, int(target)))
    return sights


def fit(sights: Sequence[Sight], names: Sequence[str]) -> PoolWeights:
    """Fits the weights of views.

    Args:
        sights: of pictures of one size, digits and other things.
        names: of the views for this size.
    """
    sights = [sight for sight in sights if not sight.is_final]
    features = np.stack([pool_features(sight, names) for sight in sights])
    targets = np.array([sight.target for sight in sights])
    digits = np.flatnonzero(targets != _NOTHING)

    def loss(values: Floats) -> tuple[float, Floats]:
        scores = np.concatenate([features @ values, np.zeros((len(sights), 1))], axis=1)
        highest = scores.max(axis=1)
        total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
        # The last column, that of no digit, is what `_NOTHING` picks.
        surprise = np.mean(total - scores[np.arange(len(sights)), targets])
        shares = np.exp(scores[:, :CLASSES] - total[:, None])
        seen = features[digits, targets[digits]].sum(axis=0)
        gradient = (np.einsum("nd,ndf->f", shares, features) - seen) / len(sights)
        ridge = np.r_[2.0 * _RIDGE * values[:-1], 0.0]
        return float(surprise + _RIDGE * np.square(values[:-1]).sum()), gradient + ridge

    bounds = [(0.0, None)] * (features.shape[2] - 1) + [(None, 0.0)]
    start = np.r_[np.full(features.shape[2] - 1, 0.1), -4.0]
    *views, first, surest, second, low = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x.tolist()
    return PoolWeights(low, surest, second, first, dict(zip(names, views, strict=True)))


def pool_features(sight: Sight, names: Sequence[str]) -> Floats:
    """Returns what speaks for each digit in one sight, as `OpinionPool` counts it: shape (10, number of weights).

    The columns are those of the views, in the order of `names`, then of `first`, `surest`, `second` and `start`.
    """
    opinions = np.zeros((len(names) + 1, CLASSES))
    if sight.first is not None:
        opinions[-1] = evidence(sight.first.probabilities)
    for seen in (seen for half in sight.looks for seen in half):
        opinions[names.index(seen.view.name)] = evidence(seen.probabilities)
    second, surest = np.sort(opinions, axis=0)[-2:]
    return np.vstack([np.minimum(opinions, MOST_IN_SUM), surest, second, np.ones(CLASSES)]).T


def answer_of(sight: Sight, weights: PoolWeights, recognizer: Recognizer) -> tuple[int | None, bool]:
    """Returns the digit that a picture is taken for, or None, and whether it is accepted."""
    first = (None, False) if sight.first is None else (sight.first.digit, sight.first.accepted)
    if sight.is_final:
        return first
    pool, looks = OpinionPool(weights, sight.first_probabilities), list[Look]()
    for half in sight.looks:
        looks += half
        for seen in half:
            pool.add(seen.view.name, seen.probabilities)
        if pool.is_sure:
            break
    answer = decide(pool, looks, sight.first_probabilities, recognizer.thresholds)
    return first if answer is None else (answer.digit, answer.reason is None)


def lowering(pairs: Sequence[tuple[Sight, PoolWeights]], passing: float, recognizer: Recognizer) -> float:
    """Returns by how much starts have to be lowered, in nats, so that views accept no more than a share wrongly.

    Args:
        pairs: pictures, with weights that were fitted to others.
        passing: the share of the pictures of digits, and of those of other things, that may pass wrongly, 0..1.
        recognizer: that has seen them.
    """
    pairs = [(sight, weights) for sight, weights in pairs if not sight.is_final]
    numbers = Counter(sight.target == _NOTHING for sight, _ in pairs)
    for steps in range(200):
        wrong = Counter[bool]()
        for sight, weights in pairs:
            digit, accepted = answer_of(sight, replace(weights, start=weights.start - steps * _STEP), recognizer)
            wrong[sight.target == _NOTHING] += accepted and digit != sight.target
        if all(wrong[of_others] <= passing * number for of_others, number in numbers.items()):
            return steps * _STEP
    raise RuntimeError(f"No start lets so few pictures pass as {passing:.2%}. Allow more with --passing.")


def least_certain(sights: Sequence[Sight]) -> float:
    """Returns from which confidence on the first view is enough: so few of its answers are wrong from there on."""
    bound = 0.0
    for of_others, share in ((False, _PASSING_DIGITS), (True, _PASSING_OTHERS)):
        part = [sight for sight in sights if (sight.target == _NOTHING) == of_others]
        answered = [(sight.first, sight.target) for sight in part if sight.first is not None]
        wrong = [first.confidence for first, target in answered if first.accepted and first.digit != target]
        may_pass = int(share * len(part))
        bound = max([bound, *sorted(wrong, reverse=True)[may_pass : may_pass + 1]])
    return math.ceil(1000.0 * bound) / 1000.0


def table(pairs: Sequence[tuple[Sight, PoolWeights]], recognizer: Recognizer) -> str:
    """Returns a table in Markdown: for each kind, what is read with the first view and with all."""
    lines = [
        "| kind | right: first view, all | accepted | accepted and wrong | accepted non-digits | n of each |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    counts: dict[str, list[list[int]]] = {}
    for sight, weights in pairs:
        first = (None, False) if sight.first is None else (sight.first.digit, sight.first.accepted)
        is_digit = sight.target != _NOTHING
        for column, (digit, accepted) in enumerate((first, answer_of(sight, weights, recognizer))):
            wrong = accepted and digit != sight.target
            cells = (
                is_digit and digit == sight.target,
                is_digit and accepted,
                is_digit and wrong,
                not is_digit and wrong,
            )
            for name in (sight.kind, "all"):
                for row, cell in zip(
                    counts.setdefault(name, [[0, 0] for _ in range(5)]), (*cells, is_digit), strict=True
                ):
                    row[column] += cell
    for name in (*BAD_PICTURES, "all"):
        *shown, (number, _) = counts[name]
        lines.append(f"| {name} | {' | '.join(f'{first}, {second}' for first, second in shown)} | {number} |")
    return "\n".join(lines)


def source(certain: float, small: PoolWeights, large: PoolWeights) -> str:
    """Returns the text of the module that holds the weights."""
    lines = [
        f'"""How much the network\'s opinion of each view counts. Written by `python -m {_COMMAND} --write`."""',
        "",
        "from digits.vision.views.pool import PoolWeights",
        "",
        "# An answer that the first view gives with a lower probability is doubtful, though it may be accepted.",
        f"DOUBTFUL = {certain:.3f}",
    ]
    for name, weights in (("SMALL", small), ("LARGE", large)):
        lines += ["", f"{name} = PoolWeights(", f"    start={weights.start:.2f},", f"    surest={weights.surest:.2f},"]
        lines += [f"    second={weights.second:.2f},", f"    first={weights.first:.2f},"]
        lines += ["    views={", *(f'        "{view}": {weight:.2f},' for view, weight in weights.views.items())]
        lines += ["    },", ")"]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Fits the weights and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pictures", type=whole_number(10, 2_000), default=120, help="digits of each kind (default: 120)"
    )
    parser.add_argument("--passing", type=float, default=0.015, help="share that may pass wrongly (default: 0.015)")
    parser.add_argument("--write", action="store_true", help="write the weights to digits/vision/views/weights.py")
    options = parser.parse_args(argv)
    recognizer = Recognizer(read(models_to_measure()[0]))
    halves = [sights_of(recognizer, options.pictures // 2, seed) for seed in (1, 2)]
    fitted, pairs = [], list[tuple[Sight, PoolWeights]]()
    for is_small, views in ((True, SMALL_VIEWS), (False, LARGE_VIEWS)):
        names = [view.name for view in views]
        parts = [[sight for sight in half if sight.is_small == is_small] for half in halves]
        held_out = [
            (sight, weights)
            for part, other in (parts, parts[::-1])
            for weights in [fit(other, names)]
            for sight in part
        ]
        lower = lowering(held_out, options.passing, recognizer)
        weights = fit(parts[0] + parts[1], names)
        fitted.append(replace(weights, start=weights.start - lower))
        pairs += [(sight, replace(weights, start=weights.start - lower)) for sight, weights in held_out]
    print(text := source(least_certain([*halves[0], *halves[1]]), *fitted))
    print(table(pairs, recognizer))
    if options.write:
        Path(view_weights.__file__).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
