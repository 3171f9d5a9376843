"""Converts Keras models to ONNX, the form that is served."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from digits.errors import ModelFileError


def to_onnx(model: Any) -> bytes:
    """Exports a Keras model with its built-in exporter (tf2onnx).

    Args:
        model: a built `keras.Model`.

    Returns:
        The bytes of an ONNX file that holds the same network.
    """
    # The exporter refuses a model that was never called.
    model(np.zeros((1, *model.input_shape[1:]), dtype=np.float32))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras' compatibility shim for tf2onnx touches names that NumPy is about to reuse.
        warnings.simplefilter("ignore", FutureWarning)
        file = Path(folder) / "model.onnx"
        model.export(str(file), format="onnx", verbose=False)
        return file.read_bytes()


def _without_augmentation(model: Any) -> Any:
    """Returns a Keras model without layers that change images at random: they do nothing at inference.

    ONNX has no operations for them. Only the layers of a `Sequential` are looked through; other models are returned as
    they are.
    """
    import keras

    if not isinstance(model, keras.Sequential):
        return model
    kept = [layer for layer in model.layers if not type(layer).__name__.startswith("Random")]
    if len(kept) == len(model.layers):
        return model
    return keras.Sequential([keras.Input(model.input_shape[1:]), *kept])


def read_foreign(path: Path) -> tuple[bytes, int, str]:
    """Converts a Keras file that was made outside Digits.

    Args:
        path: of a `.keras` file whose network takes 28x28 images scaled to 0..1 and returns 10 probabilities.

    Returns:
        The bytes of the ONNX file, the number of weights, and the version of Keras.

    Raises:
        ModelFileError: Keras cannot load or export the file. Lambda layers and pickles are never loaded.
    """
    import keras

    try:
        model = _without_augmentation(keras.models.load_model(path, compile=False, safe_mode=True))
        return to_onnx(model), int(model.count_params()), str(keras.__version__)
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ModelFileError(f"Keras cannot load or export it ({type(error).__name__}: {reason})") from error
