from pathlib import Path

import numpy as np
import pytest

from digits.errors import ImageError, ImageTooLargeError
from digits.images.sources import pictures_of

MOST = 1_000


def write(file: Path, content: bytes = b"image") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_a_folder_gives_its_image_files_in_order_with_those_of_its_subfolders(tmp_path: Path) -> None:
    names = ["a/2.PNG", "b.jpeg", "c/d/1.tif"]
    for name in reversed(names):
        write(tmp_path / name, name.encode())
    write(tmp_path / "labels.csv")
    found = list(pictures_of([tmp_path], MOST))
    assert found == [(str(tmp_path / name), name.encode()) for name in names]


def test_a_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    file = write(tmp_path / "scan")
    assert list(pictures_of([file], MOST)) == [(str(file), b"image")]


def test_a_file_over_the_limit_is_not_read_whole(tmp_path: Path) -> None:
    files = [write(tmp_path / "right.png", bytes(MOST)), write(tmp_path / "large.png", bytes(MOST + 1))]
    (_, right), (_, large) = pictures_of(files, MOST)
    assert right == bytes(MOST)
    assert isinstance(large, ImageTooLargeError)


@pytest.mark.parametrize("shape", [(3, 28, 28), (2, 5, 7, 3)])
def test_an_npz_gives_its_images(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.savez(tmp_path / "some.npz", images=images)
    found = list(pictures_of([tmp_path / "some.npz"], MOST))
    assert [name for name, _ in found] == [f"{tmp_path / 'some.npz'}[{i}]" for i in range(len(images))]
    assert all(isinstance(picture, np.ndarray) for _, picture in found)
    assert np.array_equal([picture for _, picture in found], images)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": np.zeros((1, 28, 28), np.uint8)}, "an array images is needed"),
        ({"images": np.zeros((1, 28, 28), np.float32)}, "uint8 of shape"),
        ({"images": np.zeros((28, 28), np.uint8)}, "uint8 of shape"),
        ({"images": np.zeros((1, 28, 28, 4), np.uint8)}, "uint8 of shape"),
    ],
)
def test_an_npz_of_another_form_is_an_error_that_says_what_is_needed(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "other.npz", **arrays)  # type: ignore[arg-type]
    ((_, error),) = pictures_of([tmp_path / "other.npz"], MOST)
    assert isinstance(error, ImageError)
    assert message in str(error)


def test_what_is_not_there_is_an_error_in_its_place(tmp_path: Path) -> None:
    file = write(tmp_path / "here.png")
    paths = [tmp_path / "no.png", tmp_path / "no.npz", file]
    (_, first), (_, second), third = pictures_of(paths, MOST)
    assert str(first) == "No such file or directory"
    assert str(second) == f"{paths[1]} cannot be read: No such file or directory."
    assert third == (str(file), b"image")


def test_a_damaged_npz_is_an_error(tmp_path: Path) -> None:
    ((_, error),) = pictures_of([write(tmp_path / "damaged.npz", b"PK\3\4 no zip")], MOST)
    assert isinstance(error, ImageError)
