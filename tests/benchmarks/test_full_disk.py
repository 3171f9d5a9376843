"""A short run of `python -m benchmarks.faults.full_disk`."""

import shutil
import subprocess
import sys

import pytest

from benchmarks.faults.full_disk import main


def may_mount() -> bool:
    """Whether this process may have a file system of its own."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True, check=False
    )
    return tried.returncode == 0


@pytest.mark.skipif(not may_mount(), reason="this system gives no namespaces to this user")
def test_a_full_disk_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--repeats", "4"]) == 0
    assert "Nothing was lost." in capfd.readouterr().out
