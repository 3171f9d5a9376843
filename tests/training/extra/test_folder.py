"""Pictures to learn from besides MNIST, and a new model beside the one that is there."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from digits.cli.commands import train
from digits.data.mnist import Mnist, Split, split
from digits.errors import DataMismatchError, DataUnavailableError
from digits.feedback import Feedback, FeedbackStore
from digits.images.decode import decode
from digits.model import artifact
from digits.recognizer import Recognizer
from digits.synthetic.strokes import draw_digit
from digits.training import export, job
from digits.training.config import TrainingConfig
from digits.training.extra.folder import Extra, is_held_out, read_extra
from digits.training.keras_install import require_keras
from digits.training.loop import scale
from digits.training.recipes import find_recipe
from digits.training.run import compile_and_fit
from digits.vision.normalize import normalize
from tests.conftest import encode_png
from tests.model.test_artifact import make_card, save_keras
from tests.model.test_engine import network
from tests.pictures import side_by_side

Pixels = npt.NDArray[np.uint8]


def drawn(count: int) -> list[tuple[str, Pixels]]:
    """So many different pictures of digits, with their labels."""
    rng = np.random.default_rng(0)
    return [(str(i % 10), 255 - draw_digit(i % 10, 112, rng).astype(np.uint8)) for i in range(count)]


def write(folder: Path, pictures: Sequence[tuple[str, Pixels | bytes]], names: str = "{}.png") -> Path:
    folder.mkdir(exist_ok=True)
    with (folder / "labels.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("file", "label", "source"))
        for i, (label, content) in enumerate(pictures):
            data = content if isinstance(content, bytes) else encode_png(content)
            (folder / names.format(i)).write_bytes(data)
            writer.writerow((names.format(i), label, "feedback"))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pictures"), drawn(60))


@pytest.fixture(scope="module")
def first(folder: Path, mnist: Mnist) -> Extra:
    return read_extra(folder, mnist)


@pytest.fixture(scope="module")
def small(mnist: Mnist) -> Mnist:
    """A part of MNIST, where the rest of it does not matter."""
    return replace(mnist, x_train=mnist.x_train[:6_000], y_train=mnist.y_train[:6_000], x_test=mnist.x_test[:100])


def parted(extra: Extra) -> tuple[set[bytes], set[bytes]]:
    """What is learned from and what is held out, as the network sees it."""
    held_out = [
        normalize(decode(one.content.read_bytes()) if isinstance(one.content, Path) else one.content).image.tobytes()
        for one in extra.held_out
    ]
    return {image.tobytes() for image in extra.images}, set(held_out)


def test_about_one_in_five_is_held_out_and_the_rest_normalized_to_be_learned_from(first: Extra) -> None:
    extra = first
    assert len(extra.labels) + len(extra.held_out) == 60
    assert 5 <= len(extra.held_out) <= 20
    images = {normalize(pixels).image.tobytes(): int(label) for label, pixels in drawn(60)}
    assert [images[image.tobytes()] for image in extra.images] == extra.labels.tolist()
    assert f"{len(extra.labels)} extra pictures to learn from, each 20 times an epoch" in extra.describe()[0]


def test_a_picture_stays_in_its_part_in_another_order_under_another_name_and_among_more(
    first: Extra, tmp_path: Path, small: Mnist
) -> None:
    again = read_extra(write(tmp_path / "again", drawn(60)[::-1], "other-{}.png"), small)
    more = read_extra(write(tmp_path / "more", drawn(80)), small)
    assert again.digest == first.digest != more.digest
    for one in (again, more):
        for mine, first_ones in zip(parted(one), parted(first), strict=True):
            assert mine >= first_ones


def copies_of(pixels: Pixels) -> list[Pixels | bytes]:
    """The same picture in other forms."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=75)
    return [
        np.repeat(pixels[..., np.newaxis], 3, axis=2),
        255 - pixels,
        np.pad(pixels, ((40, 10), (5, 60)), mode="edge"),
        cv2.resize(pixels, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC).astype(np.uint8),
        file.getvalue(),
    ]


def test_copies_of_a_picture_stay_in_its_part_and_count_once(tmp_path: Path, small: Mnist) -> None:
    pictures = drawn(50)
    copies = [(label, copy) for label, pixels in pictures for copy in copies_of(pixels)]
    extra = read_extra(write(tmp_path / "copies", [*pictures, *copies]), small)
    # Those that the network does not see as the same are few.
    assert 45 <= len(extra.labels) + len(extra.held_out) <= 58
    held_out = [int(one.name.removesuffix(".png")) for one in extra.held_out]
    mine = {i if i < 50 else (i - 50) // 5 for i in held_out}
    vectors = [normalize(pictures[i][1]).image.astype(float).ravel() for i in mine]
    learned = extra.images.reshape(len(extra.images), -1).astype(float)
    alike = [(learned @ one / np.linalg.norm(learned, axis=1) / np.linalg.norm(one)).max() for one in vectors]
    assert np.mean(np.array(alike) > 0.98) <= 0.1


def test_a_copy_that_joins_does_not_bring_a_held_out_picture_back(
    first: Extra, folder: Path, tmp_path: Path, small: Mnist
) -> None:
    joined = [
        (one.label, copy) for one in first.held_out for copy in copies_of(decode((folder / one.name).read_bytes()))
    ]
    more = read_extra(write(tmp_path / "more", [*drawn(60), *joined]), small)
    assert not parted(first)[1] & parted(more)[0]


def test_an_inverted_copy_with_another_label_makes_both_useless(tmp_path: Path, small: Mnist) -> None:
    pixels = drawn(60)[3][1]
    extra = read_extra(write(tmp_path / "odd", [*drawn(60), ("8", 255 - pixels)]), small)
    assert extra.left_out == {"there twice with different labels": ["3.png", "60.png"]}


def test_an_enlarged_image_of_mnist_is_not_learned_from(tmp_path: Path, mnist: Mnist) -> None:
    enlarged = [
        (str(mnist.y_test[i]), cv2.resize(mnist.x_test[i], (112, 112), interpolation=cv2.INTER_CUBIC).astype(np.uint8))
        for i in range(20)
    ]
    extra = read_extra(write(tmp_path / "enlarged", [*drawn(60), *enlarged]), mnist)
    names = extra.left_out["MNIST's own"]
    assert len(names) >= 17
    assert {int(name.removesuffix(".png")) for name in names} <= set(range(60, 80))


def test_a_picture_of_several_digits_is_left_out(tmp_path: Path, small: Mnist) -> None:
    extra = read_extra(write(tmp_path / "two", [*drawn(60), ("7", side_by_side("5_marker", "2_blue_pen"))]), small)
    assert extra.left_out == {"of several digits": ["60.png"]}


def test_an_export_of_feedback_is_the_same_pictures(first: Extra, tmp_path: Path, small: Mnist) -> None:
    store = FeedbackStore(tmp_path / "feedback.sqlite3")
    for label, pixels in drawn(60):
        store.keep(pixels, Feedback(label, "", 0.0, ""))
    store.export(tmp_path / "export")
    assert read_extra(tmp_path / "export", small).digest == first.digest


def test_what_cannot_be_learned_from_is_left_out_by_name(tmp_path: Path, mnist: Mnist) -> None:
    twice = drawn(1)[0][1]
    odd: list[tuple[str, Pixels | bytes]] = [
        ("7", b"only text"),
        ("7", np.full((60, 60), 255, np.uint8)),
        ("other", drawn(62)[61][1]),
        ("2024", drawn(63)[62][1]),
        ("1", twice),
        # Learned from, it would be tested on.
        (str(mnist.y_test[0]), mnist.x_test[0]),
        (str(mnist.y_test[1]), 255 - mnist.x_test[1]),
    ]
    place = write(tmp_path / "odd", [*drawn(60), *odd])
    with (place / "labels.csv").open("a") as handle:
        handle.write("gone.png,7,feedback\n")
    extra = read_extra(place, mnist)
    assert extra.left_out == {
        "unreadable: UnsupportedFormatError": ["60.png"],
        "unreadable: NoInkError": ["61.png"],
        "labeled as no single digit": ["62.png", "63.png"],
        "MNIST's own": ["65.png", "66.png"],
        "not opened: No such file or directory": ["gone.png"],
        "there twice with different labels": ["0.png", "64.png"],
    }
    assert len(extra.labels) + len(extra.held_out) == 59
    assert "  left out: 2 labeled as no single digit (62.png, 63.png)" in extra.describe()


def test_many_names_are_cut_short(tmp_path: Path, small: Mnist) -> None:
    blank = np.full((60, 60), 255, np.uint8)
    extra = read_extra(write(tmp_path / "x", [*drawn(60), *[("7", blank)] * 8]), small)
    assert extra.describe()[1].endswith("8 unreadable: NoInkError (60.png, 61.png, 62.png, 63.png, 64.png and 3 more)")


def test_too_few_pictures_are_counted(tmp_path: Path, small: Mnist) -> None:
    with pytest.raises(DataMismatchError, match=r"has 4 different pictures .* At least 5 have to be held out: bring"):
        read_extra(write(tmp_path / "few", [*drawn(4), ("other", drawn(5)[4][1])]), small)
    with pytest.raises(DataUnavailableError, match="nowhere does not exist"):
        read_extra(tmp_path / "nowhere", small)


def test_pictures_weigh_a_tenth_of_mnist_at_the_most(first: Extra, tmp_path: Path, mnist: Mnist, small: Mnist) -> None:
    parts = split(mnist)
    joined = first.join(parts)
    assert len(joined.x_fit) - len(parts.x_fit) == 20 * len(first.labels) <= 5_500
    assert joined.y_fit[55_000:].tolist() == first.labels.tolist() * 20
    assert np.array_equal(joined.x_validation, parts.x_validation)
    # With more of them for each of MNIST's, each counts less often.
    many = read_extra(write(tmp_path / "many", drawn(60)), small)
    # A twelfth of the 6,000 images is held out, and a tenth of the rest is 550.
    assert many.times == 550 // len(many.labels) == 12


def test_one_digest_in_five_is_held_out() -> None:
    held_out = [is_held_out(hashlib.sha256(bytes([i])).hexdigest()) for i in range(256)]
    assert 256 * 0.1 < sum(held_out) < 256 * 0.3


def run(*arguments: str) -> int:
    return train.main(["--epochs", "1", *arguments])


def test_a_better_model_takes_the_place_of_the_one_there(
    folder: Path, first: Extra, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.keras"
    # Its network guesses.
    artifact.write(out, save_keras, network(["n", 28, 28]), make_card)
    assert run("--extra", str(folder), "--out", str(out)) == 0
    printed = capsys.readouterr().out
    assert "The new model is at least as good on both, and is in place." in printed
    card = artifact.read(out).card
    assert card.data["extra"] == first.to_json()
    assert card.data["fit"] == 55_000
    right = round((card.test_accuracy or 0.0) * 10_000)
    assert f"after     {card.test_accuracy:.2%} ({right:,} of 10,000)" in printed
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.keras", "previous", "reports"]


def test_a_worse_model_is_kept_beside_the_one_there(
    folder: Path, tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.keras"
    trained = (repository / "models" / "mnist_model.keras").read_bytes()
    # Ten epochs are better than one.
    out.write_bytes(trained)
    assert run("--extra", str(folder), "--out", str(out)) == 3
    printed = capsys.readouterr().out
    assert "The new model is worse on the MNIST test set" in printed
    assert f"so {out} stays in use." in printed
    candidate = tmp_path / "mine.candidate.keras"
    assert f"The new model is kept as {candidate}; nothing uses it." in printed
    assert out.read_bytes() == trained
    assert Recognizer.load(candidate).card.data["extra"]["held_out"] >= 5
    assert sorted(tmp_path.iterdir()) == [candidate, out]


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (DataMismatchError("gone"), 1)])
def test_a_new_model_that_was_not_compared_is_not_left_without_a_word(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stop: BaseException,
    code: int,
) -> None:
    candidate = tmp_path / "mine.candidate.keras"

    def save_and_stop(_run: object, _data: Mnist, path: Path, _command: list[str]) -> None:
        path.write_bytes(b"a model")
        raise stop

    monkeypatch.setattr(job, "train", lambda _job, _extra: None)
    monkeypatch.setattr(export, "save", save_and_stop)
    assert run("--extra", str(folder), "--out", str(tmp_path / "mine.keras")) == code
    assert f"The new model is kept as {candidate}; nothing uses it." in capsys.readouterr().err


def test_a_folder_that_cannot_be_used_is_told_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--extra", str(tmp_path), "--out", str(tmp_path / "mine.keras")) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(
        f"train.py: There is no {tmp_path / 'labels.csv'}. Labeled pictures come as a folder"
    )
    assert len(captured.err.splitlines()) == 1
    assert "Epoch" not in captured.out


@pytest.mark.parametrize("recipe", ["reference", "convnet"])
def test_both_recipes_learn_from_the_extra_pictures(recipe: str, first: Extra, mnist: Mnist) -> None:
    require_keras()
    # All labels moved on by one, so that nobody learns them from MNIST.
    moved = replace(first, labels=(first.labels + 1) % 10, times=6)
    few = Split(mnist.x_train[:50], mnist.y_train[:50], mnist.x_train[-50:], mnist.y_train[-50:])
    model = find_recipe(recipe).build()
    compile_and_fit(model, moved.join(few), TrainingConfig(recipe, epochs=6, batch_size=50), show_progress=False)
    # As in training, since means over batches need more of them than these.
    read = np.asarray(model(scale(moved.images), training=True)).argmax(axis=1)
    assert (read == moved.labels).mean() > 0.5
