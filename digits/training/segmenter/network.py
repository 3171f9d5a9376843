"""Fits the small networks that look at windows of a line."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.numbers.segments.windows import SIDE, Windows
from digits.training.loop import Schedule, fit, scale
from digits.training.recipes import warm_up_and_decay

_BATCH = 256
# The highest learning rate of a network that is new, and of one that goes on: it knows most already.
_PEAK, _PEAK_OF_TRAINED = 4e-3, 1e-3
# Windows over which mean and variance of what a convolution gives are measured.
_SPREAD_OVER = 2_000


def build_network(filters: tuple[int, int, int], channels: int, hidden: int, classes: int) -> Any:
    """Builds a network: windows of shape (n, SIDE, SIDE, channels) in 0..1 to probabilities of shape (n, classes).

    It goes in steps of two from the start. A line of digits that touch has thousands of windows, and reading it spends
    most of its time here.

    Args:
        filters: of the three convolutions.
        channels: of a window.
        hidden: units of the layer before the last.
        classes: that it tells apart.
    """
    from keras import Input, Sequential
    from keras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, ReLU

    layers = []
    for number, size, strides in zip(filters, (5, 3, 3), (2, 2, 1), strict=True):
        layers += [Conv2D(number, size, strides, padding="same", use_bias=False), BatchNormalization(), ReLU()]
    layers += [MaxPooling2D(2, padding="same"), Flatten(), Dropout(0.2), Dense(hidden, activation="relu")]
    return Sequential([Input((SIDE, SIDE, channels)), *layers, Dense(classes, activation="softmax")])


def fit_network(
    model: Any,
    windows: Windows,
    targets: npt.NDArray[np.generic],
    epochs: int,
    seed: int,
    loss: str | Callable[[Any, Any], Any] = "sparse_categorical_crossentropy",
    *,
    is_trained: bool = False,
) -> None:
    """Fits a network with AdamW, whose learning rate rises for a tenth of the run and falls along a cosine.

    Args:
        model: a `keras.Model` of windows scaled to 0..1.
        windows: uint8 of shape (n, SIDE, SIDE, c).
        targets: one for each window, as the loss takes them.
        epochs: passes over the windows.
        seed: of their order.
        loss: a name that Keras knows, or a function of targets and answers.
        is_trained: whether the network has learned before; its weights then change less.
    """
    steps = len(windows) // _BATCH * epochs
    model.compile(warm_up_and_decay(steps, _PEAK_OF_TRAINED if is_trained else _PEAK), loss=loss)
    fit(model, itertools.repeat(windows, epochs), targets, Schedule(epochs, _BATCH, seed))


def restore(model: Any, onnx_file: bytes, windows: Windows) -> None:
    """Gives a network the weights that it had when it was converted, so that it can learn on.

    The conversion merged each normalization into the convolution before it; windows tell the two apart again.

    Args:
        model: built as the one that was converted.
        onnx_file: what it was converted to.
        windows: such as it learns from, uint8 of shape (n, SIDE, SIDE, c).
    """
    import onnx
    from keras.layers import BatchNormalization, Conv2D, Dense
    from onnx.numpy_helper import to_array

    graph = onnx.load_from_string(onnx_file).graph
    arrays = {initializer.name: to_array(initializer) for initializer in graph.initializer}
    convolutions = iter([node for node in graph.node if node.op_type == "Conv"])
    products = iter([node for node in graph.node if node.op_type == "MatMul"])
    sums = iter([node for node in graph.node if node.op_type == "Add"])
    values, bias = scale(windows[:_SPREAD_OVER]), np.zeros(0, np.float32)
    for layer in model.layers:
        if isinstance(layer, Conv2D):
            _, kernel, bias_name = next(convolutions).input
            bias = arrays[bias_name]
            layer.set_weights([arrays[kernel].transpose(2, 3, 1, 0)])
        elif isinstance(layer, BatchNormalization):
            mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
            layer.set_weights([np.sqrt(variance + layer.epsilon), bias + mean, mean, variance])
        elif isinstance(layer, Dense):
            layer.set_weights([arrays[next(products).input[1]], arrays[next(sums).input[1]]])
        values = np.asarray(layer(values))
