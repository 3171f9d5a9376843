"""The views of a page of numbers: where the first one shows no digit, others make ink easier to find.

A view makes a picture of the page, of the same size, so that places in it are places on the page.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from digits.arrays import Gray, Ink, Pixels
from digits.vision.views import ink
from digits.vision.views.copy import Copy

# Grain is smoothed over so many pixels.
_GRAIN = 5
# The contrast of a page is stretched if its pixels, of which so many in a row and column are looked at, differ by so
# many levels, and by so many times what half of them differ from what is around them, within so many pixels. The grain
# of paper differs by 12 times that.
_SAMPLED, _FAINT, _CLEAR, _AROUND = 400, (3.0, 60.0), 25.0, 15


@dataclass(frozen=True)
class PageView:
    """A way to see a page.

    Args:
        name: what it does, in a few words, for people.
        show: returns a gray picture of the page, uint8 of the same height and width; None if it has nothing to offer.
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


# In the order in which they are made.
PAGE_VIEWS = (
    PageView("along its main colors", _along_colors),
    PageView("the rarest of three colors", _rarest_color),
    PageView("stretched contrast", _stretched),
    PageView("without grain", _without_grain),
)
