"""CONTRIBUTING.md describes the repository as it is."""

import re

import pytest

from tests.conftest import ROOT, repository_files

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CHANGES = re.findall(r"^\| (?!to change|---|command|`)(.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
PATH = re.compile(
    r"`((?:digits|api|tests|benchmarks|scripts|deploy|docs|requirements)/[\w./]*|[\w-]+\.(?:py|toml|md))`"
)
MODULE = re.compile(r"python -m ((?:digits|benchmarks|scripts)[\w.]+)")


def test_it_tells_where_to_make_twenty_ordinary_changes() -> None:
    assert len(CHANGES) >= 20
    assert all(PATH.search(place) for _, place, _ in CHANGES)


@pytest.mark.parametrize("path", sorted(set(PATH.findall(PAGE))))
def test_each_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", sorted(set(MODULE.findall(PAGE))))
def test_each_command_exists(module: str) -> None:
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_each_name_in_the_table_stands_in_its_file() -> None:
    for name, path in re.findall(r"`(\w+)` in `([\w./]+)`", PAGE):
        assert name in (ROOT / path).read_text(encoding="utf-8"), f"{name} is not in {path}"


def test_the_tree_has_a_line_for_each_package() -> None:
    tree = PAGE.split("```\n")[2] if PAGE.count("```\n") > 2 else PAGE
    for file in repository_files():
        if file.name == "__init__.py" and file.parts[0] == "digits" and len(file.parts) > 2:
            assert f"{file.parent.name}/" in tree, file.parent
