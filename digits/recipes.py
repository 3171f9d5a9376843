"""Architectures and how they are trained. A new recipe is one function and one entry of `RECIPES`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from digits.errors import SettingError


@dataclass(frozen=True)
class Recipe:
    """How to make one kind of network.

    Args:
        name: for the command line and the card.
        description: one line, for people.
        build: makes the network, not yet compiled: images of shape (n, 28, 28) in 0..1 to probabilities (n, 10).
        epochs: passes over the training images, unless told otherwise.
        batch_size: images per step, unless told otherwise.
        floor: the least test accuracy with which a model is kept, 0..1.
    """

    name: str
    description: str
    build: Callable[[], Any]
    epochs: int
    batch_size: int
    floor: float


def _reference() -> Any:
    from keras import Input, Sequential
    from keras.layers import Dense, Flatten

    return Sequential([Input((28, 28)), Flatten(), Dense(128, activation="relu"), Dense(10, activation="softmax")])


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="reference",
            description="one hidden layer of 128, the textbook network",
            build=_reference,
            epochs=10,
            batch_size=32,
            floor=0.95,
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
