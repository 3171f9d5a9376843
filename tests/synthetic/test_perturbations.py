import numpy as np
import pytest

from digits.data.mnist import Mnist, split
from digits.errors import NoInkError
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.perturbations import PERTURBATIONS, perturb


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_seed_gives_the_same_pictures_and_another_seed_others(mnist: Mnist, name: str) -> None:
    images = split(mnist).x_validation[:4]
    pictures = perturb(name, images)
    assert all(np.array_equal(a, b) for a, b in zip(pictures, perturb(name, images), strict=True))
    assert all(picture.dtype == np.uint8 and min(picture.shape) > 100 for picture in pictures)
    if name not in ("plain", "inverted"):
        assert any(not np.array_equal(a, b) for a, b in zip(pictures, perturb(name, images, seed=1), strict=True))


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_shipped_model_reads_each_kind_of_picture(mnist: Mnist, name: str) -> None:
    # A small sample against a low bar, to find a step of the normalizer that broke; the benchmark prints the figures.
    parts = split(mnist)
    images, labels = parts.x_validation[:60], parts.y_validation[:60]
    recognizer = Recognizer.load(shipped_model())
    correct = 0
    for picture, label in zip(perturb(name, images), labels, strict=True):
        try:
            correct += recognizer.recognize_pixels(picture).digit == label
        except NoInkError:
            continue
    assert correct >= 50
