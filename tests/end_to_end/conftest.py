"""What the tests in the browser share."""

from collections.abc import Iterator

import pytest

from tests.conftest import BIN, ROOT, Server, free_port


@pytest.fixture(scope="session")
def shipped_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the running app in an empty folder, so that it reads with the model that ships."""
    port = free_port()
    command = [
        str(BIN / "streamlit"),
        "run",
        str(ROOT / "digits" / "app" / "script" / "digits_app.py"),
        "--server.headless",
        "true",
    ]
    folder = tmp_path_factory.mktemp("shipped")
    url = f"http://127.0.0.1:{port}"
    server = Server([*command, "--server.port", str(port)], folder, url, {"PYTHONPATH": str(ROOT)})
    try:
        server.wait_until("/_stcore/health")
        yield server.url
    finally:
        server.stop()
