"""The network as it is written for serving gives the scores of the network that was trained."""

import keras
import numpy as np
import pytest

from digits.model.engine import open_session
from digits.numbers.lines.image import ROWS
from digits.numbers.lines.network import COLUMNS, LINE_CLASSES
from digits.training.lines.graph import line_graph
from digits.training.lines.network import build


def _trained() -> keras.Model:
    """A network whose weights, those of the normalization too, are none of those that it starts with."""
    keras.utils.set_random_seed(0)
    rng, model = np.random.default_rng(0), build()
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weights.shape) for weights in layer.get_weights()])
    return model


@pytest.mark.parametrize("width", [16, 64, 336])
def test_the_graph_gives_the_scores_of_the_network(width: int) -> None:
    model = _trained()
    pictures = np.random.default_rng(1).random((2, ROWS, width, 1), dtype=np.float32)
    session = open_session(line_graph(model))
    (scores,) = session.run(None, {session.get_inputs()[0].name: pictures})
    assert scores.shape == (2, width // COLUMNS, LINE_CLASSES)
    np.testing.assert_allclose(scores, np.asarray(model(pictures)), rtol=1e-4, atol=1e-4)


def test_a_layer_of_another_kind_is_refused() -> None:
    model = keras.Sequential([keras.Input((ROWS, None, 1)), keras.layers.LeakyReLU(name="leaky")])
    with pytest.raises(NotImplementedError, match="leaky is of the kind LeakyReLU"):
        line_graph(model)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(4, 3, padding="same"),
        keras.layers.Conv2D(4, 3, padding="same", use_bias=False, activation="relu"),
        keras.layers.Conv2D(4, 3, strides=2, use_bias=False),
        keras.layers.Conv2D(4, (3, 2), padding="same", use_bias=False),
        keras.layers.Conv2D(4, 3, dilation_rate=2, padding="same", use_bias=False),
        keras.layers.Conv2D(4, 3, groups=2, use_bias=False),
        keras.layers.Dense(4, activation="relu"),
        keras.layers.Dense(4, use_bias=False),
        keras.layers.MaxPooling2D(2, padding="same"),
        keras.layers.BatchNormalization(axis=1),
        keras.layers.BatchNormalization(scale=False),
        keras.layers.ReLU(max_value=6.0),
        keras.layers.Reshape((-1, 2)),
        keras.layers.Reshape((-1, ROWS * 2)),
    ],
)
def test_an_option_that_is_not_written_is_refused(layer: keras.layers.Layer) -> None:
    picture = keras.Input((ROWS, None, 2))
    with pytest.raises(NotImplementedError, match=f"{layer.name} has an option that cannot be written"):
        line_graph(keras.Model(picture, layer(picture)))


def test_a_causal_convolution_is_refused() -> None:
    layer, line = keras.layers.Conv1D(4, 3, padding="causal", use_bias=False), keras.Input((None, 2))
    with pytest.raises(NotImplementedError, match="has an option that cannot be written"):
        line_graph(keras.Model(line, layer(line)))
