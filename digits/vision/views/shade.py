"""Finds ink among shadows, hard or soft: it is darker than any of them.

The shadow of a hand, a leaf or a window's bar may be as sharp as a stroke, and as narrow. But it takes only a part of
the light, and ink takes more, in the light and in the shade.
"""

import numpy as np

from digits.arrays import Gray
from digits.histogram import histogram
from digits.vision.reduction import LEVELS, mapped, quantile_of
from digits.vision.views import pen
from digits.vision.views.copy import Copy

# What is said of a constant was measured on bad pictures in four kinds of shadow that the first view leaves in doubt,
# 103 digits and 301 other things: with both views 76 digits are accepted, without them 67; 1 wrongly, and 3 other
# things, in either case.
# Shadows are looked into over windows of this share of the picture's longer side: from 0.15 to 0.7, 78 to 74 digits
# are accepted, and with either of the two, one other thing more. Thick strokes are wider than 0.15.
_WINDOW = 0.35
# Full ink is darker than this share of the pixels: with 0.97, 70 are accepted; with 0.999, 76, and one thing more.
# It misses at least so much of the light, of 255: on a blank page nothing does. From 2 to 32, the same digits are read.
_FULL, _LEAST = 0.99, 8.0
# What misses less than the first of these shares of what full ink does is a shadow; from the other on, ink is full.
# From 0.5 to 0.7, 70 are accepted; from 0.6 to 0.8, 74; from 0.8 to 0.95, 76, and one other thing more.
_SHADE = (0.7, 0.9)
# The light is told in so many steps, to part tones: with 16, the same digits are read.
_STEPS = 64
# Ink is as strong as it is far from the middle tone: from nothing to full strength between these shares of the distance
# of the darkest. From 0 to 0.5, 72 are accepted; from 0.5 to 0.8, 76, and one other thing more.
_DARKEST = (0.3, 0.8)
# Where the first and the second of three tones end, for all ways to part the steps.
_ENDS = np.triu_indices(_STEPS, 1)
_BOUNDS = np.stack([np.zeros_like(_ENDS[0]), _ENDS[0] + 1, _ENDS[1] + 1, np.full_like(_ENDS[0], _STEPS)])[
    :, _ENDS[1] < _STEPS - 1
]


def _missing_light(copy: Copy) -> Gray:
    """How much of the light around them pixels miss, of 255."""
    return np.asarray(pen.missing_light(copy.light, _WINDOW) * 255.0, dtype=np.uint8)


def darker_than_shade(copy: Copy) -> Gray | None:
    """Ink that misses nearly as much light as the darkest ink does; None if nothing is dark."""
    missing = copy.found(_missing_light)
    if missing is None:
        return None
    full = quantile_of(missing, _FULL)
    return None if full < _LEAST else _between(missing, _SHADE[0] * full, _SHADE[1] * full)


def darkest_tone(copy: Copy) -> Gray | None:
    """The darkest of three tones: of paper in the light, of paper in the shade, and of ink; None if nothing is dark.

    Tones are parted as Otsu (1979) parts two of them, by the square roots of the counts: ink is rare.
    """
    missing = copy.found(_missing_light)
    if missing is None or missing.max() < _LEAST:
        return None
    counts = np.sqrt(histogram(missing).reshape(_STEPS, -1).sum(axis=1))
    number, total = (np.r_[0.0, values.cumsum()] for values in (counts, counts * np.arange(_STEPS)))
    part_numbers, part_totals = np.diff(number[_BOUNDS], axis=0), np.diff(total[_BOUNDS], axis=0)
    means = part_totals / np.maximum(part_numbers, 1e-9)
    best = int((part_totals * means).sum(axis=0).argmax())
    middle, darkest = ((means[1:, best] + 0.5) * (256 // _STEPS)).tolist()
    low, high = (middle + share * max(darkest - middle, _LEAST) for share in _DARKEST)
    return _between(missing, low, high)


def _between(missing: Gray, low: float, high: float) -> Gray:
    return mapped(missing, (LEVELS - np.float32(low)) * np.float32(255.0 / (high - low)))
