"""Ways to see a picture: where the first is not accepted, others look for the digit in another way.

Each view turns the picture into one that the stages of the first view can read: enlarged, cropped, in even light, in
two tones. `VIEWS` holds them in the order in which they most often help. Whether what they show is the digit is for the
network to say; how their votes are weighed is fitted: `python -m benchmarks.accuracy.views`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from digits.arrays import CLASSES, Gray, Pixels
from digits.vision.reduction import as_gray, shrink

FIRST = "as it is"
# The score of each digit before any view is counted, in nats. It is so low that one view alone is never enough.
START = -1.5
# A view counts if the network is so sure of its digit, and a digit that the first view does not lean to has so much
# against it. Both were chosen on photographs of other things, of which no more may pass than the first view lets pass.
SURE, AGAINST_FIRST = 0.95, 0.1

# Other views are made of a copy of at most so many pixels on the longer side.
VIEW_SIDE = 200
# A picture up to this many pixels is enlarged by a factor, so that the stages for large pictures read it.
_SMALL, _ENLARGED = 50, 2
# The border that is cut off, as a share of the picture.
_BORDER = 0.09
# A row or column is plain if its pixels differ by no more than this. From each side they are peeled so many times.
_PLAIN, _MOST_PEELS = 24, 6
# A picture is in color if the channels of a pixel differ by more than this.
_COLORED = 24
# Faint ink is stretched if all of the picture lies within so many levels.
_FAINT = 60
# Light is what is left of a picture after a blur of this share of its side.
_LIGHT = 0.25
# How many colors a picture is reduced to, on a copy of at most so many pixels on the longer side.
_COLORS, _COLOR_SIDE = 3, 80


@dataclass(frozen=True)
class View:
    """A way to see a picture.

    Args:
        name: what it does, in a few words, for people.
        prepare: turns a picture of at most `VIEW_SIDE` pixels, gray or RGB, into one that the stages of the first view
            can read; None if the view has nothing to offer for it.
        support: how much it counts for a digit that the network accepts this view shows that digit, in nats.
        doubt: how much it counts against a digit that the network accepts this view as another one, in nats.
    """

    name: str
    prepare: Callable[[Pixels], Pixels | None]
    support: float
    doubt: float


class Tally:
    """The votes of views, weighed: how much they speak for each digit.

    It adds evidence until that is enough, as a sequential probability ratio test does (Wald, Annals of Mathematical
    Statistics 1945).

    Args:
        leaning: the digit that the first view was taken for, though it was not accepted; None if there was none.
    """

    def __init__(self, leaning: int | None = None) -> None:
        self._scores = np.full(CLASSES, START)
        if leaning is not None:
            self._scores -= AGAINST_FIRST
            self._scores[leaning] += AGAINST_FIRST

    def add(self, view: View, digit: int) -> None:
        """Counts a view that the network accepts as a digit, for that digit and against all others."""
        support = np.full(CLASSES, -view.doubt)
        support[digit] = view.support
        self._scores += support

    @property
    def digit(self) -> int | None:
        """The digit for which enough speaks; None if there is none yet."""
        best = int(self._scores.argmax())
        return best if self._scores[best] >= -1e-9 else None


def prepare_copy(pixels: Pixels) -> Pixels:
    """The copy of a picture of which the other views are made: reduced, or enlarged if it is small."""
    copy = shrink(pixels, VIEW_SIDE)
    if max(copy.shape[:2]) > _SMALL:
        return copy
    size = copy.shape[1] * _ENLARGED, copy.shape[0] * _ENLARGED
    return np.asarray(cv2.resize(copy, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _same(copy: Pixels) -> Pixels | None:
    return copy


def _two_tones(copy: Pixels, *, dark: bool) -> Gray:
    """The picture in two tones, parted by Otsu's threshold (1979): ink black on white."""
    gray = as_gray(copy)
    threshold, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    below = gray <= threshold
    low = float(gray[below].mean()) if below.any() else 0.0
    high = float(gray[~below].mean()) if not below.all() else 255.0
    scaled = np.clip((gray.astype(np.float32) - low) / max(high - low, 1.0), 0.0, 1.0)
    soft = np.clip((scaled - 0.2) / 0.6, 0.0, 1.0)
    return _on_a_margin(np.rint((soft if dark else 1.0 - soft) * 255.0).astype(np.uint8))


def _on_a_margin(gray: Gray) -> Gray:
    """The picture with a white margin around it: ink may touch the border of what was cut out."""
    margin = max(4, round(0.12 * max(gray.shape)))
    return np.asarray(cv2.copyMakeBorder(gray, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255))


def _dark_ink(copy: Pixels) -> Pixels | None:
    return _two_tones(copy, dark=True)


def _light_ink(copy: Pixels) -> Pixels | None:
    return _two_tones(copy, dark=False)


def _inner(copy: Pixels) -> Pixels | None:
    """The picture without its border."""
    height, width = copy.shape[:2]
    y, x = round(_BORDER * height), round(_BORDER * width)
    return np.ascontiguousarray(copy[y : height - y, x : width - x])


def _even_light(copy: Pixels) -> Pixels | None:
    """The picture divided by its light: shadows and gradients go."""
    gray = as_gray(copy).astype(np.float32) + 8.0
    light = cv2.GaussianBlur(gray, (0, 0), _LIGHT * max(gray.shape))
    return np.clip(128.0 * gray / light, 0.0, 255.0).astype(np.uint8)


def _peeled(copy: Pixels) -> Pixels | None:
    """The picture without plain borders, such as a dark table around paper, or stripes beside the digit.

    Plain rows and columns are peeled off from each side in turn, but for a margin of one color around what is left.
    """
    top, bottom, left, right = 0, copy.shape[0], 0, copy.shape[1]
    low, high = (copy, copy) if copy.ndim == 2 else (copy.min(axis=2), copy.max(axis=2))
    for _ in range(_MOST_PEELS):
        before = top, bottom, left, right
        rows = np.flatnonzero(
            high[top:bottom, left:right].max(axis=1) - low[top:bottom, left:right].min(axis=1) > _PLAIN
        )
        if not rows.size:
            return None
        top, bottom = top + int(rows[0]), top + int(rows[-1]) + 1
        darkest, lightest = low[top:bottom, left:right], high[top:bottom, left:right]
        columns = np.flatnonzero(lightest.max(axis=0) - darkest.min(axis=0) > _PLAIN)
        if not columns.size:
            return None
        left, right = left + int(columns[0]), left + int(columns[-1]) + 1
        if (top, bottom, left, right) == before:
            break
    if max(bottom - top, right - left) < 8 or (bottom - top) * (right - left) > 0.9 * copy.shape[0] * copy.shape[1]:
        return None
    inner = copy[top:bottom, left:right]
    margin = max(4, round(0.15 * max(inner.shape[:2])))
    border = np.concatenate([inner[0], inner[-1], inner[:, 0], inner[:, -1]])
    color = tuple(float(value) for value in np.atleast_1d(np.median(border, axis=0)))
    padded = cv2.copyMakeBorder(inner, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=color)
    return np.asarray(padded, dtype=np.uint8)


def _stretched(copy: Pixels) -> Pixels | None:
    """Faint ink on an even ground, its contrast stretched."""
    gray = as_gray(copy)
    smooth = cv2.GaussianBlur(gray.astype(np.float32), (0, 0), 1.0)
    low, high = (float(value) for value in np.quantile(smooth, (0.002, 0.998)))
    if not 3.0 <= high - low <= _FAINT:
        return None
    return np.clip((smooth - low) * 255.0 / (high - low), 0.0, 255.0).astype(np.uint8)


def _rarest_color(copy: Pixels) -> Pixels | None:
    """The rarest of the picture's colors as ink, black on white; None if it is gray."""
    if copy.ndim == 2 or not (copy.max(axis=2) - copy.min(axis=2)).max() > _COLORED:
        return None
    small = shrink(copy, _COLOR_SIDE).reshape(-1, 3).astype(np.float32)
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    _, labels, centers = cv2.kmeans(small, _COLORS, np.empty((0, 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    rarest = int(np.bincount(labels.ravel(), minlength=_COLORS).argmin())
    distances = np.stack([np.square(copy.astype(np.float32) - center).sum(axis=2) for center in centers])
    ink = distances.argmin(axis=0) == rarest
    return _on_a_margin(np.where(ink, 0, 255).astype(np.uint8))


# Fitted by `python -m benchmarks.accuracy.views` on 560 digits and 560 other things, before `SURE` was chosen.
VIEWS = (
    View("without its border", _inner, 0.8, 0.2),
    View("reduced or enlarged", _same, 0.0, 1.0),
    View("in even light", _even_light, 0.7, 0.7),
    View("dark ink in two tones", _dark_ink, 1.1, 0.4),
    View("light ink in two tones", _light_ink, 1.4, 1.3),
    View("without plain borders", _peeled, 0.1, 0.0),
    View("stretched contrast", _stretched, 1.4, 0.0),
    View("the rarest color", _rarest_color, 1.4, 0.0),
)
