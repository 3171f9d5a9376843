"""Drawings of things, as people scribble them: faces, hearts, houses and the like. None could pass for a digit.

A hollow square, a ring with a tail or an hourglass is not among them: they look like a 0, a 9 or an 8.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from digits.synthetic.strokes import Canvas, curve_through

# The points (x, y) of a stroke in a box one wide and one high, y pointing down, and whether a curve runs through them.
_Stroke = tuple[npt.NDArray[np.float64], bool]


def _lines(*points: tuple[float, float]) -> _Stroke:
    """Straight lines from point to point."""
    return np.array(points), False


def _curve(*points: tuple[float, float]) -> _Stroke:
    """A smooth curve through points."""
    return np.array(points), True


def _arc(
    x: float, y: float, radius: float, start: float = 0.0, end: float = 360.0, *, height: float | None = None
) -> _Stroke:
    """An arc around a middle, between two angles in degrees that grow clockwise from the right."""
    angles = np.deg2rad(np.linspace(start, end, 12))
    return np.c_[x + radius * np.cos(angles), y + (height or radius) * np.sin(angles)], True


def _star(points: int, inner: float, turn: float = -90.0) -> _Stroke:
    """A closed star with so many points; `inner` is the radius of its notches as a share of its own."""
    angles = np.deg2rad(turn + np.linspace(0.0, 360.0, 2 * points + 1))
    radii = 0.5 * np.where(np.arange(2 * points + 1) % 2, inner, 1.0)
    return np.c_[0.5 + radii * np.cos(angles), 0.5 + radii * np.sin(angles)], False


def _rays(count: int, near: float, far: float) -> tuple[_Stroke, ...]:
    """Short lines around the middle, between two distances from it."""
    angles = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    ends = [(np.cos(angle), np.sin(angle)) for angle in angles]
    return tuple(_lines((0.5 + near * x, 0.5 + near * y), (0.5 + far * x, 0.5 + far * y)) for x, y in ends)


_EYES = (_arc(0.34, 0.38, 0.035), _arc(0.66, 0.38, 0.035))
# The outline comes first: it is filled in some drawings.
ICONS: Mapping[str, tuple[_Stroke, ...]] = {
    "smiley": (_arc(0.5, 0.5, 0.5), *_EYES, _arc(0.5, 0.52, 0.28, 20.0, 160.0)),
    "frown": (_arc(0.5, 0.5, 0.5), *_EYES, _arc(0.5, 0.85, 0.25, 210.0, 330.0)),
    "cat": (
        _lines((0.1, 0.5), (0.12, 0.0), (0.38, 0.22), (0.62, 0.22), (0.88, 0.0), (0.9, 0.5), (0.5, 1.0), (0.1, 0.5)),
        *_EYES,
        _lines((0.0, 0.62), (0.3, 0.66)),
        _lines((1.0, 0.62), (0.7, 0.66)),
    ),
    "heart": (
        _lines(
            *((0.5, 0.28), (0.4, 0.08), (0.2, 0.03), (0.04, 0.2), (0.08, 0.5), (0.3, 0.78), (0.5, 1.0)),
            *((0.7, 0.78), (0.92, 0.5), (0.96, 0.2), (0.8, 0.03), (0.6, 0.08), (0.5, 0.28)),
        ),
    ),
    "bolt": (
        _lines((0.6, 0.0), (0.15, 0.55), (0.45, 0.55), (0.3, 1.0), (0.85, 0.38), (0.52, 0.38), (0.75, 0.0), (0.6, 0.0)),
    ),
    "star": (_star(5, 0.4),),
    "drawn star": (_lines((0.2, 1.0), (0.5, 0.0), (0.8, 1.0), (0.0, 0.38), (1.0, 0.38), (0.2, 1.0)),),
    "sparkle": (_star(4, 0.3),),
    "burst": (_star(9, 0.65),),
    "asterisk": _rays(6, 0.0, 0.5),
    "sun": (_arc(0.5, 0.5, 0.26), *_rays(8, 0.34, 0.5)),
    "crescent": (
        _curve(
            (0.7, 0.0), (0.3, 0.1), (0.1, 0.5), (0.3, 0.9), (0.7, 1.0), (0.5, 0.75), (0.42, 0.5), (0.5, 0.2), (0.7, 0.0)
        ),
    ),
    "cloud": (
        _curve(
            (0.2, 0.8),
            (0.0, 0.6),
            (0.2, 0.42),
            (0.35, 0.2),
            (0.65, 0.22),
            (0.75, 0.42),
            (1.0, 0.58),
            (0.8, 0.8),
            (0.2, 0.8),
        ),
    ),
    "flower": (
        *(
            _arc(0.5 + 0.3 * x, 0.5 + 0.3 * y, 0.18)
            for x, y in ((1, 0), (0.3, 0.95), (-0.8, 0.6), (-0.8, -0.6), (0.3, -0.95))
        ),
        _arc(0.5, 0.5, 0.12),
    ),
    "tree": (
        _lines((0.5, 0.0), (0.15, 0.4), (0.35, 0.4), (0.05, 0.8), (0.95, 0.8), (0.65, 0.4), (0.85, 0.4), (0.5, 0.0)),
        _lines((0.42, 0.8), (0.42, 1.0), (0.58, 1.0), (0.58, 0.8)),
    ),
    "mushroom": (
        _curve((0.0, 0.5), (0.1, 0.15), (0.5, 0.0), (0.9, 0.15), (1.0, 0.5), (0.5, 0.48), (0.0, 0.5)),
        _lines((0.38, 0.5), (0.35, 1.0), (0.65, 1.0), (0.62, 0.5)),
    ),
    "mountain": (_lines((0.0, 0.9), (0.35, 0.2), (0.55, 0.6), (0.7, 0.35), (1.0, 0.9), (0.0, 0.9)),),
    "zigzag": (_lines((0.0, 0.7), (0.2, 0.3), (0.4, 0.7), (0.6, 0.3), (0.8, 0.7), (1.0, 0.3)),),
    "house": (
        _lines((0.1, 0.45), (0.5, 0.0), (0.9, 0.45), (0.9, 1.0), (0.1, 1.0), (0.1, 0.45)),
        _lines((0.42, 1.0), (0.42, 0.65), (0.6, 0.65), (0.6, 1.0)),
        _lines((0.1, 0.45), (0.9, 0.45)),
    ),
    "arrow right": (_lines((0.0, 0.5), (1.0, 0.5)), _lines((0.65, 0.2), (1.0, 0.5), (0.65, 0.8))),
    "arrow up": (_lines((0.5, 1.0), (0.5, 0.0)), _lines((0.2, 0.35), (0.5, 0.0), (0.8, 0.35))),
    "thick arrow": (
        _lines((0.0, 0.35), (0.55, 0.35), (0.55, 0.1), (1.0, 0.5), (0.55, 0.9), (0.55, 0.65), (0.0, 0.65), (0.0, 0.35)),
    ),
    "triangle": (_lines((0.5, 0.05), (1.0, 0.95), (0.0, 0.95), (0.5, 0.05)),),
    "play": (_lines((0.1, 0.0), (0.95, 0.5), (0.1, 1.0), (0.1, 0.0)),),
    "lozenge": (_lines((0.5, 0.0), (0.95, 0.5), (0.5, 1.0), (0.05, 0.5), (0.5, 0.0)), _lines((0.05, 0.5), (0.95, 0.5))),
    "crossed square": (
        _lines((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),
        _lines((0.0, 0.0), (1.0, 1.0)),
        _lines((0.0, 1.0), (1.0, 0.0)),
    ),
    "window": (
        _lines((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)),
        _lines((0.5, 0.0), (0.5, 1.0)),
        _lines((0.0, 0.5), (1.0, 0.5)),
    ),
    "cube": (
        _lines((0.0, 0.3), (0.7, 0.3), (0.7, 1.0), (0.0, 1.0), (0.0, 0.3)),
        _lines((0.0, 0.3), (0.3, 0.0), (1.0, 0.0), (1.0, 0.7), (0.7, 1.0)),
        _lines((0.7, 0.3), (1.0, 0.0)),
    ),
    "rings": (_arc(0.5, 0.5, 0.5), _arc(0.5, 0.5, 0.3), _arc(0.5, 0.5, 0.1)),
    "spiral": (
        _curve(
            *(
                (0.5 + 0.038 * i * np.cos(0.7 * i) * 0.72, 0.5 + 0.038 * i * np.sin(0.7 * i) * 0.72)
                for i in range(2, 25)
            )
        ),
    ),
    "peace": (
        _arc(0.5, 0.5, 0.5),
        _lines((0.5, 0.0), (0.5, 1.0)),
        _lines((0.5, 0.5), (0.15, 0.85)),
        _lines((0.5, 0.5), (0.85, 0.85)),
    ),
    "clock": (_arc(0.5, 0.5, 0.5), _lines((0.5, 0.2), (0.5, 0.5), (0.75, 0.6))),
    "check": (_lines((0.0, 0.55), (0.35, 0.95), (1.0, 0.05)),),
    "envelope": (
        _lines((0.0, 0.2), (1.0, 0.2), (1.0, 0.85), (0.0, 0.85), (0.0, 0.2)),
        _lines((0.0, 0.2), (0.5, 0.6), (1.0, 0.2)),
    ),
    "flag": (
        _lines((0.1, 1.0), (0.1, 0.0)),
        _curve(
            (0.1, 0.02),
            (0.4, 0.1),
            (0.6, 0.0),
            (0.95, 0.08),
            (0.95, 0.08),
            (0.95, 0.5),
            (0.95, 0.5),
            (0.6, 0.42),
            (0.4, 0.52),
            (0.1, 0.45),
        ),
    ),
    "umbrella": (
        _curve((0.0, 0.5), (0.15, 0.12), (0.5, 0.0), (0.85, 0.12), (1.0, 0.5), (1.0, 0.5), (0.5, 0.42), (0.0, 0.5)),
        _curve((0.5, 0.42), (0.5, 0.85), (0.42, 1.0), (0.3, 0.9)),
    ),
    "anchor": (
        _arc(0.5, 0.1, 0.1),
        _lines((0.5, 0.2), (0.5, 1.0)),
        _lines((0.3, 0.35), (0.7, 0.35)),
        _curve((0.05, 0.65), (0.2, 0.93), (0.5, 1.0), (0.8, 0.93), (0.95, 0.65)),
    ),
    "bell": (
        _curve(
            (0.05, 0.8),
            (0.05, 0.8),
            (0.22, 0.6),
            (0.25, 0.2),
            (0.5, 0.0),
            (0.75, 0.2),
            (0.78, 0.6),
            (0.95, 0.8),
            (0.95, 0.8),
            (0.05, 0.8),
        ),
        _arc(0.5, 0.88, 0.1, 0.0, 180.0),
    ),
    "cup": (
        _lines((0.1, 0.2), (0.2, 0.95), (0.6, 0.95), (0.7, 0.2), (0.1, 0.2)),
        _curve((0.7, 0.35), (0.98, 0.4), (0.9, 0.7), (0.64, 0.7)),
    ),
    "lock": (
        _lines((0.1, 0.45), (0.9, 0.45), (0.9, 1.0), (0.1, 1.0), (0.1, 0.45)),
        _arc(0.5, 0.45, 0.28, 180.0, 360.0, height=0.42),
    ),
    "fish": (
        _curve(
            (1.0, 0.5),
            (0.7, 0.22),
            (0.35, 0.35),
            (0.0, 0.8),
            (0.0, 0.8),
            (0.05, 0.5),
            (0.0, 0.2),
            (0.0, 0.2),
            (0.35, 0.65),
            (0.7, 0.78),
            (1.0, 0.5),
        ),
        _arc(0.78, 0.45, 0.03),
    ),
    "boat": (
        _lines((0.0, 0.65), (1.0, 0.65), (0.8, 0.95), (0.2, 0.95), (0.0, 0.65)),
        _lines((0.5, 0.65), (0.5, 0.0), (0.9, 0.55), (0.5, 0.55)),
    ),
    "car": (
        _lines(
            (0.0, 0.75),
            (0.0, 0.5),
            (0.2, 0.45),
            (0.35, 0.2),
            (0.7, 0.2),
            (0.85, 0.45),
            (1.0, 0.52),
            (1.0, 0.75),
            (0.0, 0.75),
        ),
        _arc(0.25, 0.78, 0.1),
        _arc(0.75, 0.78, 0.1),
    ),
    "person": (
        _arc(0.5, 0.14, 0.14),
        _lines((0.5, 0.28), (0.5, 0.65)),
        _lines((0.2, 0.42), (0.8, 0.42)),
        _lines((0.25, 1.0), (0.5, 0.65), (0.75, 1.0)),
    ),
    "hand": (
        _lines(
            *((0.25, 1.0), (0.2, 0.65), (0.0, 0.4), (0.1, 0.35), (0.25, 0.5), (0.25, 0.1), (0.36, 0.1), (0.38, 0.42)),
            *(
                (0.45, 0.0),
                (0.55, 0.0),
                (0.55, 0.42),
                (0.68, 0.06),
                (0.77, 0.1),
                (0.7, 0.45),
                (0.9, 0.22),
                (0.97, 0.28),
            ),
            *((0.78, 0.65), (0.72, 1.0), (0.25, 1.0)),
        ),
    ),
    "eye": (
        _curve((0.0, 0.5), (0.0, 0.5), (0.5, 0.2), (1.0, 0.5), (1.0, 0.5), (0.5, 0.8), (0.0, 0.5)),
        _arc(0.5, 0.5, 0.14),
    ),
    "glasses": (_arc(0.24, 0.5, 0.22), _arc(0.76, 0.5, 0.22), _arc(0.5, 0.5, 0.08, 180.0, 360.0)),
    "crown": (
        _lines((0.0, 0.9), (0.0, 0.2), (0.28, 0.55), (0.5, 0.1), (0.72, 0.55), (1.0, 0.2), (1.0, 0.9), (0.0, 0.9)),
    ),
    "ghost": (
        _curve(
            (0.05, 1.0),
            (0.05, 1.0),
            (0.08, 0.4),
            (0.5, 0.0),
            (0.92, 0.4),
            (0.95, 1.0),
            (0.95, 1.0),
            (0.72, 0.85),
            (0.5, 1.0),
            (0.28, 0.85),
            (0.05, 1.0),
        ),
        *_EYES,
    ),
    "apple": (
        _curve(
            (0.5, 0.28),
            (0.2, 0.2),
            (0.02, 0.5),
            (0.25, 0.98),
            (0.5, 0.92),
            (0.75, 0.98),
            (0.98, 0.5),
            (0.8, 0.2),
            (0.5, 0.28),
        ),
        _curve((0.5, 0.28), (0.52, 0.1), (0.65, 0.0)),
    ),
    "notes": (
        _lines((0.25, 0.85), (0.25, 0.1), (0.9, 0.0), (0.9, 0.75)),
        _arc(0.13, 0.87, 0.12, height=0.09),
        _arc(0.78, 0.77, 0.12, height=0.09),
    ),
    "butterfly": (
        _curve((0.5, 0.45), (0.2, 0.05), (0.0, 0.3), (0.5, 0.5), (0.1, 0.65), (0.25, 0.95), (0.5, 0.55)),
        _curve((0.5, 0.45), (0.8, 0.05), (1.0, 0.3), (0.5, 0.5), (0.9, 0.65), (0.75, 0.95), (0.5, 0.55)),
        _lines((0.5, 0.3), (0.5, 0.75)),
    ),
    "grid": (
        *(_lines((0.0, y), (1.0, y)) for y in (0.2, 0.5, 0.8)),
        *(_lines((x, 0.0), (x, 1.0)) for x in (0.2, 0.5, 0.8)),
    ),
    "dots": tuple(_arc(x, y, 0.06) for x in (0.15, 0.5, 0.85) for y in (0.25, 0.75)),
}
# Of the drawings whose outline is closed, so many have it filled.
_FILLED = 0.35


def draw_icon(side: int, rng: np.random.Generator, names: tuple[str, ...] = tuple(ICONS)) -> Canvas:
    """Draws a thing.

    Args:
        side: of the canvas, in pixels.
        rng: decides which thing, and everything about it.
        names: the keys of `ICONS` to choose from.

    Returns:
        uint8 of shape (side, side), white ink on black, the drawing somewhere in the middle.
    """
    strokes = ICONS[names[int(rng.integers(len(names)))]]
    angle = np.deg2rad(rng.uniform(-14.0, 14.0))
    slant, stretch = rng.uniform(-0.15, 0.2), np.exp(rng.uniform(-0.3, 0.3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    change = turn @ np.array([[1.0, -slant], [0.0, 1.0]]) @ np.diag([stretch**0.5, stretch**-0.5])
    pen, size = max(1, round(side * rng.uniform(0.02, 0.09))), side * rng.uniform(0.52, 0.64)
    is_filled = rng.random() < _FILLED and (strokes[0][0][0] == strokes[0][0][-1]).all()
    shake = rng.uniform(0.0, 0.03)
    canvas = np.zeros((side, side), np.uint8)
    for i, (points, is_smooth) in enumerate(strokes):
        moved = points + rng.normal(0.0, shake, points.shape)
        # What was closed stays closed.
        if (points[0] == points[-1]).all():
            moved[-1] = moved[0]
        placed = (moved - 0.5) @ change.T * size + side / 2.0
        # OpenCV takes coordinates in eighths of a pixel.
        path = [np.rint((curve_through(placed) if is_smooth else placed) * 8.0).astype(np.int32)]
        if is_filled and i == 0:
            cv2.fillPoly(canvas, path, 255, cv2.LINE_AA, 3)
        # What lies on a filled outline is left out of it.
        cv2.polylines(canvas, path, False, 0 if is_filled and i else 255, pen, cv2.LINE_AA, 3)
    return canvas
