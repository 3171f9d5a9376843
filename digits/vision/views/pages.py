"""The views of a page of numbers: where the first one does not show the digits well, others make ink easier to find.

A view makes a picture of the whole page, of the same size or smaller.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from digits.arrays import Gray, Ink, Pixels
from digits.vision.reduction import shrink
from digits.vision.views import ink, pen
from digits.vision.views.copy import Copy

# Grain is smoothed over so many pixels.
_GRAIN = 5
# The contrast of a page is stretched if its pixels, of which so many in a row and column are looked at, differ by so
# many levels, and by so many times what half of them differ from what is around them, within so many pixels. The grain
# of paper differs by 12 times that.
_SAMPLED, _FAINT, _CLEAR, _AROUND = 400, (3.0, 60.0), 25.0, 15

# A pen's strokes are looked for on a copy of so many pixels on the longer side; they are narrower than this share of
# it, and on a sheet on a rough table, than the other. Full ink is darker than this share, and swallows so much light.
_PEN_SIDE, _SHEET_SIDE, _PEN, _SHEET_PEN, _FULL_PEN, _LEAST_PEN = 400, 640, 0.025, 0.02, 0.99, 0.05


@dataclass(frozen=True)
class PageView:
    """A way to see a page. docs/views.md lists them all, by the docstrings of `show`.

    Args:
        name: what it does, in a few words, for people.
        show: returns a gray picture of the page, uint8 of the same height and width, or of smaller ones of the same
            proportion; None if it has nothing to offer.
    """

    name: str
    show: Callable[[Copy], Gray | None]


def copy_of_page(page: Pixels) -> Copy | None:
    """Returns the copy of which other views of a page are made, of the same size.

    Returns:
        None if all of its pixels are alike: then no view shows anything.
    """
    return None if page.max() == page.min() else Copy(page, max(page.shape[:2]))


def _along_colors(copy: Copy) -> Gray | None:
    """The page along the axis on which its colors differ most; None if it is gray."""
    return copy.gray if copy.is_colored else None


def _smooth(copy: Copy) -> Ink:
    smooth = cv2.medianBlur(copy.gray, _GRAIN).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(smooth, (0, 0), _GRAIN / 4.0), dtype=np.float32)


def _without_grain(copy: Copy) -> Gray:
    """The page with its grain smoothed."""
    return np.asarray(_smooth(copy), dtype=np.uint8)


def _stretched(copy: Copy) -> Gray | None:
    """Faint ink on an even ground, its contrast stretched."""
    smooth = _smooth(copy)
    step = -(-max(smooth.shape) // _SAMPLED)
    low, high = np.quantile(smooth[::step, ::step], (0.002, 0.998)).tolist()
    grain = float(np.median(np.abs(smooth - cv2.blur(smooth, (_AROUND, _AROUND)))[::step, ::step]))
    if not max(_FAINT[0], _CLEAR * grain) <= high - low <= _FAINT[1]:
        return None
    return np.clip((smooth - low) * (255.0 / (high - low)), 0.0, 255.0).astype(np.uint8)


def _rarest_color(copy: Copy) -> Gray | None:
    """The rarest of three colors in black, the rest in white; None if the page is gray."""
    strength = ink.rarest_color(copy)
    return None if strength is None else 255 - strength


def _pen_strokes(copy: Copy) -> Gray | None:
    """Narrow strokes darker than what lies right around them, without shadows and the sheet's edge."""
    swallowed = pen.swallowed_light(pen.without_grain(shrink(copy.pixels, _PEN_SIDE)), _PEN)
    return _on_white(pen.above_texture(swallowed, 1.0), copy)


def _pen_strokes_on_sheet(copy: Copy) -> Gray | None:
    """The pen strokes without the rough table beside the sheet; None if there is no such table."""
    light = pen.without_grain(shrink(copy.pixels, _SHEET_SIDE))
    swallowed = pen.on_smooth_sheet(pen.swallowed_light(light, _SHEET_PEN))
    return None if swallowed is None else _on_white(pen.above_texture(swallowed, 1.0), copy)


def _on_white(swallowed: Ink, copy: Copy) -> Gray | None:
    strength = pen.as_strength(swallowed, _FULL_PEN, _LEAST_PEN)
    if strength is None:
        return None
    # Twice the size of the copy is enough: reading the whole page costs several times as much, and shows no more.
    height, width = copy.pixels.shape[:2]
    size = min(width, 2 * strength.shape[1]), min(height, 2 * strength.shape[0])
    return np.asarray(255 - cv2.resize(strength, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


# In the order in which they are made. The grain of a rough table takes much work to read, so it is left out first.
PEN_VIEWS = (
    PageView("pen strokes on a sheet", _pen_strokes_on_sheet),
    PageView("pen strokes", _pen_strokes),
)
PAGE_VIEWS = (
    PageView("along its main colors", _along_colors),
    PageView("the rarest of three colors", _rarest_color),
    *PEN_VIEWS,
    PageView("stretched contrast", _stretched),
    PageView("without grain", _without_grain),
)
