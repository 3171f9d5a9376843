"""The processes that work on files: their limits, and what is told where none can be started."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.hostile.pdf_files import many_pages
from benchmarks.hostile.rare_bombs import jpeg2000_passes
from digits.errors import ProcessStartError
from digits.images.decode import decode


def test_the_process_has_little_memory_and_writes_no_file(tmp_path: Path) -> None:
    script = (
        "import os, resource, sys\nfrom digits.images.apart.starter import limit\nlimit(300 * 2**20, 60)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS)[1] >> 20, resource.getrlimit(resource.RLIMIT_CPU)[1])\n"
        "try:\n    bytearray(400 * 2**20)\nexcept MemoryError:\n    print('refused')\n"
        "try:\n    print(os.write(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), b'x'))\n"
        "except OSError:\n    print('not written')\n"
    )
    written = tmp_path / "written"
    done = subprocess.run(
        [sys.executable, "-c", script, str(written)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["300 60", "refused", "not written"]
    assert written.stat().st_size == 0


def test_a_limit_that_is_lower_already_stays() -> None:
    script = (
        "import resource\nfrom digits.images.apart.starter import limit\n"
        "resource.setrlimit(resource.RLIMIT_CPU, (50, 50))\nlimit(400 * 2**20, 60)\n"
        "print(resource.getrlimit(resource.RLIMIT_CPU))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "(50, 50)\n"


@pytest.mark.parametrize("make", [lambda: many_pages(1), lambda: jpeg2000_passes(3)], ids=["pdf", "jpeg2000"])
def test_a_process_that_cannot_be_started_is_no_fault_of_the_file(
    make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(ProcessStartError, match=r"No process can be started .*No such file.*Try again in a moment"):
        decode(make())


@pytest.mark.parametrize("make", [lambda: many_pages(1), lambda: jpeg2000_passes(3)], ids=["pdf", "jpeg2000"])
def test_where_no_more_files_may_be_opened_the_file_is_not_at_fault(make: Callable[[], bytes]) -> None:
    # In a process of its own, which has loaded all that it needs.
    script = (
        "import os, resource, sys\nfrom digits.errors import is_out_of_files\n"
        "from digits.images.decode import decode\ndata = sys.stdin.buffer.read()\ndecode(data)\n"
        "before = len(os.listdir('/dev/fd'))\n"
        "for more in (0, 2, 4, 6, 8):\n"
        "    highest = max(map(int, os.listdir('/dev/fd')))\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + more, 4096))\n"
        "    try:\n        decode(data)\n        print('decoded')\n"
        "    except OSError as error:\n        print(is_out_of_files(error))\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))\n"
        "print(len(os.listdir('/dev/fd')) == before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=make(), capture_output=True, check=True, timeout=60
    ).stdout.decode()
    lines = done.splitlines()
    assert lines[-1] == "True"
    assert {*lines[:-1]} <= {"True", "decoded"}
    assert "True" in lines[:-1]
