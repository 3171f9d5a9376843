"""Looks at a picture in other views than the first, and weighs what the network says about them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Floats, Images, Pixels
from digits.errors import SeveralDigitsError
from digits.model.acceptance import Reason, Thresholds, reasons_to_refuse
from digits.vision.normalize import Normalized
from digits.vision.views import weights as view_weights
from digits.vision.views.copy import Copy
from digits.vision.views.pool import OpinionPool
from digits.vision.views.table import CLOSER, WHOLE_WITHOUT_SHADOWS, WITHOUT_SHADOWS, View, views_of

Classify = Callable[[Images], npt.NDArray[np.float64]]
AsSeveral = Callable[[Normalized], SeveralDigitsError | None]

# Pictures with fewer pixels than this on a side, or reduced to fewer, have no other views.
_SMALLEST = 8
# Nor have those whose darkest and lightest pixel differ by less than this.
_FLAT = 3
# The least probability that all views together must give to a doubtful answer of the first. With 0.15, two of 160
# pictures of no digit are accepted more; with 0.3, a boxy 0 that nine views show at 0.86 to 0.93 is not.
_LEAST_BORNE_OUT = 0.25

# Where the first view shows no digit, a digit that is not accepted is told if all views give it at least so much.
_LEAST_SHOWN = 0.5

# A digit is accepted, too, if so many views that take shadows away give it at least this probability, and none gives
# as much to another: to all other views, a digit in a shadow looks like nothing. On held-out bad pictures, 3 views
# would let 10 of 6,652 other things pass, and 4 none.
_AGREEING, _AGREED = 4, 0.97
# Of those that show all of the picture, so many must agree where the first view shows several digits.
_AGREEING_ON_ONE = 3


@dataclass(frozen=True)
class Look:
    """What a view shows of a picture.

    Args:
        view: the view.
        normalized: the image that it makes.
        probabilities: calibrated, of shape (10,): what the network says about that image.
    """

    view: View
    normalized: Normalized
    probabilities: Floats


@dataclass(frozen=True)
class SecondAnswer:
    """What several views say.

    Args:
        digit: 0..9.
        probabilities: of shape (10,), summing to 1. Of a digit that is accepted, those of the view that shows it best;
            of one that is not, those of all views together, of which "no digit" is shared by all.
        reason: why the digit is not accepted, or None if it is.
        look: the other view that shows it best; None if none of them does.
    """

    digit: int
    probabilities: Floats
    reason: Reason | None
    look: Look | None


def look_again(
    pixels: Pixels,
    first: Floats | None,
    classify: Classify,
    thresholds: Thresholds,
    as_several: AsSeveral = lambda _things: None,
    among_several: bool = False,
) -> SecondAnswer | None:
    """Looks for the digit in other views of a picture that the first view does not show well, or doubtfully.

    Args:
        pixels: the picture, uint8 of shape (height, width) or (height, width, 3), RGB.
        first: calibrated probabilities of the first view, of shape (10,); None if it showed no digit.
        classify: returns calibrated probabilities of shape (n, 10) for images of shape (n, 28, 28).
        thresholds: of the model; at least one view must pass them.
        as_several: returns the error if things that lie apart in a view are digits of their own.
        among_several: whether the first view shows several digits. Then only views that take shadows away are asked,
            and all must show a single digit.

    Returns:
        The digit for which most speaks. None if no other view shows one, or only the digit that the first view leans to
        and that not well enough; and if the answer of the first view may be accepted and the others bear it out.

    Raises:
        ComputeTimeError, ProcessorBusyError: the time for this picture is over.
        SeveralDigitsError: the view that shows the digit best shows others, too.
    """
    copy = copy_of(pixels)
    if copy is None or (copy.is_like_mnist and _is_accepted(first, thresholds)):
        return None
    if among_several:
        return _single_digit(copy, classify, thresholds, as_several)
    pool, looks = OpinionPool(view_weights.SMALL if copy.is_small else view_weights.LARGE, first), list[Look]()
    for some_looks in look(copy, classify):
        looks += some_looks
        for seen in some_looks:
            pool.add(seen.view.name, seen.probabilities)
        if pool.is_sure:
            break
    answer = decide(pool, looks, first, thresholds)
    if not _is_accepted(first, thresholds) and (answer is None or answer.reason is not None):
        answer = _small_digit(copy, classify, thresholds) or answer
    if copy.is_like_mnist and answer is not None and answer.reason is not None:
        # Where nothing is accepted, the network's own opinion of such an image is right more often.
        return None
    if answer is not None and answer.look is not None and answer.reason is None:
        several = _several_digits(answer.look, copy, as_several)
        if several is not None:
            raise several
    return answer


def _single_digit(copy: Copy, classify: Classify, thresholds: Thresholds, as_several: AsSeveral) -> SecondAnswer | None:
    """Looks for a single digit where the first view shows several: one may be a digit, and the rest its shadow."""
    if copy.is_small:
        return None
    budget.check()
    looks = _looks_of(WHOLE_WITHOUT_SHADOWS, copy, classify)
    digit = _agreed(looks, _AGREEING_ON_ONE)
    if digit is None or any(_several_digits(seen, copy, as_several) for seen in looks):
        return None
    return _accepted_view(looks, digit, thresholds)


def _small_digit(copy: Copy, classify: Classify, thresholds: Thresholds) -> SecondAnswer | None:
    """Looks for the only thing on a large page, which may be a small digit."""
    budget.check()
    for seen in _looks_of((CLOSER,), copy, classify):
        if seen.probabilities.max() >= _AGREED:
            return _accepted_view([seen], int(seen.probabilities.argmax()), thresholds)
    return None


def _several_digits(seen: Look, copy: Copy, as_several: AsSeveral) -> SeveralDigitsError | None:
    """Returns the error if what lies apart in a view are digits of their own."""
    things = seen.view.things_apart(copy)
    return None if things is None else as_several(things)


def copy_of(pixels: Pixels) -> Copy | None:
    """Returns the copy of which other views are made; None if the picture is too small or too flat to have any.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
    """
    if min(pixels.shape[:2]) < _SMALLEST or int(pixels.max()) - int(pixels.min()) < _FLAT:
        return None
    copy = Copy(pixels)
    return copy if min(copy.pixels.shape[:2]) >= _SMALLEST else None


def look(copy: Copy, classify: Classify) -> Iterator[list[Look]]:
    """Yields what the other views of a picture show: those of one half of the views first, then the rest."""
    views = views_of(copy)
    for half in views[: len(views) // 2], views[len(views) // 2 :]:
        budget.check()
        if looks := _looks_of(half, copy, classify):
            yield looks


def _looks_of(views: Sequence[View], copy: Copy, classify: Classify) -> list[Look]:
    shown = [(view, normalized) for view in views if (normalized := view.show(copy)) is not None]
    if not shown:
        return []
    opinions = classify(np.stack([normalized.image for _, normalized in shown]))
    return [Look(*pair, opinion) for pair, opinion in zip(shown, opinions, strict=True)]


def _agreed(looks: Sequence[Look], least: int) -> int | None:
    """Returns the digit on which so many views that take shadows away agree; None if there is none."""
    given = [seen.probabilities for seen in looks if seen.view in WITHOUT_SHADOWS]
    digits = [int(opinion.argmax()) for opinion in given if opinion.max() >= _AGREED]
    return digits[0] if len(digits) >= least and len(set(digits)) == 1 else None


def _best(looks: Sequence[Look], digit: int) -> Look:
    return max(looks, key=lambda seen: float(seen.probabilities[digit]))


def _accepted_view(looks: Sequence[Look], digit: int, thresholds: Thresholds) -> SecondAnswer | None:
    """The digit as the view has it that shows it best; None if the model's thresholds do not accept that."""
    best = _best(looks, digit)
    return SecondAnswer(digit, best.probabilities, None, best) if _is_accepted(best.probabilities, thresholds) else None


def _is_accepted(probabilities: Floats | None, thresholds: Thresholds) -> bool:
    return probabilities is not None and reasons_to_refuse(probabilities[np.newaxis], thresholds) == [None]


def decide(
    pool: OpinionPool, looks: Sequence[Look], first: Floats | None, thresholds: Thresholds
) -> SecondAnswer | None:
    """Weighs what several views have said.

    Args:
        pool: in which the first view and all others are counted.
        looks: what the others show.
        first: as for `look_again`, as are `thresholds` and the result.
        thresholds: of the model.
    """
    digit = pool.digit
    agreeing = [seen for seen in looks if seen.probabilities.argmax() == digit]
    is_of_first = first is not None and first.argmax() == digit
    if looks and _is_accepted(first, thresholds):
        if is_of_first and pool.posterior[digit] >= _LEAST_BORNE_OUT:
            return None
        if is_of_first or not agreeing:
            return _not_accepted(pool, None, thresholds)
    agreed = None if pool.is_sure else _agreed(looks, _AGREEING)
    if agreed is not None and (accepted := _accepted_view(looks, agreed, thresholds)) is not None:
        return accepted
    if not agreeing:
        return None
    best = _best(agreeing, digit)
    if pool.is_sure and (accepted := _accepted_view([best], digit, thresholds)) is not None:
        return accepted
    if is_of_first or (first is None and pool.probabilities[digit] < _LEAST_SHOWN):
        return None
    return _not_accepted(pool, best, thresholds)


def _not_accepted(pool: OpinionPool, look: Look | None, thresholds: Thresholds) -> SecondAnswer:
    """Returns the digit for which most speaks, although it is not sure enough to be accepted."""
    probabilities = pool.probabilities
    (reason,) = reasons_to_refuse(probabilities[np.newaxis], thresholds)
    return SecondAnswer(pool.digit, probabilities, reason or "low_confidence", look)
