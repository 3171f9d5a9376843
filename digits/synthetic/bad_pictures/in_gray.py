"""Ways to spoil the ink of a digit in gray.

Each takes ink as float32 of shape (side, side), 0..1, and a source of randomness, and returns a spoilt picture, which
may be of another size.
"""

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE

Field = npt.NDArray[np.float32]


def ramp(side: int, rng: np.random.Generator) -> Field:
    """A plane from 0 to 1 in any direction."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    places = np.linspace(-0.5, 0.5, side)
    plane = np.cos(angle) * places[None, :] + np.sin(angle) * places[:, None]
    return np.asarray((plane - plane.min()) / (plane.max() - plane.min()), dtype=np.float32)


def _clouds(side: int, rng: np.random.Generator) -> Field:
    coarse = rng.random((int(rng.integers(2, 6)),) * 2).astype(np.float32)
    return np.clip(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), 0.0, 1.0).astype(np.float32)


def shadow(ink: Field, rng: np.random.Generator) -> Field:
    """A shadow with one edge, hard or soft."""
    edge = 1.0 / (1.0 + np.exp(-(ramp(len(ink), rng) - rng.uniform(0.3, 0.7)) * rng.uniform(4.0, 25.0)))
    return np.asarray(ink * rng.uniform(0.5, 0.8) + edge * rng.uniform(0.2, 0.45), dtype=np.float32)


def gradient(ink: Field, rng: np.random.Generator) -> Field:
    """Light that falls off to one side."""
    return ink * np.float32(0.6) + ramp(len(ink), rng) * np.float32(rng.uniform(0.2, 0.45))


def fog(ink: Field, rng: np.random.Generator) -> Field:
    """Clouds of gray."""
    clouds = _clouds(len(ink), rng) + np.float32(0.4) * _clouds(len(ink), rng)
    return np.asarray(ink * rng.uniform(0.3, 0.75) + clouds * rng.uniform(0.2, 0.6), dtype=np.float32)


def ruled(ink: Field, rng: np.random.Generator) -> Field:
    """Lines of ruled or squared paper."""
    side, lines = len(ink), np.zeros_like(ink)
    gap, slope = side * rng.uniform(0.18, 0.45), rng.uniform(-0.06, 0.06)
    for direction in range(1 + int(rng.random() < 0.3)):
        drawn = np.zeros_like(ink)
        for middle in np.arange(rng.uniform(0.0, gap), side, gap):
            ends = [(0, round(middle - slope * side / 2)), (side, round(middle + slope * side / 2))]
            cv2.line(drawn, ends[0], ends[1], 1.0, max(1, round(side * rng.uniform(0.005, 0.02))))
        lines = np.maximum(lines, drawn if direction == 0 else drawn.T)
    return np.maximum(ink, lines * np.float32(rng.uniform(0.3, 0.9)))


def framed(ink: Field, rng: np.random.Generator) -> Field:
    """A frame, or two of its sides, near the border."""
    side = len(ink)
    near, thickness = int(rng.integers(0, max(2, side // 14))), max(1, round(side * rng.uniform(0.01, 0.05)))
    frame = cv2.rectangle(np.zeros_like(ink), (near, near), (side - 1 - near, side - 1 - near), 1.0, thickness)
    if rng.random() < 0.4:
        frame[:, : side // 2] = frame[: side // 2] = 0.0
    return np.asarray(np.maximum(ink, frame * np.float32(rng.uniform(0.4, 1.0))), dtype=np.float32)


def banded(ink: Field, rng: np.random.Generator) -> Field:
    """Ink and ground exchanged at two sides of the digit, as by a stripe of light."""
    bands, width = np.zeros_like(ink), round(len(ink) * rng.uniform(0.12, 0.28))
    bands[:, :width] = bands[:, -width:] = 1.0
    return np.abs((bands.T if rng.random() < 0.5 else bands) - ink)


def blotted(ink: Field, rng: np.random.Generator) -> Field:
    """Gray blots."""
    blots, side = np.zeros_like(ink), len(ink)
    for _ in range(int(rng.integers(3, 14))):
        x, y = (int(value) for value in rng.integers(0, side, 2))
        cv2.circle(blots, (x, y), max(1, round(side * rng.uniform(0.02, 0.1))), float(rng.uniform(0.15, 0.5)), -1)
    return np.maximum(ink, blots)


def scribbled(ink: Field, rng: np.random.Generator) -> Field:
    """A line bent across the picture."""
    side, drawn = len(ink), np.zeros_like(ink)
    points = np.stack([np.linspace(0, side, 7), side * rng.uniform(0.2, 0.8, 7)], axis=1)
    cv2.polylines(drawn, [np.rint(points).astype(np.int32)], False, 1.0, max(1, round(0.03 * side)))
    return np.maximum(ink, drawn * np.float32(rng.uniform(0.4, 1.0)))


def faint(ink: Field, rng: np.random.Generator) -> Field:
    """Ink that is hardly darker than the ground."""
    return ink * np.float32(rng.uniform(0.03, 0.08))


def thick(ink: Field, rng: np.random.Generator) -> Field:
    """A thick pen, cut close."""
    pen = max(2, round(len(ink) * rng.uniform(0.05, 0.12)))
    thick = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen)))
    cut = round(len(ink) * rng.uniform(0.08, 0.16))
    return np.ascontiguousarray(thick[cut:-cut, cut:-cut], dtype=np.float32)


def on_table(ink: Field, rng: np.random.Generator) -> Field:
    """Paper that does not fill the picture."""
    width = max(2, round(len(ink) * rng.uniform(0.06, 0.2)))
    paper = ink * np.float32(0.7) + ramp(len(ink), rng) * np.float32(rng.uniform(0.0, 0.2))
    return np.pad(paper, width, constant_values=np.float32(rng.uniform(0.85, 1.0)))


def speckled(ink: Field, rng: np.random.Generator) -> Field:
    """Single pixels of full ink, and of none."""
    hit = rng.random(ink.shape)
    spoilt = np.where(hit < 0.03, 1.0, ink)
    return np.asarray(np.where(hit > 0.97, 0.0, spoilt), dtype=np.float32)


def cropped(ink: Field, rng: np.random.Generator) -> Field:
    """Cropped to the digit's box, or all but: the ink touches the border, and may cover most of the picture."""
    if rng.random() < 0.5:
        pen = max(2, round(len(ink) * rng.uniform(0.04, 0.1)))
        ink = np.asarray(cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen))), dtype=np.float32)
    x, y, width, height = cv2.boundingRect((ink > 0.4).astype(np.uint8))
    left, top, right, bottom = rng.integers(0, max(2, len(ink) // 14), 4)
    return np.ascontiguousarray(ink[max(0, y - top) : y + height + bottom, max(0, x - left) : x + width + right])


def striped(ink: Field, rng: np.random.Generator) -> Field:
    """Stripes of another gray across the picture, or stripes in which ink and ground are exchanged."""
    side, stripes = len(ink), np.zeros_like(ink)
    turn = np.pi / 2.0 * rng.integers(2) if rng.random() < 0.7 else rng.uniform(0.0, np.pi)
    along = np.array([np.cos(turn), np.sin(turn)]) * side
    for _ in range(int(rng.integers(1, 3))):
        middle = rng.uniform(0.0, side, 2)
        start, end = (tuple(np.rint(middle + sign * along).astype(int).tolist()) for sign in (-1, 1))
        cv2.line(stripes, start, end, 1.0, max(2, round(side * rng.uniform(0.08, 0.4))))
    if rng.random() < 0.5:
        return np.abs(stripes - ink)
    return np.asarray(np.maximum(ink, stripes * np.float32(rng.uniform(0.3, 0.8))), dtype=np.float32)


def crossed(ink: Field, rng: np.random.Generator) -> Field:
    """A thin line as strong as the ink across the digit: dotted, bent to and fro, or straight."""
    side, drawn, angle = len(ink), np.zeros_like(ink), rng.uniform(0.0, 2.0 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    places = np.arange(-1.2 * side, 1.2 * side, side * rng.uniform(0.05, 0.2))
    aside = rng.uniform(0.0, 0.08) * side * np.where(np.arange(places.size) % 2, 1.0, -1.0)
    points = rng.uniform(0.3, 0.7, 2) * side + places[:, None] * along + aside[:, None] * along[::-1] * [1.0, -1.0]
    thickness, dotted = max(1, round(0.035 * side)), rng.random() < 0.3
    ends = [tuple(point) for point in np.rint(points).astype(int).tolist()]
    for start, end in zip(ends[::2] if dotted else ends[:-1], ends[1::2] if dotted else ends[1:], strict=False):
        cv2.line(drawn, start, end, 1.0, thickness, cv2.LINE_AA)
    return np.maximum(ink, drawn)


def outlined(ink: Field, rng: np.random.Generator) -> Field:
    """The outlines of the strokes."""
    wide = max(2, round(len(ink) * rng.uniform(0.03, 0.07)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide | 1, wide | 1))
    form = (ink > rng.uniform(0.2, 0.6)).astype(np.float32)
    return np.asarray(cv2.dilate(form, kernel) - form, dtype=np.float32)


def crumbled(ink: Field, rng: np.random.Generator) -> Field:
    """Pixels exchanged with near ones, as behind frosted glass."""
    reach = max(1.0, len(ink) * rng.uniform(0.02, 0.06))
    rows, columns = np.indices(ink.shape).astype(np.float32)
    shifts = rng.uniform(-reach, reach, (2, *ink.shape)).astype(np.float32)
    moved = cv2.remap(ink, columns + shifts[0], rows + shifts[1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), max(0.4, reach * rng.uniform(0.2, 0.6))), dtype=np.float32)


def blocked(ink: Field, rng: np.random.Generator) -> Field:
    """Few pixels of two tones, as in pixel art; each may be enlarged to a block."""
    few = int(rng.integers(9, 17))
    method = cv2.INTER_AREA if len(ink) >= few else cv2.INTER_CUBIC
    pixels = cv2.resize(ink, (few, few), interpolation=method) > rng.uniform(0.25, 0.5)
    times = max(1, len(ink) // few) if rng.random() < 0.5 or len(ink) > 2 * SIDE else 1
    return np.kron(pixels, np.ones((times, times), np.bool_)).astype(np.float32)
