"""What the tests in the browser share."""

from collections.abc import Iterator

import pytest

from tests.conftest import BIN, Server, free_port


@pytest.fixture(scope="session")
def shipped_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the running app in an empty folder, so that it reads with the model that ships."""
    port = free_port()
    command = [str(BIN / "digits"), "app", "--port", str(port)]
    server = Server(command, tmp_path_factory.mktemp("shipped"), f"http://127.0.0.1:{port}")
    try:
        server.wait_until("/_stcore/health")
        yield server.url
    finally:
        server.stop()
