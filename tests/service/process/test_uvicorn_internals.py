"""`digits serve` builds on private parts of uvicorn: a new version must not come in unseen."""

import inspect
import multiprocessing
import re
import signal
import time
import tomllib
from collections.abc import Iterator

import pytest
import uvicorn
from packaging.requirements import Requirement
from packaging.version import Version
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from digits.service.process import uvicorn_internals
from digits.service.process.uvicorn_internals import Supervisor, Worker
from tests.conftest import ROOT, repository_files

# The version whose private parts were read; the next minor version is not let in.
CHECKED = Version("0.54.0")


def test_the_installed_version_is_the_one_whose_private_parts_were_checked() -> None:
    assert Version(uvicorn.__version__).release[:2] == CHECKED.release[:2]


def test_the_project_lets_no_unchecked_version_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (wanted,) = (r for r in map(Requirement, project["dependencies"]) if r.name == "uvicorn")
    major, minor, _ = CHECKED.release
    assert wanted.specifier.contains(str(CHECKED))
    assert not wanted.specifier.contains(f"{major}.{minor + 1}.0")
    assert not wanted.specifier.contains(f"{major}.{minor - 1}.0")


def test_one_module_alone_imports_private_parts() -> None:
    private = re.compile(r"^\s*(?:from|import) uvicorn\.", re.MULTILINE)
    importing = {
        file.as_posix()
        for file in repository_files()
        if file.suffix == ".py" and file.parts[0] == "digits" and private.search((ROOT / file).read_text())
    }
    assert importing == {"digits/service/process/uvicorn_internals.py"}


class Silent(Worker):
    """A worker whose process runs and does not answer."""

    answers = False

    def __init__(self) -> None:
        super().__init__(uvicorn.Config("none:app"), [])
        self.process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60.0,))

    def ping(self, timeout: float = 5) -> bool:
        return self.answers


@pytest.fixture
def silent() -> Iterator[Silent]:
    worker = Silent()
    worker.start()
    yield worker
    worker.kill()
    worker.join()


def test_a_worker_that_has_not_answered_yet_is_starting(silent: Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    assert silent.is_alive()
    monkeypatch.setattr(uvicorn_internals, "STARTING_SECONDS", 0.0)
    assert not silent.is_alive()
    assert silent.was_silent


def test_a_worker_that_has_answered_and_answers_no_more_is_hung(silent: Silent) -> None:
    silent.answers = True
    assert silent.is_alive()
    silent.answers = False
    assert not silent.is_alive()
    assert silent.was_silent


def test_a_worker_whose_process_has_ended_is_not_starting(silent: Silent) -> None:
    silent.process.kill()
    silent.process.join()
    assert not silent.is_alive()
    assert not silent.was_silent


def test_a_worker_that_does_not_end_is_killed(silent: Silent) -> None:
    hung: list[int] = []

    class Noting(Supervisor):
        def __init__(self) -> None:
            self.processes, self.patience = [silent], 0.1

        def worker_hangs(self, pid: int) -> None:
            hung.append(pid)

    Noting().join_all()
    assert hung == [silent.pid]
    assert silent.exitcode == -signal.SIGKILL


def test_a_late_answer_counts_for_no_later_question() -> None:
    worker = Worker(uvicorn.Config("none:app"), [])
    worker.child_conn.send(True)
    assert not worker.is_alive(0.1)
    assert not worker.parent_conn.poll(0)


def test_the_private_parts_have_the_form_that_digits_relies_on() -> None:
    assert isinstance(Process.server, property)
    assert list(inspect.signature(Multiprocess.__init__).parameters) == ["self", "config", "sockets"]
    for method in ("init_processes", "keep_subprocess_alive", "handle_hup", "terminate_all", "join_all"):
        assert list(inspect.signature(getattr(Multiprocess, method)).parameters) == ["self"]
    for method in ("on_message_begin", "on_headers_complete", "eof_received", "shutdown"):
        assert list(inspect.signature(getattr(HttpToolsProtocol, method)).parameters) == ["self"]
    parameters = inspect.signature(HttpToolsProtocol.__init__).parameters
    assert {"config", "server_state", "app_state"} <= set(parameters)
