"""`digits predict --out`, as a person starts it: the real command, real workers, a real kill -9."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digits.bulk.job import Job, opened_job
from digits.bulk.plan import PART_ROWS
from digits.bulk.progress import Progress
from digits.bulk.scoring import Scorer, part_file
from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.errors import ImageError
from digits.model.artifact import read
from digits.recognizer import Picture, Prediction, Recognizer, shipped_model
from tests.bulk.test_plan import blank, one_part
from tests.conftest import BIN, ROOT, child_environment, run_python
from tests.model_files import with_card
from tests.pictures import handwritten, tiff_of
from tests.processes import children_of, is_running

Pixels = npt.NDArray[np.uint8]
# So many that some parts are left when the first is written, as long as MNIST has enough images for the processors.
PARTS = min(30, max(4, 2 * (os.cpu_count() or 1)))
ROWS = PARTS * PART_ROWS


@pytest.fixture(autouse=True)
def no_trained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def start(*arguments: str) -> subprocess.Popen[str]:
    """The command as a person starts it, in the test's folder."""
    command = [str(BIN / "digits"), "predict", *arguments]
    return subprocess.Popen(command, env=child_environment(ROOT), stderr=subprocess.PIPE, text=True)


def wait_for_a_part(job: subprocess.Popen[str], out: Path) -> None:
    while not list(out.glob("part-*")):
        assert job.poll() is None
        time.sleep(0.005)


def workers_of(job: subprocess.Popen[str]) -> set[int]:
    return children_of(job.pid, "spawn_main")


def test_a_killed_job_goes_on_and_no_row_is_lost_or_doubled(tmp_path: Path, mnist: Mnist) -> None:
    out = tmp_path / "out"
    np.savez("images.npz", images=mnist.x_train[:ROWS])
    with start("images.npz", "--out", "out") as job:
        wait_for_a_part(job, out)
        workers = workers_of(job)
        assert workers
        os.kill(job.pid, signal.SIGKILL)
    kept = {file: file.stat().st_mtime_ns for file in out.glob("part-*")}
    assert 0 < len(kept) < PARTS
    (out / ".left.tmp").write_text("half")
    with start("images.npz", "--out", "out") as job:
        said = job.communicate()[1]
    assert job.returncode == 0
    assert kept.items() <= {file: file.stat().st_mtime_ns for file in out.glob("part-*")}.items()
    assert not list(out.glob(".*"))
    answers = pq.read_table(out)
    assert sorted(answers["path"].to_pylist()) == sorted(f"{tmp_path}/images.npz[{i}]" for i in range(ROWS))
    assert np.mean(answers["digit"].to_numpy() == mnist.y_train[:ROWS]) > 0.98
    # A worker may have written its part after its parent was killed, and before it noticed.
    assert "rows are there already" in said
    assert "rows written, " in said
    assert "images/s" in said
    assert not any(map(is_running, workers))


def test_a_dead_worker_ends_the_job_with_a_message_and_it_goes_on(tmp_path: Path, mnist: Mnist) -> None:
    np.savez("images.npz", images=mnist.x_train[:ROWS])
    with start("images.npz", "--out", "out") as job:
        wait_for_a_part(job, tmp_path / "out")
        for worker in workers_of(job):
            os.kill(worker, signal.SIGKILL)
        said = job.communicate()[1]
    assert job.returncode == 1
    # A slow machine prints its progress before.
    assert said.splitlines()[-1].startswith("digits: A worker process died")
    assert "Traceback" not in said
    with opened_job([Path("images.npz")], shipped_model(), Path("out")) as begun:
        assert 0 < begun.done < begun.rows == ROWS


def test_workers_that_die_while_they_start_end_the_job(tmp_path: Path, mnist: Mnist) -> None:
    np.savez("images.npz", images=mnist.x_train[:ROWS])
    with start("images.npz", "--out", "out") as job:
        while not (workers := workers_of(job)):
            assert job.poll() is None
            time.sleep(0.002)
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        said = job.communicate(timeout=60)[1]
    assert job.returncode == 1
    assert said.splitlines()[-1].startswith("digits: A worker process died")
    assert not list((tmp_path / "out").glob(".*"))


def test_ctrl_c_stops_at_once(tmp_path: Path, mnist: Mnist) -> None:
    # So many that some are left when the signal comes.
    np.savez("images.npz", images=mnist.x_train)
    with start("images.npz", "--out", "out") as job:
        wait_for_a_part(job, tmp_path / "out")
        os.kill(job.pid, signal.SIGINT)
        said = job.communicate()[1]
    assert (job.returncode, said) == (130, "Stopped.\n")


def test_images_npz_and_parquet_in_one_folder_are_rows_and_what_is_broken_says_why(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "in", tmp_path / "in" / "out"
    source.mkdir()
    image = sample.read_bytes()
    pq.write_table(pa.table({"path": ["a", "b", "c"], "image": [image, b"x", None]}), source / "1.parquet")
    pq.write_table(pa.table({"image": [{"bytes": image, "path": "d"}]}), source / "2.PARQUET")
    np.savez_compressed(source / "3.npz", images=blank(1))
    (source / "4.png").write_bytes(image)
    (source / "5.png").write_bytes(image[:50])
    (source / "\udcff.png").write_bytes(image)
    # The answers lie in the source: they are none.
    for _ in range(2):
        assert main(["predict", "in", "--out", "in/out"]) == 0
    rows = {Path(row["path"]).name: row for row in pq.read_table(out).to_pylist()}
    digits = {name: row["digit"] for name, row in rows.items()}
    assert digits == {
        "a": 7,
        "b": None,
        "c": None,
        "d": 7,
        "3.npz[0]": None,
        "4.png": 7,
        "5.png": None,
        "\\xff.png": 7,
    }
    for row in rows.values():
        assert (row["error"] is None) == (row["digit"] is not None)
        assert row["digit"] is None or (row["accepted"] and sum(row["probabilities"]) == pytest.approx(1, abs=1e-4))
    assert rows["c"]["error"] == "The row has no image."
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("in/out: 8 rows written, 4 with an error; ")
    assert said[-1].startswith("in/out: 0 rows written, 0 with an error; 8 were there already")


class Stumbling(Recognizer):
    """Meets an error that nobody thought of."""

    def recognize_many(self, pictures: object) -> list[Prediction | ImageError]:  # type: ignore[override]
        given: list[Picture | ImageError] = list(pictures)  # type: ignore[call-overload]
        if any(isinstance(one, np.ndarray) and one.max() == 99 for one in given):
            raise ZeroDivisionError("nobody thought of it")
        return list(super().recognize_many(given))


def test_an_unexpected_error_at_one_image_is_a_row_and_the_others_are_read(tmp_path: Path, mnist: Mnist) -> None:
    images = mnist.x_test[:100].copy()
    images[30] = 99
    np.savez("in.npz", images=images)
    assert Scorer(Stumbling(read(shipped_model())), tmp_path).score(0, one_part([Path("in.npz")])) == (100, 1)
    rows = pq.read_table(part_file(tmp_path, 0)).to_pylist()
    assert "ZeroDivisionError: nobody thought of it" in rows[30].pop("error")
    assert all(row["digit"] is not None for i, row in enumerate(rows) if i != 30)


def test_another_job_in_the_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, model = Path("out"), shipped_model()
    np.savez("in.npz", images=blank(2))
    with opened_job([Path("in.npz")], model, out) as job:
        assert (job.rows, job.done) == (2, 0)
        assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "Another run writes to out now" in capsys.readouterr().err
    other = with_card(tmp_path, seed=99)
    assert main(["predict", "in.npz", "--out", "out", "--model", str(other)]) == 1
    assert "out was begun with another model" in capsys.readouterr().err
    np.savez("in.npz", images=blank(3))
    assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "out was begun with other images, or some were changed since" in capsys.readouterr().err
    np.savez("more.npz", images=blank(2))
    assert main(["predict", "in.npz", "more.npz", "--out", "two"]) == 0
    assert main(["predict", "in.npz", "--out", "two"]) == 1
    assert "two was begun with other images" in capsys.readouterr().err
    with Path("two", "_manifest.jsonl").open("a") as manifest:
        manifest.write("{\n")
    assert main(["predict", "in.npz", "more.npz", "--out", "two"]) == 1
    assert "a manifest that is damaged" in capsys.readouterr().err
    (out / "_manifest.jsonl").write_text("{")
    assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "a manifest that is damaged" in capsys.readouterr().err
    (out / "_manifest.jsonl").unlink()
    part_file(out, 0).write_bytes(b"PAR1")
    assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "out holds Parquet files of something else" in capsys.readouterr().err
    assert not list(out.glob(".*"))


def test_a_part_without_content_is_read_again(tmp_path: Path, sample: Path) -> None:
    for _ in range(2):
        assert main(["predict", str(sample), "--out", "out"]) == 0
        assert pq.read_table("out").num_rows == 1
        part_file(Path("out"), 0).write_bytes(b"")


def test_progress_that_nobody_reads_any_more_does_not_end_the_job() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream, Progress(Job(Path("out"), 3_000, 1_000), stream) as progress:
        progress.add(2_000, 1)


def test_what_cannot_be_begun_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: Path) -> None:
    Path("file").touch()
    Path("empty").mkdir()
    for source, out, words in [
        (str(sample), "file", "cannot be written to file: File exists"),
        ("missing", "out", f"There is no {tmp_path}/missing"),
        ("empty", "out", f"The folder {tmp_path}/empty holds no image, npz or Parquet file."),
        ("empty", "empty", "empty is a source. Name another folder for the answers"),
    ]:
        assert main(["predict", source, "--out", out]) == 1
        said = capsys.readouterr().err
        assert words in said
        assert len(said.splitlines()) == 1
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(sample), "--json", "--out", "out"])
    assert ended.value.code == 2


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, sample: Path) -> None:
    blocked = (
        "import sys; sys.modules['pyarrow'] = None; from digits.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    (tmp_path / "digits").symlink_to(ROOT / "digits")
    done = run_python(["-c", blocked, "predict", str(sample), "--out", "out"], tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("digits: Parquet needs pyarrow")
    assert "python -m pip install -r requirements/bulk.txt" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert run_python(["-c", blocked, "predict", str(sample)], tmp_path).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory in /proc")
@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_memory_does_not_grow_with_the_source(tmp_path: Path, sample: Path, suffix: str) -> None:
    script = tmp_path / "measure.py"
    # The peak that getrusage tells of a new process is its parent's, if that is higher.
    script.write_text(
        "import re, sys\nfrom pathlib import Path\nfrom digits.bulk.plan import plan\n"
        "from digits.bulk.scoring import Scorer\nfrom digits.recognizer import Recognizer, shipped_model\n"
        "scorer = Scorer(Recognizer.load(shipped_model()), Path())\n"
        "for number, part in enumerate(plan([Path(sys.argv[1])])):\n"
        "    scorer.score(number, part)\n"
        "print(re.search('VmHWM: *(.*) kB', Path('/proc/self/status').read_text())[1])\n"
    )
    random, peaks = np.random.default_rng(0), {}
    for count in (10, 150):
        file = f"{count}.{suffix}"
        if suffix == "npz":
            np.savez_compressed(file, images=blank(count, 1_000))
        else:
            images = [sample.read_bytes() + random.bytes(1_000_000) for _ in range(count)]
            pq.write_table(pa.table({"image": images}), file, write_batch_size=1)
        done = run_python([str(script), file], tmp_path, PYTHONPATH=str(ROOT))
        assert done.returncode == 0, done.stderr
        peaks[count] = int(done.stdout) * 1024
    assert peaks[150] - peaks[10] < (150 - 10) * 1_000 * 1_000 / 4


def test_a_file_of_several_pages_says_how_many_there_are(tmp_path: Path, mnist: Mnist) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "scan.tif").write_bytes(tiff_of(*(handwritten(mnist, digit)[0] for digit in "273")))
    (pages / "seven.png").write_bytes((ROOT / "digits" / "samples" / "7_stylus.png").read_bytes())
    (pages / "text.png").write_text("only text")
    assert main(["predict", str(pages), "--out", "out"]) == 0
    rows = {Path(row["path"]).name: row for row in pq.read_table(tmp_path / "out").to_pylist()}
    assert (rows["scan.tif"]["digit"], rows["scan.tif"]["page_count"]) == (2, 3)
    assert (rows["seven.png"]["digit"], rows["seven.png"]["page_count"]) == (7, 1)
    assert rows["text.png"]["page_count"] is None
