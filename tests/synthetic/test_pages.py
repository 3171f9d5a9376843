from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import SettingError
from digits.numbers.acceptance import leans
from digits.synthetic.lines import write_lines
from digits.synthetic.pages import KINDS, Page, WrittenNumber, write_numbers
from digits.synthetic.sums import write_sums


def written(mnist: Mnist, page: Page, count: int = 1, seed: int = 0) -> list[WrittenNumber]:
    signs = np.zeros((1, 28, 28), np.uint8)
    signs[0, 12:16, 4:24] = 255
    return list(write_numbers(page, mnist.x_test, mnist.y_test, count, seed, signs))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_writes_the_same_picture_and_another_seed_another(mnist: Mnist, kind: str) -> None:
    (one,), (same,), (other,) = (written(mnist, KINDS[kind], seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.picture, same.picture)
    assert (one.text, one.boxes) == (same.text, same.boxes)
    assert one.picture.shape != other.picture.shape or not np.array_equal(one.picture, other.picture)


def test_text_boxes_and_owners_agree_with_the_picture(mnist: Mnist) -> None:
    for one in written(mnist, Page(lines=2, digits=(2, 4), signs=0.3), 5):
        assert one.picture.dtype == np.uint8
        assert one.text.replace("\n", "") == "".join(str(label) for label in one.labels if label is not None)
        assert len(one.boxes) == len(one.labels)
        paper = float(np.median(one.picture))
        for i, (left, top, width, height) in enumerate(one.boxes):
            rows, columns = np.nonzero(one.owners == i)
            assert left <= columns.min() <= columns.max() < left + width
            assert top <= rows.min() <= rows.max() < top + height
            assert one.picture[rows, columns].mean() < 0.75 * paper


def test_digits_that_touch_are_one_stroke_and_others_are_not(mnist: Mnist) -> None:
    together = [ink_of(one) for one in written(mnist, Page(digits=(2, 2), touching=1.0), 20)]
    apart = [ink_of(one) for one in written(mnist, Page(digits=(2, 2)), 20)]
    # A digit may itself be of two strokes.
    assert np.mean([count == 1 for count in together]) >= 0.9
    assert min(apart) >= 2


def ink_of(one: WrittenNumber) -> int:
    """How many strokes there are of more than a few pixels."""
    stats = cv2.connectedComponentsWithStats((one.owners >= 0).astype(np.uint8), connectivity=8)[2]
    return int((stats[1:, cv2.CC_STAT_AREA] > 0.05 * (one.owners >= 0).sum()).sum())


def test_a_thin_pen_leaves_less_ink_of_the_same_digits(mnist: Mnist) -> None:
    def share(thin_pen: float) -> float:
        return float(np.mean([(one.owners >= 0).mean() for one in written(mnist, Page(thin_pen=thin_pen), 5)]))

    assert share(1.0) < 0.7 * share(0.0)


def test_small_digits_stand_beside_large_ones_where_a_page_is_uneven(mnist: Mnist) -> None:
    def heights(uneven: float) -> list[float]:
        """The height of each digit beside the highest of its picture; a 1 may be less high in MNIST, and a 4 too."""
        pictures = written(mnist, Page(digits=(6, 6), uneven=uneven), 10)
        return [high / max(box[3] for box in one.boxes) for one in pictures for *_, high in one.boxes]

    assert np.mean(np.array(heights(1.0)) < 0.7) > 0.2 > 0.1 > np.mean(np.array(heights(0.0)) < 0.7)


def test_signs_are_no_part_of_the_text_and_stand_at_half_the_height(mnist: Mnist) -> None:
    (one,) = written(mnist, Page(digits=(4, 4), signs=1.0))
    assert len(one.text) == 4
    assert one.labels[1::2] == (None,) * 4
    _, top, _, height = one.boxes[2]
    assert top < one.boxes[3][1] + one.boxes[3][3] / 2 < top + height


def test_squared_paper_has_lines_in_both_directions_and_plain_paper_none(mnist: Mnist) -> None:
    def lines(page: Page) -> tuple[bool, bool]:
        (one,) = written(mnist, page)
        dark = np.where(one.owners >= 0, 255, one.picture) < 0.92 * np.median(one.picture)
        return bool((dark.mean(axis=1) > 0.5).any()), bool((dark.mean(axis=0) > 0.5).any())

    assert lines(KINDS["digits apart"]) == (False, False)
    assert lines(KINDS["ruled paper"]) == (True, False)
    assert lines(KINDS["squared paper"]) == (True, True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"digits": (0, 4)}, "digits is from 0 to 4"),
        ({"height": (50, 40)}, "height is from 50 to 40"),
        ({"lines": 0}, "lines is 0"),
        ({"touching": 1.5}, "touching is 1.5"),
        ({"signs": -0.1}, "signs is -0.1"),
        ({"uneven": 2.0}, "uneven is 2.0"),
    ],
)
def test_pages_out_of_range_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        Page(**settings)  # type: ignore[arg-type]


def test_a_page_with_signs_wants_images_of_some(mnist: Mnist) -> None:
    with pytest.raises(SettingError, match="no images of signs"):
        next(write_numbers(Page(signs=0.5), mnist.x_test, mnist.y_test, 1))


@pytest.mark.parametrize(
    ("write", "page", "name"),
    [
        (write_numbers, Page(drawn=0.5), "drawn"),
        (write_sums, Page(touching=0.5), "touching"),
        (write_sums, Page(signs=0.5), "signs"),
        (write_lines, Page(touching=0.5), "touching"),
        (write_lines, Page(signs=0.5), "signs"),
    ],
)
def test_a_chance_that_pictures_do_not_heed_is_refused(
    write: Callable[..., Iterator[WrittenNumber]], page: Page, name: str, mnist: Mnist
) -> None:
    with pytest.raises(SettingError, match=rf"^{name} is 0\.5, and .*\. Leave it at 0\."):
        next(write(page, mnist.x_test, mnist.y_test, 1))


def test_the_digits_of_a_picture_lean_alike_where_its_slant_is_even(mnist: Mnist) -> None:
    def spread(even_slant: float) -> float:
        """How far the leans of a picture's digits spread, on average over pictures."""
        spreads = []
        for one in written(mnist, Page(digits=(6, 6), even_slant=even_slant), 8):
            side = max(one.owners.shape)
            squares = np.full((side, side), -1, np.int16)
            squares[: one.owners.shape[0], : one.owners.shape[1]] = one.owners
            inks = np.stack([squares == i for i in range(len(one.labels))]).astype(np.uint8)
            spreads.append(np.std(leans(inks[..., np.newaxis])))
        return float(np.mean(spreads))

    assert spread(1.0) < 0.5 * spread(0.0)
