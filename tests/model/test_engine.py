from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digits.arrays import CLASSES
from digits.errors import ModelFileError
from digits.model.artifact import read
from digits.model.engine import Engine, open_session
from digits.recognizer import shipped_model
from tests.conftest import ROOT, run_python

WEIGHTS = np.random.default_rng(0).normal(0.0, 0.1, (784, CLASSES)).astype(np.float32)
IMAGES = np.random.default_rng(1).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def network(
    shape: list[int | str],
    classes: int = CLASSES,
    last: str = "Softmax",
    kind: int = TensorProto.FLOAT,
    inputs: tuple[str, ...] = ("x",),
    outputs: tuple[str, ...] = ("y",),
) -> bytes:
    """The smallest digit network: flatten, multiply, softmax."""
    nodes = [
        helper.make_node("Cast", ["x"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["float", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node(last, ["logits"], ["y"]),
        helper.make_node("Identity", ["y"], ["z"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [
            numpy_helper.from_array(np.array([-1, 784]), "shape"),
            numpy_helper.from_array(WEIGHTS[:, :classes], "weights"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def without_input() -> bytes:
    constant = helper.make_node("Constant", [], ["y"], value=numpy_helper.from_array(np.full((2, 10), 0.1, np.float32)))
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 10])
    graph = helper.make_graph([constant], "constant", [], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def expected(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    logits = images.reshape(-1, 784) / 255.0 @ WEIGHTS.astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("shape", [["n", 28, 28], ["n", 28, 28, 1], ["n", 784], ["n", 1, 28, 28]])
def test_pixels_reach_the_network_scaled_to_1_in_the_shape_that_it_takes(shape: list[int | str]) -> None:
    probabilities = Engine(network(shape))(IMAGES)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities, expected(IMAGES), atol=1e-5)


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_any_number_of_images_goes_through_in_one_pass(n: int) -> None:
    images = np.resize(IMAGES, (n, 28, 28))
    assert np.allclose(Engine(network(["n", 28, 28]))(images), expected(images), atol=1e-5)


def test_images_that_are_not_contiguous_are_read_right() -> None:
    turned = IMAGES.transpose(0, 2, 1)
    assert np.allclose(Engine(network(["n", 28, 28]))(turned), expected(turned.copy()), atol=1e-5)


def test_the_shipped_network_reads_mnist_alike_in_any_batch() -> None:
    engine = Engine(read(shipped_model()).onnx)
    together = engine(IMAGES)
    apart = np.concatenate([engine(image[np.newaxis]) for image in IMAGES])
    assert np.allclose(together, apart, atol=1e-6)
    assert np.allclose(together.sum(axis=1), 1.0, atol=1e-5)


def test_threads_may_share_an_engine() -> None:
    engine = Engine(network(["n", 28, 28]))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: engine(IMAGES[i % 5 : i % 5 + 1]), range(400)))
    assert np.allclose(np.concatenate(answers), np.tile(expected(IMAGES), (80, 1)), atol=1e-5)


@pytest.mark.parametrize("data", [b"", b"not a network", onnx.ModelProto().SerializeToString()])
def test_bytes_that_are_no_network_are_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="ONNX Runtime cannot load the network"):
        Engine(data)


@pytest.mark.parametrize(
    "data",
    [
        network(["n", 32, 32]),
        network(["n", 28, 28, 3]),
        network(["n", "h", "w"]),
        network(["n", 28, "channels", 28]),
        network([1, 28, 28]),
        network(["n", 28, 28], kind=TensorProto.DOUBLE),
        network(["n", 28, 28], kind=TensorProto.UINT8),
        network(["n", 28, 28], inputs=("x", "other")),
        network(["n", 28, 28], outputs=("y", "z")),
        without_input(),
    ],
    ids=["32", "colored", "open", "rank", "one image", "double", "uint8", "two inputs", "two outputs", "no input"],
)
def test_a_network_that_does_not_take_digits_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="the network takes"):
        Engine(data)


@pytest.mark.parametrize(
    "data",
    [
        network(["n", 28, 28], classes=9),
        network(["n", 28, 28], last="Sigmoid"),
        network(["n", 28, 28], last="Identity"),
        network(["n", 28, 28], last="LogSoftmax"),
    ],
    ids=["nine classes", "sigmoid", "logits", "log"],
)
def test_a_network_that_gives_no_ten_probabilities_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="ten probabilities each that sum to 1 are needed"):
        Engine(data)


def test_nothing_is_kept_of_its_use_and_nobody_told(tmp_path: Path) -> None:
    # ONNX Runtime would leave an id and a database of events in the home folder.
    script = "from digits.recognizer import Recognizer; Recognizer.load().warm_up()"
    done = run_python(["-c", script], ROOT, HOME=str(tmp_path), XDG_CACHE_HOME="")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_network_keeps_no_memory_of_its_own_between_calls() -> None:
    session = open_session(read(shipped_model()).onnx)
    assert not session.get_session_options().enable_cpu_mem_arena
