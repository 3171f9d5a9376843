import numpy as np
import pytest

from digits.errors import SettingError
from digits.training.recipes import RECIPES, Recipe, find_recipe

every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@every_recipe
def test_a_recipe_is_found_by_its_name(recipe: Recipe) -> None:
    assert find_recipe(recipe.name) is recipe


@pytest.mark.parametrize("name", ["", "Reference", "lenet-6"])
def test_an_unknown_recipe_is_a_setting_error_that_lists_those_there_are(name: str) -> None:
    with pytest.raises(SettingError, match=f"There is no recipe '{name}'; there are: {', '.join(RECIPES)}"):
        find_recipe(name)


def test_the_textbook_network_is_one_of_them() -> None:
    recipe = find_recipe("reference")
    assert (recipe.epochs, recipe.batch_size) == (10, 32)


@every_recipe
def test_a_recipe_has_figures_that_training_can_use(recipe: Recipe) -> None:
    assert recipe.epochs >= 1
    assert 1 <= recipe.batch_size <= 55_000
    assert 0.9 <= recipe.floor < 1.0
    assert recipe.description
    assert "\n" not in recipe.description


@every_recipe
def test_a_recipe_builds_a_network_from_28x28_images_to_ten_probabilities(recipe: Recipe) -> None:
    images = np.random.default_rng(0).random((3, 28, 28), dtype=np.float32)
    probabilities = np.asarray(recipe.build()(images))
    assert probabilities.shape == (3, 10)
    assert np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


@every_recipe
def test_each_build_is_a_new_network(recipe: Recipe) -> None:
    first, second = recipe.build(), recipe.build()
    assert first is not second
    assert first.count_params() == second.count_params() > 0
