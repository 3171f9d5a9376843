import ast
import builtins
import inspect
import re
from pathlib import Path

import pytest

from digits import errors
from digits.errors import DigitsError, SeveralDigitsError

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]


def tree() -> dict[str, tuple[str, ...]]:
    """The names of the bases of each class, as the tree at the top of the module draws them."""
    bases: dict[str, tuple[str, ...]] = {"DigitsError": ("Exception",)}
    above: dict[int, str] = {}
    lines = re.findall(r"^([ │]*)[├└]── (\w+)(?: \((\w+)\))?", errors.__doc__ or "", re.MULTILINE)
    for indent, name, builtin in lines:
        above[len(indent)] = name
        parent = max((depth for depth in above if depth < len(indent)), default=None)
        bases[name] = ("DigitsError" if parent is None else above[parent], *([builtin] if builtin else []))
    return bases


def test_the_tree_at_the_top_of_the_module_is_the_tree_of_its_classes() -> None:
    assert tree() == {error.__name__: tuple(base.__name__ for base in error.__bases__) for error in CLASSES}


@pytest.mark.parametrize("error", [item for item in CLASSES if item is not SeveralDigitsError])
def test_every_error_is_a_digits_error_with_its_message(error: type[DigitsError]) -> None:
    with pytest.raises(DigitsError, match="what to do next"):
        raise error("what to do next")


@pytest.mark.parametrize("error", [item for item in CLASSES if item is not DigitsError])
def test_no_error_is_a_builtin_by_another_name_only(error: type[DigitsError]) -> None:
    assert all(issubclass(base, DigitsError) or hasattr(builtins, base.__name__) for base in error.__bases__)
    assert error.__doc__


# What only some of those who meet a message of the packages below know: programs, people at a terminal, or visitors.
_OF_ONE_DOOR = re.compile(r"\b(send|sent|upload|request|endpoint|field|server)\b|--\w|\bpage=|`|curl", re.IGNORECASE)


def test_a_message_about_an_image_fits_api_app_and_command_line() -> None:
    package = Path(errors.__file__).parent
    said = {
        text.value
        for folder in ("images", "vision", "numbers")
        for file in (package / folder).rglob("*.py")
        # Strokes come from programs alone.
        if file.name != "ink.py"
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "").endswith("Error")
        for text in ast.walk(call)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }
    assert len(said) > 50
    assert [text for text in said if _OF_ONE_DOOR.search(text)] == []


def test_several_digits_are_counted_in_a_message_that_says_what_to_do() -> None:
    error = SeveralDigitsError(3)
    assert error.count == 3
    assert str(error).startswith("3 digits were seen in this picture")
    assert "Crop it to the digit that you mean. `/read/`, `digits read`" in str(error)
