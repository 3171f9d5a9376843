"""`digits model quantize` adds an int8 form to a model file."""

import importlib.util
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digits.cli.main import main
from digits.data.mnist import Mnist
from digits.errors import ModelFileError
from digits.model.artifact import read, read_examples
from digits.model.engine import Engine
from digits.model.input_form import USUAL
from digits.recognizer import shipped_model
from digits.training.extra.own_data import load_data
from digits.training.quantization import int8_form
from digits.training.quantization.int8_graph import to_int8
from tests.model.test_engine import network
from tests.model_files import CARD, EXAMPLES, INT8, OWN_CARD, SHIPPED, repack, with_card


@pytest.fixture
def source(tmp_path: Path, mnist: Mnist) -> Path:
    """Labeled images that are quickly read."""
    file = tmp_path / "few.npz"
    np.savez(file, images=mnist.x_test[:1500], labels=mnist.y_test[:1500])
    return file


@pytest.fixture
def model(tmp_path: Path, source: Path) -> Path:
    """The shipped model, whose card says that it is of that data."""
    data = load_data(source, lambda _line: None)
    return with_card(tmp_path, data=OWN_CARD["data"] | {"name": data.name, "digest": data.digest})


def test_a_form_is_added_and_all_else_stays(model: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read(model)
    assert main(["model", "quantize", str(model), "--data", str(source)]) == 0
    output = capsys.readouterr().out
    after = read(model)
    assert after.onnx == before.onnx
    assert after.int8 is not None
    assert len(after.int8) < len(after.onnx) / 3
    assert after.digest == before.digest
    assert read_examples(model) is not None
    with zipfile.ZipFile(model) as ours, zipfile.ZipFile(shipped_model()) as shipped:
        kept = set(shipped.namelist()) - {CARD, INT8, EXAMPLES}
        assert kept < set(ours.namelist())
        assert all(ours.read(name) == shipped.read(name) for name in kept)
        # Written anew: other versions of zlib pack the same arrays into other bytes.
        examples = [np.load(io.BytesIO(file.read(EXAMPLES))) for file in (ours, shipped)]
        assert examples[0].files == examples[1].files
        assert all(np.array_equal(examples[0][name], examples[1][name]) for name in examples[0].files)
    int8 = after.card.int8
    assert int8 is not None
    assert int8["command"] == f"digits model quantize {model} --data {source}"
    assert int8["test"]["n"] > 200
    assert f"test accuracy {int8['test']['accuracy']:.2%} of {int8['test']['n']:,} images" in output
    assert set(int8["time"]) == {"1", "8"}
    # The data, which are few, have other thresholds than MNIST; the same network was quantized on other images.
    assert int8["thresholds"] != OWN_CARD["int8"]["thresholds"]
    images = load_data(source, lambda _line: None).x_test
    assert (Engine(after.int8)(images).argmax(axis=1) != Engine(after.onnx)(images).argmax(axis=1)).sum() <= 1


def test_a_form_that_loses_accuracy_is_not_added(
    model: Path, source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoilt(onnx_file: bytes, *_: Any) -> bytes:
        graph = onnx.load_from_string(onnx_file)
        weights = max(graph.graph.initializer, key=lambda item: np.prod(item.dims))
        weights.CopyFrom(numpy_helper.from_array(np.zeros(weights.dims, np.float32), weights.name))
        return bytes(graph.SerializeToString())

    monkeypatch.setattr(int8_form, "to_int8", spoilt)
    before = model.read_bytes()
    assert main(["model", "quantize", str(model), "--data", str(source)]) == 1
    assert "so no int8 form was added" in capsys.readouterr().err
    assert model.read_bytes() == before


def test_other_data_than_that_of_the_model_is_refused(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = repack(tmp_path, {})
    assert main(["model", "quantize", str(path), "--data", str(source)]) == 1
    assert "were fitted on MNIST, and not on few.npz as it is here" in capsys.readouterr().err


def test_an_uncalibrated_model_is_refused(tmp_path: Path, mnist: Mnist) -> None:
    path = with_card(tmp_path, recipe="unknown", metrics={}, int8=None)
    with pytest.raises(ModelFileError, match="uncalibrated"):
        int8_form.quantize(repack_without_int8(path), mnist, [])


def repack_without_int8(path: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        return repack(path.parent, {INT8: None, CARD: archive.read(CARD)})


def test_without_onnx_it_says_what_to_install(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == "onnx" else find(name))
    assert main(["model", "quantize", str(model)]) == 1
    assert "Quantizing needs the package onnx" in capsys.readouterr().err


def dense(width: int) -> tuple[bytes, npt.NDArray[np.uint8]]:
    """A network of two dense layers, and images for it."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0.0, 0.1, shape).astype(np.float32) for shape in ((784, width), (width, 10))]
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w0"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "w1"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"]),
    ]
    constants = [numpy_helper.from_array(array, f"w{i}") for i, array in enumerate(weights)]
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 28, 28])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array([-1, 784]), "shape"), *constants],
    )
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(file.SerializeToString()), rng.integers(0, 256, (200, 28, 28), dtype=np.uint8)


def test_dense_layers_are_quantized_but_the_last() -> None:
    file, images = dense(64)
    form = to_int8(file, USUAL, images[:100])
    initializers = {item.name: item.data_type for item in onnx.load_from_string(form).graph.initializer}
    assert initializers["w1"] == TensorProto.FLOAT
    assert "w0" not in initializers
    assert TensorProto.INT8 in initializers.values()
    assert np.allclose(Engine(form)(images), Engine(file)(images), atol=0.05)


def test_the_weights_of_the_shipped_form_have_8_bits() -> None:
    form = read(shipped_model()).int8
    assert form is not None
    weights = [
        numpy_helper.to_array(item)
        for item in onnx.load_from_string(form).graph.initializer
        if item.data_type == TensorProto.INT8 and len(item.dims) == 4
    ]
    # All convolutions but the first, which stays in float.
    assert len(weights) == 4
    assert all(np.abs(array.astype(np.int16)).max() == 127 for array in weights)


def test_a_network_with_nothing_to_quantize_is_refused() -> None:
    with pytest.raises(ModelFileError, match="no layer that can be computed in int8"):
        to_int8(network(["n", 28, 28]), USUAL, np.zeros((1, 28, 28), np.uint8))


def test_a_network_that_cannot_be_quantized_is_refused_in_words() -> None:
    file, _ = dense(8)
    with pytest.raises(ModelFileError, match=r"ONNX Runtime cannot quantize the network \("):
        to_int8(file, USUAL, np.zeros((0, 28, 28), np.uint8))


def test_the_shipped_form_is_not_larger_than_it_has_to_be() -> None:
    assert len(zipfile.ZipFile(shipped_model()).read(INT8)) < len(SHIPPED) / 10
