"""Bad pictures of digits: small and large ones, spoilt in ways that make a recognizer look again.

How views are combined (digits/vision/views/weights.py) is fitted on them. They are no part of what networks learn from.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE, Gray, Images, Pixels

Field = npt.NDArray[np.float32]
Spoil = Callable[[Field, np.random.Generator], Field]

# How many pixels a digit's field has on a side, from and to, in small and in large pictures.
_SMALL, _LARGE = (18, 40), (80, 240)


def _ramp(side: int, rng: np.random.Generator) -> Field:
    """A plane from 0 to 1 in any direction."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    places = np.linspace(-0.5, 0.5, side)
    plane = np.cos(angle) * places[None, :] + np.sin(angle) * places[:, None]
    return np.asarray((plane - plane.min()) / (plane.max() - plane.min()), dtype=np.float32)


def _clouds(side: int, rng: np.random.Generator) -> Field:
    coarse = rng.random((int(rng.integers(2, 6)),) * 2).astype(np.float32)
    return np.clip(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), 0.0, 1.0).astype(np.float32)


def _shadow(ink: Field, rng: np.random.Generator) -> Field:
    edge = 1.0 / (1.0 + np.exp(-(_ramp(len(ink), rng) - rng.uniform(0.3, 0.7)) * rng.uniform(4.0, 25.0)))
    return np.asarray(ink * rng.uniform(0.5, 0.8) + edge * rng.uniform(0.2, 0.45), dtype=np.float32)


def _gradient(ink: Field, rng: np.random.Generator) -> Field:
    return ink * np.float32(0.6) + _ramp(len(ink), rng) * np.float32(rng.uniform(0.2, 0.45))


def _fog(ink: Field, rng: np.random.Generator) -> Field:
    clouds = _clouds(len(ink), rng) + np.float32(0.4) * _clouds(len(ink), rng)
    return np.asarray(ink * rng.uniform(0.3, 0.75) + clouds * rng.uniform(0.2, 0.6), dtype=np.float32)


def _ruled(ink: Field, rng: np.random.Generator) -> Field:
    side, lines = len(ink), np.zeros_like(ink)
    gap, slope = side * rng.uniform(0.18, 0.45), rng.uniform(-0.06, 0.06)
    for direction in range(1 + int(rng.random() < 0.3)):
        drawn = np.zeros_like(ink)
        for middle in np.arange(rng.uniform(0.0, gap), side, gap):
            ends = [(0, round(middle - slope * side / 2)), (side, round(middle + slope * side / 2))]
            cv2.line(drawn, ends[0], ends[1], 1.0, max(1, round(side * rng.uniform(0.005, 0.02))))
        lines = np.maximum(lines, drawn if direction == 0 else drawn.T)
    return np.maximum(ink, lines * np.float32(rng.uniform(0.3, 0.9)))


def _framed(ink: Field, rng: np.random.Generator) -> Field:
    side = len(ink)
    near, thickness = int(rng.integers(0, max(2, side // 14))), max(1, round(side * rng.uniform(0.01, 0.05)))
    frame = cv2.rectangle(np.zeros_like(ink), (near, near), (side - 1 - near, side - 1 - near), 1.0, thickness)
    if rng.random() < 0.4:
        frame[:, : side // 2] = frame[: side // 2] = 0.0
    return np.asarray(np.maximum(ink, frame * np.float32(rng.uniform(0.4, 1.0))), dtype=np.float32)


def _banded(ink: Field, rng: np.random.Generator) -> Field:
    """Ink and ground exchanged at two sides of the digit, as by a stripe of light."""
    bands, width = np.zeros_like(ink), round(len(ink) * rng.uniform(0.12, 0.28))
    bands[:, :width] = bands[:, -width:] = 1.0
    return np.abs((bands.T if rng.random() < 0.5 else bands) - ink)


def _blotted(ink: Field, rng: np.random.Generator) -> Field:
    blots, side = np.zeros_like(ink), len(ink)
    for _ in range(int(rng.integers(3, 14))):
        x, y = (int(value) for value in rng.integers(0, side, 2))
        cv2.circle(blots, (x, y), max(1, round(side * rng.uniform(0.02, 0.1))), float(rng.uniform(0.15, 0.5)), -1)
    return np.maximum(ink, blots)


def _scribbled(ink: Field, rng: np.random.Generator) -> Field:
    side, drawn = len(ink), np.zeros_like(ink)
    points = np.stack([np.linspace(0, side, 7), side * rng.uniform(0.2, 0.8, 7)], axis=1)
    cv2.polylines(drawn, [np.rint(points).astype(np.int32)], False, 1.0, max(1, round(0.03 * side)))
    return np.maximum(ink, drawn * np.float32(rng.uniform(0.4, 1.0)))


def _faint(ink: Field, rng: np.random.Generator) -> Field:
    return ink * np.float32(rng.uniform(0.03, 0.08))


def _thick(ink: Field, rng: np.random.Generator) -> Field:
    """A thick pen, cut close."""
    pen = max(2, round(len(ink) * rng.uniform(0.05, 0.12)))
    thick = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen)))
    cut = round(len(ink) * rng.uniform(0.08, 0.16))
    return np.ascontiguousarray(thick[cut:-cut, cut:-cut], dtype=np.float32)


def _on_table(ink: Field, rng: np.random.Generator) -> Field:
    """Paper that does not fill the picture."""
    width = max(2, round(len(ink) * rng.uniform(0.06, 0.2)))
    paper = ink * np.float32(0.7) + _ramp(len(ink), rng) * np.float32(rng.uniform(0.0, 0.2))
    return np.pad(paper, width, constant_values=np.float32(rng.uniform(0.85, 1.0)))


def _speckled(ink: Field, rng: np.random.Generator) -> Field:
    hit = rng.random(ink.shape)
    spoilt = np.where(hit < 0.03, 1.0, ink)
    return np.asarray(np.where(hit > 0.97, 0.0, spoilt), dtype=np.float32)


def _cropped(ink: Field, rng: np.random.Generator) -> Field:
    """Cropped to the digit's box, or all but: the ink touches the border, and may cover most of the picture."""
    if rng.random() < 0.5:
        pen = max(2, round(len(ink) * rng.uniform(0.04, 0.1)))
        ink = np.asarray(cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen))), dtype=np.float32)
    x, y, width, height = cv2.boundingRect((ink > 0.4).astype(np.uint8))
    left, top, right, bottom = rng.integers(0, max(2, len(ink) // 14), 4)
    return np.ascontiguousarray(ink[max(0, y - top) : y + height + bottom, max(0, x - left) : x + width + right])


def _striped(ink: Field, rng: np.random.Generator) -> Field:
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


def _crossed(ink: Field, rng: np.random.Generator) -> Field:
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


def _outlined(ink: Field, rng: np.random.Generator) -> Field:
    """The outlines of the strokes."""
    wide = max(2, round(len(ink) * rng.uniform(0.03, 0.07)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide | 1, wide | 1))
    form = (ink > rng.uniform(0.2, 0.6)).astype(np.float32)
    return np.asarray(cv2.dilate(form, kernel) - form, dtype=np.float32)


def _crumbled(ink: Field, rng: np.random.Generator) -> Field:
    """Pixels exchanged with near ones, as behind frosted glass."""
    reach = max(1.0, len(ink) * rng.uniform(0.02, 0.06))
    rows, columns = np.indices(ink.shape).astype(np.float32)
    shifts = rng.uniform(-reach, reach, (2, *ink.shape)).astype(np.float32)
    moved = cv2.remap(ink, columns + shifts[0], rows + shifts[1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), max(0.4, reach * rng.uniform(0.2, 0.6))), dtype=np.float32)


def _plain(ink: Field, _rng: np.random.Generator) -> Field:
    return ink


BAD_PICTURES: Mapping[str, Spoil] = {
    "plain": _plain,
    "shadow": _shadow,
    "gradient": _gradient,
    "fog": _fog,
    "ruled": _ruled,
    "framed": _framed,
    "bands": _banded,
    "blots": _blotted,
    "scribble": _scribbled,
    "faint": _faint,
    "thick and cut": _thick,
    "on a table": _on_table,
    "speckled": _speckled,
    "cropped": _cropped,
    "striped": _striped,
    "crossed": _crossed,
    "outlined": _outlined,
    "crumbled": _crumbled,
    "colored": _plain,
    "scribbled in color": _plain,
    "in a cast shadow": _plain,
    "in a hard shadow": _plain,
}


def spoil(name: str, images: Images, seed: int = 0) -> list[Pixels]:
    """Makes bad pictures of images, half of them small and half of them large, of either polarity.

    Args:
        name: one of `BAD_PICTURES`.
        images: uint8 of shape (n, 28, 28), white ink on black.
        seed: the same seed gives the same pictures.

    Returns:
        A list of n uint8 pictures of shape (height, width), or (height, width, 3) where they are colored.
    """
    rng = np.random.default_rng((seed, list(BAD_PICTURES).index(name)))
    pictures: list[Pixels] = []
    for i, image in enumerate(images):
        side = int(rng.integers(*(_SMALL if i % 2 else _LARGE)))
        if i % 4 == 1 and name not in {"cropped", "thick and cut"}:
            side = SIDE
        method = cv2.INTER_AREA if side < SIDE else cv2.INTER_CUBIC
        ink = np.clip(cv2.resize(image.astype(np.float32) / 255.0, (side, side), interpolation=method), 0.0, 1.0)
        if side > 2 * SIDE:
            ink = np.clip((ink - 0.25) * 2.0, 0.0, 1.0)
        spoilt = BAD_PICTURES[name](np.asarray(ink, dtype=np.float32), rng)
        noise = rng.normal(0.0, 0.02, spoilt.shape) if name not in {"faint", "plain"} and rng.random() < 0.3 else 0.0
        gray = np.rint(np.clip(spoilt + noise, 0.0, 1.0) * 255.0).astype(np.uint8)
        if name in _COLORED:
            pictures.append(_COLORED[name](gray, rng))
        else:
            pictures.append(255 - gray if rng.random() < 0.5 else gray)
    return pictures


def _color(gray: Gray, rng: np.random.Generator) -> Pixels:
    """Dark ink on colored paper, with lines of another color behind it."""
    picture = np.empty((*gray.shape, 3), np.float32)
    picture[:] = rng.uniform(150.0, 255.0, 3)
    color, gap = tuple(float(value) for value in rng.uniform(60.0, 220.0, 3)), max(4, round(0.14 * len(gray)))
    for row in range(int(rng.integers(0, gap)), len(gray), gap):
        cv2.line(picture, (0, row), (gray.shape[1], row + int(rng.integers(-gap, gap))), color, max(1, gap // 4))
    ink = gray[..., None].astype(np.float32) / 255.0
    return np.rint(picture * (1.0 - ink) + rng.uniform(0.0, 70.0, 3) * ink).astype(np.uint8)


def _by_a_thinner_pen(gray: Gray, rng: np.random.Generator) -> Gray:
    """The pen of a photo may be thinner than MNIST's."""
    thinner = max(1, round(len(gray) * rng.uniform(0.0, 0.06)))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thinner, thinner))
    return np.asarray(cv2.erode(gray, ellipse), dtype=np.uint8)


def _photograph(gray: Gray, rng: np.random.Generator) -> Pixels:
    """Dark ink on a turned sheet of paper, which lies on a rougher table under the shadow of an arm with fingers."""
    # The digit may be small, too.
    gray = _by_a_thinner_pen(gray, rng)
    side = round(len(gray) * rng.uniform(1.1, 3.5 if len(gray) >= _LARGE[0] else 1.7))
    turn = cv2.getRotationMatrix2D((len(gray) / 2, len(gray) / 2), rng.uniform(-15.0, 15.0), 1.0)
    turn[:, 2] = turn[:, 2] + rng.uniform(0.1, 0.9, 2) * (side - len(gray))
    ink, sheet = (
        cv2.warpAffine(layer, turn, (side, side), flags=cv2.INTER_LINEAR)[..., None].astype(np.float32) / 255.0
        for layer in (gray, np.full_like(gray, 255))
    )
    grain = cv2.GaussianBlur(rng.normal(0.0, 1.0, (side, side)).astype(np.float32), (0, 0), rng.uniform(0.6, 2.5))
    table = rng.uniform(15.0, 130.0, 3) + rng.uniform(4.0, 25.0) * (grain / grain.std())[..., None]
    picture = table * (1.0 - sheet) + rng.uniform(160.0, 250.0, 3) * sheet
    picture = picture * (1.0 - ink) + rng.uniform(0.0, 110.0, 3) * ink
    shade, elbow = np.zeros((side, side), np.float32), side * rng.uniform(0.0, 1.0, 2)
    for reach in np.cumsum(rng.uniform(0.2, 0.5, int(rng.integers(1, 6)))) + rng.uniform(0.0, 2.0 * np.pi):
        finger = elbow + side * rng.uniform(0.3, 0.7) * np.array([np.cos(reach), np.sin(reach)])
        width = max(1, round(side * rng.uniform(0.06, 0.25)))
        cv2.line(shade, np.rint(elbow).astype(int).tolist(), np.rint(finger).astype(int).tolist(), 1.0, width)
    soft = np.asarray(cv2.GaussianBlur(shade, (0, 0), max(0.5, side * rng.uniform(0.008, 0.04))))
    lit = picture * (1.0 - np.float32(rng.uniform(0.2, 0.6)) * soft[..., None])
    return np.rint(np.clip(lit + rng.normal(0.0, 3.0, lit.shape), 0.0, 255.0)).astype(np.uint8)


def _shade(gray: Gray, rng: np.random.Generator) -> Pixels:
    """Dark ink on paper that fills the picture, under the hard shadow of something with straight or round edges."""
    gray = _by_a_thinner_pen(gray, rng)
    side = round(len(gray) * rng.uniform(1.0, 2.5 if len(gray) >= _LARGE[0] else 1.3))
    left, top = (int(rng.integers(0, side - len(gray) + 1)) for _ in range(2))
    ink = np.zeros((side, side, 1), np.float32)
    ink[top : top + len(gray), left : left + len(gray), 0] = gray / 255.0
    picture = rng.uniform(170.0, 250.0, 3) * (1.0 - ink) + rng.uniform(0.0, 110.0, 3) * ink
    shade, near = np.zeros((side, side), np.float32), (left + len(gray) / 2, top + len(gray) / 2)
    for _ in range(int(rng.integers(1, 3))):
        middle = np.array(near) + side * rng.normal(0.0, 0.3, 2)
        if rng.random() < 0.3:
            cv2.circle(shade, np.rint(middle).astype(int).tolist(), round(side * rng.uniform(0.15, 0.6)), 1.0, -1)
        else:
            size = side * rng.uniform(0.15, 1.5, 2)
            corners = cv2.boxPoints((middle.tolist(), size.tolist(), float(rng.uniform(0.0, 180.0))))
            cv2.fillConvexPoly(shade, np.rint(corners).astype(np.int32), 1.0)
    soft = np.asarray(cv2.GaussianBlur(shade, (0, 0), max(0.5, side * rng.uniform(0.002, 0.015))))
    shaded = picture * (1.0 - np.float32(rng.uniform(0.25, 0.65)) * soft[..., None])
    lit = shaded * (1.0 - 0.3 * _ramp(side, rng)[..., None])
    return np.rint(np.clip(lit + rng.normal(0.0, 3.0, lit.shape), 0.0, 255.0)).astype(np.uint8)


def _scribble_in_color(gray: Gray, rng: np.random.Generator) -> Pixels:
    """Ink on paper, or chalk on a board, over or under a scribble of another color."""
    dark = rng.random() < 0.8
    picture = np.empty((*gray.shape, 3), np.float32)
    picture[:] = rng.uniform(215.0, 255.0) if dark else rng.uniform(0.0, 50.0)
    ink = gray[..., None].astype(np.float32) / 255.0
    pen = rng.uniform(0.0, 90.0, 3) if dark else rng.uniform(200.0, 255.0, 3)
    below = rng.random() < 0.5
    if not below:
        picture = picture * (1.0 - ink) + pen.astype(np.float32) * ink
    side, count = len(gray), int(rng.integers(6, 25))
    color = rng.permutation([rng.uniform(200.0, 255.0), rng.uniform(0.0, 120.0), rng.uniform(0.0, 255.0)]).tolist()
    places = np.linspace(rng.uniform(0.0, 0.4), rng.uniform(0.6, 1.0), count)
    points = np.stack([places, np.where(np.arange(count) % 2, 0.2, 0.8) + rng.normal(0.0, 0.08, count)], axis=1)
    lines = np.rint(side * (points if rng.random() < 0.5 else points[:, ::-1])).astype(np.int32)
    cv2.polylines(picture, [lines], False, color, max(1, round(side * rng.uniform(0.01, 0.035))), cv2.LINE_AA)
    if below:
        picture = picture * (1.0 - ink) + pen.astype(np.float32) * ink
    return np.rint(picture).astype(np.uint8)


# Kinds that are in color: what is made of the plain ink.
_COLORED: Mapping[str, Callable[[Gray, np.random.Generator], Pixels]] = {
    "colored": _color,
    "scribbled in color": _scribble_in_color,
    "in a cast shadow": _photograph,
    "in a hard shadow": _shade,
}
