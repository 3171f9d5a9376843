"""Strokes of a pen, as apps and ink SDKs send them, drawn as a picture."""

import itertools
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from digits.errors import InkError

Point: TypeAlias = tuple[float, float]

MAX_STROKES, MAX_POINTS = 2_000, 20_000
# Coordinates beyond this are a mistake.
_FARTHEST = 1e9

# A stroke of usual size is drawn so large, in pixels, by a pen of this width.
_STROKE_SIDE, _PEN = 120.0, 12
_MARGIN = 40
_LONGEST_SIDE = 1500.0
# OpenCV takes points in sixteenths of a pixel.
_SHIFT = 4

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_COLUMNS_LEAST, _COLUMNS_MOST = 2, 4
# A point has x, y, and perhaps a time, a pressure and two angles.
_NUMBERS_MOST = 6

# So much of a value is quoted in an error.
_MOST_CHARACTERS, _MOST_MEMBERS = 60, 5

FORMS = (
    'a list of strokes, each a list of points {"x": 1, "y": 2} or [1, 2], an object {"points": [...]} with such '
    'points, or an object {"x": [...], "y": [...]}'
)


def read_strokes(value: Any, *, columns: bool = False) -> list[list[Point]]:
    """Reads strokes in one of the usual forms.

    Args:
        value: JSON types. A stroke is a list of points, each an object with x and y or a list that begins with them; an
            object with the list `points`, or with the text `points` in which x and y of each follow one another; or an
            object with the lists x and y. Times, pressure and other members are passed over.
        columns: whether a stroke that is a list of two to four lists holds all x, then all y, as in Quick, Draw!, if
            no stroke tells: one of many short lists has points, and one of few long lists has columns.

    Returns:
        The points (x, y) of each stroke, y downwards, in the order of the pen. Strokes without points are left out.

    Raises:
        InkError: it has another form, or too many strokes or points.
    """
    if not isinstance(value, list):
        raise InkError(f"The strokes are {_kind(value)}. Send {FORMS}.")
    if len(value) > MAX_STROKES:
        raise InkError(f"There are {len(value):,} strokes, more than the {MAX_STROKES:,} allowed. Send fewer.")
    columns = _has_columns(value, columns)
    strokes, count = [], 0
    for number, stroke in enumerate(value, start=1):
        points = _read_stroke(stroke, number, columns)
        count += len(points)
        if count > MAX_POINTS:
            raise InkError(f"The strokes have more than the {MAX_POINTS:,} points allowed. Send every second one.")
        if points:
            strokes.append(points)
    return strokes


def _read_stroke(stroke: Any, number: int, columns: bool) -> list[Point]:
    points = stroke
    if isinstance(stroke, dict):
        if "points" in stroke:
            points = stroke["points"]
            if isinstance(points, str):
                texts = itertools.islice(_NUMBER.finditer(points), 2 * MAX_POINTS + 2)
                values = [float(text[0]) for text in texts]
                points = list(zip(values[::2], values[1::2], strict=False))
        elif isinstance(stroke.get("x"), list) and isinstance(stroke.get("y"), list):
            points = _zipped(stroke["x"], stroke["y"], number)
    elif columns and _are_columns(stroke):
        points = _zipped(stroke[0], stroke[1], number)
    if not isinstance(points, list):
        raise InkError(f"Stroke {number} is {_kind(stroke)}. Send {FORMS}.")
    return [_read_point(point, place, number) for place, point in enumerate(points[: MAX_POINTS + 1], start=1)]


def _has_columns(strokes: list[Any], usual: bool) -> bool:
    """Returns whether strokes that are lists of lists hold columns; `usual` if they could hold either."""
    lists = [
        stroke for stroke in strokes if isinstance(stroke, list) and all(isinstance(item, list) for item in stroke)
    ]
    if any(len(stroke) > _COLUMNS_MOST for stroke in lists):
        return False
    return usual or any(_are_columns(stroke) and len(stroke[0]) > _NUMBERS_MOST for stroke in lists)


def _are_columns(stroke: Any) -> bool:
    return (
        isinstance(stroke, list)
        and _COLUMNS_LEAST <= len(stroke) <= _COLUMNS_MOST
        and all(isinstance(column, list) for column in stroke)
    )


def _zipped(xs: list[Any], ys: list[Any], number: int) -> list[tuple[Any, Any]]:
    if len(xs) != len(ys):
        raise InkError(f"Stroke {number} has {len(xs):,} values of x and {len(ys):,} of y; as many of each are needed.")
    return list(zip(xs, ys, strict=True))


def _read_point(point: Any, place: int, number: int) -> Point:
    pair: list[Any]
    if isinstance(point, dict):
        # Some SDKs write X and Y.
        pair = [point.get(name, point.get(name.upper())) for name in ("x", "y")]
    else:
        pair = list(point[:2]) if isinstance(point, list | tuple) else []
    if len(pair) != 2 or not all(isinstance(item, int | float) and not isinstance(item, bool) for item in pair):
        how = "" if len(pair) == 2 and None not in pair else f" Send {FORMS}."
        raise InkError(f"Point {place:,} of stroke {number:,} is {_quoted(point)}; x and y must be numbers.{how}")
    x, y = pair
    if not all(abs(item) <= _FARTHEST for item in pair):
        raise InkError(f"Point {place:,} of stroke {number:,} is too far away; numbers up to 1e9 are needed.")
    return float(x), float(y)


# Strokes of no larger extent are dots, whatever the unit.
_DOT = 1e-9


@dataclass(frozen=True)
class Frame:
    """Where a picture of strokes lies among their coordinates.

    Args:
        left: x of the picture's left edge, in the unit of the strokes.
        top: y of its top edge.
        scale: pixels for each unit.
    """

    left: float
    top: float
    scale: float

    def box_of(self, box: Sequence[int]) -> list[float]:
        """Returns a box (x, y, width, height) of the picture in the unit of the strokes, to a tenth of a pixel."""
        x, y, width, height = box
        decimals = math.ceil(math.log10(self.scale)) + 1
        values = (self.left + x / self.scale, self.top + y / self.scale, width / self.scale, height / self.scale)
        return [round(value, decimals) for value in values]


def draw_strokes(strokes: Sequence[Sequence[Point]]) -> tuple[npt.NDArray[np.uint8], Frame]:
    """Draws strokes in black on white, large enough to be read, whatever the unit of their coordinates is.

    Args:
        strokes: at least one, each with at least one point.

    Returns:
        uint8 of shape (height, width), no side longer than 1,580 pixels; and where it lies.
    """
    arrays = [np.array(stroke, np.float64) for stroke in strokes]
    every_point = np.concatenate(arrays)
    lowest = every_point.min(axis=0)
    spread = every_point.max(axis=0) - lowest
    # Points and commas are small strokes: the larger ones tell how large digits are.
    usual = float(np.quantile([np.ptp(array, axis=0).max() for array in arrays], 0.75)) or float(spread.max())
    # What is smaller than any pen moves is a dot; its scale would not be finite.
    scale = _STROKE_SIDE / usual if usual > _DOT else 1.0
    pen = _PEN
    if (longest := float(spread.max()) * scale) > _LONGEST_SIDE:
        scale *= _LONGEST_SIDE / longest
        pen = max(2, round(_PEN * _LONGEST_SIDE / longest))
    width, height = (math.ceil(side) + 2 * _MARGIN for side in spread * scale)
    picture = np.full((height, width), 255, np.uint8)
    for array in arrays:
        pixels = np.rint(((array - lowest) * scale + _MARGIN) * 2**_SHIFT).astype(np.int32)
        if len(pixels) == 1 or not np.ptp(pixels, axis=0).any():
            center = (int(pixels[0, 0]), int(pixels[0, 1]))
            cv2.circle(picture, center, (pen * 2**_SHIFT) // 2, 0, cv2.FILLED, cv2.LINE_AA, _SHIFT)
        else:
            cv2.polylines(picture, [pixels], False, 0, pen, cv2.LINE_AA, _SHIFT)
    left, top = (float(value) for value in lowest - _MARGIN / scale)
    return picture, Frame(left, top, scale)


def _quoted(value: Any) -> str:
    """Returns a JSON value as a sentence has it: in ASCII, without control characters, and cut where it is long."""
    # No more is written than is shown, however large the value is.
    return _cut("".join(itertools.islice(_pieces(value), _MOST_CHARACTERS + 1)))


def _cut(text: str, most: int = _MOST_CHARACTERS) -> str:
    """Returns a text, or its beginning and "..." if it has more than so many characters."""
    return text if len(text) <= most else f"{text[:most]}..."


def _pieces(value: Any) -> Iterator[str]:
    """Yields the pieces of a value's JSON, none of them empty, one after the other; of a text no more than is shown."""
    if isinstance(value, dict):
        yield "{"
        for number, (key, item) in enumerate(value.items()):
            if number:
                yield ", "
            yield from _pieces(key)
            yield ": "
            yield from _pieces(item)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for number, item in enumerate(value):
            if number:
                yield ", "
            yield from _pieces(item)
        yield "]"
    else:
        # A text that is cut here is longer than what is shown of it.
        yield json.dumps(value[: _MOST_CHARACTERS + 1] if isinstance(value, str) else value)


def _kind(value: Any) -> str:
    """Returns what a JSON value is, in words."""
    if isinstance(value, dict):
        members = [_cut(repr(name[: _MOST_CHARACTERS + 1])) for name in itertools.islice(value, _MOST_MEMBERS)]
        others = " and others" if len(value) > _MOST_MEMBERS else ""
        return _cut(f"an object with {', '.join(members) or 'nothing'}{others}", 2 * _MOST_CHARACTERS)
    names = {list: "a list", tuple: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
