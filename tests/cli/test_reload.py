"""`digits reload`: it asks each worker of the right server, and says what each has answered."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from digits.cli.main import main
from digits.service.process.runtime import INSTALLATION, Runtime, running
from tests.conftest import BIN, ROOT, child_environment, serve


def reload(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = child_environment(ROOT, {"XDG_RUNTIME_DIR": str(folder)})
    command = [str(BIN / "digits"), "reload"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_reload_waits_for_a_worker_that_is_starting(tmp_path: Path) -> None:
    server = serve(tmp_path, "--workers", "2")
    try:
        # The server is ready with its first worker.
        deadline = time.monotonic() + 60.0
        while len(workers := next(iter(running(tmp_path / "digits").values()), {})) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        victim = next(iter(workers))
        os.kill(victim, signal.SIGKILL)
        done = reload(tmp_path)
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": unchanged. ") == 2
    assert f"worker {victim}:" not in done.stdout


def test_reload_says_how_many_workers_have_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime = Runtime(tmp_path / "digits")
    state = {"installation": INSTALLATION, "address": "http://127.0.0.1:9", "folder": "/here", "workers": 3}
    answered = {"outcome": "unchanged", "detail": "The file holds the model in use.", "at": "later"}
    before = signal.signal(signal.SIGHUP, lambda *_: runtime.note(state | {"last_reload": answered}))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("digits.cli.commands.reload._PATIENCE_SECONDS", 0.2)
    try:
        runtime.note(state | {"last_reload": None})
        assert main(["reload"]) == 1
    finally:
        runtime.close()
        signal.signal(signal.SIGHUP, before)
    out, err = capsys.readouterr()
    assert f"worker {os.getpid()}: unchanged." in out
    assert err.startswith("digits: an answer came from 1 of 3 workers; the others are still starting.")


def test_reload_touches_no_server_of_another_copy_of_digits(tmp_path: Path) -> None:
    hangups: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: hangups.append(number))
    runtime = Runtime(tmp_path / "digits")
    try:
        where = {"address": "http://127.0.0.1:9", "folder": "/elsewhere", "installation": "/elsewhere/digits"}
        runtime.note({"last_reload": None} | where)
        done = reload(tmp_path)
    finally:
        runtime.close()
        signal.signal(signal.SIGHUP, before)
    assert done.returncode == 1
    assert f"of others: {os.getpid()} (http://127.0.0.1:9, started in /elsewhere). Name one with --pid." in done.stderr
    assert hangups == []


def test_reload_without_a_server_says_so(tmp_path: Path) -> None:
    done = reload(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"digits: No server of this user is known in {tmp_path / 'digits'}. Start one with")
