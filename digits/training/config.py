"""What a training run is asked for."""

from dataclasses import dataclass
from pathlib import Path

from digits.errors import SettingError
from digits.training.recipes import find_recipe

MAX_EPOCHS = 1_000
MAX_BATCH_SIZE = 55_000
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainingConfig:
    """One training run.

    Args:
        recipe: name of the recipe.
        epochs: passes over the training images; the recipe's own number if None.
        batch_size: images per step; the recipe's own number if None.
        seed: of the initial weights, the order of the images and their augmentation. The same seed gives the same
            weights on the same machine.
        start: a model file of the same recipe, from whose weights the run starts; random weights if None.

    Raises:
        SettingError: a value is out of range; the message gives the range.
    """

    recipe: str = "reference"
    epochs: int | None = None
    batch_size: int | None = None
    seed: int = 0
    start: Path | None = None

    def __post_init__(self) -> None:
        recipe = find_recipe(self.recipe)
        object.__setattr__(self, "epochs", recipe.epochs if self.epochs is None else self.epochs)
        object.__setattr__(self, "batch_size", recipe.batch_size if self.batch_size is None else self.batch_size)
        for name, lowest, highest in (
            ("epochs", 1, MAX_EPOCHS),
            ("batch_size", 1, MAX_BATCH_SIZE),
            ("seed", 0, MAX_SEED),
        ):
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise SettingError(f"{name} is {value}; it must be a whole number from {lowest} to {highest}.")
