"""The processes that work on files: their limits, and what is told where none can be started."""

import errno
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Never

import pytest

from benchmarks.hostile.pdf_files import many_pages
from benchmarks.hostile.rare_bombs import jpeg2000_passes
from digits.errors import BrokenImageError, ProcessStartError, PutAsideError, UnsupportedFormatError
from digits.images.apart import launch, process
from digits.images.decode import decode
from tests.processes import children_of, start_no_more

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
    make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    start_no_more(monkeypatch)
    with pytest.raises(ProcessStartError, match=r"No process can be started .*unavailable.*Try again in a moment"):
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_signal_to_the_group_ends_no_process_that_reads_a_file(make: Callable[[], bytes], number: int) -> None:
    # As after Ctrl-C: this process answers first, and so it has a handler.
    script = (
        "import os, signal, sys, threading\nfrom digits.images.decode import decode\n"
        "data, number, done = sys.stdin.buffer.read(), int(sys.argv[1]), threading.Event()\n"
        "signal.signal(number, lambda *_: None)\n"
        "def ask_to_end():\n    while not done.wait(0.002):\n        os.killpg(0, number)\n"
        "threading.Thread(target=ask_to_end).start()\n"
        "try:\n    for _ in range(3):\n        decode(data)\n"
        "finally:\n    done.set()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(int(number))],
        input=make(),
        capture_output=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


def _import_instead(code: str, patch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("pypdfium2_raw", "PIL"):
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    patch.setenv("PYTHONPATH", str(folder))


def _break_imports(patch: pytest.MonkeyPatch, folder: Path) -> str:
    _import_instead("raise ImportError('libwork.so: wrong ELF class')", patch, folder)
    return "libwork.so: wrong ELF class"


def _break_imports_of_another_script(patch: pytest.MonkeyPatch, folder: Path) -> str:
    _import_instead(f"raise ImportError('libwork.so: {'誤' * 140}')", patch, folder)
    return r"libwork.so: \\u8aa4\\u8aa4"


def _crash_while_loading(patch: pytest.MonkeyPatch, folder: Path) -> str:
    _import_instead("import os, signal\nos.kill(os.getpid(), signal.SIGILL)", patch, folder)
    return f"it ended by signal 4 ({signal.strsignal(signal.SIGILL)})"


def _take_away_the_library(patch: pytest.MonkeyPatch, folder: Path) -> str:
    patch.setenv("PYTHONHOME", str(folder))
    return "it ended with code 1"


def _run_instead(content: str, patch: pytest.MonkeyPatch, folder: Path) -> None:
    program = folder / "python"
    program.write_text(content)
    program.chmod(0o755)
    patch.setattr(sys, "executable", str(program))


def _run_something_else(patch: pytest.MonkeyPatch, folder: Path) -> str:
    _run_instead("#!/bin/sh\necho Usage: serve\n", patch, folder)
    return "it said 'Usage: serve'"


def _run_what_cannot_be_run(patch: pytest.MonkeyPatch, folder: Path) -> str:
    _run_instead("no program", patch, folder)
    return "it cannot be started: [Errno 8]"


def _take_away_what_runs(patch: pytest.MonkeyPatch, folder: Path) -> str:
    # After it was looked for.
    for module in ("digits.images.apart.process", "digits.images.codecs.jpeg2000"):
        patch.setattr(f"{module}.find_python", lambda: str(folder / "python"))
    return "it cannot be started: [Errno 2]"


@pytest.mark.parametrize("files", MAKE)
@pytest.mark.parametrize(
    "spoil",
    [
        _break_imports,
        _break_imports_of_another_script,
        _crash_while_loading,
        _take_away_the_library,
        _run_something_else,
        _run_what_cannot_be_run,
        _take_away_what_runs,
    ],
)
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
    assert "Use a PNG, " in message
    assert files not in message.partition("Use a ")[2]
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


@pytest.mark.parametrize("cause", ["MemoryError()", "OSError(23, 'x')", "ImportError('lib.so: Too many open files')"])
@pytest.mark.parametrize("files", MAKE)
def test_a_process_that_lacks_memory_or_files_while_it_loads_is_a_matter_of_a_moment(
    files: str, cause: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _import_instead(f"raise {cause}", monkeypatch, tmp_path)
    with pytest.raises(ProcessStartError, match=rf"{files} files lacks memory or files\. Try again in a moment"):
        decode(MAKE[files]())
    assert cause.partition("(")[0] in caplog.text
    assert "Install Digits anew" not in caplog.text
    assert not children_of(os.getpid(), "starter.py")


def test_a_process_that_is_killed_while_it_loads_is_told_as_one_without_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _import_instead("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", monkeypatch, tmp_path)
    with pytest.raises(BrokenImageError, match="needs too much memory"):
        decode(MAKE["PDF"]())


@pytest.mark.parametrize("files", MAKE)
@pytest.mark.parametrize("is_frozen", [False, True])
@pytest.mark.parametrize("name", [None, "", "server", "python-app", "my_pypy.bin", "python (gone)"])
def test_where_another_program_runs_its_python_is_found(
    files: str, name: str | None, is_frozen: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running = str(tmp_path / name) if name else name
    if running:
        Path(running).write_text("#!/bin/sh\necho Usage: serve\n")
        Path(running).chmod(0o755)
    monkeypatch.setattr(sys, "executable", running)
    if is_frozen:
        # As PyInstaller says it.
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert decode(MAKE[files]()).size


@pytest.mark.parametrize(
    ("name", "is_python"),
    [
        ("python", True),
        ("Python", True),
        ("python3.13", True),
        ("python3.13t", True),
        ("pythonw.exe", True),
        ("pypy3", True),
        ("python3-app", False),
        ("cpython", False),
    ],
)
@pytest.mark.parametrize("may_run", [False, True])
def test_what_runs_is_a_python_if_it_is_called_so_and_may_be_run(
    name: str, is_python: bool, may_run: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / name).touch(0o755 if may_run else 0o644)
    monkeypatch.setattr(sys, "executable", str(tmp_path / name))
    assert (launch.find_python() == str(tmp_path / name)) == (is_python and may_run)


@pytest.mark.parametrize("running", [None, "", "/usr/sbin/server"])
def test_where_there_is_no_python_it_is_said(
    running: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("exec_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path))
    monkeypatch.setattr(sys, "executable", running)
    with pytest.raises(
        UnsupportedFormatError, match=r"PDF files cannot be read here now: .*Its log says why"
    ) as caught:
        decode(MAKE["PDF"]())
    # Where things are on the server is told to its operator alone.
    assert str(tmp_path) not in str(caught.value)
    assert f"there is none in {tmp_path}/bin. Set sys.executable to the path of one" in caplog.text
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
    with pytest.raises(PutAsideError, match=r"put aside .*No space left on device.*make room on it") as caught:
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


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.ENOMEM])
def test_where_files_in_memory_are_refused_a_temporary_file_is_read(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: str) -> Never:
        raise OSError(number, os.strerror(number))

    data = MAKE["PDF"]()
    in_memory = decode(data)
    monkeypatch.setattr(os, "memfd_create", refuse)
    assert (decode(data) == in_memory).all()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_file_for_which_memory_lacks_half_way_is_put_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    data, before = MAKE["PDF"](), len(list(Path("/dev/fd").iterdir()))
    monkeypatch.setattr(os, "memfd_create", lambda _: os.open("/dev/full", os.O_RDWR), raising=False)
    assert decode(data).size
    assert len(list(Path("/dev/fd").iterdir())) == before
