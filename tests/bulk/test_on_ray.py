"""`digits predict --out --engine ray`, as a person starts it: a real cluster, a real kill -9."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from digits.bulk.plan import PART_ROWS
from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.recognizer import shipped_model
from tests.conftest import BIN, ROOT, child_environment, free_port, run_python

# So many whole parts, and half a part, that some are left when the first is written.
PARTS = min(29, max(3, 2 * (os.cpu_count() or 1)))
ROWS = PARTS * PART_ROWS + PART_ROWS // 2

# Two starts of Ray and thousands of images: minutes on a machine that is busy with other work.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """For Ray's own files: sockets' paths are short."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    yield folder
    # Ray's agents notice a while later that their node was killed.
    for process in processes_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def start(engine: str, out: str, folder: Path, cwd: Path) -> subprocess.Popen[str]:
    command = [str(BIN / "digits"), "predict", "in", "--out", out, "--engine", engine]
    environment = {"RAY_TMPDIR": str(folder), "DIGITS_MODEL": str(shipped_model())}
    return subprocess.Popen(
        command, cwd=cwd, env=child_environment(ROOT, environment), stderr=subprocess.PIPE, text=True
    )


def score_after(change: str, error: str, folder: Path, ray_folder: Path) -> subprocess.CompletedProcess[str]:
    """Opens a job that reads 7.png, runs a statement, and scores the job on Ray; prints the error that is expected."""
    script = folder / "score.py"
    script.write_text(
        "import ray\nfrom pathlib import Path\nfrom unittest.mock import Mock\n"
        "from digits.bulk.job import opened_job\nfrom digits.bulk.on_ray import score_all_on_ray\n"
        f"from digits.errors import {error}\nfrom digits.recognizer import shipped_model\n"
        "with opened_job([Path('7.png')], shipped_model(), Path('out')) as job:\n"
        f"    {change}\n"
        "    try:\n        list(score_all_on_ray(job, shipped_model()))\n"
        f"    except {error} as error:\n        print(error)\n"
    )
    return run_python([str(script)], folder, PYTHONPATH=str(ROOT), RAY_TMPDIR=str(ray_folder))


def processes_of(folder: Path, command: str = "") -> list[int]:
    """The processes that were started with a folder for Ray's files, and have some words in their command."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if f"RAY_TMPDIR={folder}".encode() in variables and command.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="tells processes by /proc")
def test_a_killed_job_goes_on_and_its_rows_are_those_of_one_machine(
    tmp_path: Path, mnist: Mnist, ray_folder: Path, sample: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    np.savez(source / "images.npz", images=mnist.x_train[:ROWS])
    (source / "broken.png").write_bytes(sample.read_bytes()[:50])
    with start("ray", "out", ray_folder, tmp_path) as job:
        while not list(out.glob("part-*")):
            assert job.poll() is None, job.communicate()[1]
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
    kept = {file: file.stat().st_mtime_ns for file in out.glob("part-*")}
    assert 0 < len(kept) < PARTS + 2
    end = time.monotonic() + 120
    while processes_of(ray_folder, "MapWorker"):
        assert time.monotonic() < end
        time.sleep(0.1)
    with start("ray", "out", ray_folder, tmp_path) as job:
        said = job.communicate()[1]
    assert job.returncode == 0, said
    assert "rows are there already" in said
    assert said.splitlines()[-1].startswith("out: ")
    assert kept.items() <= {file: file.stat().st_mtime_ns for file in out.glob("part-*")}.items()
    with start("local", "local", ray_folder, tmp_path) as job:
        job.communicate()
    rows = pq.read_table(out).sort_by("path")
    assert rows.equals(pq.read_table(tmp_path / "local").sort_by("path"))
    assert rows.num_rows == len(set(rows["path"].to_pylist())) == ROWS + 1
    assert [row["path"] for row in rows.to_pylist() if row["error"]] == [str(source / "broken.png")]


def test_ray_that_does_not_start_is_told_in_a_line(tmp_path: Path, ray_folder: Path, sample: Path) -> None:
    shutil.copy(sample, tmp_path / "7.png")
    fails = "ray.init = Mock(side_effect=Exception('The node timed out.\\nLogs are here.'))"
    done = score_after(fails, "WorkerDiedError", tmp_path, ray_folder)
    assert done.stdout.startswith("Ray could not start: The node timed out. Try again"), done.stdout + done.stderr


def test_a_source_that_changes_ends_the_job_with_a_message(tmp_path: Path, ray_folder: Path, sample: Path) -> None:
    shutil.copy(sample, tmp_path / "7.png")
    done = score_after("Path('7.png').write_bytes(b'another')", "DataMismatchError", tmp_path, ray_folder)
    assert "7.png was changed or removed since the job began" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


def test_without_ray_the_error_says_what_to_install(tmp_path: Path, sample: Path) -> None:
    blocked = "import sys; sys.modules['ray'] = None; from digits.cli.main import main; sys.exit(main(sys.argv[1:]))"
    (tmp_path / "digits").symlink_to(ROOT / "digits")
    arguments = ["-c", blocked, "predict", str(sample), "--out", "out"]
    done = run_python([*arguments, "--engine", "ray"], tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("digits: --engine ray needs Ray")
    assert "python -m pip install -r requirements/ray.txt" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert run_python(arguments, tmp_path).returncode == 0


def test_an_address_at_which_no_cluster_is_says_so_at_once(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITS_MODEL", str(shipped_model()))
    # It is set where Ray is used.
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    for address, reason in (
        ("foo", "that is no address"),
        ("http://127.0.0.1:1", "that is no address"),
        ("127.0.0.1:99999", "nothing answers there"),
        (f"127.0.0.1:{free_port()}", "nothing answers there"),
        (f"ray://127.0.0.1:{free_port()}", "nothing answers there"),
    ):
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert main(["predict", str(sample), "--out", "out", "--engine", "ray"]) == 1
        said = capsys.readouterr().err
        assert f"digits: RAY_ADDRESS is {address!r}, and {reason}" in said
        assert "Traceback" not in said


def test_ray_without_a_folder_is_not_understood(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(sample), "--engine", "ray"])
    assert ended.value.code == 2
    assert "--engine ray needs --out FOLDER" in capsys.readouterr().err
