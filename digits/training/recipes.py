"""Architectures and how they are trained. A new recipe is one function and one entry of `RECIPES`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from digits.data.mnist import Images, Labels
from digits.errors import SettingError
from digits.synthetic.augmentation import augment, make_outliers


@dataclass(frozen=True)
class Recipe:
    """How to make one kind of network.

    Args:
        name: for the command line and the card.
        description: one line, for people.
        build: makes the network, not yet compiled: images of shape (n, 28, 28) in 0..1 to probabilities (n, 10).
        optimizer: makes the optimizer of a run of so many steps.
        fine_tuning_optimizer: makes the optimizer of a run that starts from trained weights, of so many steps.
        fine_tuned_share: the weights of such a run are this share of its last weights, 0..1, and the rest of those that
            it started from. The average keeps more of what the network knew (Wortsman et al., "Robust Fine-Tuning of
            Zero-Shot Models", CVPR 2022).
        epochs: passes over the training images, unless told otherwise.
        batch_size: images per step, unless told otherwise.
        floor: the least test accuracy with which a model is kept, 0..1.
        augment: changes the training images anew for each epoch, or None.
        outliers: makes so many images of things that are no digit, of the training images and their labels, or None.
        outlier_share: how many of them join the training images in each epoch, for each of those.
        use_xla: whether XLA compiles the training step: several times faster where the arithmetic is small, many
            times slower than TensorFlow's own kernels for convolutions on a processor.
    """

    name: str
    description: str
    build: Callable[[], Any]
    optimizer: Callable[[int], Any]
    fine_tuning_optimizer: Callable[[int], Any]
    epochs: int
    batch_size: int
    floor: float
    augment: Callable[[Images, Labels, np.random.Generator], Images] | None = None
    outliers: Callable[[int, Images, Labels, np.random.Generator], Images] | None = None
    outlier_share: float = 0.0
    use_xla: bool = True
    fine_tuned_share: float = 1.0

    def __post_init__(self) -> None:
        if (self.outliers is not None) != (self.outlier_share > 0.0):
            raise SettingError(f"recipe {self.name} has outliers or a share of them, but not both")


def _reference() -> Any:
    from keras import Input, Sequential
    from keras.layers import Dense, Flatten

    return Sequential([Input((28, 28)), Flatten(), Dense(128, activation="relu"), Dense(10, activation="softmax")])


def _convnet() -> Any:
    from keras import Input, Sequential
    from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, GlobalAveragePooling2D, ReLU, Reshape

    def convolution(filters: int, size: int = 3, stride: int = 1) -> list[Any]:
        layer = Conv2D(filters, size, strides=stride, padding="same", use_bias=False)
        return [layer, BatchNormalization(), ReLU()]

    # Nothing but a single layer of wide windows runs on all 28x28 pixels, where arithmetic is dearest: 8.0 million
    # multiplications for an image.
    return Sequential(
        [
            *(Input((28, 28)), Reshape((28, 28, 1))),
            *(*convolution(24, size=5, stride=2), *convolution(48)),
            *(*convolution(64, stride=2), *convolution(64), *convolution(96)),
            *(GlobalAveragePooling2D(), Dropout(0.1), Dense(10, activation="softmax")),
        ]
    )


def warm_up_and_decay(steps: int, peak: float = 4e-3) -> Any:
    """Returns AdamW whose learning rate rises to `peak` for a tenth of the run and falls to zero along a cosine."""
    from keras.optimizers import AdamW
    from keras.optimizers.schedules import CosineDecay

    warm_up = max(1, steps // 10)
    rate = CosineDecay(1e-4, decay_steps=max(1, steps - warm_up), alpha=0.0, warmup_target=peak, warmup_steps=warm_up)
    return AdamW(rate, weight_decay=0.01)


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="reference",
            description="one hidden layer of 128, the textbook network",
            build=_reference,
            optimizer=lambda _steps: "adam",
            fine_tuning_optimizer=lambda _steps: "adam",
            epochs=10,
            batch_size=32,
            floor=0.95,
        ),
        Recipe(
            name="convnet",
            description="five convolutions, trained on augmented images, for digits as people really write them",
            build=_convnet,
            optimizer=warm_up_and_decay,
            # A low peak keeps what the weights know already.
            fine_tuning_optimizer=lambda steps: warm_up_and_decay(steps, peak=1e-3),
            epochs=40,
            batch_size=128,
            floor=0.98,
            augment=augment,
            outliers=make_outliers,
            outlier_share=0.18,
            use_xla=False,
            fine_tuned_share=0.7,
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        SettingError: there is none; the message lists those there are.
    """
    try:
        return RECIPES[name]
    except KeyError:
        raise SettingError(f"There is no recipe {name!r}; there are: {', '.join(RECIPES)}.") from None
