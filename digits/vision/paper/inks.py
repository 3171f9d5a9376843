"""Pages in two colors: a form that is printed in one, and what a pen wrote into it in another."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Floats, Gray, Pixels
from digits.vision.foreground import Foreground
from digits.vision.masks import label_components
from digits.vision.paper.line_search import factor_of
from digits.vision.reduction import pool

# Of about so many pixels of the page, at least so many are ink of at least this share of the least strength of a
# stroke's middle. Colors are told from about so many of these.
_SAMPLED, _FEWEST, _CORE, _COMPARED = 60_000, 60, 0.8, 3_000
# Two colors differ by so much, as shares of the strongest channel, and by so many times what pixels of one of them
# differ by. A single color that is parted in its middle differs by 3.5 times that at the most.
_DIFFERENT, _CLEAR = 0.28, 4.5
# So many times the means of the colors are found anew.
_ROUNDS = 10
# The middle of a stroke is about as strong as the strongest ink so many pixels around, up to this share.
_AROUND, _MIDDLE = 5, 0.7
# What is a form is told on a copy of at most so many pixels on the longer side.
_SIDE = 640
# Of more large strokes, the largest are looked at. Writing that a form hides goes on over so many pixels at the most.
_MOST, _MOST_BRIDGED = 200, 31
# What is written is at least so many pixels high, and so high beside the highest.
_LEAST_HIGH, _AS_HIGH = 8, 0.4
# Gaps of this share of a digit's height are closed in the lines of a form; those in which something is written, up to
# the second. Its strokes are so many times as large as a digit at least, and cover so much of their box at the most.
_DASHED, _HIDDEN, _LARGER, _SPARSE = 0.1, 0.4, 1.05, 0.45
# Or they are marks between these sizes beside a digit's height.
_MARK_WIDE, _MARK_HIGH, _LEAST_MARK = 0.75, 0.45, 0.1
# They are in so many times as large a share of the other color as that is in them.
_MORE = 2.0
# An empty place is as large as another and of as much ink, up to a factor. At most this share of the writing's edges
# lies beside a form.
_AS_LARGE, _MOST_BESIDE = 1.25, 0.5
# So many strokes that differ in size by less than this, and by less than this share of what others do, are printed.
_FEWEST_PRINTED, _PRINTED, _LESS = 3, 0.08, 0.5
# They are a form if so much of them is.
_MOSTLY = 0.6
# A digit in a form lies beside its stroke with so much of its height; the stroke is so many times as high as the digit,
# or so many digits' heights long, and the digit is no higher than so many times the stroke.
_BESIDE, _AROUND_STROKE, _LONG, _HIGH = 0.25, 1.1, 1.8, 2.5
# So many marks at least are alike up to a factor, and lie around so much of what is written.
_FEWEST_MARKS, _ALIKE, _MOSTLY_AROUND = 8, 1.6, 0.9


@dataclass(frozen=True)
class Colors:
    """Two colors of ink, by what they swallow.

    Args:
        mean, axis: of the colors of ink; of shape (2,).
        middle: where along the axis one color ends and the other begins.
    """

    mean: Floats
    axis: Floats
    middle: float

    def are_second(self, swallowed: Pixels) -> Flags:
        """Whether ink is of the second color: bool of shape (...) for pixels of shape (..., 3)."""
        return np.asarray((_hues(swallowed) - self.mean) @ self.axis > self.middle)


def _hues(swallowed: Pixels) -> Floats:
    """Red against green, and blue against both, as shares of the strongest channel: of shape (..., 2)."""
    channels = swallowed.astype(np.float32)
    shares = channels / np.maximum(channels.max(axis=-1, keepdims=True), 1.0)
    red, green, blue = np.moveaxis(shares, -1, 0)
    return np.stack([red - green, blue - (red + green) / 2.0], axis=-1)


def find_colors(foreground: Foreground) -> Colors | None:
    """The two colors that the ink of a page has; None if it has one, or colors that run into one another."""
    if foreground.swallowed is None:
        return None
    step = max(1, round((foreground.strength.size / _SAMPLED) ** 0.5))
    strength = foreground.strength[::step, ::step]
    is_core = strength >= max(_CORE * foreground.strong, foreground.weak)
    hues = _hues(foreground.swallowed[::step, ::step][is_core])
    if len(hues) < _FEWEST:
        return None
    hues = hues[:: max(1, len(hues) // _COMPARED)]
    mean = hues.mean(axis=0)
    axis = np.linalg.eigh(np.cov((hues - mean).T))[1][:, -1]
    places = (hues - mean) @ axis
    first, second = np.quantile(places, (0.02, 0.98)).tolist()
    for _ in range(_ROUNDS):
        nearer = places > (first + second) / 2.0
        if nearer.all() or not nearer.any():
            return None
        first, second = float(places[~nearer].mean()), float(places[nearer].mean())
    spread = np.where(nearer, places - second, places - first).std()
    if second - first < max(_DIFFERENT, _CLEAR * float(spread)):
        return None
    return Colors(mean, axis, (first + second) / 2.0)


def part_by_color(strength: Gray, swallowed: Pixels, mask: Gray, colors: Colors) -> tuple[Gray, Gray]:
    """Parts ink by its color; the edges of a stroke, whose color is mixed, go with its middle.

    Args:
        strength: of the page's foreground.
        swallowed: of the page's foreground.
        mask: the ink, uint8 of shape (height, width), 1 where it is.
        colors: of the ink.

    Returns:
        The ink of the first color and that of the second, as masks.
    """
    around = cv2.convertScaleAbs(cv2.dilate(strength, np.ones((_AROUND, _AROUND), np.uint8)), alpha=_MIDDLE)
    middle = cv2.min(cv2.compare(strength, around, cv2.CMP_GE), mask)
    at = np.flatnonzero(middle.view(np.bool_))
    colored = np.asarray(cv2.blur(swallowed, (3, 3)), dtype=np.uint8).reshape(-1, 3)[at]
    votes = np.zeros(mask.shape, np.float32)
    votes.ravel()[at] = np.where(colors.are_second(colored), 1.0, -1.0)
    votes = np.asarray(cv2.blur(votes, (3, 3)), dtype=np.float32)
    away = [
        cv2.distanceTransform(1 - cv2.min(middle, of_color.view(np.uint8)), cv2.DIST_L1, 3)
        for of_color in (votes < 0.0, votes > 0.0)
    ]
    second = np.asarray(cv2.min(np.asarray(away[1] < away[0]).view(np.uint8), mask), dtype=np.uint8)
    return mask ^ second, second


def without_form(foreground: Foreground, mask: Gray) -> Gray:
    """Takes a form that is of another color than the writing off a mask; where both cross, the writing stays.

    Args:
        foreground: of the page.
        mask: all ink, uint8 of shape (height, width), 1 where it is.

    Returns:
        The mask itself, if there is one color, or if neither is a form's.
    """
    strength, swallowed = foreground.strength, foreground.swallowed
    colors = None if swallowed is None else find_colors(foreground)
    if swallowed is None or colors is None:
        return mask
    budget.spend(mask.size // 4)
    inks = part_by_color(strength, swallowed, mask, colors)
    factor = factor_of(mask, _SIDE)
    first, second = (pool(ink, factor) for ink in inks)
    found = [_form(first, second), _form(second, first)]
    shares = [share for _, share in found]
    # What may be either is neither.
    if max(shares) < _MORE * min(shares) or not max(shares):
        return mask
    k = int(shares[1] > shares[0])
    form = inks[k] & np.kron(found[k][0], np.ones((factor, factor), np.uint8))[: mask.shape[0], : mask.shape[1]]
    if not form.any():
        return mask
    depth = cv2.distanceTransform(form, cv2.DIST_C, 3)[form > 0]
    thickness = min(_MOST_BRIDGED, 2 * round(float(np.quantile(depth, 0.9))) + 1)
    bridged = cv2.morphologyEx(inks[1 - k], cv2.MORPH_CLOSE, np.ones((thickness, thickness), np.uint8))
    return np.where((form > 0) & (bridged == 0), 0, mask).astype(np.uint8)


def _form(ink: Gray, pen: Gray) -> tuple[Gray, float]:
    """The strokes of one color that are a form's, and the share of what the other color wrote that is in it."""
    written = _written(pen)
    if not len(written):
        return np.zeros_like(ink), 0.0
    tall = float(np.median(written[:, cv2.CC_STAT_HEIGHT]))
    # Dashes are one line, and so is a line that writing hides in part. An even closing would move it.
    dashed, hidden = (
        cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
        for gap in (max(3, round(share * tall) | 1) for share in (_DASHED, _HIDDEN))
    )
    labels, stats = label_components(np.asarray(cv2.max(dashed, cv2.min(hidden, pen)), dtype=np.uint8))
    areas = np.bincount(labels[ink > 0], minlength=len(stats))
    areas[0] = 0
    _, _, wide, high, _ = np.asarray(stats, dtype=np.int64).T
    larger = np.maximum(wide, high) >= _LARGER * tall
    larger &= (areas > 0) & (areas <= _SPARSE * wide * high)
    places = np.flatnonzero(larger)
    places = places[np.argsort(-(wide * high)[places], kind="stable")[:_MOST]]
    held = np.array([_held(written, stats[i], tall) for i in places.tolist()]).reshape(places.size, len(written))
    holds = held.any(axis=1)
    marks = (wide <= _MARK_WIDE * tall) & (high <= _MARK_HIGH * tall) & (np.maximum(wide, high) >= _LEAST_MARK * tall)
    # Digits with an outline of another color are in no form.
    is_outline = _beside(pen, ink) > _MOST_BESIDE
    chosen = np.zeros(len(stats), np.bool_)
    if holds.any() and not is_outline and areas[places[holds]].sum() >= _MOSTLY * areas[~marks].sum():
        share = float(held.any(axis=0).mean())
        sizes = np.log(np.column_stack([wide, high, areas + 1])[places])
        off = np.abs(sizes[:, np.newaxis] - sizes[holds]).max(axis=2).min(axis=1)
        chosen[places[off <= np.log(_AS_LARGE)]] = True
        # Beside brackets that are lower than they are, digits would be the form, and the brackets the writing.
        if min(len(written), chosen.sum()) >= _FEWEST_PRINTED and _are_printed(written, stats[chosen]):
            return np.zeros_like(ink), 0.0
    elif areas[marks].sum() >= _MOSTLY * areas.sum():
        share = _around(stats[marks], written)
        chosen |= marks
    else:
        return np.zeros_like(ink), 0.0
    return np.asarray(chosen[labels] & (ink > 0)).view(np.uint8), share


def _beside(pen: Gray, ink: Gray) -> float:
    """The share of the edges of one color that lie beside the other."""
    edges = cv2.min(cv2.morphologyEx(pen, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)), pen)
    near = cv2.dilate(ink, np.ones((5, 5), np.uint8))
    return cv2.countNonZero(cv2.min(near, edges)) / max(1, cv2.countNonZero(edges))


def _written(pen: Gray) -> npt.NDArray[np.int32]:
    """What is as high as a digit among strokes of one color, as OpenCV describes components."""
    _, stats = label_components(pen)
    stats = stats[1:]
    high = stats[:, cv2.CC_STAT_HEIGHT]
    return stats[high >= max(_LEAST_HIGH, _AS_HIGH * high.max(initial=0))]


def _are_printed(written: npt.NDArray[np.int32], others: npt.NDArray[np.int32]) -> bool:
    """Whether strokes, as OpenCV describes components, are as large as one another, and others are not."""
    spread, other = (
        float(np.median(np.abs(sizes - np.median(sizes, axis=0)), axis=0).max())
        for sizes in (np.log(some[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]) for some in (written, others))
    )
    return spread <= _PRINTED and spread < _LESS * other


def _held(written: npt.NDArray[np.int32], component: npt.NDArray[np.int32], tall: float) -> Flags:
    """Which strokes have their middle over, and lie in part beside, a component that is larger than they are."""
    left, top, wide, high, _ = written.astype(np.int64).T
    x, y, width, height, _ = component.tolist()
    middle = left + wide / 2.0
    overlap = np.minimum(top + high, y + height) - np.maximum(top, y)
    inside = (middle >= x) & (middle <= x + width) & (overlap >= _BESIDE * high)
    return np.asarray(
        inside & ((height >= _AROUND_STROKE * high) | ((width >= _LONG * tall) & (high <= _HIGH * height)))
    )


def _around(marks: npt.NDArray[np.int32], written: npt.NDArray[np.int32]) -> float:
    """The share of what is written that marks lie around; 0 if they are few, or differ."""
    if len(marks) < _FEWEST_MARKS:
        return 0.0
    left, top, wide, high, _ = marks.astype(np.int64).T
    alike = np.abs(np.log(high / np.median(high))) <= np.log(_ALIKE)
    x = written[:, cv2.CC_STAT_LEFT] + written[:, cv2.CC_STAT_WIDTH] / 2.0
    y = written[:, cv2.CC_STAT_TOP] + written[:, cv2.CC_STAT_HEIGHT] / 2.0
    inside = (x >= left.min()) & (x <= (left + wide).max()) & (y >= (top + high).min()) & (y <= top.max())
    share = float(inside.mean())
    return share if alike.mean() >= _MOSTLY and share >= _MOSTLY_AROUND else 0.0
