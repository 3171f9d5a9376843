"""Ink on paper, in light and shadow, for the pictures of the corpus; whole numbers alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.accuracy.corpus.pen import Gray, draw_box, draw_straight

Color = tuple[int, int, int]
Samples = npt.NDArray[np.int32]

_PARTS = 256
_FULL = 255


@dataclass(frozen=True)
class Paper:
    """What is written on, in which light.

    Args:
        paper: gray of the paper, 0..255.
        pen: gray of the ink, 0..255.
        shadow: "" for none; "across", "corner", "edge" or "spot".
        dark: how much of the light the darkest shadow takes, in per cent.
        noise: of the camera: no pixel changes by more than this.
        rules: "" for none; "ruled", "squared" or "single" for the lines on the paper.
        pitch: from one of these lines to the next, in pixels.
        rule: their strength, in per cent of the ink's.
        frame: "" for none; "border", "box", "double", "corner" or "open".
        specks: how many.
        blur: how often each pixel is averaged with those around it.
        tint: the color of the ink where the picture is in color, and None if it is gray.
    """

    paper: int = 245
    pen: int = 30
    shadow: str = ""
    dark: int = 50
    noise: int = 0
    rules: str = ""
    pitch: int = 24
    rule: int = 40
    frame: str = ""
    specks: int = 0
    blur: int = 0
    tint: Color | None = None


def put_on_paper(ink: Gray, paper: Paper, rng: np.random.Generator) -> Gray:
    """The picture of ink on a paper: of shape (height, width), or (height, width, 3) in color."""
    ink = ink.copy()
    _draw_frame(ink, paper.frame)
    _draw_specks(ink, paper.specks, rng)
    strength = np.maximum(ink.astype(np.int32), _lines(ink.shape, paper) * paper.rule // 100)
    for _ in range(paper.blur):
        strength = _blur(strength)
    light = _light(ink.shape, paper.shadow, paper.dark)
    change = np.zeros(ink.shape, np.int32)
    if paper.noise:
        # The sum of two even draws: a triangle, not a bell, but made of whole numbers.
        half = paper.noise // 2 + 1
        change = (rng.integers(-half, half + 1, ink.shape) + rng.integers(-half, half + 1, ink.shape)).astype(np.int32)
    channels = [
        np.clip((paper.paper * _FULL - (paper.paper - pen) * strength) * light // (_FULL * _PARTS) + change, 0, _FULL)
        for pen in (paper.tint or (paper.pen,))
    ]
    return (channels[0] if paper.tint is None else np.stack(channels, axis=2)).astype(np.uint8)


def _blur(strength: Samples) -> Samples:
    padded = np.pad(strength, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) // 9, dtype=np.int32)


def _light(shape: tuple[int, ...], shadow: str, dark: int) -> Samples:
    """The light on each pixel, 0..256."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.int32)
    y, x = y * _PARTS // max(1, height - 1), x * _PARTS // max(1, width - 1)
    shade = {
        "across": x,
        "corner": (x + y) // 2,
        "edge": np.where(3 * x + y > 2 * _PARTS, _PARTS, 0),
        "spot": np.minimum(((2 * x - _PARTS) ** 2 + (2 * y - _PARTS) ** 2) // (2 * _PARTS), _PARTS),
    }.get(shadow, np.zeros_like(x))
    return np.asarray(_PARTS - shade * dark // 100, dtype=np.int32)


def _lines(shape: tuple[int, ...], paper: Paper) -> Samples:
    """The lines that a paper came with, as ink of full strength."""
    height, width = shape
    ink = np.zeros((height, width), np.uint8)
    thickness = max(1, paper.pitch // 24)
    if paper.rules in ("ruled", "squared"):
        for y in range(paper.pitch // 2, height, paper.pitch):
            draw_straight(ink, (0, y), (width, y), thickness)
    if paper.rules == "squared":
        for x in range(paper.pitch // 2, width, paper.pitch):
            draw_straight(ink, (x, 0), (x, height), thickness)
    if paper.rules == "single":
        draw_straight(ink, (0, height * 4 // 5), (width, height * 4 // 5 + height // 40), thickness)
    return ink.astype(np.int32)


def _draw_frame(ink: Gray, frame: str) -> None:
    height, width = ink.shape
    least = min(height, width)
    thickness, inset = max(1, least // 50), max(1, least // 14)
    inner = (inset, inset, width - 1 - inset, height - 1 - inset)
    if frame == "border":
        draw_box(ink, (0, 0, width - 1, height - 1), 2 * thickness)
    if frame in ("box", "double"):
        draw_box(ink, inner, thickness)
    if frame == "double":
        draw_box(ink, (inset // 3, inset // 3, width - 1 - inset // 3, height - 1 - inset // 3), thickness)
    if frame == "corner":
        draw_straight(ink, (inner[0], 0), (inner[0], height), thickness)
        draw_straight(ink, (0, inner[3]), (width, inner[3]), thickness)
    if frame == "open":
        for start, end in (((0, 1), (0, 3)), ((0, 3), (2, 3)), ((2, 3), (2, 1))):
            draw_straight(ink, (inner[start[0]], inner[start[1]]), (inner[end[0]], inner[end[1]]), thickness)


def _draw_specks(ink: Gray, count: int, rng: np.random.Generator) -> None:
    height, width = ink.shape
    size = max(1, min(height, width) // 60)
    for _ in range(count):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        ink[y : y + 1 + int(rng.integers(size)), x : x + 1 + int(rng.integers(size))] = int(rng.integers(120, 256))
