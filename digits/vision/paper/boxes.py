"""The boxes of forms, off the page: one stands around each digit, or many share their sides."""

import cv2
import numpy as np

from digits import budget
from digits.arrays import Flags, Floats, Gray
from digits.vision.masks import LabeledMask, keep_long_runs, label_components
from digits.vision.paper.enclosing import Integers, holds_another, hollow_strokes
from digits.vision.quadrilateral import corners_of, upright_from
from digits.vision.reduction import quantile_of

# A box is at least so many pixels wide and high, and no more of its area is ink than this share.
_LEAST, _MOST_INK = 16, 0.55
# Of a box, so much of its height around it belongs to its lines.
_MARGIN = 0.03
# Within this share of its height from each of its sides, ink covers so much of the side; and lines across its middle
# cover no more than that.
_BAND, _SIDE_COVERED, _MIDDLE_COVERED = 0.12, 0.93, 0.75
# What is so much wider than high is no digit. A box that is not is one if it holds something at least so high, or if it
# is as high, up to a factor, as one that does.
_WIDE, _HOLDS, _AS_HIGH = 1.5, 0.2, 1.3
# What lies along its lines and is so thin beside them is what is left of them.
_SLIVER = 0.45
# Along so much of its lines there is only the line.
_ONLY_LINE = 0.4
# Its lines go straight over this share of its height, if they may be a little askew: this much of it.
_STRAIGHT, _ASKEW = 0.75, 0.02
# So many boxes that are as wide and high as one another up to a factor, and level up to a share of their height, are
# some if writing that touches their lines goes on inside of them.
_FEWEST_ALIKE, _ALIKE, _LEVEL = 3, 1.15, 0.25
# Inside a box, lines down from its top to its foot have ink over so much of it. They part it into equal places, up to
# a share of one, and are as thick as one another up to a factor; a place is wider than that share of the height.
# If it is not wide, it holds one digit, and lines in it are strokes of that.
_DOWN_COVERED, _PLACES_ASKEW, _AS_THICK, _PLACE_WIDE = 0.95, 0.12, 2.0, 0.3
# Lines that are drawn by hand lean, and have ink over so much of it; there are at least so many of them.
_LEANING_COVERED, _FEWEST_LEANING = 0.9, 2
_LEANS = tuple(sorted((0.02 * k for k in range(-12, 13)), key=abs))


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


def _lines_of_box(stroke: Gray) -> Flags | None:
    """Where a stroke's lines are, if it is a box: if it runs along all sides of it and leaves the middle free."""
    height, width = stroke.shape
    if (corners := corners_of(stroke)) is None:
        return None
    wide, high = _size_of(corners)
    if min(wide, high) < _LEAST:
        return None
    margin = round(_MARGIN * high) + 1
    view = upright_from(corners, wide, high, margin)
    size = wide + 2 * margin, high + 2 * margin
    upright = np.asarray(cv2.warpPerspective(stroke, view, size, flags=cv2.INTER_NEAREST), dtype=np.uint8)
    inner = np.ascontiguousarray(upright[margin:-margin, margin:-margin])
    # Most strokes are no boxes, and lines take longer to find than sides.
    if not _has_sides(inner):
        return None
    across, upwards = _straight(inner)
    if _covers_middle(across):
        return None
    dividers, are_all = _dividers(inner)
    upwards = _from_line_to_line(inner, upwards, are_all)
    # A stroke across may be as long as the box is wide; the box's own lines lie at its top and at its foot.
    band = _band(inner)
    across[band:-band] = 0
    # Lines that are drawn by hand bend outwards, too.
    around = np.pad(np.maximum(across, upwards), margin, mode="edge") & ~_strokes(upright)
    lines = around | np.pad(dividers, margin, mode="edge")
    lines |= _slivers(upright & ~lines, lines, _thickness(inner, band))
    back = cv2.warpPerspective(lines, view, (width, height), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    return np.asarray(cv2.dilate(back, np.ones((3, 3), np.uint8)) > 0)


def _slivers(rest: Gray, lines: Gray, thick: int) -> Gray:
    """What is left along lines that bend, much thinner than they are: it is theirs.

    Args:
        rest: uint8 of shape (height, width), 1 where the box's stroke is beside its lines.
        lines: of the same shape, 1 where they are.
        thick: how thick they are, in pixels.
    """
    labels, stats = label_components(rest)
    beside = np.bincount(labels[cv2.dilate(lines, np.ones((3, 3), np.uint8)) > 0], minlength=len(stats)) > 0
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    thin = beside & (stats[:, cv2.CC_STAT_AREA] <= _SLIVER * thick * long)
    thin[0] = False
    return np.asarray(thin[labels]).view(np.uint8)


def _size_of(corners: Floats) -> tuple[int, int]:
    """How wide and high a box is, in pixels, as a mean of opposite sides."""
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    return round(float(lengths[::2].mean())), round(float(lengths[1::2].mean()))


def _straight(stroke: Gray) -> tuple[Gray, Gray]:
    """The long straight lines across, and those down."""
    height, width = stroke.shape
    askew = 2 * max(1, round(_ASKEW * height)) + 1
    wider, higher = (
        np.asarray(cv2.dilate(stroke, np.ones(kernel, np.uint8)), np.uint8) for kernel in ((1, askew), (askew, 1))
    )
    across, down = round(_STRAIGHT * min(height, width)), round(_STRAIGHT * height)
    return keep_long_runs(higher, across, 1), keep_long_runs(wider, 1, down)


def _from_line_to_line(stroke: Gray, upwards: Gray, only_sides: bool) -> Gray:
    """The lines down that are a box's sides, or meet its lines at the top and at the foot: a 1 may touch one of them.

    Args:
        stroke: the box.
        upwards: its long straight lines down, of the same shape.
        only_sides: whether all others are writing.
    """
    labels, stats = label_components(upwards)
    met = np.zeros(len(stats), np.bool_)
    (height, width), band = stroke.shape, _band(stroke)
    near = _thickness(stroke, band) + 1
    for i, (left, top, wide, high, _) in enumerate(stats.tolist()):
        columns = stroke[:, left : left + wide]
        above = top - int(columns.argmax(axis=0).min())
        below = height - int(columns[::-1].argmax(axis=0).min()) - top - high
        met[i] = left < band or left + wide > width - band or (not only_sides and max(above, below) <= near)
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


def _dividers(stroke: Gray) -> tuple[Gray, bool]:
    """The lines down that part a box into equal places, however thick they are: those of double frames are.

    A line may lean, as those that are drawn by hand.

    Returns:
        Where they are; and whether there are no others, since each place is as wide as one digit.
    """
    lines = np.zeros_like(stroke)
    height, width = stroke.shape
    budget.spend(len(_LEANS) * stroke.size)
    sheared = [_sheared(stroke, lean) for lean in _LEANS]
    inked = np.array([field.sum(axis=0) for field in sheared])
    for covered, fewest in ((_DOWN_COVERED, 1), (_LEANING_COVERED, _FEWEST_LEANING)):
        is_down = inked >= covered * height
        down = np.flatnonzero(is_down.any(axis=0))
        # What lies nearer together than a place is wide is one line, or a double one. The first and the last are sides.
        inner = np.split(down, np.flatnonzero(np.diff(down) >= _PLACE_WIDE * height) + 1)[1:-1]
        parting = _equal_places(inner, width)
        if len(parting) < fewest:
            continue
        # The two lines between boxes that stand side by side lean each in its own way.
        for group in [line for double in parting for line in _runs(double)]:
            lean = int(is_down[:, group].sum(axis=1).argmax())
            columns = group[is_down[lean, group]]
            line = np.zeros_like(stroke)
            line[:, columns[0] : columns[-1] + 1] = 1
            lines |= _sheared(line, -_LEANS[lean])
        return lines, width <= _WIDE * height * (len(parting) + 1)
    return lines, width <= _WIDE * height


def _sheared(field: Gray, lean: float) -> Gray:
    """Shifts the rows of a field so that what leans so many pixels to the left for each row stands upright."""
    shear = np.array([[1.0, -lean, lean * field.shape[0] / 2.0], [0.0, 1.0, 0.0]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(field, shear, field.shape[::-1], flags=flags), dtype=np.uint8)


def _equal_places(found: list[Integers], width: int) -> list[Integers]:
    """Those lines down, by the columns of each, that part a width into equal places: as many as may be.

    None of them are left out if they are fewer than three.
    """
    for count in range(len(found) + 1, 1, -1):
        if count <= min(_FEWEST_LEANING, len(found)):
            break
        places = ((np.arange(1, count) / count) * (width - 1)).tolist()
        lines = [_nearest(found, place) for place in places]
        # Beside what is much thicker than another, or has pieces that are, there is a 1 or the side of a 0.
        most = _AS_THICK * min(np.ptp(line) + 1 for line in lines)
        lines = [
            line if np.ptp(line) < most and _are_alike(_runs(line)) else _nearest(_runs(line), place)
            for line, place in zip(lines, places, strict=True)
        ]
        off = max(abs(_middle(line) - place) for line, place in zip(lines, places, strict=True))
        if off <= _PLACES_ASKEW * width / count and all(np.ptp(line) < most for line in lines):
            return lines
    return []


def _runs(columns: Integers) -> list[Integers]:
    """Columns, in pieces that have no gap."""
    return np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)


def _are_alike(lines: list[Integers]) -> bool:
    """Whether lines down, by the columns of each, are as thick as one another."""
    thick = [line.size for line in lines]
    return max(thick) <= _AS_THICK * min(thick)


def _middle(columns: Integers) -> float:
    """Halfway between the first and the last of some columns."""
    return float(columns[0] + columns[-1]) / 2.0


def _nearest(lines: list[Integers], place: float) -> Integers:
    """Of lines down, by the columns of each, the one whose middle is nearest to a place."""
    return min(lines, key=lambda line: abs(_middle(line) - place))


def _thickness(stroke: Gray, band: int) -> int:
    """How thick a box's lines across are, in pixels, of what lies so near to its top or its foot."""
    inked = np.concatenate([stroke[:band].sum(axis=0), stroke[-band:].sum(axis=0)])
    # What is written may touch them over half of their length.
    return int(quantile_of(inked, _ONLY_LINE))


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
