import numpy as np
import pytest

from digits.augment import Augmentation, augment
from digits.mnist import Images, Mnist


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
