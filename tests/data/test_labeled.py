"""Labeled pictures in the forms in which people have them."""

import gzip
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from digits.cli.main import main
from digits.data.labeled import read_labeled, read_parts
from digits.data.mnist import Mnist
from digits.errors import DataError, DataMismatchError, DataUnavailableError
from tests.conftest import SAMPLES


@pytest.fixture
def few(mnist: Mnist) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    return mnist.x_test[:300], mnist.y_test[:300]


def idx(array: npt.NDArray[Any], code: int = 0x08) -> bytes:
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_with_any_usual_delimiter_and_mark_is_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    shutil.copy(SAMPLES[0], tmp_path / "ä.png")
    rows = [["File", "Label", "Notes"], ["ä.png", "7", "a, b; c" if delimiter == "\t" else "x"]]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "labels.csv").write_bytes(text.encode(encoding))
    (picture,) = read_labeled(tmp_path)
    assert (picture.name, picture.label, picture.content) == ("ä.png", "7", tmp_path / "ä.png")


@pytest.mark.parametrize("header", ["filename;digit", "path;class", "image;target"])
def test_other_usual_names_of_the_columns_are_known(tmp_path: Path, header: str) -> None:
    (tmp_path / "labels.csv").write_text(f"{header}\na.png;7\n")
    assert [(picture.name, picture.label) for picture in read_labeled(tmp_path)] == [("a.png", "7")]


def test_a_table_without_the_columns_says_which_it_has(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("name;value\na.png;7\n")
    with pytest.raises(DataMismatchError, match=r"has the columns name, value; it needs file and label"):
        read_labeled(tmp_path)


def test_a_table_of_pixels_is_refused_with_a_few_of_its_columns(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("label," + ",".join(f"pixel{i}" for i in range(784)) + "\n")
    with pytest.raises(DataMismatchError, match=r"has the columns label, pixel0, .*, pixel6 and 777 more; it needs"):
        read_labeled(tmp_path)


def test_a_table_that_was_written_for_excel_on_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "day 1").mkdir()
    shutil.copy(SAMPLES[0], tmp_path / "day 1" / "a.png")
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbfsep=;\r\nfile;label\r\nday 1\\a.png;7.0\r\n")
    (picture,) = read_labeled(tmp_path)
    assert (picture.label, picture.content) == ("7", tmp_path / "day 1" / "a.png")


def test_parts_that_are_not_used_are_told(tmp_path: Path, few: Any) -> None:
    for part in ("train", "val", "test"):
        (tmp_path / "parts" / part / "7").mkdir(parents=True)
        shutil.copy(SAMPLES[0], tmp_path / "parts" / part / "7" / "a.png")
    said: list[str] = []
    assert set(read_parts(tmp_path / "parts", said.append)) == {"train", "test"}
    images, labels = few
    np.savez(
        tmp_path / "a.npz", x_train=images, y_train=labels, x_val=images, y_val=labels, x_test=images, y_test=labels
    )
    assert set(read_parts(tmp_path / "a.npz", said.append)) == {"train", "test"}
    assert said == [f"{tmp_path / 'parts'}: not used: val", f"{tmp_path / 'a.npz'}: not used: x_val, y_val"]


def test_each_subfolder_is_the_label_of_its_pictures(tmp_path: Path) -> None:
    for label in ("0", "7", "letter"):
        (tmp_path / label / "deeper").mkdir(parents=True)
        shutil.copy(SAMPLES[0], tmp_path / label / "deeper" / "a.PNG")
        (tmp_path / label / "notes.txt").write_text("no picture")
        (tmp_path / label / "._a.png").write_text("what macOS leaves behind")
    (tmp_path / ".cache").mkdir()
    assert [picture.label for picture in read_labeled(tmp_path)] == ["0", "7", "letter"]


def test_a_folder_above_says_which_of_its_folders_to_name(tmp_path: Path) -> None:
    (tmp_path / "test" / "7").mkdir(parents=True)
    with pytest.raises(DataUnavailableError, match=r"Name one of its folders: test"):
        read_labeled(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images.astype(np.float32) / 255.0,
        lambda images: images.astype(np.float64),
        lambda images: images / 127.5 - 1.0,
        lambda images: images[..., None],
        lambda images: images[:, None],
        lambda images: images.reshape(len(images), -1),
        lambda images: images.astype(np.int64),
        lambda images: np.repeat(images[..., None], 3, axis=3),
        lambda images: np.asfortranarray(images),
    ],
)
def test_images_in_any_usual_form_are_the_same(tmp_path: Path, few: Any, change: Any) -> None:
    np.savez(tmp_path / "own.npz", x_test=change(few[0]), y_test=few[1])
    pictures = read_labeled(tmp_path / "own.npz")
    for picture, image in zip(pictures, few[0], strict=True):
        assert isinstance(picture.content, np.ndarray)
        pixels = picture.content if picture.content.ndim == 2 else picture.content[..., 0]
        assert np.array_equal(pixels, image)


@pytest.mark.parametrize(("white", "kind"), [(16, np.float64), (16, np.uint8), (15, np.int32), (1, np.uint8)])
def test_few_shades_of_gray_are_stretched_to_all(tmp_path: Path, few: Any, white: int, kind: Any) -> None:
    shades = np.rint(few[0] / 255 * white).astype(kind)
    np.savez(tmp_path / "own.npz", images=shades, labels=few[1])
    for picture, image in zip(read_labeled(tmp_path / "own.npz"), few[0], strict=True):
        assert isinstance(picture.content, np.ndarray)
        assert np.abs(picture.content.astype(int) - image).max() <= 255 / white / 2 + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda labels: np.eye(10)[labels],
        lambda labels: labels.astype(np.float32),
        lambda labels: labels.astype(str),
        lambda labels: labels.astype("S1"),
        lambda labels: labels[:, None],
    ],
)
def test_labels_in_any_usual_form_are_the_same(tmp_path: Path, few: Any, change: Any) -> None:
    np.savez(tmp_path / "own.npz", images=few[0], labels=change(few[1]))
    assert [picture.label for picture in read_labeled(tmp_path / "own.npz")] == few[1].astype(str).tolist()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pictures": np.zeros((2, 28, 28))}, "has the arrays pictures; images and labels are needed"),
        ({"images": np.zeros((2, 28, 28)), "labels": np.zeros(3)}, "2 images and labels of float64 and shape"),
        ({"images": np.zeros((2, 28, 28)), "labels": np.array([0.5, 1.0])}, "one for each image is needed"),
        ({"images": np.full((2, 28, 28), np.nan), "labels": [1, 2]}, "no numbers"),
        ({"images": np.full((2, 28, 28), 70_000), "labels": [1, 2]}, "pixels from 70000 to 70000"),
        ({"images": np.full((2, 28, 28), 100), "labels": [1, 2]}, "brightest pixel does not tell which"),
        ({"images": np.full((2, 28, 28), 64, np.uint8), "labels": [1, 2]}, "Scale the pixels so that white is 255"),
        ({"images": np.zeros((2, 28, 28, 4)), "labels": [1, 2]}, r"\(n, height, width\) or"),
        ({"images": np.array(["a", "b"]), "labels": [1, 2]}, "numbers are needed"),
        ({"images": np.zeros((2, 28, 28)), "labels": np.eye(10)[[1, 2]] * 0.5}, "one for each image"),
        ({"images": np.array([None, 1], object), "labels": [1, 2]}, "without pickled objects"),
    ],
)
def test_arrays_of_another_kind_are_refused_with_what_was_found(tmp_path: Path, arrays: Any, said: str) -> None:
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(DataMismatchError, match=said):
        read_labeled(tmp_path / "own.npz")


@pytest.mark.parametrize("packed", [False, True])
def test_the_files_of_emnist_are_read_and_turned_upright(tmp_path: Path, few: Any, packed: bool) -> None:
    write = gzip.compress if packed else bytes
    end = ".gz" if packed else ""
    images, labels = few
    for part, count in (("train", 100), ("test", 300)):
        name = f"emnist-digits-{part}"
        (tmp_path / f"{name}-images-idx3-ubyte{end}").write_bytes(write(idx(images[:count].swapaxes(1, 2))))
        (tmp_path / f"{name}-labels-idx1-ubyte{end}").write_bytes(write(idx(labels[:count])))
    said: list[str] = []
    pictures = read_labeled(tmp_path, said.append)
    assert len(pictures) == 300
    for picture, image in zip(pictures, images, strict=True):
        assert isinstance(picture.content, np.ndarray)
        assert np.array_equal(picture.content, image)
    assert "rows and columns are exchanged" in " ".join(said)


def test_the_labels_of_qmnist_begin_with_the_digit(tmp_path: Path, few: Any) -> None:
    images, labels = few
    more = np.zeros((300, 8), ">i4")
    more[:, 0] = labels
    (tmp_path / "qmnist-test-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "qmnist-test-labels-idx2-int").write_bytes(idx(more, 0x0C))
    said: list[str] = []
    pictures = read_labeled(tmp_path / "qmnist-test-images-idx3-ubyte", said.append)
    assert [picture.label for picture in pictures] == labels.astype(str).tolist()
    assert said == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not begin like an IDX file"),
        (b"\x89PNG....", "does not begin like an IDX file"),
        (bytes([0, 0, 8, 3, 0, 0]), "cut short within its sizes"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2, 28, 28) + bytes(28 * 28), "takes 1,568 bytes; 784 follow"),
        (bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1), "bytes; 0 follow"),
        (gzip.compress(bytes(100))[:-20], "cannot be unpacked"),
    ],
)
def test_a_damaged_idx_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "t10k-images-idx3-ubyte"
    file.write_bytes(content)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(2, np.uint8)))
    with pytest.raises(DataMismatchError, match=said):
        read_labeled(file)


def test_images_without_labels_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.zeros((2, 28, 28), np.uint8))))
    with pytest.raises(DataUnavailableError, match=r"t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz is needed"):
        read_labeled(tmp_path)


@pytest.mark.parametrize("name", ["missing", "notes.txt", "empty"])
def test_anything_else_is_refused_with_the_forms_that_are_known(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"Labeled pictures come as a folder with a labels.csv"):
        read_labeled(tmp_path / name)


def test_evaluate_takes_a_folder_for_each_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in SAMPLES:
        (tmp_path / "own" / file.name[0]).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "own" / file.name[0])
    assert main(["evaluate", str(tmp_path / "own"), "--json"]) == 0
    assert f'"hits": {len(SAMPLES)}' in capsys.readouterr().out
