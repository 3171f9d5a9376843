"""The kinds of tests, so that `make check` can leave out what takes long, and `make test` can share the work well.

A test gets its markers from its place, from the fixtures that it uses, and from what its module imports: nobody writes
them beside a test.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

# The longest first: in this order the tests are shared among processes, so that none has much left at the end.
KINDS = {
    "training": "trains a network, or loads TensorFlow",
    "ray": "starts Ray",
    "browser": "opens a browser",
    "server": "starts a server, or a command that works for a while",
}

# The start of a test's name, relative to tests/.
_PLACES = {
    "benchmarks/": "server",
    "benchmarks/test_ray_nodes.py": "ray",
    "bulk/test_job.py": "server",
    "bulk/test_on_ray.py": "ray",
    "data/test_mnist.py::test_where_nothing_can_be_reached": "training",
    "end_to_end/": "server",
    "end_to_end/test_cluster.py": "ray",
    "end_to_end/test_notebook.py": "training",
    "end_to_end/test_train.py": "training",
    "training/": "training",
}
_FIXTURES = {
    "api": "server",
    "app_server": "server",
    "browser": "browser",
    "browser_path": "browser",
    "repository": "training",
    "service": "server",
    "shipped_app": "server",
    "strict_api": "server",
}
# What a module imports to start something.
_IMPORTS = {
    "Server": "server",
    "api_served": "server",
    "require_keras": "training",
    "serve": "server",
    "start_api": "server",
}
# What a test imports itself.
_PACKAGES = {"keras": "training", "tensorflow": "training"}


def kinds_of(item: pytest.Item, tests: Path) -> Iterator[str]:
    """Yields the markers of a test.

    Args:
        item: the test.
        tests: the folder of all tests.
    """
    place = f"{item.path.relative_to(tests).as_posix()}::{item.name}"
    yield from (kind for start, kind in _PLACES.items() if place.startswith(start))
    yield from (_FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in _FIXTURES)
    yield from (kind for name, kind in _IMPORTS.items() if hasattr(getattr(item, "module", None), name))
    code = getattr(getattr(item, "function", None), "__code__", None)
    yield from (_PACKAGES[name] for name in getattr(code, "co_names", ()) if name in _PACKAGES)


def mark(items: list[pytest.Item], tests: Path, *, longest_first: bool) -> None:
    """Gives each test its markers, and the group of tests with which it runs in one process, one after the other.

    The tests of a module share its fixtures. Tests of Ray share the machine's memory.

    Args:
        items: the tests.
        tests: the folder of all tests.
        longest_first: whether to put the groups that take longest first.
    """
    groups: dict[pytest.Item, str] = {}
    ranks: dict[str, int] = {}
    for item in items:
        kinds = set(kinds_of(item, tests))
        group = groups[item] = "ray" if "ray" in kinds else str(item.path)
        ranks[group] = min(ranks.get(group, len(KINDS)), *(list(KINDS).index(kind) for kind in kinds), len(KINDS))
        item.add_marker(pytest.mark.xdist_group(group))
        for kind in kinds:
            item.add_marker(kind)
    if longest_first:
        items.sort(key=lambda item: ranks[groups[item]])


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Keeps other processes that take the same lock waiting."""
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
