"""The images of each epoch: augmented anew and joined by outliers, the next epoch's while this one's are used."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from digits.data.mnist import Images, Split
from digits.training.losses import OUTLIER
from digits.training.recipes import Recipe


def epoch_labels(recipe: Recipe, parts: Split) -> npt.NDArray[np.int32]:
    """Returns the labels of every epoch, of shape (n,): those of the digits, then `OUTLIER` for each outlier."""
    outliers = np.full(_outlier_count(recipe, parts), OUTLIER, np.int32)
    return np.concatenate([parts.y_fit.astype(np.int32), outliers])


@contextmanager
def epoch_images(recipe: Recipe, parts: Split, epochs: int, seed: int, first: int = 0) -> Iterator[Iterator[Images]]:
    """Makes the images of each epoch, in the order of `epoch_labels`.

    A thread prepares one epoch ahead. OpenCV and NumPy release Python's lock, so the network learns meanwhile.

    Args:
        recipe: says how digits are augmented and outliers are made, if at all.
        parts: MNIST's parts.
        epochs: how many.
        seed: of the augmentation. Each epoch depends on the seed and its own number alone.
        first: how many epochs to leave out at the start.

    Yields:
        An iterator over uint8 arrays of shape (n, 28, 28).
    """
    augment, make_outliers = recipe.augment, recipe.outliers
    if augment is None and make_outliers is None:
        yield itertools.repeat(parts.x_fit, epochs - first)
        return

    def prepare(epoch: int) -> Images:
        rng = np.random.default_rng((seed, epoch))
        images = parts.x_fit if augment is None else augment(parts.x_fit, parts.y_fit, rng)
        if make_outliers is None:
            return images
        return np.concatenate([images, make_outliers(_outlier_count(recipe, parts), parts.x_fit, parts.y_fit, rng)])

    def prepared() -> Iterator[Images]:
        coming = executor.submit(prepare, first)
        for epoch in range(first + 1, epochs + 1):
            present = coming.result()
            if epoch < epochs:
                coming = executor.submit(prepare, epoch)
            yield present

    with ThreadPoolExecutor(max_workers=1) as executor:
        yield prepared()


def _outlier_count(recipe: Recipe, parts: Split) -> int:
    return round(recipe.outlier_share * len(parts.x_fit))
