"""How the views of a picture are weighed: python -m benchmarks.accuracy.views --write

Puts held-out MNIST training digits, and drawn things that are no digits, through the bad pictures of
digits/synthetic/bad_pictures.py, and asks the network about each view of those that the first view does not read. It
fits the weight of each view by a multinomial logistic regression with "no digit" as one class, and lowers the start
until no more wrong digits, and no more other things, pass than `--passing` allows. Prints for each kind how many
pictures are accepted with the first view and with all: each half of the pictures is weighed with weights that were
fitted to the other half, and with a start that was lowered for both. So the shares that pass wrongly are those that
were asked for, and no measurement. With `--write`, the weights that were fitted to all go to
digits/vision/views/weights.py.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.support.machine import models_to_measure
from digits.arrays import CLASSES, SIDE, Floats, Gray, Images, Pixels
from digits.cli.arguments import whole_number
from digits.data.mnist import Split, load, split
from digits.model.artifact import read
from digits.recognizer import Prediction, Recognizer
from digits.second_look import Look, copy_of, decide, look
from digits.synthetic.bad_pictures import BAD_PICTURES, spoil
from digits.synthetic.outliers import draw_outlier
from digits.vision.normalize import Normalized
from digits.vision.views import weights as view_weights
from digits.vision.views.copy import SMALL_SIDE
from digits.vision.views.pool import MOST_EVIDENCE, OpinionPool, PoolWeights, evidence
from digits.vision.views.table import LARGE_VIEWS, SMALL_VIEWS

_COMMAND = "benchmarks.accuracy.views"
_NO_IMAGE = Normalized(np.zeros((SIDE, SIDE), np.uint8), lambda: ())
# What a picture of no digit shows.
_NOTHING = -1
# How strongly weights are drawn towards 0, and how much a picture of no digit counts beside one of a digit.
_RIDGE, _NON_DIGIT = 0.005, 3.0
# Pictures of these kinds count for so many of others: photos are refused for shadows more often than for all else.
_FREQUENT = {"in a cast shadow": 4.0, "in a hard shadow": 4.0}
# Drawn things have so many pixels on a side before they are spoilt.
_DRAWN_SIDE = 112
# One view counts for so much of what is needed at the most; the bound and the start are fitted in turn so many times.
_ALONE, _FITS = 0.8, 4
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
    copy = copy_of(picture) if recognizer.may_look_again(answer) else None
    looks: tuple[list[Look], ...] = ()
    if copy is not None:
        # Images and their stages would fill the memory.
        looks = tuple(
            [replace(seen, normalized=_NO_IMAGE) for seen in half] for half in look(copy, recognizer.classify)
        )
    return Sight(kind, target, max(picture.shape[:2]) <= SMALL_SIDE, first, copy is None, looks)


def sights_of(recognizer: Recognizer, count: int, seed: int) -> list[Sight]:
    """Sees `count` digits and `count` other things of each kind of bad picture."""
    data, rng, sights = split(load()), np.random.default_rng(seed), list[Sight]()
    for number, kind in enumerate(BAD_PICTURES):
        chosen = rng.choice(len(data.x_validation), count, replace=False)
        others = _things(recognizer, count, data, rng)
        for images, targets in ((data.x_validation[chosen], data.y_validation[chosen]), (others, [_NOTHING] * count)):
            for picture, target in zip(spoil(kind, images, seed * 100 + number), targets, strict=True):
                sights.append(see(recognizer, kind, picture, int(target)))
    return sights


def _things(recognizer: Recognizer, count: int, data: Split, rng: np.random.Generator) -> Images:
    """Draws things that are no digit, and that the network refuses where nothing spoils them.

    One that it accepts is its own mistake: each view that shows it well shows that mistake, and weights cannot mend it.
    """
    things: list[Gray] = []
    while len(things) < count:
        drawn = [draw_outlier(_DRAWN_SIDE, data.x_fit, data.y_fit, rng) for _ in range(count)]
        answers = recognizer.recognize_many(list[Pixels](drawn), first_view_only=True)
        things += [
            thing
            for thing, answer in zip(drawn, answers, strict=True)
            if not (isinstance(answer, Prediction) and answer.accepted)
        ]
    return np.stack(things[:count])


def fit(sights: Sequence[Sight], names: Sequence[str]) -> PoolWeights:
    """Fits the weights of views.

    Args:
        sights: of pictures of one size, digits and other things.
        names: of the views for this size.
    """
    sights = [sight for sight in sights if not sight.is_final]
    features = np.zeros((len(sights), CLASSES, len(names) + 2))
    features[:, :, -1] = 1.0
    for row, sight in zip(features, sights, strict=True):
        if sight.first is not None:
            row[:, -2] = evidence(sight.first.probabilities)
        for seen in (seen for half in sight.looks for seen in half):
            row[:, names.index(seen.view.name)] = evidence(seen.probabilities)
    targets = np.array([sight.target for sight in sights])
    often = np.array([_FREQUENT.get(sight.kind, 1.0) for sight in sights])
    counts = np.where(targets == _NOTHING, _NON_DIGIT, 1.0) * often / often.sum()
    digits = np.flatnonzero(targets != _NOTHING)

    def loss(values: Floats) -> tuple[float, Floats]:
        scores = np.concatenate([features @ values, np.zeros((len(sights), 1))], axis=1)
        highest = scores.max(axis=1)
        total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
        # The last column, that of no digit, is what `_NOTHING` picks.
        surprise = counts @ (total - scores[np.arange(len(sights)), targets])
        shares = counts[:, None] * np.exp(scores[:, :CLASSES] - total[:, None])
        gradient = np.einsum("nd,ndf->f", shares, features) - counts[digits] @ features[digits, targets[digits]]
        ridge = np.r_[2.0 * _RIDGE * values[:-1], 0.0]
        return float(surprise + _RIDGE * np.square(values[:-1]).sum()), gradient + ridge

    values, most = np.r_[np.full(len(names) + 1, 0.1), -4.0], None
    for _ in range(_FITS):
        bounds = [(0.0, most)] * (len(names) + 1) + [(None, 0.0)]
        values = minimize(loss, values, jac=True, bounds=bounds, method="L-BFGS-B").x
        # One view alone is never enough.
        most = _ALONE * -float(values[-1]) / MOST_EVIDENCE
    *views, first, low = values.tolist()
    return PoolWeights(low, first, dict(zip(names, views, strict=True)))


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
        passing: so many pictures of digits, and as many of other things, may be accepted wrongly: a share of all
            pictures together for which more than the first view counts, 0..1.
        recognizer: that has seen them.
    """
    pairs = [(sight, weights) for sight, weights in pairs if not sight.is_final]
    for steps in range(200):
        wrong = {True: 0, False: 0}
        for sight, weights in pairs:
            digit, accepted = answer_of(sight, replace(weights, start=weights.start - steps * _STEP), recognizer)
            wrong[sight.target == _NOTHING] += accepted and digit != sight.target
        if max(wrong.values()) <= passing * len(pairs):
            return steps * _STEP
    raise RuntimeError(f"No start lets so few pictures pass as {passing:.2%}. Allow more with --passing.")


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


def source(small: PoolWeights, large: PoolWeights) -> str:
    """Returns the text of the module that holds the weights."""
    lines = [
        f'"""How much the network\'s opinion of each view counts. Written by `python -m {_COMMAND} --write`."""',
        "",
        "from digits.vision.views.pool import PoolWeights",
    ]
    for name, weights in (("SMALL", small), ("LARGE", large)):
        lines += ["", f"{name} = PoolWeights(", f"    start={weights.start:.2f},", f"    first={weights.first:.2f},"]
        lines += ["    views={", *(f'        "{view}": {weight:.2f},' for view, weight in weights.views.items())]
        lines += ["    },", ")"]
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Fits the weights and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=whole_number(10, 2_000), default=300, help="of each kind (default: 300)")
    parser.add_argument("--passing", type=float, default=0.009, help="share that may pass wrongly (default: 0.009)")
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
    print(text := source(*fitted))
    print(table(pairs, recognizer))
    if options.write:
        Path(view_weights.__file__).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
