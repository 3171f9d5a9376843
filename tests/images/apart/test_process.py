"""The processes that work on files: their limits, and what is told where none can be started."""

import errno
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.hostile.pdf_files import many_pages
from benchmarks.hostile.rare_bombs import jpeg2000_passes
from digits.errors import BrokenImageError, ProcessStartError, UnsupportedFormatError
from digits.images.apart import process
from digits.images.decode import decode
from tests.processes import children_of

MAKE = {"PDF": lambda: many_pages(1), "JPEG 2000": lambda: jpeg2000_passes(3)}


def program_of(path: Path) -> process.Program:
    return process.Program(path, "PDF", memory_bytes=2**30, cpu_seconds=60, failed=BrokenImageError, too_slow="")


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


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_process_that_cannot_be_started_is_no_fault_of_the_file(
    make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    with pytest.raises(ProcessStartError, match=r"No process can be started .*No such file.*Try again in a moment"):
        decode(make())


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
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


def _break_imports(patch: pytest.MonkeyPatch, folder: Path) -> str:
    for name in ("pypdfium2_raw", "PIL"):
        (folder / f"{name}.py").write_text("raise ImportError('libwork.so: wrong ELF class')")
    patch.setenv("PYTHONPATH", str(folder))
    return "libwork.so: wrong ELF class"


def _take_away_the_library(patch: pytest.MonkeyPatch, folder: Path) -> str:
    patch.setenv("PYTHONHOME", str(folder))
    return "it ended with code 1"


def _run_something_else(patch: pytest.MonkeyPatch, folder: Path) -> str:
    program = folder / "python"
    program.write_text("#!/bin/sh\necho Usage: serve\n")
    program.chmod(0o755)
    patch.setattr(sys, "executable", str(program))
    return "it said 'Usage: serve'"


@pytest.mark.parametrize("files", MAKE)
@pytest.mark.parametrize("spoil", [_break_imports, _take_away_the_library, _run_something_else])
def test_a_process_that_cannot_work_is_no_fault_of_the_file_and_is_logged(
    files: str,
    spoil: Callable[[pytest.MonkeyPatch, Path], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    data, told = MAKE[files](), spoil(monkeypatch, tmp_path)
    with pytest.raises(UnsupportedFormatError) as caught:
        decode(data)
    message = str(caught.value)
    assert f"{files} files cannot be read here now: a part of Digits does not work. Its log says why." in message
    # What to send instead.
    assert "Send a PNG, " in message
    assert files not in message.partition("Send a ")[2]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("digits", logging.ERROR)
    assert told in record.getMessage()
    # What to run by hand.
    assert "starter.py" in record.getMessage()
    assert not children_of(os.getpid(), "starter.py")


def test_the_command_that_the_log_names_shows_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = process._command(sys.executable, program_of(tmp_path / "program.py"))
    (tmp_path / "program.py").write_text("import nothing_of_this_name\nmain = None\n")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "line 1, in <module>\n    import nothing_of_this_name" in done.stderr


@pytest.mark.parametrize("files", MAKE)
@pytest.mark.parametrize("running", [None, "", "/usr/sbin/server", "/opt/app/python-app"])
def test_where_another_program_runs_its_python_is_found(
    files: str, running: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", running)
    if running is not None and "python" in running:
        # As PyInstaller says it.
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert decode(MAKE[files]()).size


@pytest.mark.parametrize("running", [None, "", "/usr/sbin/server"])
def test_where_there_is_no_python_it_is_said(
    running: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("exec_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path))
    monkeypatch.setattr(sys, "executable", running)
    with pytest.raises(UnsupportedFormatError, match=r"no Python was found: .*Set sys\.executable to the path of one"):
        decode(MAKE["PDF"]())
    # Without a process, which only keeps it from stopping other threads.
    assert decode(MAKE["JPEG 2000"]()).size


@pytest.mark.parametrize("failing", ["clock_of", "weakref"])
def test_a_process_whose_start_fails_half_way_is_ended(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the place of the function, and of the module.
    monkeypatch.setattr(process, failing, None)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises((TypeError, AttributeError)):
        process.Process(program_of(Path(__file__)), b"")
    assert not children_of(os.getpid(), "starter.py")
    assert len(list(Path("/dev/fd").iterdir())) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("files", MAKE)
def test_on_a_full_disk_the_file_is_not_at_fault_and_nothing_is_left(
    files: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", 0))  # noqa: SIM115
    data, before = MAKE[files](), len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(ProcessStartError, match=r"put aside .*No space left on device.*make room on it") as caught:
        decode(data)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert "Is the disk full?" in caplog.text
    assert not children_of(os.getpid(), "starter.py")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_file_in_a_temporary_file_is_read_as_one_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = MAKE["PDF"]()
    in_memory = decode(data)
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert (decode(data) == in_memory).all()
