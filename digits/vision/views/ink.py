"""Ways to find the ink of a picture, or to make a picture in which ink is easier to find.

Each function returns uint8 of shape (height, width), the strength of ink, or a picture, gray or RGB; None if it has
nothing to offer for this picture.
"""

import cv2
import numpy as np

from digits.arrays import Flags, Floats, Gray, Pixels
from digits.histogram import histogram
from digits.vision.components import crosses, is_stripe
from digits.vision.masks import Labels, label_components
from digits.vision.reduction import LEVELS, as_gray, mapped, quantile_of, shrink
from digits.vision.views import pen
from digits.vision.views.copy import Copy, against_border, as_ink
from digits.vision.views.forms import NEAR_BORDER

# The widest stroke that stands out from the ground around it, as a share of the picture's longer side.
_STROKE = 0.33
# The share of rows or columns at each end that show the ground between them.
_ENDS = 0.06
# A line from border to border is no wider than this share of its length, however it leans.
_LINE = 0.15
# Ink weaker than the first of these shares of the strongest goes, ink stronger than the other gets full strength.
_WEAK, _FULL = 0.35, 0.86
# A frame lies in this share of the picture at each side. So much of each row or column of it differs from the ground
# by at least this share of the strongest ink, and so many levels.
_FRAME_DEPTH, _FRAME_COVERED, _FRAME_INK, _LEAST_FRAME_INK = 0.2, 0.8, 0.25, 6.0
# What is inside a frame has at least so many pixels on a side.
_LEAST_INSIDE = 8
# Faint ink is stretched if all of the picture lies within so many levels.
_FAINT = 60
# How many colors a picture is reduced to, on a copy of at most so many pixels on the longer side.
_COLORS, _COLOR_SIDE = 3, 60
# So many pixels are compared with them at a time: all of a page at once would take 130 MB.
_COMPARED = 64 * 1024

# A thick stroke has so many pixels on a picture whose longer side has so many.
_THICK, _THICK_SIDE = 6, 64

# The pens of a photo: strokes are narrower than this share of its longer side, and so many times as dark as everything
# around them.
_WIDE_PEN, _NARROW_PEN, _TEXTURE = 0.08, 0.045, 1.4
# The same for the part of a photo around a digit, which shows no table.
_CLOSE_PEN = 0.15
# Full ink is darker than this share of the pixels, and swallows at least so much of the light.
_FULL_PEN, _LEAST_PEN = 0.996, 0.03


def wide_pen_strokes(copy: Copy) -> Gray | None:
    """Strokes darker than what lies right around them, without shadows, a table and the sheet's edge."""
    return _pen_strokes(copy, _WIDE_PEN)


def narrow_pen_strokes(copy: Copy) -> Gray | None:
    """Strokes of a fine pen, darker than what lies right around them, without the harder edges of shadows."""
    return _pen_strokes(copy, _NARROW_PEN)


def _pen_strokes(copy: Copy, width: float) -> Gray | None:
    swallowed = pen.above_texture(pen.swallowed_light(copy.light, width), _TEXTURE)
    return pen.as_strength(swallowed, _FULL_PEN, _LEAST_PEN)


def close_pen_strokes(copy: Copy) -> Gray | None:
    """The pen strokes in the part around the digit that wide pen strokes show: most of a shadow's edge is outside."""
    strokes = copy.seen(wide_pen_strokes)
    place = None if strokes is None else strokes.place
    part = None if place is None else copy.around(*place)
    if part is None:
        return None
    return pen.as_strength(pen.swallowed_light(pen.without_grain(part), _CLOSE_PEN), _FULL_PEN, _LEAST_PEN)


def _stands_out(copy: Copy, *, dark: bool) -> Gray | None:
    """Strokes darker or lighter than what is around them on both sides: a top-hat."""
    gray = 255 - copy.gray if dark else copy.gray
    window = max(3, round(_STROKE * max(gray.shape)) | 1)
    # Farther out, the window sees no other pixels.
    reach = window // 2
    padded = cv2.copyMakeBorder(gray, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, np.ones((window, window), np.uint8))
    ground = cv2.blur(opened[reach:-reach, reach:-reach], (3, 3))
    return as_ink(np.asarray(cv2.subtract(gray, ground), dtype=np.float32))


def light_strokes(copy: Copy) -> Gray | None:
    """Strokes lighter than what is around them."""
    return _stands_out(copy, dark=False)


def dark_strokes(copy: Copy) -> Gray | None:
    """Strokes darker than what is around them."""
    return _stands_out(copy, dark=True)


def strong_light_strokes(copy: Copy) -> Gray | None:
    """Strokes lighter than what is around them, strong ink alone."""
    return _without_weak(light_strokes(copy))


def strong_dark_strokes(copy: Copy) -> Gray | None:
    """Strokes darker than what is around them, strong ink alone."""
    return _without_weak(dark_strokes(copy))


def _without_weak(ink: Gray | None) -> Gray | None:
    if ink is None:
        return None
    return mapped(ink, (LEVELS / 255.0 - _WEAK) / (_FULL - _WEAK) * 255.0)


def strong_column_by_column(copy: Copy) -> Gray | None:
    """Strong ink alone, found column by column: what differs from the ground between both ends of the column."""
    return _without_weak(copy.found(column_by_column))


def strong_row_by_row(copy: Copy) -> Gray | None:
    """Strong ink alone, found row by row: what differs from the ground between both ends of the row."""
    return _without_weak(copy.found(row_by_row))


def column_by_column(copy: Copy) -> Gray | None:
    """How much pixels differ from the ground between both ends of their column, which leaves out stripes down it."""
    return _between_ends(copy.gray.astype(np.float32))


def row_by_row(copy: Copy) -> Gray | None:
    """How much pixels differ from the ground between both ends of their row, which leaves out stripes across it."""
    ink = _between_ends(copy.gray.T.astype(np.float32))
    return None if ink is None else np.ascontiguousarray(ink.T)


def _between_ends(gray: Floats) -> Gray | None:
    count = max(1, round(_ENDS * len(gray)))
    first, last = (_median_of_rows(rows) for rows in (gray[:count], gray[-count:]))
    along = np.linspace(0.0, 1.0, len(gray), dtype=np.float32)[:, None]
    return as_ink(np.abs(gray - first * (1.0 - along) - last * along))


def _median_of_rows(rows: Floats) -> Floats:
    """The median of each column of a few rows: NumPy takes several times as long for it."""
    rising, middle = np.sort(rows, axis=0), len(rows) // 2
    return np.asarray((rising[middle] + rising[-1 - middle]) * np.float32(0.5), dtype=np.float32)


def without_frame(copy: Copy) -> Gray | None:
    """The ink inside a frame, or inside the lines of a form that run along the border; None if there are none."""
    gray = copy.gray
    height, width = gray.shape
    middle = gray[height // 5 : height - height // 5, width // 5 : width - width // 5]
    difference = np.abs(gray - np.float32(np.median(middle)))
    is_ink = difference > max(_LEAST_FRAME_INK, _FRAME_INK * float(difference.max()))
    top, bottom, left, right = (_frame_depth(side) for side in (is_ink, is_ink[::-1], is_ink.T, is_ink.T[::-1]))
    inside = gray[top : height - bottom, left : width - right]
    if top + bottom + left + right == 0 or min(inside.shape) < _LEAST_INSIDE:
        return None
    ink = against_border(inside)
    return None if ink is None else np.pad(ink, 2)


def _frame_depth(is_ink: Flags) -> int:
    """How many rows from the first on a frame's side takes; 0 if there is none."""
    rows = is_ink[: max(1, round(_FRAME_DEPTH * max(is_ink.shape)))]
    lines = np.flatnonzero(rows.mean(axis=1) >= _FRAME_COVERED)
    return int(lines[-1]) + 1 if lines.size else 0


def without_specks(copy: Copy) -> Gray | None:
    """The ink without specks and gaps of a pixel or two."""
    ink = copy.against_border
    return None if ink is None else np.asarray(cv2.medianBlur(ink, 3), dtype=np.uint8)


def without_thin_lines(copy: Copy) -> Gray | None:
    """The ink that is thicker than one pixel."""
    ink = copy.against_border
    if ink is None:
        return None
    thick = cv2.dilate(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.ones((3, 3), np.uint8))
    return np.asarray(cv2.min(ink, thick), dtype=np.uint8)


def thick_strokes(copy: Copy) -> Gray | None:
    """The ink of thick strokes, without thin scribbles over them."""
    ink = copy.against_border
    if ink is None:
        return None
    scale = _THICK_SIDE / max(ink.shape)
    large = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_THICK, _THICK))
    return np.pad(np.asarray(cv2.morphologyEx(large, cv2.MORPH_OPEN, kernel), dtype=np.uint8), _THICK)


def inner(copy: Copy) -> Pixels | None:
    """The picture without its border."""
    return copy.inner.pixels


def _two_tones(copy: Copy, *, dark: bool) -> Gray | None:
    """The darker or the lighter of two tones as ink, parted by Otsu's threshold (1979)."""
    gray = copy.gray
    threshold, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    counts, first_high = histogram(gray), int(threshold) + 1
    parts = [(counts[part], LEVELS[part]) for part in (slice(first_high), slice(first_high, None))]
    if not all(number.any() for number, _ in parts):
        return None
    low, high = (float(number @ levels) / float(number.sum()) for number, levels in parts)
    scaled = (LEVELS - np.float32(low)) / np.float32(max(high - low, 1.0))
    light = np.clip((scaled - 0.2) / 0.6, 0.0, 1.0)
    return mapped(gray, (1.0 - light if dark else light) * 255.0)


def dark_ink(copy: Copy) -> Gray | None:
    """The darker of two tones of the picture."""
    return _two_tones(copy, dark=True)


def dark_ink_inside(copy: Copy) -> Gray | None:
    """The darker of two tones of the picture without its border."""
    return _on_a_margin(_two_tones(copy.inner, dark=True))


def light_ink_inside(copy: Copy) -> Gray | None:
    """The lighter of two tones of the picture without its border."""
    return _on_a_margin(_two_tones(copy.inner, dark=False))


def _on_a_margin(ink: Gray | None) -> Gray | None:
    """The ink with a margin of ground around it: it may touch the border of what was cut out.

    Stripes from border to border would look like a 1 on that margin.
    """
    if ink is None:
        return None
    margin = max(3, round(0.12 * max(ink.shape)))
    return np.pad(_without_stripes(ink), margin)


def _without_stripes(ink: Gray) -> Gray:
    """The ink without what reaches from one border to the other: folds, edges of paper, the edge of a shadow."""
    labels, stats = label_components((ink > 0).astype(np.uint8))
    stripes = [
        label
        for label, (left, top, width, height, _) in enumerate(stats[1:].tolist(), start=1)
        if _is_line(labels, label, (left, top, left + width, top + height))
    ]
    return np.where(np.isin(labels, stripes), np.uint8(0), ink) if stripes else ink


def _is_line(labels: Labels, label: int, box: tuple[int, int, int, int]) -> bool:
    """Whether a label is of a stripe from border to border, upright or askew."""
    if is_stripe(box, labels.shape, NEAR_BORDER):
        return True
    if not crosses(box, labels.shape, NEAR_BORDER):
        return False
    _, sides, _ = cv2.minAreaRect(np.argwhere(labels == label).astype(np.int32))
    return min(sides) <= _LINE * max(sides)


def stretched(copy: Copy) -> Gray | None:
    """Faint ink on an even ground, its contrast stretched."""
    smooth = np.asarray(cv2.GaussianBlur(as_gray(copy.pixels).astype(np.float32), (0, 0), 1.0), dtype=np.float32)
    low, high = quantile_of(smooth, 0.002), quantile_of(smooth, 0.998)
    if not 3.0 <= high - low <= _FAINT:
        return None
    return np.clip((smooth - low) * 255.0 / (high - low), 0.0, 255.0).astype(np.uint8)


def stretched_ink(copy: Copy) -> Gray | None:
    """How much the pixels of a picture whose contrast is stretched differ from its border."""
    picture = copy.found(stretched)
    return None if picture is None else against_border(as_gray(picture))


def rarest_color(copy: Copy) -> Gray | None:
    """The rarest of three colors as ink; None if the picture is gray."""
    if not copy.is_colored:
        return None
    small = shrink(copy.pixels, _COLOR_SIDE).reshape(-1, 3).astype(np.float32)
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    _, labels, centers = cv2.kmeans(small, _COLORS, np.empty((0, 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    rarest = int(np.bincount(labels.ravel(), minlength=_COLORS).argmin())
    pixels = copy.pixels.reshape(-1, 3)
    strength = np.empty(len(pixels), np.uint8)
    for start in range(0, len(pixels), _COMPARED):
        # Which center is the nearest does not change if the square of the pixel is left out.
        colors = pixels[start : start + _COMPARED].astype(np.float32)
        distances = np.square(centers).sum(axis=1)[:, None] - 2.0 * (centers @ colors.T)
        strength[start : start + _COMPARED] = distances.argmin(axis=0) == rarest
    return np.multiply(strength, np.uint8(255)).reshape(copy.pixels.shape[:2])


def rarest_color_inside(copy: Copy) -> Gray | None:
    """The rarest of three colors as ink, on a margin of ground; None if the picture is gray."""
    return _on_a_margin(rarest_color(copy))
