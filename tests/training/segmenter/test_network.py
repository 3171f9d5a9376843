"""A network of windows that learns on."""

import numpy as np
import pytest

from digits.data.mnist import Mnist
from digits.model.convert import to_onnx
from digits.numbers.segments.windows import SIDE
from digits.numbers.window_network import WindowNetwork
from digits.training.loop import scale
from digits.training.segmenter import run, signs
from digits.training.segmenter.network import restore
from digits.training.segmenter.sign_dataset import draw_chunk


@pytest.mark.parametrize("module", [run, signs])
def test_a_network_that_is_restored_answers_as_it_did(mnist: Mnist, module: object) -> None:
    import keras

    windows, _ = draw_chunk(mnist.x_test, mnist.y_test, 5, 0, count=60)
    channels: int = module.build().input_shape[-1]  # type: ignore[attr-defined]
    windows = windows[..., :channels]
    keras.utils.set_random_seed(1)
    model, other = module.build(), module.build()  # type: ignore[attr-defined]
    rng = np.random.default_rng(2)
    for layer in model.layers:
        # None of what training changes has its first value, which the conversion may leave out.
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, array.shape) for array in layer.get_weights()])
        elif isinstance(layer, keras.layers.Dense):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.uniform(-0.1, 0.1, bias.shape)])
    onnx = to_onnx(model)
    assert windows.shape[1:3] == (SIDE, SIDE)
    restore(other, onnx, windows)
    assert np.asarray(other(scale(windows))) == pytest.approx(WindowNetwork(onnx)(windows), abs=1e-4)
    # In training it sees windows as it did, too: what a convolution gives is as spread as the restored one says.
    assert np.asarray(other.layers[1](other.layers[0](scale(windows)), training=True)) == pytest.approx(
        np.asarray(model.layers[1](model.layers[0](scale(windows)))), abs=1e-3
    )
