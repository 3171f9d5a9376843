"""Turns networks into ONNX, the form that is served: those of Digits, and those of files from elsewhere."""

import functools
import json
import logging
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from digits.errors import ModelFileError
from digits.model.foreign import Kind, check_size, kind_of
from digits.model.onnx_graph import NEEDED, fit_graph

# These layers change images at random while a network learns, and do nothing afterwards. So do all `Random...` layers.
_AUGMENTATION = frozenset({"AugMix", "CutMix", "MixUp", "RandAugment"})
_OPSET = 17


@dataclass(frozen=True)
class Foreign:
    """A network from elsewhere, ready to be served.

    Args:
        onnx: the bytes of an ONNX file.
        parameters: the number of its weights.
        versions: of the libraries that converted it, by name.
        changes: what was changed, in words.
        save_keras: writes the network as a Keras file; None if it did not come from Keras.
    """

    onnx: bytes
    parameters: int
    versions: Mapping[str, str]
    changes: list[str] = field(default_factory=list)
    save_keras: Callable[[Path], None] | None = None


# A side that may have any length is tried with this one.
_ANY_SIDE = 64


def to_onnx(model: Any) -> bytes:
    """Exports a Keras model with its built-in exporter (tf2onnx).

    Args:
        model: a built `keras.Model`; sides of its input that may have any length are `None`.

    Returns:
        The bytes of an ONNX file that holds the same network.
    """
    # The exporter refuses a model that was never called.
    model(np.zeros((1, *(side or _ANY_SIDE for side in model.input_shape[1:])), dtype=np.float32))
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Keras' compatibility shim for tf2onnx touches names that NumPy is about to reuse.
        warnings.simplefilter("ignore", FutureWarning)
        file = Path(folder) / "model.onnx"
        model.export(str(file), format="onnx", verbose=False)
        return file.read_bytes()


def read_foreign(path: Path) -> Foreign:
    """Reads a model that was made outside Digits.

    Args:
        path: of a `.keras` or `.h5` file, a SavedModel folder or an ONNX file.

    Raises:
        ModelFileError: it cannot be read, or is no digit network. Code and pickles in the file are never run.
    """
    kind = kind_of(path)
    if kind is None:
        raise ModelFileError(
            "it is no model of a known kind. A Keras file (.keras), an HDF5 file (.h5), a SavedModel folder and an "
            "ONNX file (.onnx) can be converted"
        )
    readers: Mapping[Kind, Callable[[Path], Foreign]] = {
        "Keras file": functools.partial(_from_keras, kind=kind),
        "HDF5 file": functools.partial(_from_keras, kind=kind),
        "SavedModel folder": _from_saved_model,
        "ONNX file": _from_onnx,
    }
    return readers[kind](path)


def _from_keras(path: Path, kind: Kind) -> Foreign:
    import keras

    config = _config(path, kind)
    _refuse_code(config)
    try:
        model = _loaded(path, kind)
    except Exception as error:
        if unknown := _own_classes(config):
            raise ModelFileError(
                f"it has layers whose code is not in the file: {', '.join(unknown)}. {_OTHER_WAY}"
            ) from error
        raise ModelFileError(f"Keras cannot load it ({_reason(error)}). {_OTHER_WAY}") from error
    if len(getattr(model, "inputs", None) or ()) != 1 or len(getattr(model, "outputs", None) or ()) != 1:
        raise ModelFileError(f"the network does not have a single input and a single output. {NEEDED}")
    dropped = _without_augmentation(model)
    try:
        onnx = to_onnx(model)
    except Exception as error:
        raise ModelFileError(
            f"Keras cannot export it as ONNX ({_reason(error)}). Its layers: {_layers(model)}. {_OTHER_WAY}"
        ) from error
    fitted, changes = fit_graph(_parsed(onnx))
    if dropped:
        changes.insert(0, f"augmentation does nothing when digits are read, and is left out: {', '.join(dropped)}")

    def save(part: Path) -> None:
        # The layers that were changed for the export must not be saved.
        _loaded(path, kind).save(part)

    return Foreign(fitted, int(model.count_params()), {"keras": str(keras.__version__)}, changes, save)


_OTHER_WAY = (
    "Where it runs, export it as a SavedModel folder, with model.export('exported'), or as an ONNX file; convert that"
)


def _loaded(path: Path, kind: Kind) -> Any:
    """Returns the network of a Keras file.

    Keras goes by the end of a file's name. One file can be an HDF5 file and a zip file at once, each with a network of
    its own: here Keras gets a name that makes it load the form that `_refuse_code` has seen.
    """
    import keras

    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / ("model.keras" if kind == "Keras file" else "model.h5")
        shutil.copyfile(path, named)
        return keras.models.load_model(named, compile=False, safe_mode=True)


def _refuse_code(config: Any) -> None:
    """Refuses a Keras file that holds code of its own, or no network.

    Args:
        config: what `_config` returns for it.

    Raises:
        ModelFileError: it does.
    """
    if config is None:
        raise ModelFileError(
            "it holds weights and no network (save_weights wrote it). Build the network, load the weights into it, "
            "save it with model.save('model.keras'), and convert that"
        )
    classes = {layer["class_name"]: layer.get("config", {}).get("name", "") for layer in _layer_configs(config)}
    for name in ("Lambda", "TFSMLayer"):
        if name in classes:
            raise ModelFileError(
                f"its layer {classes[name]!r} ({name}) holds code, which is never run here. Put a layer without code "
                f"in its place (such as Rescaling), or: {_OTHER_WAY[0].lower()}{_OTHER_WAY[1:]}"
            )


def _own_classes(config: Any) -> list[str]:
    """Returns the names of the classes in the configuration of a network that are none of Keras'."""
    modules = ((layer["class_name"], layer.get("module", "keras")) for layer in _layer_configs(config))
    return sorted({name for name, module in modules if not str(module).startswith("keras")})


def _config(path: Path, kind: Kind) -> Any:
    """Returns how the network of a Keras file is built, as JSON types; None if the file holds weights alone."""
    try:
        if kind == "Keras file":
            with zipfile.ZipFile(path) as archive:
                if "config.json" not in archive.namelist():
                    raise ModelFileError(
                        "it is a zip file without config.json, so not one that Keras 3 wrote. A network of PyTorch is "
                        "converted from an ONNX file, which torch.onnx.export writes"
                    )
                for member in archive.infolist():
                    check_size(member)
                return json.loads(archive.read("config.json"))
        import h5py

        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
        return None if text is None else json.loads(text)
    except ModelFileError:
        raise
    except Exception as error:
        # On damaged bytes the readers of zip, HDF5 and JSON raise nearly anything.
        raise ModelFileError(f"it is damaged or no file of Keras ({_reason(error)})") from error


def _layer_configs(config: Any) -> Iterator[dict[str, Any]]:
    """Yields the parts of a configuration that name a class, at any depth."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if isinstance(item.get("class_name"), str) and isinstance(item.get("config", {}), dict):
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _without_augmentation(model: Any) -> list[str]:
    """Makes the layers of a network that change images at random pass them on; returns their names."""
    dropped = []
    for layer in model._flatten_layers(include_self=False):
        if type(layer).__name__.startswith("Random") or type(layer).__name__ in _AUGMENTATION:
            layer.call = _pass_on
            dropped.append(layer.name)
    return dropped


def _pass_on(inputs: Any, training: bool = False) -> Any:  # noqa: ARG001 - Keras passes it
    return inputs


def _layers(model: Any) -> str:
    return ", ".join(dict.fromkeys(type(layer).__name__ for layer in model._flatten_layers(include_self=False)))


def _from_saved_model(path: Path) -> Foreign:
    import tensorflow as tf
    import tf2onnx

    try:
        loaded = tf.saved_model.load(str(path))
    except Exception as error:
        raise ModelFileError(f"TensorFlow cannot load the folder ({_reason(error)})") from error
    signatures = dict(loaded.signatures)
    name = "serving_default" if "serving_default" in signatures else next(iter(signatures), None)
    if name is None:
        raise ModelFileError(
            "the folder has no signature to call. Save it with model.export(folder), or with "
            "tf.saved_model.save(model, folder, signatures=...)"
        )
    signature = signatures[name]
    takes = signature.structured_input_signature[1]
    if len(takes) != 1:
        raise ModelFileError(f"its signature {name} takes {len(takes)} inputs ({', '.join(takes)}). {NEEDED}")
    ((argument, spec),) = takes.items()

    @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator]
    def call(images: Any) -> Any:
        return signature(**{argument: images})

    try:
        # It reports on standard error what `fit_graph` says in one line.
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            model, _ = tf2onnx.convert.from_function(call, input_signature=[spec], opset=_OPSET)
    except Exception as error:
        raise ModelFileError(f"tf2onnx cannot convert its signature {name} ({_reason(error)})") from error
    onnx, changes = fit_graph(model)
    return Foreign(onnx, _weights(model), {"tensorflow": str(tf.__version__)}, changes)


def _from_onnx(path: Path) -> Foreign:
    import onnx

    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:
        raise ModelFileError(f"ONNX cannot read it ({_reason(error)})") from error
    graph, changes = fit_graph(model)
    return Foreign(graph, _weights(model), {"onnx": str(onnx.__version__)}, changes)


def _parsed(onnx_file: bytes) -> Any:
    import onnx

    return onnx.load_from_string(onnx_file)


def _weights(model: Any) -> int:
    """Returns the number of weights in an `onnx.ModelProto`."""
    return int(sum(np.prod(item.dims, dtype=np.int64) for item in model.graph.initializer))


def _reason(error: Exception) -> str:
    """Returns the first line of an error of a library, cut short."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:200]}"
