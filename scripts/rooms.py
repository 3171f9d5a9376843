"""Prints a map of the product's modules, so that two versions can be compared: python -m scripts.rooms 9ee2ecf HEAD

Each argument is a commit, tag or tree of git; without one, the files of the working folder are read. Nothing is
imported: the imports are read from the source, those within functions too, but not those for the type checker alone.
"""

import argparse
import ast
import graphlib
import io
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The product in every version of the repository; tests, benchmarks and scripts are not part of it.
PRODUCT = ("digits", "api", "ui", "app.py", "cluster.py", "train.py")


@dataclass(frozen=True)
class Map:
    """The modules of a version and the imports between them.

    Args:
        imports: for each module, by dotted name, the modules of the product that it imports.
        folders: how many modules each folder holds, `__init__.py` not counted, by path.
    """

    imports: Mapping[str, frozenset[str]]
    folders: Mapping[str, int]

    @property
    def largest_folder(self) -> tuple[str, int]:
        """The folder with the most modules, and their number."""
        return max(self.folders.items(), key=lambda folder: folder[1])

    @property
    def arrows(self) -> int:
        """The number of pairs of modules of which one imports the other."""
        return sum(map(len, self.imports.values()))

    @property
    def circles(self) -> list[list[str]]:
        """The groups of modules that import each other, directly or through others."""
        return [sorted(group) for group in _groups(self.imports) if len(group) > 1]

    @property
    def floors(self) -> int:
        """The number of modules in the longest chain of imports; a circle counts as one module."""
        groups = _groups(self.imports)
        group_of = {module: i for i, group in enumerate(groups) for module in group}
        below = {
            i: {group_of[imported] for module in group for imported in self.imports[module]} - {i}
            for i, group in enumerate(groups)
        }
        height: dict[int, int] = {}
        for i in graphlib.TopologicalSorter(below).static_order():
            height[i] = 1 + max((height[j] for j in below[i]), default=0)
        return max(height.values(), default=0)

    @property
    def rooms(self) -> "Map":
        """The same map of rooms. A room is a folder of `digits` with all in it, or a module that lies beside them."""
        imports: dict[str, set[str]] = {}
        for module, imported in self.imports.items():
            room = _room(module)
            imports.setdefault(room, set()).update(_room(other) for other in imported)
        return Map({room: frozenset(others - {room}) for room, others in imports.items()}, self.folders)


def read_map(files: Iterable[tuple[str, str]]) -> Map:
    """Reads the map from the product's Python files.

    Args:
        files: the path of each, relative to the root and with slashes, and its text.
    """
    texts = dict(files)
    modules = {_module_name(path): path for path in texts}
    folders = Counter(str(Path(path).parent) for path in texts if not path.endswith("__init__.py"))
    imports = {
        module: frozenset(_imported(ast.parse(texts[path]), module, path, modules) - {module})
        for module, path in modules.items()
    }
    return Map(imports, folders)


def working_files(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yields path and text of each Python file of the product in a folder."""
    for name in PRODUCT:
        place = root / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if file.is_file():
                yield file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")


def committed_files(tree: str) -> Iterator[tuple[str, str]]:
    """Yields path and text of each Python file of the product in a commit.

    Raises:
        subprocess.CalledProcessError: git knows no such commit.
    """
    archive = subprocess.run(["git", "archive", tree], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            if member.name.split("/")[0] in PRODUCT and member.name.endswith(".py"):
                content = files.extractfile(member)
                if content is not None:
                    yield member.name, content.read().decode("utf-8")


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _room(module: str) -> str:
    """Returns the first part of a module's name, or the first two if it is in `digits`."""
    return ".".join(module.split(".")[: 2 if module.startswith("digits.") else 1])


def _imported(tree: ast.Module, module: str, path: str, modules: Mapping[str, str]) -> set[str]:
    package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
    imported: set[str] = set()
    for node in _runtime_nodes(tree):
        if isinstance(node, ast.Import):
            imported.update(name for alias in node.names if (name := _nearest(alias.name, modules)))
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if name in modules or base in modules:
                    imported.add(name if name in modules else base)
    return imported


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields all nodes but those under `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield from _runtime_nodes(other)
            continue
        yield node
        yield from _runtime_nodes(node)


def _nearest(name: str, modules: Mapping[str, str]) -> str | None:
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def _groups(imports: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Returns the strongly connected components (Tarjan, "Depth-first search and linear graph algorithms", 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for imported in sorted(imports[module]):
            if imported not in order:
                visit(imported)
            if imported in stack:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == order[module]:
            place = stack.index(module)
            groups.append(stack[place:])
            del stack[place:]

    for module in imports:
        if module not in order:
            visit(module)
    return groups


def main(argv: Sequence[str] | None = None) -> int:
    """Prints a column for each version."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="*", metavar="TREE", help="a commit, tag or tree (default: the working folder)")
    trees: list[str] = parser.parse_args(argv).trees
    try:
        maps = {tree: read_map(committed_files(tree)) for tree in trees} or {"now": read_map(working_files())}
    except subprocess.CalledProcessError as error:
        print(f"rooms: {error.stderr.decode().strip()}", file=sys.stderr)
        return 1
    rows = {
        "modules": [str(len(m.imports)) for m in maps.values()],
        "rooms": [str(len(m.rooms.imports)) for m in maps.values()],
        "folders": [str(len(m.folders)) for m in maps.values()],
        "modules in the largest folder": ["{1} ({0}/)".format(*m.largest_folder) for m in maps.values()],
        "floors: modules in the longest chain of imports": [str(m.floors) for m in maps.values()],
        "arrows: modules that import one another": [str(m.arrows) for m in maps.values()],
        "circles of modules": [str(len(m.circles)) for m in maps.values()],
        "arrows between rooms": [str(m.rooms.arrows) for m in maps.values()],
        "circles of rooms": [str(len(m.rooms.circles)) for m in maps.values()],
    }
    print(f"{'':50}" + "".join(f"{tree:24}" for tree in maps).rstrip())
    for name, values in rows.items():
        print(f"{name:50}" + "".join(f"{value:24}" for value in values).rstrip())
    for tree, m in maps.items():
        for circle in m.circles:
            print(f"circle in {tree}: {', '.join(circle)}")
        for circle in m.rooms.circles:
            print(f"circle of rooms in {tree}: {', '.join(circle)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
