import time
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from digits.arrays import SIDE
from digits.data.mnist import Mnist
from digits.errors import NoInkError
from digits.vision.mnist_form import BOX, image_of, is_like_mnist, like_mnist
from digits.vision.normalize import already_normalized, glance, normalize

Pixels = npt.NDArray[np.uint8]

# Strokes in units of the digit's own height.
SEVEN = [[(0.0, 0.0), (0.6, 0.0)], [(0.6, 0.0), (0.2, 1.0)]]
ONE = [[(0.0, 0.3), (0.2, 0.0)], [(0.2, 0.0), (0.2, 1.0)]]
PLAIN_ONE = [[(0.2, 0.0), (0.2, 1.0)]]

PAPER, BLACK = (245, 245, 245), (20, 20, 20)


def write(
    size: tuple[int, int] = (240, 240),
    at: tuple[int, int] = (75, 50),
    height: int = 140,
    pen: int = 10,
    ink: tuple[int, ...] = BLACK,
    paper: tuple[int, ...] = PAPER,
    strokes: list[list[tuple[float, float]]] = SEVEN,
) -> Pixels:
    """A picture of `size` (width, height) in RGB with the digit's top left corner `at` a point."""
    picture = np.full((size[1], size[0], 3), paper, np.uint8)
    for stroke in strokes:
        a, b = ((round(at[0] + x * height), round(at[1] + y * height)) for x, y in stroke)
        cv2.line(picture, a, b, ink, pen, cv2.LINE_AA)
    return picture


def uneven(picture: Pixels) -> Pixels:
    light = np.linspace(1.0, 0.45, picture.shape[1])[None, :, None] * np.linspace(1.0, 0.8, len(picture))[:, None, None]
    return np.rint(picture * light).astype(np.uint8)


def grainy(picture: Pixels) -> Pixels:
    noise = np.random.default_rng(0).normal(0.0, 5.0, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def with_page_edge(picture: Pixels) -> Pixels:
    picture = picture.copy()
    picture[:, -8:] = 60  # The table beside the paper.
    return picture


def with_specks(picture: Pixels) -> Pixels:
    picture = picture.copy()
    for x, y in ((20, 20), (210, 30), (25, 215), (220, 200), (120, 225)):
        cv2.circle(picture, (x, y), 2, BLACK, -1)
    return picture


def with_frame(picture: Pixels) -> Pixels:
    return np.asarray(cv2.rectangle(picture.copy(), (10, 10), (230, 230), BLACK, 3), dtype=np.uint8)


def similarity(a: Pixels, b: Pixels) -> float:
    """Correlation of two images, blurred so that a shift by one pixel counts little."""
    soft_a, soft_b = (cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.5).ravel() for image in (a, b))
    return float(np.corrcoef(soft_a, soft_b)[0, 1])


def assert_like_mnist(image: Pixels) -> None:
    assert image.shape == (SIDE, SIDE)
    assert image.dtype == np.uint8
    assert image.max() == 255
    _, _, width, height = cv2.boundingRect((image > 40).astype(np.uint8))
    assert abs(max(width, height) - BOX) <= 1
    rows, columns = np.indices(image.shape) + 0.5
    total = image.sum(dtype=np.float64)
    assert abs((columns * image).sum() / total - 14.5) <= 1.0
    assert abs((rows * image).sum() / total - 14.5) <= 1.0


VARIANTS: dict[str, Callable[[], Pixels]] = {
    "light on dark": lambda: write(ink=(235, 240, 235), paper=(40, 60, 50)),
    "gray": lambda: write()[..., 0],
    "red ink": lambda: write(ink=(200, 40, 45)),
    "blue ink": lambda: write(ink=(40, 60, 170)),
    "green ink": lambda: write(ink=(60, 160, 80)),
    "yellow ink": lambda: write(ink=(240, 220, 60)),
    "ink as light as its paper": lambda: write(ink=(255, 0, 0), paper=(76, 76, 76)),
    "pencil": lambda: write(ink=(190, 190, 190)),
    "uneven light": lambda: uneven(write()),
    "chalk in uneven light": lambda: uneven(write(ink=(235, 240, 235), paper=(60, 80, 70))),
    "grain": lambda: grainy(write()),
    "page edge": lambda: with_page_edge(write()),
    "specks": lambda: with_specks(write()),
    "frame": lambda: with_frame(write()),
    "in the corner": lambda: write(at=(8, 8)),
    "wide picture": lambda: write(size=(600, 240), at=(400, 50)),
    "tall picture": lambda: write(size=(240, 500), at=(70, 300)),
    "tight": lambda: write(size=(114, 170), at=(15, 15)),
    "huge": lambda: write(size=(3600, 3600), at=(1125, 750), height=2100, pen=150),
    "tiny": lambda: write(size=(40, 40), at=(12, 8), height=23, pen=2),
    "small on a page": lambda: write(size=(800, 800), at=(300, 500), height=84, pen=6),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_however_a_digit_is_written_the_network_sees_the_same(name: str) -> None:
    image = normalize(VARIANTS[name]()).image
    assert_like_mnist(image)
    assert similarity(image, normalize(write()).image) > 0.9


@pytest.mark.parametrize("pen", [2, 4, 10, 20, 30])
@pytest.mark.parametrize("strokes", [SEVEN, ONE, PLAIN_ONE], ids=["7", "1", "plain 1"])
def test_pens_of_any_width_give_a_digit_in_mnists_form(strokes: list[list[tuple[float, float]]], pen: int) -> None:
    assert_like_mnist(normalize(write(strokes=strokes, pen=pen)).image)


def test_different_digits_stay_different() -> None:
    seven, one = (normalize(write(strokes=strokes)).image for strokes in (SEVEN, ONE))
    assert similarity(seven, one) < 0.7


def test_strokes_too_thin_for_28_pixels_are_thickened() -> None:
    thin, pen = (normalize(write(size=(800, 800), at=(200, 100), height=600, pen=width)).image for width in (3, 60))
    assert 0.4 < thin.sum() / pen.sum() < 1.2


def test_a_digit_of_separate_parts_is_kept_whole() -> None:
    # The bar of a 5, lifted off its body.
    picture = write(strokes=[[(0.1, 0.0), (0.6, 0.0)], [(0.0, 0.15), (0.0, 0.5)], [(0.0, 0.5), (0.5, 0.75)]])
    image = normalize(picture).image
    parts, _ = cv2.connectedComponents((image > 100).astype(np.uint8), connectivity=8)
    assert parts - 1 == 2


@pytest.mark.parametrize("polarity", ["white on black", "black on white"])
def test_mnists_own_images_pass_unharmed(mnist: Mnist, polarity: str) -> None:
    for image in mnist.x_test[:2000]:
        gray = image if polarity == "white on black" else 255 - image
        for pixels in (gray, np.dstack([gray, gray, gray])):
            assert np.array_equal(normalize(pixels).image, image)


def test_images_are_found_like_mnist_together_as_one_by_one(mnist: Mnist) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, SIDE, SIDE), dtype=np.uint8)
    moved = [np.roll(mnist.x_test[:200], shift, axis=axis) for axis in (1, 2) for shift in (-1, 1, 2)]
    images = np.concatenate([mnist.x_test[:200], 255 - mnist.x_test[:200], noise, mnist.x_test[:50] // 2, *moved])
    together, fits = like_mnist(images)
    alone = [is_like_mnist(image) for image in images]
    assert np.array_equal(together, np.stack([image for image, _ in alone]))
    assert fits.tolist() == [fit for _, fit in alone]
    assert fits[:400].all()
    assert not fits[400:450].any()
    assert np.array_equal(together[200:400], mnist.x_test[:200])


OWN = normalize(write()).image


@pytest.mark.parametrize(
    "image",
    [
        np.zeros_like(OWN),
        np.full_like(OWN, 255),
        np.roll(OWN, 4, axis=1),
        np.roll(OWN, 4, axis=0),
        np.maximum(OWN, 3),
        np.where(OWN > 0, 100, 0),
        np.pad(OWN[8:20, 8:20], 8),
    ],
    ids=["black", "white", "right of the middle", "below the middle", "gray ground", "faint ink", "smaller"],
)
def test_an_image_that_mnists_makers_would_not_have_made_is_not_like_mnist(image: Pixels) -> None:
    assert is_like_mnist(OWN)[1]
    assert [is_like_mnist(image.astype(np.uint8))[1], *like_mnist(image.astype(np.uint8)[None])[1]] == [False, False]


def test_an_image_in_mnists_form_is_its_own_only_stage() -> None:
    for found in (already_normalized(OWN), normalize(255 - OWN)):
        assert np.array_equal(found.image, OWN)
        assert [stage.name for stage in found.stages] == ["Already like MNIST"]
        assert np.array_equal(found.stages[0].image, OWN)
        assert (len(found.separate), found.together) == (0, None)


def test_an_image_in_mnists_form_that_is_normalized_again_stays_as_it_is() -> None:
    image = normalize(write()).image
    assert np.array_equal(normalize(image).image, image)


@pytest.mark.parametrize("size", [(28, 28), (3, 3), (1, 1), (1, 500), (300, 200), (1200, 900)])
@pytest.mark.parametrize("color", [0, 255, 127, (255, 255, 255), (200, 30, 90), (0, 0, 0)])
def test_a_blank_picture_has_no_ink(size: tuple[int, int], color: int | tuple[int, int, int]) -> None:
    shape = size if isinstance(color, int) else (*size, 3)
    with pytest.raises(NoInkError):
        normalize(np.full(shape, color, np.uint8))


def test_a_blank_page_in_uneven_light_has_no_ink() -> None:
    with pytest.raises(NoInkError):
        normalize(uneven(np.full((200, 300, 3), PAPER, np.uint8)))


@pytest.mark.parametrize("side", [28, 80, 300])
@pytest.mark.parametrize("deviation", [4, 10, 20])
def test_a_blank_page_with_noise_has_no_ink(side: int, deviation: int) -> None:
    noise = np.random.default_rng(0).normal(180.0, deviation, (side, side))
    with pytest.raises(NoInkError):
        normalize(np.clip(noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(("width", "height"), [(2, 2), (2, 50), (3, 5000)])
def test_a_picture_too_narrow_for_a_digit_is_refused_with_its_size(width: int, height: int) -> None:
    with pytest.raises(NoInkError, match=f"{width} x {height} pixels"):
        normalize(np.zeros((height, width), np.uint8))


def assert_image_or_no_ink(pixels: Pixels) -> None:
    try:
        image = normalize(pixels).image
    except NoInkError:
        return
    assert image.shape == (SIDE, SIDE)
    assert image.dtype == np.uint8
    assert image.any()


sides = st.integers(1, 60)
shapes = st.tuples(sides, sides) | st.tuples(sides, sides, st.just(3))
points = st.tuples(st.integers(-20, 420), st.integers(-20, 420))


@settings(max_examples=150, deadline=None)
@given(nps.arrays(np.uint8, shapes, elements=st.integers(0, 255), fill=st.integers(0, 255)))
def test_any_picture_gives_an_image_or_no_ink(pixels: Pixels) -> None:
    assert_image_or_no_ink(pixels)


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(3, 400), st.integers(3, 400)),
    lines=st.lists(st.tuples(points, points), min_size=1, max_size=4),
    pen=st.integers(1, 12),
)
def test_any_drawing_gives_an_image_or_no_ink(
    size: tuple[int, int], lines: list[tuple[tuple[int, int], tuple[int, int]]], pen: int
) -> None:
    picture = np.full(size, 255, np.uint8)
    for a, b in lines:
        cv2.line(picture, a, b, 0, pen)
    assert_image_or_no_ink(picture)


def test_a_long_hair_line_gives_an_image_or_no_ink() -> None:
    picture = np.full((90, 800), 255, np.uint8)
    cv2.line(picture, (100, 20), (700, 65), 0, 1)
    assert_image_or_no_ink(picture)


def test_strokes_without_any_ink_give_a_black_image() -> None:
    strength, mask = np.zeros((40, 30), np.uint8), np.zeros((40, 30), np.uint8)
    mask[10:30, 12:18] = 1
    assert not image_of(strength, mask, 100.0).any()


def test_the_stages_end_with_the_image() -> None:
    result = normalize(write())
    assert [stage.name for stage in result.stages] == [
        "Ink on its ground",
        "The digit alone",
        "Cut out, strokes of even width",
        "Fitted and centered",
    ]
    assert all(stage.image.dtype == np.uint8 and stage.image.ndim == 2 for stage in result.stages)
    assert np.array_equal(result.stages[-1].image, result.image)


def test_the_picture_itself_is_left_alone() -> None:
    picture = write()
    before = picture.copy()
    normalize(picture)
    assert np.array_equal(picture, before)


def _seconds_for_image(strokes: Pixels) -> float:
    """CPU time of the image of strokes, the least of three."""

    def seconds() -> float:
        start = time.process_time()
        image_of(strokes * 200, strokes, 200.0)
        return time.process_time() - start

    return min(seconds() for _ in range(3))


def test_strokes_over_a_whole_page_cost_no_more_than_a_few_times_a_photo() -> None:
    # A comb of 1-pixel teeth and a chevron of the size of a page, beside a digit as large as a photo's.
    comb, chevron, photo = (np.zeros((side, side), np.uint8) for side in (1600, 1600, 800))
    comb[:, ::3] = comb[:2] = 1
    cv2.polylines(chevron, [np.array([(0, 1599), (800, 0), (1599, 1599)])], False, 1, 1)
    cv2.ellipse(photo, (400, 400), (200, 350), 0, 0, 330, 1, 40)
    usual = _seconds_for_image(photo)
    assert max(_seconds_for_image(comb), _seconds_for_image(chevron)) < 12.0 * usual


def test_a_large_digit_gives_the_image_of_a_smaller_one() -> None:
    small = normalize(write()).image
    large = normalize(write(size=(780, 780), at=(230, 40), height=700, pen=50)).image
    assert similarity(small, large) > 0.95


@pytest.mark.parametrize(
    "size", [(200, 200), (280, 280), (400, 400), (540, 720), (720, 540), (1000, 750), (1430, 1073)]
)
def test_a_large_digit_is_seen_at_a_glance_as_it_is_on_the_whole(size: tuple[int, int]) -> None:
    height = max(130, min(size) // 2)
    photo = grainy(uneven(write(size, (size[0] // 5, size[1] // 4), height, height // 12)))
    seen = glance(photo)
    assert seen is not None
    assert np.abs(seen.image.astype(int) - normalize(photo).image).mean() < 6.0


@pytest.mark.parametrize("height", [20, 80, 140])
def test_a_small_digit_of_a_large_picture_is_not_looked_at_on_a_copy(height: int) -> None:
    assert glance(write((540, 720), (200, 300), height, max(2, height // 12))) is None


@pytest.mark.parametrize("shape", [(720, 540), (720, 540, 3), (720, 3), (3, 1400), (1439, 100, 3)])
def test_a_photo_of_nothing_shows_nothing_at_a_glance(shape: tuple[int, ...]) -> None:
    assert glance(np.full(shape, 200, np.uint8)) is None
