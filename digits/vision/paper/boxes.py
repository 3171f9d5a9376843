"""The boxes of forms, off the page: one stands around each digit, or many share their sides."""

import cv2
import numpy as np
import numpy.typing as npt

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.masks import LabeledMask, keep_long_runs, label_components
from digits.vision.paper.enclosing import Integers, holds_another, hollow_strokes
from digits.vision.reduction import median_of_few, quantile_of

# A box is at least so many pixels wide and high, and no more of its area is ink than this share.
_LEAST, _MOST_INK = 16, 0.55
# Of nine in ten of its columns, this share lies between its lines.
_BETWEEN = 0.6
# Its sides rise or lean so much at the most, in pixels for each pixel.
_STEEPEST = 0.12
# Within this share of its height from each of its sides, ink covers so much of the side; and lines across its middle
# cover no more than that.
_BAND, _SIDE_COVERED, _MIDDLE_COVERED = 0.12, 0.93, 0.75
# What is so much wider than high is no digit. A box that is not is one if it holds something at least so high, or if it
# is as high, up to a factor, as one that does.
_WIDE, _HOLDS, _AS_HIGH = 1.5, 0.2, 1.3
# Its lines go straight over this share of its height, if they may be a little askew: this much of it.
_STRAIGHT, _ASKEW = 0.75, 0.02
# A line between two places is at least so many pixels high and at most so wide, as a share of its height, and has ink
# over so much of it. Such lines are level, up to a share of their height and for each pixel between them; there are so
# many at least, no nearer to one another than a share of their height.
_DIVIDER_HIGH, _DIVIDER_WIDE, _DIVIDER_FILLED, _DIVIDERS_LEVEL, _DIVIDERS_TILT = 16, 0.2, 0.6, 0.06, 0.05
_FEWEST_DIVIDERS, _DIVIDERS_APART = 3, 0.25
# What is so high beside them is written between them: of that, this share keeps such a distance from both their ends.
_WRITTEN, _MOST_WRITTEN, _INSET = 0.3, 0.8, 0.05
# At both of their ends a line was taken off, no farther than this share of their height, over so much of the row.
_FRAME_NEAR, _FRAME_COVERED = 0.12, 0.4
# So many boxes that are as wide and high as one another up to a factor, and level up to a share of their height, are
# some if writing that touches their lines goes on inside of them.
_FEWEST_ALIKE, _ALIKE, _LEVEL = 3, 1.15, 0.25
# Inside a box, lines down from its top to its foot have ink over so much of it. They part it into equal places, up to
# a share of one, and are as thick as one another up to a factor; a place is wider than that share of the height.
_DOWN_COVERED, _PLACES_ASKEW, _AS_THICK, _PLACE_WIDE = 0.95, 0.12, 2.0, 0.3
# Lines that are drawn by hand lean, and have ink over so much of it; there are at least so many of them.
_LEANING_COVERED, _FEWEST_LEANING = 0.9, 2
# Of a page with more lines that may be dividers, the highest are looked at.
_MOST = 500


Rectangle = tuple[int, int, int, int]


def without_boxes(page: LabeledMask) -> tuple[LabeledMask, list[Rectangle]]:
    """Takes the lines of boxes off a mask; what they hold stays, even where it touches them.

    Args:
        page: its ink.

    Returns:
        The ink without them, the same object if there are none; and the boxes: left, top, width and height of each, in
        pixels. Boxes that share a side are one.
    """
    (labels, components), mask = page.components, page.mask
    stats = np.asarray(components, dtype=np.int64)
    # In the order of OpenCV's CC_STAT constants.
    left, top, wide, high, _ = stats.T
    boxes, written = {}, []
    for i in hollow_strokes(page, _LEAST, _MOST_INK):
        budget.spend(int(wide[i] * high[i]))
        where = slice(top[i], top[i] + high[i]), slice(left[i], left[i] + wide[i])
        stroke = (labels[where] == i).astype(np.uint8)
        if (lines := _lines_of_box(stroke)) is not None:
            boxes[i] = where, lines
            if _holds_writing(stroke, lines):
                written.append(i)
    sure = [
        i
        for i in boxes
        if wide[i] >= _WIDE * high[i]
        or holds_another(stats, i, _HOLDS)
        or (i in written and _alike(stats[i], stats[written]) >= _FEWEST_ALIKE)
    ]
    if not sure:
        return page, []
    mask = mask.copy()
    rectangles = []
    for i, (where, lines) in boxes.items():
        if np.any(np.abs(np.log(high[i] / high[sure])) <= np.log(_AS_HIGH)):
            mask[where][lines] = 0
            rectangles.append((int(left[i]), int(top[i]), int(wide[i]), int(high[i])))
    return LabeledMask(mask), rectangles


def _holds_writing(stroke: Gray, lines: Flags) -> bool:
    """Whether more than lines is inside of a box, as high as what a box holds."""
    band = _band(stroke)
    inside = np.flatnonzero((stroke > lines)[band:-band, band:-band].any(axis=1))
    return inside.size >= _HOLDS * stroke.shape[0]


def _alike(box: Integers, boxes: Integers) -> int:
    """How many boxes, as OpenCV describes each, are as large as one and stand on its level, with itself."""
    size, sizes = box[2:4].astype(np.float64), boxes[:, 2:4].astype(np.float64)
    as_large = (np.abs(np.log(sizes / size)) <= np.log(_ALIKE)).all(axis=1)
    return int((as_large & (np.abs(boxes[:, 1] - box[1]) <= _LEVEL * size[1])).sum())


def _lines_of_box(stroke: Gray) -> npt.NDArray[np.bool_] | None:
    """Where a stroke's lines are, if it is a box: if it runs along all sides of it and leaves the middle free."""
    height, width = stroke.shape
    first, last = _ends(stroke)
    if quantile_of(last - first, 0.1) < _BETWEEN * height:
        return None
    fall = (_slope(first) + _slope(last)) / 2.0
    if abs(fall) > _STEEPEST:
        return None
    # It is turned: its sides lean as much as its lines across fall, the other way.
    down, aside = int(np.ceil(abs(fall) * width / 2.0)), int(np.ceil(abs(fall) * height / 2.0))
    shear = np.array([[1.0, fall, aside - fall * height / 2.0], [-fall, 1.0, down + fall * width / 2.0]])
    size = width + 2 * aside, height + 2 * down
    upright = np.asarray(cv2.warpAffine(stroke, shear, size, flags=cv2.INTER_NEAREST), dtype=np.uint8)
    x, y, wide, high = cv2.boundingRect(upright)
    inner = upright[y : y + high, x : x + wide]
    # Most strokes are no boxes, and lines take longer to find than sides.
    if not _has_sides(inner):
        return None
    across, upwards = _straight(inner)
    if _covers_middle(across):
        return None
    upwards = _from_line_to_line(inner, upwards)
    # A stroke across may be as long as the box is wide; the box's own lines lie at its top and at its foot.
    band = _band(inner)
    across[band:-band] = 0
    lines = np.zeros_like(upright)
    lines[y : y + high, x : x + wide] = (np.maximum(across, upwards) & ~_strokes(inner)) | _dividers(inner)
    back = cv2.warpAffine(lines, shear, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return np.asarray(cv2.dilate(back, np.ones((3, 3), np.uint8)) > 0)


def _ends(stroke: Gray) -> tuple[Floats, Floats]:
    """The first and the last row with ink of each column, but for the outermost, where the box's sides are."""
    edge = stroke.shape[1] // 20 + 1
    inner = stroke[:, edge:-edge]
    first, last = inner.argmax(axis=0), inner.shape[0] - 1 - inner[::-1].argmax(axis=0)
    return np.asarray(first, dtype=np.float64), np.asarray(last, dtype=np.float64)


def _slope(places: Floats) -> float:
    """How much places rise from each to the next, of what is nearly a straight line."""
    third = max(1, places.size // 3)
    return (median_of_few(places[-third:]) - median_of_few(places[:third])) / max(1, places.size - third)


def _straight(stroke: Gray) -> tuple[Gray, Gray]:
    """The long straight lines across, and those down."""
    height, width = stroke.shape
    askew = 2 * max(1, round(_ASKEW * height)) + 1
    wider, higher = (
        np.asarray(cv2.dilate(stroke, np.ones(kernel, np.uint8)), np.uint8) for kernel in ((1, askew), (askew, 1))
    )
    across, down = round(_STRAIGHT * min(height, width)), round(_STRAIGHT * height)
    return keep_long_runs(higher, across, 1), keep_long_runs(wider, 1, down)


def _from_line_to_line(stroke: Gray, upwards: Gray) -> Gray:
    """The lines down that are a box's sides, or meet its lines at the top and at the foot: a 1 may touch one of them.

    Args:
        stroke: the box.
        upwards: its long straight lines down, of the same shape.
    """
    labels, stats = label_components(upwards)
    met = np.zeros(len(stats), np.bool_)
    (height, width), band = stroke.shape, _band(stroke)
    near = _thickness(stroke, band) + 1
    for i, (left, top, wide, high, _) in enumerate(stats.tolist()):
        columns = stroke[:, left : left + wide]
        above = top - int(columns.argmax(axis=0).min())
        below = height - int(columns[::-1].argmax(axis=0).min()) - top - high
        met[i] = left < band or left + wide > width - band or max(above, below) <= near
    met[0] = False
    return np.asarray(met[labels]).view(np.uint8)


def _strokes(stroke: Gray) -> Gray:
    """What is thicker than a box's lines: writing that touches them."""
    band = _band(stroke)
    # Lines down may be thicker than lines across.
    thickness = max(_thickness(stroke, band), _thickness(stroke.T, band))
    side = thickness + 2 + thickness // 3
    # Beyond its border a field would count as ink.
    thick = cv2.morphologyEx(np.pad(stroke, side), cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    thick = cv2.dilate(thick, np.ones((3, 3), np.uint8))
    return np.asarray(thick[side:-side, side:-side], dtype=np.uint8)


def _dividers(stroke: Gray) -> Gray:
    """The lines down that part a box into equal places, however thick they are: those of double frames are."""
    lines = np.zeros_like(stroke)
    height, width = stroke.shape
    inked = stroke.sum(axis=0)
    for covered, fewest in ((_DOWN_COVERED, 1), (_LEANING_COVERED, _FEWEST_LEANING)):
        down = np.flatnonzero(inked >= covered * height)
        # What lies nearer together than a place is wide is one line, or a double one. The first and the last are sides.
        inner = np.split(down, np.flatnonzero(np.diff(down) >= _PLACE_WIDE * height) + 1)[1:-1]
        if len(inner) < fewest:
            continue
        first, last = (np.array([group[end] for group in inner]) for end in (0, -1))
        thick, count = last + 1 - first, len(inner) + 1
        off = np.abs((first + last) / 2.0 - (np.arange(1, count) / count) * (width - 1))
        if off.max() <= _PLACES_ASKEW * width / count and thick.max() <= _AS_THICK * thick.min():
            for start, end in zip(first.tolist(), last.tolist(), strict=True):
                lines[:, start : end + 1] = 1
            return lines
    return lines


def _thickness(stroke: Gray, band: int) -> int:
    """How thick a box's lines across are, in pixels, of what lies so near to its top or its foot."""
    return int(np.median(np.concatenate([stroke[:band].sum(axis=0), stroke[-band:].sum(axis=0)])))


def _has_sides(stroke: Gray) -> bool:
    """Whether ink runs along all sides."""
    band = _band(stroke)
    sides = (stroke[:band], stroke[-band:], stroke[:, :band].T, stroke[:, -band:].T)
    return bool(min(side.any(axis=0).mean() for side in sides) >= _SIDE_COVERED)


def _covers_middle(across: Gray) -> bool:
    """Whether lines across run through the middle, as in squared paper."""
    band = _band(across)
    middle = (across.shape[0] - band) // 2
    return bool(across[middle : middle + band].any(axis=0).mean() > _MIDDLE_COVERED)


def _band(field: Gray) -> int:
    """How far from a side what counts for that side may lie, in pixels."""
    return max(2, round(_BAND * field.shape[0]))


def without_dividers(mask: Gray, removed: Flags) -> Gray:
    """Takes off the lines between the places of digits that are left of boxes whose other sides are dashed or faint.

    They are alike, level, reach beyond the digits between them at both ends, and end where lines were taken off.

    Args:
        mask: uint8 array of shape (height, width), 1 where ink is.
        removed: bool of the same shape, where the lines were that have been taken off already.
    """
    if not removed.any():
        return mask
    labels, stats = label_components(mask)
    # In the order of OpenCV's CC_STAT constants. What is less high is neither a line nor a digit between lines.
    components = np.asarray(stats, dtype=np.int64)
    places = np.flatnonzero(components[:, cv2.CC_STAT_HEIGHT] >= _WRITTEN * _DIVIDER_HIGH)
    places = places[places > 0]
    places = places[np.argsort(components[places, cv2.CC_STAT_LEFT], kind="stable")]
    components = components[places]
    left, top, wide, high, areas = components.T
    is_straight = (
        (high >= _DIVIDER_HIGH) & (wide <= np.maximum(3, _DIVIDER_WIDE * high)) & (areas >= _DIVIDER_FILLED * high)
    )
    found = np.flatnonzero(is_straight)
    found = np.sort(found[np.argsort(-high[found], kind="stable")[:_MOST]])
    rest = mask
    while found.size >= _FEWEST_DIVIDERS:
        budget.check()
        i = found[0]
        aside = left[found] - left[i]
        askew = _DIVIDERS_LEVEL * high[i] + _DIVIDERS_TILT * aside
        alike = (np.abs(top[found] - top[i]) <= askew) & (np.abs(top[found] + high[found] - top[i] - high[i]) <= askew)
        row = found[alike]
        found = found[~alike]
        if _are_dividers(row, components, removed):
            rest = mask.copy() if rest is mask else rest
            for k in row.tolist():
                where = slice(top[k], top[k] + high[k]), slice(left[k], left[k] + wide[k])
                rest[where][labels[where] == places[k]] = 0
    return rest


def _are_dividers(row: Integers, components: Integers, removed: Flags) -> bool:
    """Whether strokes in a row part places of digits.

    Args:
        row: indices of the strokes, from left to right.
        components: of the page, from left to right, as OpenCV describes each.
        removed: where lines have been taken off.
    """
    left, top, wide, high, _ = components.T
    if row.size < _FEWEST_DIVIDERS:
        return False
    tall, first, last = float(np.median(high[row])), row[0], row[-1]
    if (np.diff(left[row]) < _DIVIDERS_APART * tall).any():
        return False
    # Only what lies between the first and the last can be written between them.
    start, end = np.searchsorted(left, (left[first], left[last]))
    between = np.setdiff1d(np.arange(start, end), row)
    middles = left[between] + wide[between] / 2.0
    upper = np.interp(middles, left[row], top[row])
    lower = np.interp(middles, left[row], top[row] + high[row])
    written = (high[between] >= _WRITTEN * tall) & (top[between] < lower) & (top[between] + high[between] > upper)
    inset = _INSET * tall
    inside = (top[between] >= upper + inset) & (top[between] + high[between] <= lower - inset)
    if written.sum() < 2 or inside[written].mean() < _MOST_WRITTEN:
        return False
    columns = np.arange(left[first], left[last])
    reach = max(2, round(_FRAME_NEAR * tall))
    ends = np.interp(columns, left[row], top[row]), np.interp(columns, left[row], top[row] + high[row])
    return all(_covered(removed, columns, end, reach) >= _FRAME_COVERED for end in ends)


def _covered(removed: Flags, columns: Integers, rows: Floats, reach: int) -> float:
    """The share of some columns in which a line was taken off within so many pixels of a row."""
    near = np.rint(rows).astype(np.int64)[:, np.newaxis] + np.arange(-reach, reach + 1)
    return float(removed[np.clip(near, 0, removed.shape[0] - 1), columns[:, np.newaxis]].any(axis=1).mean())
