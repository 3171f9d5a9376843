"""A short run of `python -m benchmarks.faults.full_disk`."""

import shutil
import subprocess
import sys
import tempfile

import pytest

from benchmarks.faults.full_disk import ENTER, main


def may_mount() -> bool:
    """Whether this process may mount a file system in namespaces of its own."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]
        # The mount ends with its namespace.
        return subprocess.run([*ENTER, *mount], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="this system lets this user mount nothing")
def test_a_full_disk_loses_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--repeats", "4"]) == 0
    assert "Nothing was lost." in capfd.readouterr().out
