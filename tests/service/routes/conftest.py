"""Fixtures of the tests of routes."""

from collections.abc import Iterator

import pytest

from tests.conftest import serve


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with the shipped model."""
    server = serve(tmp_path_factory.mktemp("routes"))
    yield server.url
    server.stop()
    assert "Traceback" not in server.output()
