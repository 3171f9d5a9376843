"""`digits predict --out`, as a person starts it: the real command, real workers, a real kill -9."""

import io
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digits.artifact import read
from digits.bulk import plan as planning
from digits.bulk.job import opened_job
from digits.bulk.plan import Part, plan
from digits.bulk.scoring import Scorer, part_file
from digits.cli import main
from digits.errors import DataMismatchError, ImageError
from digits.mnist import Mnist
from digits.recognizer import Picture, Prediction, Recognizer, shipped_model
from tests.conftest import BIN, ROOT, child_environment, encode_png, run_python, with_card

Pixels = npt.NDArray[np.uint8]


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


def workers_of(job: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def one_part(sources: Sequence[Path]) -> Part:
    (part,) = plan(sources)
    return part


def blank(count: int, side: int = 28) -> Pixels:
    return np.zeros((count, side, side), np.uint8)


def test_a_killed_job_goes_on_and_no_row_is_lost_or_doubled(tmp_path: Path, mnist: Mnist) -> None:
    out = tmp_path / "out"
    np.savez("images.npz", images=mnist.x_train[:8_000])
    with start("images.npz", "--out", "out") as job:
        wait_for_a_part(job, out)
        workers = workers_of(job)
        assert workers
        os.kill(job.pid, signal.SIGKILL)
    kept = {file: file.stat().st_mtime_ns for file in out.glob("part-*")}
    assert 0 < len(kept) < 4
    (out / ".left.tmp").write_text("half")
    with start("images.npz", "--out", "out") as job:
        said = job.communicate()[1]
    assert job.returncode == 0
    assert kept.items() <= {file: file.stat().st_mtime_ns for file in out.glob("part-*")}.items()
    assert not list(out.glob(".*"))
    answers = pq.read_table(out)
    assert sorted(answers["path"].to_pylist()) == sorted(f"{tmp_path}/images.npz[{i}]" for i in range(8_000))
    assert np.mean(answers["digit"].to_numpy() == mnist.y_train[:8_000]) > 0.98
    # A worker may have written its part after its parent was killed, and before it noticed.
    assert "rows are there already" in said
    assert f"rows written, {len(answers) - answers['error'].null_count} of them error" in said
    assert "images/s" in said
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def test_a_dead_worker_ends_the_job_with_a_message_and_it_goes_on(tmp_path: Path, mnist: Mnist) -> None:
    np.savez("images.npz", images=mnist.x_train[:8_000])
    with start("images.npz", "--out", "out") as job:
        wait_for_a_part(job, tmp_path / "out")
        for worker in workers_of(job):
            os.kill(worker, signal.SIGKILL)
        said = job.communicate()[1]
    assert job.returncode == 1
    assert said.startswith("digits: A worker process died")
    assert "Traceback" not in said
    with opened_job([Path("images.npz")], shipped_model(), Path("out")) as begun:
        assert 0 < begun.done < begun.rows == 8_000


def test_ctrl_c_stops_at_once(tmp_path: Path, mnist: Mnist) -> None:
    np.savez("images.npz", images=mnist.x_train[:8_000])
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
        "\ufffd.png": 7,
    }
    for row in rows.values():
        assert (row["error"] is None) == (row["digit"] is not None)
        assert row["digit"] is None or (row["accepted"] and sum(row["probabilities"]) == pytest.approx(1, abs=1e-4))
    assert rows["c"]["error"] == "The row has no image."
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("in/out: 8 rows written, 4 of them errors; ")
    assert said[-1].startswith("in/out: 0 rows written, 0 of them errors, 8 were there already; ")


@pytest.mark.parametrize(
    ("name", "content"),
    [("cut.npz", slice(0, 2_000)), ("cut.parquet", slice(0, 2_000)), ("no.parquet", slice(0, 0)), ("no.npz", slice(0))],
)
def test_a_file_that_is_cut_short_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: Path, name: str, content: slice
) -> None:
    whole = tmp_path / f"whole{Path(name).suffix}"
    if whole.suffix == ".npz":
        np.savez(whole, images=blank(5))
    else:
        pq.write_table(pa.table({"image": [sample.read_bytes()] * 5}), whole)
    (tmp_path / name).write_bytes(whole.read_bytes()[content])
    assert main(["predict", name, "--out", "out"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"digits: {tmp_path}/{name} cannot be read")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_a_file_that_is_damaged_inside_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: Path, suffix: str
) -> None:
    file = tmp_path / f"damaged.{suffix}"
    if suffix == "npz":
        np.savez_compressed(file, images=np.random.default_rng(1).integers(0, 255, (50, 28, 28), np.uint8))
    else:
        pq.write_table(pa.table({"image": [sample.read_bytes() + bytes([i]) for i in range(50)]}), file)
    content = bytearray(file.read_bytes())
    content[2_000:12_000] = b"\xff" * 10_000
    file.write_bytes(content)
    assert main(["predict", str(file), "--out", "out"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"digits: {file} cannot be read")
    assert len(said.splitlines()) == 1
    assert not list(Path("out").glob("part-*"))


def test_sources_of_another_form_are_refused(tmp_path: Path) -> None:
    np.savez("floats.npz", images=np.zeros((2, 28, 28)))
    np.savez("names.npz", x=blank(2))
    pq.write_table(pa.table({"picture": [b""]}), "columns.parquet")
    with pytest.raises(DataMismatchError, match="float64"):
        list(plan([Path("floats.npz")]))
    with pytest.raises(DataMismatchError, match="an array images"):
        list(plan([Path("names.npz")]))
    with pytest.raises(DataMismatchError, match="the columns picture"):
        list(plan([Path("columns.parquet")]))


def test_an_npz_with_fewer_images_than_it_says_is_cut_short(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.save(array, blank(5))
    with zipfile.ZipFile("short.npz", "w") as archive:
        archive.writestr("images.npy", array.getvalue()[:-784])
    with pytest.raises(DataMismatchError, match="cut short"):
        list(plan([Path("short.npz")]))


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


@pytest.mark.parametrize("change", ["other", "removed", "cut"])
def test_a_source_that_changes_during_the_job_is_noticed(tmp_path: Path, change: str) -> None:
    source = tmp_path / "in.npz"
    np.savez(source, images=blank(3))
    part = one_part([source])
    if change == "removed":
        source.unlink()
    elif change == "cut":
        source.write_bytes(source.read_bytes()[:100])
    else:
        np.savez(source, images=blank(3) + 1)
        os.utime(source, ns=(0, 0))
    with pytest.raises(DataMismatchError, match="was changed or removed since the job began"):
        Scorer(Recognizer.load(shipped_model()), tmp_path).score(0, part)
    assert not list(tmp_path.glob("part-*"))


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
    (out / "_manifest.jsonl").write_text("{")
    assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "a manifest that is damaged" in capsys.readouterr().err
    (out / "_manifest.jsonl").unlink()
    part_file(out, 0).touch()
    assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "out holds Parquet files of something else" in capsys.readouterr().err
    assert not list(out.glob(".*"))


def test_what_cannot_be_begun_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], sample: Path) -> None:
    Path("file").touch()
    Path("empty").mkdir()
    for source, out, words in [
        (str(sample), "file", "cannot be written to file: File exists"),
        ("missing", "out", "There is no missing"),
        ("empty", "out", "The folder empty holds no image, npz or Parquet file."),
    ]:
        assert main(["predict", source, "--out", out]) == 1
        said = capsys.readouterr().err
        assert words in said
        assert len(said.splitlines()) == 1
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(sample), "--json", "--out", "out"])
    assert ended.value.code == 2


def test_without_pyarrow_the_error_says_what_to_install(tmp_path: Path, sample: Path) -> None:
    blocked = "import sys; sys.modules['pyarrow'] = None; from digits.cli import main; sys.exit(main(sys.argv[1:]))"
    (tmp_path / "digits").symlink_to(ROOT / "digits")
    done = run_python(["-c", blocked, "predict", str(sample), "--out", "out"], tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("digits: Parquet needs pyarrow")
    assert "python -m pip install -r requirements/bulk.txt" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert run_python(["-c", blocked, "predict", str(sample)], tmp_path).returncode == 0


def test_parts_end_by_rows_and_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez("in.npz", images=blank(4_001, 2))
    assert [(part.first, part.count) for part in plan([Path("in.npz")])] == [(0, 2_000), (2_000, 2_000), (4_000, 1)]
    image = encode_png(blank(1)[0])
    for i in range(5):
        Path(f"{i}.png").write_bytes(image)
    monkeypatch.setattr(planning, "_PART_BYTES", 2 * len(image))
    assert [len(part.files) for part in plan(sorted(tmp_path.glob("*.png")))] == [2, 2, 1]


def test_memory_does_not_grow_with_the_source(tmp_path: Path) -> None:
    script = tmp_path / "measure.py"
    script.write_text(
        "import sys\nfrom resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage\nfrom digits.cli import main\n"
        "if __name__ == '__main__':\n"
        "    assert main(['predict', *sys.argv[1:]]) == 0\n"
        "    print(max(getrusage(RUSAGE_SELF).ru_maxrss, getrusage(RUSAGE_CHILDREN).ru_maxrss) * 1024)\n"
    )
    peaks = {}
    for count in (20, 300):
        np.savez_compressed(f"{count}.npz", images=blank(count, 1_000))
        done = run_python([str(script), f"{count}.npz", "--out", str(count)], tmp_path, PYTHONPATH=str(ROOT))
        assert done.returncode == 0, done.stderr
        peaks[count] = int(done.stdout)
    assert peaks[300] - peaks[20] < (300 - 20) * 1_000 * 1_000 / 4
