"""Writes the network that reads whole lines as an ONNX graph, layer by layer.

Keras' own exporter takes each dilated convolution apart into some thirty nodes that move values about, which take
longer than the convolution. ONNX has dilated convolutions.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.numbers.lines.image import ROWS
from digits.numbers.lines.network import LINE_CLASSES

_OPSET, _IR_VERSION = 17, 8


class _Graph:
    """Nodes and weights, in the order in which they are added; values are of shape (n, channels, rows, columns)."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Adds a node; returns the name of its output."""
        from onnx import helper

        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, values: npt.NDArray[Any]) -> str:
        """Adds weights; returns their name."""
        from onnx import numpy_helper

        name = f"weights_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def line_graph(model: Any) -> bytes:
    """Returns a network as an ONNX file that gives the same scores.

    Args:
        model: a Keras model as `digits.training.lines.network.build` makes it.

    Returns:
        The bytes of the file. The network takes float32 of shape (n, ROWS, width, 1), and gives float32 of shape
        (n, width / 2, LINE_CLASSES).

    Raises:
        NotImplementedError: a layer of a kind, or with an option, that such a network does not have.
    """
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    values: dict[str, str] = {}
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "InputLayer":
            values[layer.name] = graph.node("Transpose", ["picture"], perm=[0, 3, 1, 2])
            continue
        if kind not in _LAYERS:
            raise NotImplementedError(f"{layer.name} is of the kind {kind}, which cannot be written.")
        before = layer.input if isinstance(layer.input, list) else [layer.input]
        values[layer.name] = _LAYERS[kind](
            graph, layer, [values[tensor._keras_history.operation.name] for tensor in before]
        )
    # One row is left: (n, classes, 1, columns) becomes (n, columns, classes).
    scores = graph.node("Squeeze", [values[model.layers[-1].name], graph.weight(np.array([2], np.int64))])
    graph.nodes.append(helper.make_node("Transpose", [scores], ["scores"], perm=[0, 2, 1]))
    written = helper.make_graph(
        graph.nodes,
        "lines",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", ROWS, "width", 1])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", "columns", LINE_CLASSES])],
        graph.weights,
    )
    file = helper.make_model(
        written, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION, producer_name="digits"
    )
    checker.check_model(file)
    return bytes(file.SerializeToString())


def _require(layer: Any, *are_written: bool) -> None:
    if not all(are_written):
        raise NotImplementedError(f"{layer.name} has an option that cannot be written.")


def _convolution(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    kernel = layer.kernel.numpy()
    # Along a line there is one row.
    rows, columns = kernel.shape[:2] if kernel.ndim == 4 else (1, kernel.shape[0])
    kernel = kernel.reshape(rows, columns, *kernel.shape[-2:]).transpose(3, 2, 0, 1)
    dilation = layer.dilation_rate[-1]
    _require(layer, layer.activation.__name__ == "linear", not layer.use_bias, layer.groups == 1)
    _require(layer, set(layer.strides) == {1}, set(layer.dilation_rate[:-1]) <= {1})
    _require(layer, layer.padding == "valid" or (layer.padding == "same" and rows % 2 == columns % 2 == 1))
    down, across = ((rows - 1) // 2, dilation * (columns - 1) // 2) if layer.padding == "same" else (0, 0)
    return graph.node(
        "Conv",
        [*inputs, graph.weight(kernel)],
        kernel_shape=[rows, columns],
        dilations=[1, dilation],
        pads=[down, across, down, across],
    )


def _dense(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    _require(layer, layer.activation.__name__ == "linear", layer.use_bias)
    kernel = layer.kernel.numpy().T[:, :, np.newaxis, np.newaxis]
    return graph.node("Conv", [*inputs, graph.weight(kernel), graph.weight(layer.bias.numpy())], kernel_shape=[1, 1])


def _normalization(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    _require(layer, layer.axis == -1, layer.scale, layer.center)
    weights = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
    names = [graph.weight(weight.numpy()) for weight in weights]
    return graph.node("BatchNormalization", [*inputs, *names], epsilon=layer.epsilon)


def _relu(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    _require(layer, layer.max_value is None, not layer.negative_slope, not layer.threshold)
    return graph.node("Relu", inputs)


def _pooling(graph: _Graph, layer: Any, inputs: list[str]) -> str:
    _require(layer, layer.padding == "valid")
    return graph.node("MaxPool", inputs, kernel_shape=list(layer.pool_size), strides=list(layer.strides))


def _reshape(graph: _Graph, layer: Any, inputs: list[str]) -> str:  # noqa: ARG001 - all kinds take the same arguments
    # One row is left; values keep it until the scores.
    _, rows, _, channels = layer.input.shape
    _require(layer, rows == 1, tuple(layer.target_shape) == (-1, channels))
    return inputs[0]


def _same(graph: _Graph, layer: Any, inputs: list[str]) -> str:  # noqa: ARG001 - all kinds take the same arguments
    return inputs[0]


_LAYERS: Mapping[str, Callable[[_Graph, Any, list[str]], str]] = {
    "Conv2D": _convolution,
    "Conv1D": _convolution,
    "BatchNormalization": _normalization,
    "ReLU": _relu,
    "MaxPooling2D": _pooling,
    "Add": lambda graph, _, inputs: graph.node("Add", inputs),
    "Dense": _dense,
    "Reshape": _reshape,
    # Does nothing when nothing is learned.
    "Dropout": _same,
}
