"""Draws the sample images that come with Digits: python scripts/draw_samples.py

The strokes are curves whose points were set by hand. They are drawn as with a pen, a pencil, chalk and a stylus.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Point = tuple[float, float]
Stroke = Sequence[Point]
Picture = npt.NDArray[np.float64]

FOLDER = Path(__file__).resolve().parent.parent / "digits" / "samples"

# The points of smooth curves on a field of 1 x 1, x to the right and y down.
DIGITS: dict[int, Sequence[Stroke]] = {
    0: [
        [
            (0.56, 0.10),
            (0.34, 0.20),
            (0.24, 0.50),
            (0.34, 0.84),
            (0.54, 0.90),
            (0.74, 0.70),
            (0.75, 0.36),
            (0.62, 0.13),
            (0.52, 0.11),
        ]
    ],
    2: [
        [(0.27, 0.30), (0.36, 0.13), (0.58, 0.11), (0.70, 0.27), (0.60, 0.50), (0.40, 0.70), (0.25, 0.87)],
        [(0.25, 0.87), (0.42, 0.84), (0.60, 0.88), (0.76, 0.85)],
    ],
    3: [
        [(0.28, 0.20), (0.46, 0.10), (0.66, 0.19), (0.63, 0.37), (0.45, 0.46)],
        [(0.45, 0.46), (0.68, 0.52), (0.74, 0.72), (0.56, 0.89), (0.34, 0.88), (0.24, 0.78)],
    ],
    4: [
        [(0.46, 0.10), (0.36, 0.34), (0.22, 0.58)],
        [(0.22, 0.58), (0.46, 0.57), (0.78, 0.55)],
        [(0.64, 0.32), (0.62, 0.60), (0.58, 0.92)],
    ],
    5: [
        [(0.70, 0.12), (0.52, 0.12), (0.36, 0.13)],
        [(0.36, 0.13), (0.33, 0.28), (0.31, 0.44)],
        [(0.31, 0.44), (0.52, 0.38), (0.70, 0.52), (0.68, 0.76), (0.48, 0.90), (0.26, 0.84)],
    ],
    7: [
        [(0.24, 0.14), (0.46, 0.15), (0.74, 0.13)],
        [(0.74, 0.13), (0.60, 0.40), (0.50, 0.66), (0.44, 0.91)],
        [(0.36, 0.50), (0.52, 0.49), (0.68, 0.47)],
    ],
    8: [
        [
            (0.64, 0.20),
            (0.48, 0.10),
            (0.33, 0.22),
            (0.42, 0.42),
            (0.62, 0.58),
            (0.68, 0.77),
            (0.52, 0.91),
            (0.34, 0.82),
            (0.35, 0.64),
            (0.52, 0.46),
            (0.65, 0.30),
            (0.64, 0.20),
        ]
    ],
}


def curve(points: Stroke, steps: int = 24) -> npt.NDArray[np.float64]:
    """Returns a Catmull-Rom curve through the points: float array of shape (n, 2), `steps` points per piece."""
    p = np.array([points[0], *points, points[-1]])
    t = np.linspace(0.0, 1.0, steps)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate(pieces)


def ink(digit: int, side: int, pen: float, rng: np.random.Generator) -> Picture:
    """Draws a digit with a slightly unsteady hand.

    Args:
        digit: one of `DIGITS`.
        side: side of the picture, in pixels.
        pen: width of the pen, as a share of the side.
        rng: source of the unsteadiness.

    Returns:
        How much ink lies on each pixel, 0..1: float array of shape (side, side).
    """
    scale = 4  # The digit is drawn larger and then reduced, for smooth edges.
    canvas = np.zeros((side * scale, side * scale), np.uint8)
    for stroke in DIGITS[digit]:
        path = curve(stroke)
        wobble = cv2.GaussianBlur(rng.normal(0.0, 0.02, path.shape), (1, 15), 4)
        for start, end in zip(path + wobble, path[1:] + wobble[1:], strict=False):
            a, b = (tuple(int(v) for v in np.rint(point * side * scale)) for point in (start, end))
            cv2.line(canvas, a, b, 255, max(1, round(pen * side * scale * rng.uniform(0.9, 1.1))), cv2.LINE_AA)
    return np.asarray(cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA) / 255.0, dtype=np.float64)


def grain(side: int, size: float, strength: float, rng: np.random.Generator) -> Picture:
    """Returns smooth random variation: float array of shape (side, side).

    Args:
        side: side of the picture, in pixels.
        size: size of the variation, in pixels.
        strength: its standard deviation.
        rng: source of the variation.
    """
    noise = cv2.GaussianBlur(rng.normal(0.0, 1.0, (side, side)), (0, 0), size)
    return np.asarray(noise / noise.std() * strength, dtype=np.float64)


def paint(ground: Picture, mask: Picture, color: Sequence[float]) -> npt.NDArray[np.uint8]:
    """Paints ink on a ground.

    Args:
        ground: RGB colors, 0..255: float array of shape (height, width, 3).
        mask: how much ink lies on each pixel, 0..1: float array of shape (height, width).
        color: RGB color of the ink, 0..255.

    Returns:
        RGB array, uint8, of the shape of `ground`.
    """
    picture = ground * (1.0 - mask[..., None]) + np.array(color) * mask[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def plain(side: int, color: Sequence[float]) -> Picture:
    """Returns a ground of a single RGB color: float array of shape (side, side, 3)."""
    return np.ones((side, side, 3)) * np.array(color)


def number(lines: Sequence[str], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Returns lines of digits and minus signs, written on paper in a shadow: RGB array of shape (height, width, 3)."""
    side, down = 96, 130
    height, width = 60 + down * len(lines), 80 + side * max(map(len, lines))
    mask = np.zeros((height, width))
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            x, y = (
                40 + side * column + int(rng.integers(-6, 7)),
                40 + down * row + 4 * column + int(rng.integers(-6, 7)),
            )
            if sign == "-":
                cv2.line(mask, (x + 22, y + 50), (x + 66, y + 47), 1.0, 5, cv2.LINE_AA)
            else:
                mask[y : y + side, x : x + side] += ink(int(sign), side, 0.05, rng)
    across, down_share = np.linspace(0.0, 1.0, width)[None, :], np.linspace(0.0, 1.0, height)[:, None]
    shadow = 238.0 - 80.0 * np.clip(across + 0.5 * down_share - 0.6, 0.0, 1.0)
    paper = shadow + grain(max(height, width), 1.2, 2.5, rng)[:height, :width]
    return paint(paper[..., None] + np.array([2.0, 0.0, -8.0]), np.clip(mask, 0.0, 1.0) * 0.9, (35, 50, 140))


def write(file: Path, picture: npt.NDArray[np.uint8]) -> None:
    """Writes an RGB array to a PNG file, and makes its folder if needed."""
    file.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(file), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def main() -> None:
    """Writes all samples to digits/samples/."""
    rng = np.random.default_rng(2)
    side = 220
    slope = np.linspace(0.0, 1.0, side)
    shadow = 235.0 - 95.0 * np.clip(slope[None, :] + 0.6 * slope[:, None] - 0.5, 0.0, 1.0)
    paper = shadow[..., None] + grain(side, 1.2, 2.5, rng)[..., None] + np.array([2.0, 0.0, -8.0])
    board = plain(side, (38, 62, 52)) + grain(side, 6.0, 6.0, rng)[..., None]
    chalk = ink(4, side, 0.06, rng) * np.clip(0.8 + grain(side, 0.9, 0.25, rng), 0.0, 1.0)
    pictures = {
        "0_red_pen": paint(
            plain(side, (247, 246, 242)) + grain(side, 1.0, 2.0, rng)[..., None],
            ink(0, side, 0.035, rng),
            (190, 40, 45),
        ),
        "2_blue_pen": paint(paper, ink(2, side, 0.035, rng) * 0.9, (35, 50, 140)),
        "3_pencil": paint(
            plain(side, (232, 230, 226)) + grain(side, 1.0, 3.0, rng)[..., None],
            ink(3, side, 0.028, rng) * 0.45,
            (70, 70, 74),
        ),
        "4_chalk": paint(board, chalk, (236, 240, 236)),
        "5_marker": paint(plain(side, (250, 250, 250)), ink(5, side, 0.11, rng), (22, 22, 24)),
        "7_stylus": paint(plain(side, (255, 255, 255)), ink(7, side, 0.045, rng), (0, 0, 0)),
        "8_photo": paint(paper[:, ::-1], ink(8, side, 0.05, rng) * 0.85, (40, 42, 48)),
    }
    for name, picture in pictures.items():
        write(FOLDER / f"{name}.png", picture)
    # It has a folder of its own, because the other folder holds pictures of a single digit.
    write(FOLDER / "numbers" / "two_lines.png", number(("2024", "375-08"), rng))


if __name__ == "__main__":
    main()
