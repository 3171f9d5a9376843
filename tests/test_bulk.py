import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digits.cli import main
from digits.mnist import Mnist
from tests.conftest import BIN, ROOT, child_environment


def test_a_killed_job_goes_on_where_it_stopped(tmp_path: Path, mnist: Mnist) -> None:
    np.savez(tmp_path / "images.npz", images=mnist.x_train[:30_000])
    command = [str(BIN / "digits"), "predict", "images.npz", "--out", "out"]
    with subprocess.Popen(command, cwd=tmp_path, env=child_environment(ROOT)) as job:
        while not list((tmp_path / "out").glob("part-*")):
            assert job.poll() is None
            time.sleep(0.01)
        os.kill(job.pid, 9)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("part-*")}
    assert 0 < len(kept) < 6
    assert subprocess.run(command, cwd=tmp_path, env=child_environment(ROOT), check=False).returncode == 0
    assert kept.items() <= {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("part-*")}.items()
    answers = pq.read_table(tmp_path / "out")
    assert len(answers) == len(set(answers["path"].to_pylist())) == 30_000
    assert np.mean(answers["digit"].to_numpy() == mnist.y_train[:30_000]) > 0.98


def test_parquet_is_read_and_a_broken_image_is_a_row(tmp_path: Path, sample: Path) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out"
    pq.write_table(pa.table({"path": ["a", "b", "c"], "image": [sample.read_bytes(), b"x", None]}), source)
    assert main(["predict", str(source), "--out", str(out)]) == 0
    rows = pq.read_table(out).to_pylist()
    assert [(row["path"], row["digit"], row["error"] is None) for row in rows] == [
        ("a", 7, True),
        ("b", None, False),
        ("c", None, False),
    ]


def test_a_changed_source_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "in.npz", tmp_path / "out"
    for count in (2, 3):
        np.savez(source, images=np.zeros((count, 28, 28), np.uint8))
        code = main(["predict", str(source), "--out", str(out)])
    assert code == 1
    assert "was begun with other images" in capsys.readouterr().err
