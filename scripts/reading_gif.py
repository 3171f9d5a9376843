"""Makes docs/images/reading.gif, in which the shipped model reads a drawn sample: python -m scripts.reading_gif

The sample is drawn by scripts/draw_samples.py. Boxes, text and confidence are what the model answers. The digits appear
one after the other, each with its box and its part of the transcript.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from digits.images.decode import decode
from digits.numbers.drawing import draw_reading
from digits.numbers.reader import read_picture
from digits.numbers.reading import ReadDigit, Reading
from digits.recognizer import Recognizer, confidence_text, shipped_model

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "digits" / "samples" / "numbers" / "two_lines.png"
TARGET = ROOT / "docs" / "images" / "reading.gif"

Pixels = npt.NDArray[np.uint8]

# Width of the moving picture, and of the strip below the sample that shows the transcript, in pixels.
_WIDTH, _STRIP = 720, 170
_LETTERS, _SMALL_LETTERS = 56, 22
# A digit appears in so many steps; how long each frame stays, in milliseconds.
_STEPS = 4
_STEP_TIME, _BOX_TIME, _START_TIME, _END_TIME = 60, 180, 700, 3_500
# Room around a digit that appears with it, as a share of its box.
_MARGIN = 0.12
# Writing is darker than the paper by more than this, and so many pixels around it are neither.
_WRITING, _SOFT_EDGE = 60, 7
_COLORS = 48
_INK, _PALE = (20, 30, 45), (110, 120, 130)


def read_sample() -> tuple[Pixels, Reading]:
    """Returns the sample, uint8 of shape (height, width, 3), and what the shipped model reads in it."""
    pixels = decode(SAMPLE.read_bytes())
    colored = pixels if pixels.ndim == 3 else np.dstack([pixels] * 3)
    return colored, read_picture(Recognizer.load(shipped_model()), colored)


def frames(pixels: Pixels, reading: Reading) -> Iterator[tuple[Image.Image, int]]:
    """Yields each frame, and for how many milliseconds it stays.

    Args:
        pixels: uint8 of shape (height, width, 3), RGB.
        reading: what was read in it.
    """
    paper = _without_writing(pixels)
    shown = paper.copy()
    yield _frame(shown, _first(reading, 0), ""), _START_TIME
    for number, digit in enumerate(reading.digits):
        left, top, right, bottom = _around(digit, pixels)
        for step in range(1, _STEPS + 1):
            edge = left + (right - left) * step // _STEPS
            shown[top:bottom, left:edge] = pixels[top:bottom, left:edge]
            yield _frame(shown, _first(reading, number), ""), _STEP_TIME
        yield _frame(shown, _first(reading, number + 1), ""), _BOX_TIME
    sure = f"All of it is right with a probability of {confidence_text(reading.confidence)}"
    yield _frame(pixels, reading, sure), _END_TIME


def _first(reading: Reading, count: int) -> Reading:
    """Returns the first digits of a reading."""
    return Reading(reading.digits[:count], reading.width, reading.height)


def _around(digit: ReadDigit, pixels: Pixels) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of the part of the picture that appears with a digit."""
    x, y, width, height = digit.box
    margin = round(_MARGIN * max(width, height))
    bottom, right = min(pixels.shape[0], y + height + margin), min(pixels.shape[1], x + width + margin)
    return max(0, x - margin), max(0, y - margin), right, bottom


def _without_writing(pixels: Pixels) -> Pixels:
    """Returns the paper alone: the writing is filled in with the paper around it."""
    size = max(3, pixels.shape[0] // 8) | 1
    lightest = cv2.GaussianBlur(cv2.dilate(pixels, np.ones((size, size), np.uint8)), (size, size), 0)
    writing = (cv2.subtract(lightest, pixels).max(axis=2) > _WRITING).astype(np.uint8)
    around = cv2.dilate(writing, np.ones((_SOFT_EDGE, _SOFT_EDGE), np.uint8))
    return np.asarray(cv2.inpaint(pixels, around, _SOFT_EDGE, cv2.INPAINT_TELEA), dtype=np.uint8)


def _frame(pixels: Pixels, reading: Reading, note: str) -> Image.Image:
    """Returns a picture with boxes, and below it the transcript and a note."""
    boxed = Image.fromarray(draw_reading(pixels, reading))
    height = round(_WIDTH * boxed.height / boxed.width)
    frame = Image.new("RGB", (_WIDTH, height + _STRIP), "white")
    frame.paste(boxed.resize((_WIDTH, height), Image.Resampling.LANCZOS))
    draw = ImageDraw.Draw(frame)
    for line, text in enumerate(reading.transcript_lines):
        draw.text((24, height + 6 + line * (_LETTERS + 4)), text, _INK, ImageFont.load_default(_LETTERS))
    draw.text((24, height + _STRIP - _SMALL_LETTERS - 12), note, _PALE, ImageFont.load_default(_SMALL_LETTERS))
    return frame


def write(file: IO[bytes]) -> int:
    """Writes the moving picture as a GIF file; returns how many frames it has."""
    pictures, times = zip(*frames(*read_sample()), strict=True)
    # One palette for all, of the last frame, which has every color: small differences between frames stay small.
    palette = pictures[-1].quantize(_COLORS, dither=Image.Dither.NONE)
    first, *others = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    first.save(file, "GIF", save_all=True, append_images=others, duration=list(times), loop=0, optimize=False)
    return len(pictures)


def main() -> None:
    """Writes the file of the README."""
    with TARGET.open("wb") as file:
        count = write(file)
    print(f"{TARGET.relative_to(ROOT)}: {count} frames, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
