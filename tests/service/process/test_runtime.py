"""What the processes of one server say of themselves, and who may read it when."""

import json
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from digits.service.process.runtime import Runtime, announce_stop, is_whole_stop, running, sweep


def test_a_reader_finds_all_of_the_old_or_all_of_the_new(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    runtime.note({"text": ""})
    done = threading.Event()

    def write() -> None:
        for number in range(1_000):
            runtime.note({"text": str(number) * 1_000})
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = 0
    while not done.is_set():
        ((_, workers),) = running(tmp_path).items()
        ((_, state),) = workers.items()
        assert set(state) == {"text"}
        read += 1
    writer.join()
    runtime.close()
    assert read > 10


def test_a_worker_that_has_said_nothing_is_not_counted(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    assert running(tmp_path) == {}
    runtime.note({"model": "a"})
    assert [list(workers.values()) for workers in running(tmp_path).values()] == [[{"model": "a"}]]
    runtime.close()


def test_a_server_leaves_nothing_behind(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    runtime.note({})
    runtime.close()
    assert list(tmp_path.iterdir()) == []


def test_what_another_user_has_put_there_is_nobodys_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(tmp_path)
    runtime.note({"model": "a"})
    assert len(running(tmp_path)) == 1
    somebody_else = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody_else)
    assert running(tmp_path) == {}
    runtime.close()


def test_an_earlier_process_of_the_same_number_leaves_nothing_to_this_one(tmp_path: Path) -> None:
    # In a container the first process is number 1 each time.
    stale = tmp_path / str(os.getpid()) / "accepted.keras"
    stale.parent.mkdir()
    stale.touch()
    sweep(tmp_path)
    assert not stale.exists()


def test_the_files_of_a_worker_that_was_killed_are_swept_away(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path)
    gone = 2**22 + 1
    (runtime.folder / f"{gone}.worker").touch()
    (runtime.folder / f"{gone}.json").write_text(json.dumps({"model": "a"}))
    assert running(tmp_path) == {}
    assert runtime.dead_workers() == [gone]
    assert runtime.dead_workers() == []
    assert not list(runtime.folder.glob(f"{gone}.*"))
    runtime.close()


class Supervisor:
    """Stands for the process that supervises this one."""

    pid = os.getpid()

    def __init__(self, *, lives: bool) -> None:
        self._lives = lives

    def is_alive(self) -> bool:
        return self._lives


@pytest.mark.parametrize(
    ("supervisor", "announced", "is_whole"),
    [
        (None, False, True),
        (Supervisor(lives=True), False, False),
        (Supervisor(lives=True), True, True),
        (Supervisor(lives=False), False, True),
    ],
    ids=["alone", "one of several", "all of several", "orphan"],
)
def test_a_worker_knows_whether_others_go_on_when_it_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supervisor: Supervisor | None, announced: bool, is_whole: bool
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: supervisor)
    with monkeypatch.context() as patch:
        # The folder is that of the supervisor, which is this process here.
        patch.setattr(multiprocessing, "parent_process", lambda: None)
        runtime = Runtime()
    try:
        if announced:
            announce_stop()
        assert is_whole_stop() == is_whole
    finally:
        runtime.close()
