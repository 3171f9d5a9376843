"""What `digits predict --out` reads: its parts, and sources that are damaged, changed or of another form."""

import errno
import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digits.bulk import plan as planning
from digits.bulk.plan import Part, Reader, plan
from digits.bulk.scoring import Scorer
from digits.cli.main import main
from digits.errors import DataMismatchError
from digits.recognizer import Recognizer, shipped_model
from tests.conftest import encode_png

Pixels = npt.NDArray[np.uint8]


@pytest.fixture(autouse=True)
def no_trained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIGITS_MODEL", raising=False)


def one_part(sources: Sequence[Path]) -> Part:
    (part,) = plan(sources)
    return part


def blank(count: int, side: int = 28) -> Pixels:
    return np.zeros((count, side, side), np.uint8)


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
    for column in (["text"], [1], [[b"list"]], [{"path": "no bytes"}], [{"bytes": "text"}]):
        pq.write_table(pa.table({"image": column}), "type.parquet")
        with pytest.raises(DataMismatchError, match="a column image of "):
            list(plan([Path("type.parquet")]))


def test_each_way_to_hold_bytes_in_parquet_is_read_and_a_name_may_be_bytes(sample: Path) -> None:
    image = sample.read_bytes()
    for column in (
        pa.array([image], pa.large_binary()),
        pa.array([image], pa.binary(len(image))),
        pa.array([image]).dictionary_encode(),
        pa.array([{"bytes": image}]),
    ):
        pq.write_table(pa.table({"image": column, "path": [b"7\xff.png"]}), "in.parquet")
        assert list(Reader(len(image)).pictures(one_part([Path("in.parquet")]))) == [("7\\xff.png", image)]


def test_a_source_that_is_named_twice_is_refused(tmp_path: Path, sample: Path) -> None:
    Path("a", "b").mkdir(parents=True)
    for name in ("a/7.png", "a/b/7.png", "a/7"):
        Path(name).write_bytes(sample.read_bytes())
    for sources in (["a/7.png", "a/7.png"], ["a", str(tmp_path / "a")], ["a", "a/7.png"], ["a/b", "a"]):
        with pytest.raises(DataMismatchError, match=r"is named twice|is named by itself and lies in"):
            list(plan(map(Path, sources)))
    # Its name does not say what it is: the folder leaves it out.
    assert len(one_part([Path("a"), Path("a/7")]).files) == 3


def test_a_link_that_leads_nowhere_is_a_row_and_links_to_folders_are_not_followed(sample: Path) -> None:
    Path("in").mkdir()
    Path("in/a.png").symlink_to("missing.png")
    Path("in/b.png").symlink_to(sample)
    Path("in/again").symlink_to(Path())
    assert main(["predict", "in", "--out", "out"]) == 0
    rows = {Path(row["path"]).name: row["error"] for row in pq.read_table("out").to_pylist()}
    assert rows == {"a.png": "No such file or directory", "b.png": None}


def test_a_folder_or_file_that_is_closed_to_the_reader_is_named(
    monkeypatch: pytest.MonkeyPatch, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in", "closed").mkdir(parents=True)
    Path("in/7.png").write_bytes(sample.read_bytes())
    np.savez("closed.npz", images=blank(1))
    original, opened = os.scandir, Path.open

    def refuse(path: str | Path) -> None:
        # Permissions do not stop root, as whom tests may run.
        if Path(path).name.startswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def scan(path: str) -> object:
        refuse(path)
        return original(path)

    def open_file(path: Path, *options: Any, **more: Any) -> Any:
        refuse(path)
        return opened(path, *options, **more)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(Path, "open", open_file)
    for source, words in (("in", "in/closed cannot be read: Permission denied"), ("closed.npz", "closed.npz cannot")):
        assert main(["predict", source, "--out", "out"]) == 1
        said = capsys.readouterr().err
        assert words in said
        assert "written" not in said


def test_an_npz_with_fewer_images_than_it_says_is_cut_short(tmp_path: Path) -> None:
    array = io.BytesIO()
    np.save(array, blank(5))
    with zipfile.ZipFile("short.npz", "w") as archive:
        archive.writestr("images.npy", array.getvalue()[:-784])
    with pytest.raises(DataMismatchError, match="cut short"):
        list(plan([Path("short.npz")]))


def test_a_stored_npz_that_does_not_agree_with_its_checksum_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("in.npz", images=blank(2_001))
    content = bytearray(Path("in.npz").read_bytes())
    content[1_000] = 1
    Path("in.npz").write_bytes(content)
    assert main(["predict", "in.npz", "--out", "out"]) == 1
    assert "in.npz cannot be read" in capsys.readouterr().err


@pytest.fixture
def inflated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were read through the zip reader."""
    read, original = [0], zipfile.ZipExtFile.read

    def counting(self: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        found = original(self, size)
        read[0] += len(found)
        return found

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting)
    return read


def part_of(file: str, first: int, count: int) -> Part:
    return Part((file,), ((0, 0),), first, count)


def test_a_part_of_a_stored_npz_is_read_without_those_before_it(inflated: list[int]) -> None:
    images = np.random.default_rng(1).integers(0, 255, (5_000, 28, 28), np.uint8)
    np.savez("in.npz", names=np.arange(9), images=images)
    named = list(Reader(1).pictures(part_of("in.npz", 4_000, 500)))
    assert inflated[0] < 1_000
    assert [name for name, _ in named] == [f"in.npz[{i}]" for i in range(4_000, 4_500)]
    pixels: Any = [pixels for _, pixels in named]
    assert np.array_equal(pixels, images[4_000:4_500])


def test_the_parts_of_a_compressed_npz_take_one_reading_of_it_in_any_order_of_files(inflated: list[int]) -> None:
    images = np.random.default_rng(1).integers(0, 255, (3_000, 28, 28), np.uint8)
    np.savez_compressed("in.npz", images=images)
    np.savez("other.npz", images=blank(1))
    reader = Reader(1)
    for first in range(0, 3_000, 500):
        found: Any = [pixels for _, pixels in reader.pictures(part_of("in.npz", first, 250))]
        assert np.array_equal(found, images[first : first + 250])
    assert inflated[0] < images.nbytes * 1.1
    for file, first in (("in.npz", 700), ("other.npz", 0), ("in.npz", 20)):
        pixels: Any = [pixels for _, pixels in reader.pictures(part_of(file, first, 1))]
        assert np.array_equal(pixels[0], images[first] if file == "in.npz" else blank(1)[0])


def test_the_parts_of_a_parquet_file_take_one_reading_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    images = [str(i).encode() for i in range(1_000)]
    pq.write_table(pa.table({"image": images}), "in.parquet", row_group_size=400)
    begun, original = [], pq.ParquetFile.iter_batches

    def counting(file: Any, *options: Any, **more: Any) -> Any:
        begun.append(more["row_groups"])
        return original(file, *options, **more)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counting)
    reader = Reader(1)
    # Components within a row group, over the end of one, and where others have read those between.
    for first, count in ((0, 30), (30, 170), (300, 150), (450, 1), (900, 100)):
        named = list(reader.pictures(part_of("in.parquet", first, count)))
        assert named == [(f"in.parquet[{i}]", images[i]) for i in range(first, first + count)]
    assert begun == [[0], [1], [2]]
    assert [image for _, image in reader.pictures(part_of("in.parquet", 10, 2))] == [b"10", b"11"]


def test_an_npz_of_images_that_are_too_large_is_refused_before_one_is_read(tmp_path: Path) -> None:
    with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        np.lib.format.write_array_header_1_0(
            member, {"descr": "|u1", "fortran_order": False, "shape": (1, 8_000, 7_000)}
        )
        for _ in range(8):
            member.write(bytes(7_000_000))
    with pytest.raises(DataMismatchError, match="7,000 x 8,000 pixels, more than the 50,000,000 allowed"):
        list(plan([Path("bomb.npz")]))


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


def test_parts_end_by_rows_and_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez("in.npz", images=blank(4_001, 2))
    assert [(part.first, part.count) for part in plan([Path("in.npz")])] == [(0, 2_000), (2_000, 2_000), (4_000, 1)]
    image = encode_png(blank(1)[0])
    for i in range(5):
        Path(f"{i}.png").write_bytes(image)
    monkeypatch.setattr(planning, "_PART_BYTES", 2 * len(image))
    assert [len(part.files) for part in plan(sorted(tmp_path.glob("*.png")))] == [2, 2, 1]
