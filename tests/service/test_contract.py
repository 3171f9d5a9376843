"""The API keeps what /openapi.json promises, whatever is sent: Schemathesis makes requests from it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BIN, Server, child_environment, serve

# What is not checked, and why.
EXCLUDED = {
    # A schema can say that there is a file, and not that it is an image of a digit: most are refused.
    "positive_data_acceptance",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = serve(tmp_path_factory.mktemp("contract"), DIGITS_ACCESS_LOG="false")
    yield server
    server.stop()


def test_every_answer_is_documented_and_looks_as_documented(server: Server, tmp_path: Path) -> None:
    """Status codes, content types, headers and schemas; wrong requests are refused, and none is a server error."""
    command = [str(BIN / "schemathesis"), "run", f"{server.url}/openapi.json", "--seed", "0", "--max-examples", "30"]
    options = ["--phases", "coverage,fuzzing", "--continue-on-failure", "--no-shrink", "--request-timeout", "20"]
    done = subprocess.run(
        [*command, *options, "--exclude-checks", ",".join(sorted(EXCLUDED))],
        cwd=tmp_path,
        env=child_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    # It has found the operations, and the server no reason to complain.
    assert re.search(r"generated, \d+ passed", done.stdout), done.stdout
    assert "Traceback" not in server.output()
