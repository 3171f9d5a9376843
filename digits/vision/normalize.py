"""Turns a picture into the 28x28 image that the network sees.

The stages, in order: the strength of the foreground, a mask of the ink without the lines of the paper, the connected
components of the mask, those that are the digit, and the image of them in MNIST's form.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from digits.arrays import SIDE, Gray, Images, Pixels
from digits.errors import ImageError, NoInkError
from digits.images.reducing import ENOUGH_SIDE
from digits.vision.components import Components, find_components, find_separate_digits, is_edge
from digits.vision.foreground import LITTLE_SIDE, NO_INK, Foreground, find_foreground
from digits.vision.mnist_form import (
    crop,
    even,
    image_of,
    is_like_mnist,
    like_mnist,
    margin_around,
    thicken,
    tight,
    to_gray,
)
from digits.vision.paper.ruling import digit_mask
from digits.vision.reduction import as_gray, shrink
from digits.vision.sheet import without_table

# Pictures of at least `GLANCED_SIDE` pixels on the longer side are looked at on a copy first. Its side is a whole
# fraction of theirs: a half, or the smallest one that leaves `_COPY_SIDE` pixels. From `_LARGE` pixels on, where digits
# are often small, it leaves `LARGE_COPY_SIDE`.
GLANCED_SIDE = 200
_COPY_SIDE, _LARGE, LARGE_COPY_SIDE = 140, 720, 240
# A digit of at least so many pixels on its longer side is read on the copy as well as on the whole picture.
# It keeps so many pixels from the copy's border.
_LARGE_DIGIT, _CLEAR = 60, 4
# A glance at a small picture is taken while others wait: on its copy, there are at most so many edges between light and
# dark for each pixel of its height and width. A digit has some four.
_MOST_EDGES = 10


@dataclass(frozen=True)
class Stage:
    """One step of the normalization, to be shown to a person.

    Args:
        name: what the step did, in a few words.
        image: uint8 of shape (height, width).
    """

    name: str
    image: Gray


@dataclass(frozen=True)
class Normalized:
    """The image of a picture's digit.

    Args:
        image: uint8 of shape (28, 28), white ink on black.
        draw_stages: makes the stages.
        separate: uint8 of shape (n, 28, 28): if n >= 2 things of similar height lie apart in the picture, each of them
            alone, from left to right, normalized as if it were the only one; else n is 0.
        heights: of each of them, as shares of the highest, 0..1; empty if n is 0.
        together: uint8 of shape (28, 28): the image of them all, as if they were one digit; None if n is 0.
    """

    image: Gray
    draw_stages: Callable[[], tuple[Stage, ...]]
    separate: Images = field(default_factory=lambda: np.zeros((0, SIDE, SIDE), np.uint8))
    heights: tuple[float, ...] = ()
    together: Gray | None = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The steps from the picture to the image, in order; drawn when asked for, since most callers never ask."""
        return self.draw_stages()

    def after(self, stage: Stage) -> "Normalized":
        """The same, made of a picture that another step made first."""
        return replace(self, draw_stages=lambda: (stage, *self.draw_stages()))


def normalize(pixels: Pixels) -> Normalized:
    """Finds the digit in a picture and makes an MNIST-style image of it.

    A picture that is in MNIST's form already passes through unchanged.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3) in RGB order, ink of either polarity.

    Raises:
        NoInkError: the picture is blank, or has too little contrast to tell ink from ground.
    """
    if pixels.shape[:2] == (SIDE, SIDE):
        image, fits = is_like_mnist(as_gray(pixels))
        if fits:
            return already_normalized(image)
    return fetch_digit(pixels)


def normalize_many(pictures: Sequence[Pixels | ImageError]) -> list[Normalized | ImageError]:
    """Does what `normalize` does with each of many pictures; those that may be in MNIST's form are looked at together.

    Args:
        pictures: as for `normalize`; an error in place of one is handed on.

    Returns:
        For each, its image, or why there is none.
    """
    if len(pictures) == 1:
        return [_normalized_or_error(pictures[0], normalize)]
    results: dict[int, Normalized | ImageError] = {}
    small = {
        i: as_gray(picture)
        for i, picture in enumerate(pictures)
        if isinstance(picture, np.ndarray) and picture.shape[:2] == (SIDE, SIDE)
    }
    if small:
        images, fits = like_mnist(np.stack(list(small.values())))
        results |= {
            i: already_normalized(image) for i, image, fit in zip(small, images, fits.tolist(), strict=True) if fit
        }
    for i, picture in enumerate(pictures):
        if i not in results:
            results[i] = _normalized_or_error(picture, fetch_digit)
    return [results[i] for i in range(len(pictures))]


def _normalized_or_error(
    picture: Pixels | ImageError, normalize_one: Callable[[Pixels], Normalized]
) -> Normalized | ImageError:
    try:
        return picture if isinstance(picture, ImageError) else normalize_one(picture)
    except ImageError as error:
        # Its traceback holds this frame, which holds the error: a circle, and the picture's stages in it.
        return error.with_traceback(None)


def already_normalized(image: Gray) -> Normalized:
    """Wraps an image that is in MNIST's form, white on black."""
    return Normalized(image, lambda: (Stage("Already like MNIST", image),))


def fetch_digit(pixels: Pixels) -> Normalized:
    """Does what `normalize` does, for a picture that is not in MNIST's form; with the same errors."""
    height, width = pixels.shape[:2]
    if min(height, width) < 3:
        raise NoInkError(
            f"The image has {width} x {height} pixels: too small to hold a digit. Use one of 8 x 8 or more."
        )
    small = shrink(pixels, ENOUGH_SIDE)
    if min(small.shape[:2]) < 3:
        raise NoInkError(f"The image has {width} x {height} pixels: too narrow to hold a digit. Crop it to the digit.")
    sheet = without_table(small)
    normalized = image_digit(*find_strokes(sheet))
    return normalized if sheet is small else normalized.after(Stage("The sheet of paper", as_gray(sheet)))


def _reduced(pixels: Pixels, height: int, width: int) -> Pixels:
    """Reduces a picture to a size: OpenCV averages blocks of four pixels several times faster than others."""
    while pixels.shape[0] >= 2 * height and pixels.shape[1] >= 2 * width:
        rows, columns = pixels.shape[0] // 2, pixels.shape[1] // 2
        blocks = pixels[: 2 * rows, : 2 * columns]
        pixels = np.asarray(cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def glance(pixels: Pixels, *, is_reduced: bool = False) -> Normalized | None:
    """Does what `fetch_digit` does on a smaller copy, on which a large digit loses nothing.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3).
        is_reduced: whether they are a copy already, of a picture with at least `_LARGE` pixels on the longer side.

    Returns:
        None if the picture is small or crowded, if its digit is small on the copy or reaches the border, or if there is
        none.
    """
    height, width = pixels.shape[:2]
    longer = max(height, width)
    if longer < GLANCED_SIDE:
        return None
    if is_reduced:
        factor = longer / LARGE_COPY_SIDE if longer < 2 * LARGE_COPY_SIDE else longer // LARGE_COPY_SIDE
    else:
        factor = longer // LARGE_COPY_SIDE if longer >= _LARGE else max(2, longer // _COPY_SIDE)
    height, width = int(height / factor), int(width / factor)
    if min(height, width) < _LARGE_DIGIT:
        return None
    copy = _reduced(pixels, height, width)
    if longer < _LARGE and _has_many_edges(copy):
        return None
    sheet = without_table(copy, quick=True)
    try:
        foreground, components = find_strokes(sheet, quick=True)
    except NoInkError:
        return None
    left, top, right, bottom = components.box(components.digit)
    if max(right - left, bottom - top) < _LARGE_DIGIT:
        return None
    height, width = sheet.shape[:2]
    # What reaches the border may be a rule of the paper that is too faint on the copy to be taken off.
    if min(left, top, width - right, height - bottom) < _CLEAR:
        return None
    normalized = image_digit(foreground, components)
    return normalized if sheet is copy else normalized.after(Stage("The sheet of paper", as_gray(sheet)))


def _has_many_edges(copy: Pixels) -> bool:
    """Whether a small copy shows far more edges than a digit has: to look for lines and strokes in it takes long."""
    gray = as_gray(copy)
    light = gray > (int(gray.min()) + int(gray.max())) / 2.0
    edges = np.count_nonzero(light[1:] != light[:-1]) + np.count_nonzero(light[:, 1:] != light[:, :-1])
    return bool(edges > _MOST_EDGES * sum(gray.shape))


def find_strokes(pixels: Pixels, *, quick: bool = False) -> tuple[Foreground, Components]:
    """Finds the strokes of a picture of a single digit.

    Args:
        pixels: uint8 of shape (height, width) or (height, width, 3), at most `ENOUGH_SIDE` on either side.
        quick: as for `find_foreground`.

    Returns:
        The foreground, and its connected components, of which there is at least one.

    Raises:
        NoInkError: nothing stands out from the ground.
    """
    foreground = find_foreground(pixels, quick=quick)
    components = find_components(foreground, digit_mask(foreground))
    if not len(components) or is_edge(components.box(components.digit), pixels.shape):
        raise NoInkError(NO_INK)
    if foreground.is_little:
        left, top, right, bottom = components.box(components.digit)
        if max(right - left, bottom - top) < LITTLE_SIDE:
            raise NoInkError(NO_INK)
    return foreground, components


def image_digit(foreground: Foreground, components: Components) -> Normalized:
    """Makes the images of a picture's digit, and of what may be separate digits in it.

    Args:
        foreground: of the picture.
        components: of the foreground, at least one.
    """
    level, members = foreground.level, components.digit
    strength, mask = _cut(foreground, components, members)
    image = image_of(strength, mask, level)

    def draw_stages() -> tuple[Stage, ...]:
        left, top, right, bottom = components.box(members)
        ink, ink_mask = even(strength, mask, level)
        alone = np.zeros_like(foreground.strength)
        alone[top:bottom, left:right] = cv2.resize(to_gray(tight(ink, ink_mask)), (right - left, bottom - top))
        return (
            Stage("Ink on its ground", to_gray(foreground.strength / level)),
            Stage("The digit alone", alone),
            Stage("Cut out, strokes of even width", to_gray(thicken(crop(ink, ink_mask)))),
            Stage("Fitted and centered", image),
        )

    groups, together = find_separate_digits(components)
    if len(groups) < 2:
        return Normalized(image, draw_stages)
    boxes = [components.box(group) for group in groups]
    highest = max(bottom - top for _, top, _, bottom in boxes)
    return Normalized(
        image,
        draw_stages,
        separate=np.stack([image_of(*_cut(foreground, components, group), level) for group in groups]),
        heights=tuple((bottom - top) / highest for _, top, _, bottom in boxes),
        together=image_of(*_cut(foreground, components, together), level),
    )


def _cut(foreground: Foreground, components: Components, members: Sequence[int]) -> tuple[Gray, Gray]:
    """The strength and the mask of some components, cut out with as much around them as `image_of` looks at."""
    left, top, right, bottom = components.box(members)
    where, mask = components.cut(members, margin_around(right - left, bottom - top))
    return foreground.strength[where], mask
