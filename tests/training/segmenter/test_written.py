"""A trained network of numbers and its card are written beside each other."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from digits.numbers.lines.network import FILE, LineNetwork
from digits.training.segmenter.written import made_with, write_network


def test_a_network_and_its_card_are_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "folder"
    write_network(folder, "a.onnx", b"12345", "a.json", {"epochs": 3})
    assert sorted(file.name for file in folder.iterdir()) == ["a.json", "a.onnx"]
    assert (folder / "a.onnx").read_bytes() == b"12345"
    assert json.loads((folder / "a.json").read_text()) == {"epochs": 3}
    assert capsys.readouterr().out == f"{folder / 'a.onnx'} (5 bytes) and a.json\n"


def test_a_card_names_the_digest_that_the_network_itself_has() -> None:
    onnx = FILE.read_bytes()
    facts = made_with(onnx)
    assert facts["onnx_sha256"] == LineNetwork(onnx).digest
    assert facts["libraries"] == {name: version(name) for name in ("keras", "tensorflow", "numpy")}
