"""A small digit on a large ruled or squared page is read, and the page alone is no digit."""

import contextlib

import cv2
import numpy as np
import pytest

from digits.arrays import Gray
from digits.data.mnist import Mnist, split
from digits.errors import NoInkError
from digits.recognizer import Recognizer
from digits.vision.views.closer import part_around_digit
from digits.vision.views.copy import Copy
from tests.pictures import accepted

HEIGHT, WIDTH = 3000, 2000


def page(pitch: int, thickness: int, *, squared: bool) -> Gray:
    """Paper of 6 megapixels with lines of so many pixels."""
    paper = np.full((HEIGHT, WIDTH), 232, np.uint8)
    for y in range(pitch // 2, HEIGHT, pitch):
        paper[y : y + thickness] = 165
    if squared:
        for x in range(pitch // 3, WIDTH, pitch):
            paper[:, x : x + thickness] = 165
    grain = np.random.default_rng(0).normal(0.0, 2.0, paper.shape)
    return np.clip(paper + grain, 0.0, 255.0).astype(np.uint8)


def written(paper: Gray, image: Gray, side: int, top: int = 1200, left: int = 900) -> Gray:
    """The page with an image in MNIST's form on it, in dark ink."""
    strength = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) / 255.0
    ink = np.clip((strength - 0.35) / 0.3, 0.0, 1.0)
    with_digit = paper.copy()
    there = with_digit[top : top + side, left : left + side]
    there[:] = np.rint(there * (1.0 - ink) + 50.0 * ink).astype(np.uint8)
    return with_digit


@pytest.mark.parametrize(("pitch", "thickness", "squared"), [(85, 6, False), (79, 4, True), (115, 5, True)])
def test_a_small_digit_on_a_large_page_is_read(
    mnist: Mnist, recognizer: Recognizer, pitch: int, thickness: int, *, squared: bool
) -> None:
    parts, paper = split(mnist), page(pitch, thickness, squared=squared)
    pictures = [written(paper, image, 224) for image in parts.x_validation[:8]]
    right, wrong = accepted(recognizer, pictures, parts.y_validation[:8].tolist())
    # Without the view of the part around the digit, none to two are accepted.
    assert right >= 6
    assert wrong == 0


@pytest.mark.parametrize("squared", [False, True])
def test_a_large_page_without_writing_is_no_digit(recognizer: Recognizer, *, squared: bool) -> None:
    paper = page(90, 4, squared=squared)
    assert part_around_digit(Copy(paper)) is None
    with contextlib.suppress(NoInkError):
        assert not recognizer.recognize_pixels(paper).accepted


def test_one_of_several_things_on_a_page_is_not_the_digit(mnist: Mnist) -> None:
    images = split(mnist).x_validation
    paper = page(110, 3, squared=False)
    alone = written(paper, images[0], 224)
    part = part_around_digit(Copy(alone))
    assert part is not None
    assert max(part.shape) < 500
    assert part_around_digit(Copy(written(alone, images[1], 224, 2300, 300))) is None


def test_on_a_small_page_no_part_is_looked_for(mnist: Mnist) -> None:
    small = cv2.resize(written(page(110, 3, squared=False), split(mnist).x_validation[0], 224), (600, 900))
    assert part_around_digit(Copy(np.asarray(small, dtype=np.uint8))) is None
