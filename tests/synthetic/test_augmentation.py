import numpy as np
import pytest

from digits.data.mnist import Images, Mnist
from digits.synthetic.augmentation import Augmentation, augment, make_outliers


def center_of_mass(image: Images) -> tuple[float, float]:
    total = image.sum(dtype=float)
    return float(image.sum(axis=0) @ np.arange(28)) / total + 0.5, float(
        image.sum(axis=1) @ np.arange(28)
    ) / total + 0.5


def test_the_same_state_gives_the_same_images_and_the_originals_stay(mnist: Mnist) -> None:
    images, labels = mnist.x_train[:200].copy(), mnist.y_train[:200]
    first = augment(images, labels, np.random.default_rng(5))
    assert np.array_equal(first, augment(images, labels, np.random.default_rng(5)))
    assert not np.array_equal(first, augment(images, labels, np.random.default_rng(6)))
    assert np.array_equal(images, mnist.x_train[:200])
    assert first.shape == images.shape
    assert first.dtype == np.uint8


@pytest.mark.parametrize("plain", [0.0, 0.5, 1.0])
def test_the_plain_share_stays_as_it_is(mnist: Mnist, plain: float) -> None:
    images = mnist.x_train[:400]
    changed = augment(images, mnist.y_train[:400], np.random.default_rng(0), Augmentation(plain=plain))
    same = float((changed == images).all(axis=(1, 2)).mean())
    assert same == pytest.approx(plain, abs=0.08)


def test_changed_images_still_have_the_form_that_the_normalizer_gives(mnist: Mnist) -> None:
    images = mnist.x_train[:400]
    changed = augment(images, mnist.y_train[:400], np.random.default_rng(0), Augmentation(plain=0.0))
    for image in changed:
        x, y = center_of_mass(np.where(image > 100, image, 0))
        # The center, and a shift of a pixel, and what noise and rounding add.
        assert abs(x - 14.5) < 2.6
        assert abs(y - 14.5) < 2.6
        assert image.max() > 120


def test_ones_get_upstrokes(mnist: Mnist) -> None:
    ones = mnist.x_train[mnist.y_train == 1][:200]
    still = Augmentation(plain=0.0, rotation=0.0, shear=0.0, stretch=0.0, bend=0.0, shift=0, european=0.0)
    european = Augmentation(plain=0.0, rotation=0.0, shear=0.0, stretch=0.0, bend=0.0, shift=0, european=1.0)
    labels = np.ones(200, dtype=np.uint8)
    without, with_stroke = (augment(ones, labels, np.random.default_rng(1), how) for how in (still, european))
    widths = [(images > 100).any(axis=1).sum(axis=1).mean() for images in (without, with_stroke)]
    assert widths[1] > widths[0] + 2


def test_an_image_without_ink_is_left_alone() -> None:
    blank = np.zeros((3, 28, 28), dtype=np.uint8)
    assert not augment(blank, np.array([1, 7, 0], dtype=np.uint8), np.random.default_rng(0)).any()


@pytest.mark.parametrize("digit", [1, 4, 7])
def test_drawn_images_owe_nothing_to_the_original_but_its_digit(digit: int) -> None:
    how = Augmentation(plain=0.0, drawn=1.0, bad_paper=0.0)
    labels = np.full(20, digit, dtype=np.uint8)
    originals = (np.zeros((20, 28, 28), np.uint8), np.full((20, 28, 28), 255, np.uint8))
    drawn, again = (augment(images, labels, np.random.default_rng(0), how) for images in originals)
    assert np.array_equal(drawn, again)
    assert (drawn.max(axis=(1, 2)) > 120).all()
    assert len({image.tobytes() for image in drawn}) == 20


def test_on_bad_paper_a_digit_is_still_itself(mnist: Mnist) -> None:
    how = Augmentation(plain=0.0, drawn=0.0, bad_paper=1.0)
    images = mnist.x_train[:200]
    worn = augment(images, mnist.y_train[:200], np.random.default_rng(0), how)
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, worn, strict=True)]
    assert np.mean(alike) > 0.7
    assert np.mean((worn == images).all(axis=(1, 2))) < 0.3


def test_a_digit_that_bad_paper_swallows_is_left_alone() -> None:
    blank = np.zeros((20, 28, 28), dtype=np.uint8)
    how = Augmentation(plain=0.0, drawn=0.0, bad_paper=1.0)
    changed = augment(blank, np.zeros(20, np.uint8), np.random.default_rng(0), how)
    assert not changed.any(axis=(1, 2)).all()


def test_outliers_have_the_form_of_the_training_images_and_their_seed_decides(mnist: Mnist) -> None:
    images, labels = mnist.x_train[:200].copy(), mnist.y_train[:200]
    made = make_outliers(100, images, labels, np.random.default_rng(3))
    assert made.shape == (100, 28, 28)
    assert made.dtype == np.uint8
    assert (made.max(axis=(1, 2)) > 50).all()
    # Within the field's margin nothing but noise.
    assert made[:, 1:-1, 1:-1].sum() > 0.95 * made.sum()
    assert len({image.tobytes() for image in made}) == 100
    assert np.array_equal(made, make_outliers(100, images, labels, np.random.default_rng(3)))
    assert not np.array_equal(made, make_outliers(100, images, labels, np.random.default_rng(4)))
    assert np.array_equal(images, mnist.x_train[:200])


def test_no_outliers_are_an_empty_array(mnist: Mnist) -> None:
    none = make_outliers(0, mnist.x_train[:10], mnist.y_train[:10], np.random.default_rng(0))
    assert none.shape == (0, 28, 28)
