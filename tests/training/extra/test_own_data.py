"""Data of one's own in place of MNIST."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digits.cli.main import main
from digits.data.mnist import DIGESTS, Mnist
from digits.errors import DataMismatchError, DataUnavailableError
from digits.model.artifact import read
from digits.recognizer import Recognizer
from digits.training.extra.own_data import LEAST_TO_TEST, OwnData, load_data


def npz(file: Path, **arrays: Any) -> Path:
    np.savez(file, **arrays)
    return file


def test_a_part_to_test_on_is_held_out_by_content(tmp_path: Path, mnist: Mnist) -> None:
    images, labels = mnist.x_train[:600], mnist.y_train[:600]
    said: list[str] = []
    data = load_data(npz(tmp_path / "own.npz", images=images, labels=labels), said.append)
    assert isinstance(data, OwnData)
    assert data.name == "own.npz"
    assert 70 <= len(data.x_test) <= 130
    assert len(data.x_train) + len(data.x_test) == 600
    assert "one picture in 6 is held out to test" in " ".join(said)
    # Another order, and others that join, move no picture to the other part.
    more = npz(tmp_path / "more.npz", images=mnist.x_train[900:0:-1], labels=mnist.y_train[900:0:-1])
    again = load_data(more, said.append)
    assert {image.tobytes() for image in data.x_test[1:]} - {image.tobytes() for image in again.x_test} <= {
        images[0].tobytes()
    }
    assert data.digest != again.digest


def test_a_part_that_is_given_is_kept_and_not_learned_from(tmp_path: Path, mnist: Mnist) -> None:
    file = npz(
        tmp_path / "own.npz",
        x_train=mnist.x_train[:300],
        y_train=mnist.y_train[:300],
        x_test=np.concatenate([mnist.x_test[:50], mnist.x_train[:10]]),
        y_test=np.concatenate([mnist.y_test[:50], mnist.y_train[:10]]),
    )
    said: list[str] = []
    data = load_data(file, said.append)
    assert (len(data.x_train), len(data.x_test)) == (290, 60)
    assert "10 in the test part, too" in " ".join(said)


def test_equal_pictures_with_different_labels_are_left_out_and_told(tmp_path: Path, mnist: Mnist) -> None:
    images, labels = mnist.x_train[:400], mnist.y_train[:400].copy()
    # The first three come again: one with its label, two with another.
    again = (labels[:3] + np.array([0, 1, 1])) % 10
    file = npz(
        tmp_path / "own.npz", images=np.concatenate([images, images[:3]]), labels=np.concatenate([labels, again])
    )
    said: list[str] = []
    data = load_data(file, said.append)
    names = f"own-1: {labels[1]}, own-2: {labels[2]}, own-401: {again[1]}, own-402: {again[2]}"
    assert len(data.x_train) + len(data.x_test) == 398
    assert {images[1].tobytes(), images[2].tobytes()}.isdisjoint(
        image.tobytes() for image in np.concatenate([data.x_train, data.x_test])
    )
    (line,) = (line for line in said if "with another label" in line)
    assert line.startswith("  left out: 4 equal to others with another label (")
    assert sorted(line.partition("(")[2].rstrip(")").split(", ")) == sorted(names.split(", "))
    assert "  left out: 1 copies of others (own-400)" in said


def test_a_picture_whose_label_in_the_test_part_is_another_is_in_neither_part(tmp_path: Path, mnist: Mnist) -> None:
    file = npz(
        tmp_path / "own.npz",
        x_train=mnist.x_train[:300],
        y_train=mnist.y_train[:300],
        x_test=np.concatenate([mnist.x_test[:50], mnist.x_train[:1]]),
        y_test=np.concatenate([mnist.y_test[:50], (mnist.y_train[:1] + 1) % 10]),
    )
    said: list[str] = []
    data = load_data(file, said.append)
    assert (len(data.x_train), len(data.x_test)) == (299, 50)
    assert "2 equal to others with another label" in " ".join(said)


def test_pictures_of_a_single_shade_are_left_out(tmp_path: Path, mnist: Mnist) -> None:
    images = np.concatenate([mnist.x_train[:300], np.zeros((1, 28, 28), np.uint8)])
    said: list[str] = []
    data = load_data(npz(tmp_path / "own.npz", images=images, labels=[*mnist.y_train[:300], 3]), said.append)
    assert len(data.x_train) + len(data.x_test) == 300
    assert "  left out: 1 unreadable: NoInkError (own-300)" in said


def test_small_pictures_of_sixteen_shades_are_learned_from(tmp_path: Path, mnist: Mnist) -> None:
    # As scikit-learn's digits are: 8x8 pixels, each 0..16.
    padded = np.pad(mnist.x_train[:300], ((0, 0), (2, 2), (2, 2)))
    small = np.rint(padded.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)) / 255 * 16)
    assert small.max() == 16
    data = load_data(npz(tmp_path / "own.npz", data=small.reshape(300, 64), target=mnist.y_train[:300]), print)
    assert len(data.x_train) + len(data.x_test) > 290
    assert data.x_train.max(axis=(1, 2)).min() > 127


def test_dark_strokes_are_turned_and_large_pictures_are_normalized(tmp_path: Path, mnist: Mnist) -> None:
    images, labels = mnist.x_test[:200], mnist.y_test[:200]
    dark = load_data(npz(tmp_path / "dark.npz", images=255 - images, labels=labels), print)
    assert {image.tobytes() for image in np.concatenate([dark.x_train, dark.x_test])} == {
        image.tobytes() for image in images
    }
    large = np.stack([np.array(Image.fromarray(255 - image).resize((90, 90))) for image in images])
    data = load_data(npz(tmp_path / "large.npz", images=large, labels=labels), print)
    assert data.x_train.shape[1:] == (28, 28)
    assert np.median(data.x_train) < 50


def test_mnist_itself_is_mnist(tmp_path: Path, mnist: Mnist) -> None:
    file = npz(tmp_path / "mnist.npz", **{name: getattr(mnist, name) for name in DIGESTS})
    assert type(load_data(file, print)) is Mnist


def test_too_little_and_nothing_are_refused(tmp_path: Path, mnist: Mnist) -> None:
    few = npz(tmp_path / "few.npz", images=mnist.x_test[:90], labels=mnist.y_test[:90])
    with pytest.raises(DataMismatchError, match=f"different pictures of digits .* at least 100 and {LEAST_TO_TEST}"):
        load_data(few, print)
    same = npz(tmp_path / "same.npz", images=mnist.x_test[[0] * 500], labels=mnist.y_test[[0] * 500])
    with pytest.raises(DataMismatchError, match=r"has [01] different pictures"):
        load_data(same, print)
    with pytest.raises(DataUnavailableError, match="does not exist"):
        load_data(tmp_path / "nowhere", print)


def test_training_says_what_was_learned_from(
    tmp_path: Path, mnist: Mnist, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = npz(tmp_path / "own.npz", images=mnist.x_train[:2000], labels=mnist.y_train[:2000])
    out = tmp_path / "own.keras"
    assert main(["train", "--data", str(file), "--epochs", "3", "--out", str(out)]) == 0
    assert "own.npz from" in capsys.readouterr().out
    card = read(out).card
    assert card.data["name"] == card.test_set == "own.npz"
    assert f"test accuracy {card.test_accuracy:.2%} on own.npz" in Recognizer.load(out).description
    assert card.data["fit"] + card.data["validation"] + card.data["test"] == 2000
    # A small set of one's own reaches less than MNIST, and is kept.
    assert 0.5 < (card.test_accuracy or 0.0) < 0.95


def test_a_batch_that_is_larger_than_the_data_is_refused(
    tmp_path: Path, mnist: Mnist, capsys: pytest.CaptureFixture[str]
) -> None:
    file = npz(tmp_path / "own.npz", images=mnist.x_train[:300], labels=mnist.y_train[:300])
    options = ["--batch-size", "5000", "--epochs", "1", "--out", str(tmp_path / "own.keras")]
    assert main(["train", "--data", str(file), *options]) == 1
    assert "batch size of 5,000 is more than the" in capsys.readouterr().err
