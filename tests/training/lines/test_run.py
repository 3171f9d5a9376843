"""The data of the line network, and its training."""

import json
from pathlib import Path

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.errors import ExportError
from digits.numbers.lines.image import ROWS
from digits.numbers.lines.network import BLANK, CARD, FILE, LineNetwork, shipped_line_network
from digits.training.lines import run
from digits.training.lines.dataset import draw_lines
from digits.training.lines.graph import line_graph
from digits.training.lines.network import augment, batches, build
from digits.training.lines.run import measure


def test_lines_are_drawn_as_the_network_sees_them_and_their_classes_are_known(mnist: Mnist) -> None:
    lines = draw_lines(mnist.x_test, mnist.y_test, 3, 0, 60)
    assert len(lines) == 60
    for pixels, classes in lines:
        assert pixels.shape[0] == ROWS
        assert pixels.max() > 200
        assert all(0 <= one < BLANK for one in classes)
    again = draw_lines(mnist.x_test, mnist.y_test, 3, 0, 60)
    assert all(np.array_equal(one[0], other[0]) and one[1] == other[1] for one, other in zip(lines, again, strict=True))
    # Of digits that it has not learned from, in the hands of training.
    assert measure(shipped_line_network(), lines)["exact"] > 0.5


def test_a_batch_holds_its_lines_with_room_on_the_right(mnist: Mnist) -> None:
    lines = draw_lines(mnist.x_test, mnist.y_test, 4, 0, 40)
    rng = np.random.default_rng(0)
    seen = 0
    for pictures, targets, counts in batches(lines, rng):
        assert pictures.shape[1] == ROWS
        assert pictures.shape[2] % 32 == 0
        assert 0.0 <= pictures.min() <= pictures.max() <= 1.0
        assert all((row[count:] == BLANK).all() for row, count in zip(targets, counts, strict=True))
        seen += len(counts)
    assert seen == len(lines)


def test_a_changed_line_keeps_its_ink() -> None:
    pixels = np.zeros((ROWS, 120), np.uint8)
    pixels[12:32, 10:110:12] = 255
    rng = np.random.default_rng(1)
    for _ in range(50):
        ink = augment(pixels, rng)
        assert ink.shape[0] == ROWS
        assert 0.4 < ink.sum() / (pixels.sum() / 255.0) < 2.5
        assert ink[:, -1].max() < 0.5


def test_the_line_network_can_be_trained_anew(tmp_path: Path) -> None:
    assert run.main(["--out", str(tmp_path), "--lines", "100", "--epochs", "1"]) == 0
    card = json.loads((tmp_path / CARD.name).read_text())
    assert card["lines"] == 100
    assert card["held_out"]["lines"] == 100
    network = LineNetwork((tmp_path / FILE.name).read_bytes())
    assert network.digest == card["onnx_sha256"]


def test_a_network_whose_onnx_form_differs_from_keras_is_not_written(
    tmp_path: Path, mnist: Mnist, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = draw_lines(mnist.x_test, mnist.y_test, 3, 0, 4)
    monkeypatch.setattr(run, "draw_all", lambda *_, **__: lines)
    monkeypatch.setattr(run, "fit", lambda *_: None)
    arguments = ["--out", str(tmp_path), "--lines", "100", "--epochs", "1"]
    assert run.main(arguments) == 0
    written = {file: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(run, "line_graph", lambda _: line_graph(build()))
    with pytest.raises(ExportError, match=r"differs from Keras by .* nothing was written"):
        run.main(arguments)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == written
