"""Whatever a picture shows, reading it ends in digits that lie within it, or in a sentence."""

import time

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.hostile.crowded_pages import CROWDED
from digits.errors import CrowdedImageError, ImageError, NoInkError
from digits.images.limits import ImageLimits
from digits.numbers.reader import read_picture
from digits.numbers.reading import Reading
from digits.recognizer import Recognizer, shipped_model

FEW = 300
# Of a core, until a page is refused: it takes one or two.
SECONDS = 8.0

SIDES = st.sampled_from((1, 2, 3, 5, 28, 64, 150, 333))


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    """The shipped one, which looks at few things on a picture."""
    return Recognizer.load(shipped_model(), ImageLimits(max_candidates=FEW))


@st.composite
def pictures(draw: st.DrawFn) -> npt.NDArray[np.uint8]:
    """Strokes, spots and grain at random, on light or dark ground, in gray or in color."""
    height, width = draw(SIDES), draw(SIDES)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    picture = np.full((height, width), draw(st.integers(0, 255)), np.uint8)
    ink = draw(st.integers(0, 255))
    for _ in range(draw(st.integers(0, 40))):
        points = [tuple(int(value) for value in rng.integers((-20, -20), (width + 20, height + 20))) for _ in range(2)]
        cv2.line(picture, points[0], points[1], ink, int(rng.integers(1, 8)))
    for _ in range(draw(st.sampled_from((0, 0, 5, 100)))):
        place = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(picture, place, int(rng.integers(0, 12)), ink, int(rng.integers(-1, 3)) or 1)
    if draw(st.booleans()):
        grain = rng.normal(0.0, draw(st.sampled_from((1.0, 10.0, 80.0))), picture.shape)
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
    return np.repeat(picture[..., np.newaxis], 3, axis=2) if draw(st.booleans()) else picture


def check(reading: Reading, picture: npt.NDArray[np.uint8]) -> None:
    assert any(one.accepted for one in reading.digits)
    assert reading.text == "\n".join(line for line in reading.lines if line)
    assert sorted(one.line for one in reading.digits) == [one.line for one in reading.digits]
    for one in reading.digits:
        left, top, width, height = one.box
        assert 0 <= left < left + width <= picture.shape[1]
        assert 0 <= top < top + height <= picture.shape[0]
        assert 0 <= one.digit <= 9
        assert 0.0 <= one.confidence <= 1.0


@settings(max_examples=40)
@given(picture=pictures())
def test_any_picture_is_read_or_refused(recognizer: Recognizer, picture: npt.NDArray[np.uint8]) -> None:
    try:
        reading = read_picture(recognizer, picture)
    except ImageError:
        return
    check(reading, picture)


def test_what_is_seen_is_limited(recognizer: Recognizer) -> None:
    picture = np.full((300, 300), 255, np.uint8)
    for left in range(5, 290, 6):
        for top in range(5, 250, 60):
            picture[top : top + 40, left : left + 2] = 0
    with pytest.raises(CrowdedImageError, match=f"More than the {FEW} things allowed"):
        read_picture(recognizer, picture)


def test_a_page_of_more_lines_than_anybody_writes_is_refused() -> None:
    with pytest.raises(CrowdedImageError, match="lines, more than the 400 allowed"):
        read_picture(Recognizer.load(shipped_model()), CROWDED["grain"]())


@pytest.mark.parametrize("name", ["bars", "waves", "long waves", "entangled", "blots"])
def test_a_page_made_to_take_long_is_refused_in_time(name: str) -> None:
    recognizer = Recognizer.load(shipped_model())
    page = CROWDED[name]()
    start = time.process_time()
    with pytest.raises((CrowdedImageError, NoInkError)):
        read_picture(recognizer, page)
    assert time.process_time() - start < SECONDS
