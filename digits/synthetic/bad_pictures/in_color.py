"""Ways to make a colored picture of the ink of a digit, such as a photo with shadows.

Each takes ink as uint8 of shape (side, side), full ink 255, and a source of randomness, and returns a picture, uint8
of shape (height, width, 3).
"""

from collections.abc import Callable

import cv2
import numpy as np

from digits.arrays import Gray, Pixels
from digits.synthetic.bad_pictures.in_gray import Field, ramp

# A field of so many pixels on a side or more is that of a large picture.
_LARGE = 80


def color(gray: Gray, rng: np.random.Generator) -> Pixels:
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


def photograph(gray: Gray, rng: np.random.Generator) -> Pixels:
    """Dark ink on a turned sheet of paper, which lies on a rougher table under the shadow of an arm with fingers."""
    # The digit may be small, too.
    gray = _by_a_thinner_pen(gray, rng)
    side = round(len(gray) * rng.uniform(1.1, 3.5 if len(gray) >= _LARGE else 1.7))
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


def _things(side: int, rng: np.random.Generator) -> Field:
    """The shadow of one or two things with straight or round edges."""
    shade = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        middle = side * rng.normal(0.5, 0.35, 2)
        if rng.random() < 0.3:
            cv2.circle(shade, np.rint(middle).astype(int).tolist(), round(side * rng.uniform(0.15, 0.6)), 1.0, -1)
        else:
            size = side * rng.uniform(0.15, 1.5, 2)
            corners = cv2.boxPoints((middle.tolist(), size.tolist(), float(rng.uniform(0.0, 180.0))))
            cv2.fillConvexPoly(shade, np.rint(corners).astype(np.int32), 1.0)
    return shade


def _bars_or_blobs(side: int, rng: np.random.Generator) -> Field:
    """The shadows of parallel or crossing bars, or of scattered blobs on thin stems: some as narrow as a pen."""
    shade, turn = np.zeros((side, side), np.float32), rng.uniform(0.0, np.pi)
    bars, middles = rng.random() < 0.5, side * rng.random((int(rng.integers(6, 24)), 2))
    if bars:
        places = np.arange(-side, side, side * rng.uniform(0.1, 0.5))
        middles = side / 2.0 + places[:, None] * np.array([-np.sin(turn), np.cos(turn)])
    width = side * (rng.uniform(0.03, 0.12) if bars else 0.008)
    for i, middle in enumerate(middles):
        angle = turn if bars else rng.uniform(0.0, np.pi)
        for way in (angle, angle + np.pi / 2.0) if bars and len(middles) < 8 else (angle,) if bars or i < 4 else ():
            along = side * 2.0 * np.array([np.cos(way), np.sin(way)])
            start, end = (np.rint(middle + sign * along).astype(int).tolist() for sign in (-1, 1))
            cv2.line(shade, start, end, 1.0, max(1, round(width)))
        if not bars:
            axes = np.rint(side * rng.uniform(0.02, 0.1, 2)).astype(int).tolist()
            cv2.ellipse(shade, np.rint(middle).astype(int).tolist(), axes, float(np.degrees(angle)), 0, 360, 1.0, -1)
    return shade


def shade(gray: Gray, rng: np.random.Generator, draw: Callable[[int, np.random.Generator], Field] = _things) -> Pixels:
    """Dark ink on paper that fills the picture, under a hard shadow."""
    gray = _by_a_thinner_pen(gray, rng)
    side = round(len(gray) * rng.uniform(1.0, 2.5 if len(gray) >= _LARGE else 1.3))
    left, top = (int(rng.integers(0, side - len(gray) + 1)) for _ in range(2))
    ink = np.zeros((side, side, 1), np.float32)
    ink[top : top + len(gray), left : left + len(gray), 0] = gray / 255.0
    picture = rng.uniform(170.0, 250.0, 3) * (1.0 - ink) + rng.uniform(0.0, 110.0, 3) * ink
    soft = np.asarray(cv2.GaussianBlur(draw(side, rng), (0, 0), max(0.5, side * rng.uniform(0.002, 0.015))))
    shaded = picture * (1.0 - np.float32(rng.uniform(0.25, 0.65)) * soft[..., None])
    lit = shaded * (1.0 - 0.3 * ramp(side, rng)[..., None])
    return np.rint(np.clip(lit + rng.normal(0.0, 3.0, lit.shape), 0.0, 255.0)).astype(np.uint8)


def shade_in_pattern(gray: Gray, rng: np.random.Generator) -> Pixels:
    """Dark ink on paper that fills the picture, under the shadows of bars, or of leaves."""
    return shade(gray, rng, _bars_or_blobs)


def scribble_in_color(gray: Gray, rng: np.random.Generator) -> Pixels:
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
