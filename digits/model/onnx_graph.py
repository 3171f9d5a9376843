"""Fits the graph of an ONNX file from elsewhere to what `digits.model.engine` runs, and says what it changed.

Exporters differ in small things that change no answer: a batch of fixed size, an input of another type, scores instead
of probabilities, a second output. They are put right here. Anything else is refused with what was found.
"""

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, SIDE
from digits.errors import ModelFileError
from digits.model.engine import open_session
from digits.model.input_form import INPUT_FORMS, example_images

NEEDED = (
    "A digit network takes images of shape (n, 28, 28), (n, 28, 28, 1), (n, 1, 28, 28) or (n, 784), and gives ten "
    "numbers for each, one for each digit"
)

# Rounding of a batch that is computed at once, beside its images one by one.
_SAME = 1e-3


def fit_graph(model: Any) -> tuple[bytes, list[str]]:
    """Changes a graph so that it takes float images and gives probabilities.

    Args:
        model: an `onnx.ModelProto`; it is changed.

    Returns:
        The bytes of an ONNX file, and what was changed, in words.

    Raises:
        ModelFileError: the network does not take images of 28x28 pixels, or does not give ten numbers for each.
    """
    _check_operators(model)
    changes: list[str] = []
    shape = _free_batch(model, changes)
    _take_floats(model, changes)
    images = example_images()[:8]
    scores = _choose_output(model, images, shape, changes)
    if scores.shape != (len(images), CLASSES):
        _flatten_output(model)
        scores = scores.reshape(len(images), CLASSES)
    if not _are_probabilities(scores):
        _add_softmax(model)
        changes.append("a softmax was added at its end, because it gives scores and no probabilities")
    onnx: bytes = model.SerializeToString()
    _check_batches(onnx, images, shape)
    return onnx, changes


def _check_operators(model: Any) -> None:
    """Checks that ONNX has the operators of a graph: exporters leave those that they do not know as they are.

    Raises:
        ModelFileError: it has not.
    """
    from onnx import defs

    own = {function.name for function in model.functions}
    kinds = dict.fromkeys((node.op_type, node.domain) for node in model.graph.node)
    unknown = [kind for kind, domain in kinds if domain in ("", "ai.onnx") and kind not in own and not defs.has(kind)]
    if unknown:
        at_random = any("Random" in kind or kind.startswith("ImageProjective") for kind in unknown)
        raise ModelFileError(
            f"its graph has operators that ONNX does not have: {', '.join(unknown)}. "
            + (
                "They belong to layers that change images at random, which are for learning alone: export the network "
                "without them, or convert the .keras file, from which they are taken out"
                if at_random
                else "Export the network without them"
            )
        )


def _free_batch(model: Any, changes: list[str]) -> list[int]:
    """Lets the only input take any number of images; returns the shape of one image."""
    graph = model.graph
    constants = {item.name for item in graph.initializer}
    inputs = [item for item in graph.input if item.name not in constants]
    shapes = {item.name: _shape_of(item) for item in inputs}
    if len(inputs) != 1:
        raise ModelFileError(f"the network takes {len(inputs)} inputs ({_in_words(shapes)}). {NEEDED}")
    (shape,) = shapes.values()
    sides = [side for side in shape[1:] if isinstance(side, int)]
    if len(sides) != len(shape) - 1 or not sides or math.prod(sides) != SIDE * SIDE:
        raise ModelFileError(f"the network takes {_in_words(shapes)}. {NEEDED}")
    if isinstance(shape[0], int):
        changes.append(f"it takes any number of images at a time, and not {shape[0]} alone")
    for item in (*inputs, *graph.output):
        if item.type.tensor_type.shape.dim:
            item.type.tensor_type.shape.dim[0].dim_param = "images"
    # What was inferred for the fixed size holds no more.
    del graph.value_info[:]
    return sides


def _take_floats(model: Any, changes: list[str]) -> None:
    """Puts a conversion before an input that is not float32."""
    from onnx import TensorProto, helper

    constants = {item.name for item in model.graph.initializer}
    (source,) = (item for item in model.graph.input if item.name not in constants)
    wanted = source.type.tensor_type.elem_type
    if wanted == TensorProto.FLOAT:
        return
    before = f"{source.name}_as_float"
    model.graph.node.insert(0, helper.make_node("Cast", [before], [source.name], to=wanted))
    source.name = before
    source.type.tensor_type.elem_type = TensorProto.FLOAT
    changes.append(f"its input of {TensorProto.DataType.Name(wanted).lower()} is made of the pixels as float")


def _choose_output(
    model: Any, images: npt.NDArray[np.uint8], shape: list[int], changes: list[str]
) -> npt.NDArray[np.floating]:
    """Keeps the only output of ten numbers for each image; returns what it gives for the images."""
    session = open_session(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    values = dict(zip(names, _run(session, names, images, shape), strict=True))
    fit = {
        name: value
        for name, value in values.items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.shape[:1] == (len(images),)
        and value.size == len(images) * CLASSES
    }  # fmt: skip
    if len(fit) > 1:
        # Some exports give scores and, made of them, probabilities.
        fit = {name: value for name, value in fit.items() if _are_probabilities(value)} or fit
    if len(fit) != 1:
        shown = ", ".join(f"{name} {_output_in_words(value)}" for name, value in values.items())
        which = "none of them has ten numbers for each" if not fit else "several of them have ten numbers for each"
        raise ModelFileError(f"for {len(images)} images the network gives {shown}; {which}. {NEEDED}")
    ((name, scores),) = fit.items()
    if len(values) > 1:
        changes.append(f"of its outputs only {name} is kept")
    kept = [output for output in model.graph.output if output.name == name]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    if not np.isfinite(scores).all():
        raise ModelFileError(f"for images of digits its output {name} has values that are no numbers (NaN or infinity)")
    return scores


def _flatten_output(model: Any) -> None:
    from onnx import helper

    (output,) = model.graph.output
    _replace_output(model, helper.make_node("Flatten", [output.name], [f"{output.name}_flat"], axis=1))


def _add_softmax(model: Any) -> None:
    from onnx import helper

    (output,) = model.graph.output
    # Of two axes, axis 1 means the same in all versions of the operator.
    _replace_output(model, helper.make_node("Softmax", [output.name], [f"{output.name}_probabilities"], axis=1))


def _replace_output(model: Any, node: Any) -> None:
    """Adds a node at the end, whose output becomes that of the network."""
    from onnx import helper

    (output,) = model.graph.output
    kind = output.type.tensor_type.elem_type
    model.graph.node.append(node)
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info(node.output[0], kind, ["images", CLASSES]))


def _are_probabilities(scores: npt.NDArray[np.floating]) -> bool:
    return bool((scores >= 0.0).all() and np.allclose(scores.sum(axis=1), 1.0, atol=1e-3))


def _check_batches(onnx: bytes, images: npt.NDArray[np.uint8], shape: list[int]) -> None:
    """Checks that several images at a time give what each gives alone.

    Raises:
        ModelFileError: they do not, or the network takes one number of images alone.
    """
    session = open_session(onnx)
    names = [output.name for output in session.get_outputs()]
    (together,) = _run(session, names, images, shape)
    alone = [_run(session, names, image[np.newaxis], shape)[0] for image in images]
    if not np.allclose(together, np.concatenate(alone), atol=_SAME):
        raise ModelFileError(
            "an image gets another answer beside other images than alone. Export the network for inference, with a "
            "batch of any size (in PyTorch: model.eval() before, and dynamic_axes)"
        )


def _run(session: Any, names: list[str], images: npt.NDArray[np.uint8], shape: list[int]) -> list[Any]:
    (source,) = session.get_inputs()
    pixels = INPUT_FORMS["0..1"].apply(images).reshape(-1, *shape)
    try:
        return list(session.run(names, {source.name: pixels}))
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise ModelFileError(
            f"the network cannot be run on {len(images)} image{'s' if len(images) > 1 else ''} of shape "
            f"{tuple(shape)} ({reason}). Export it with a batch of any size (in PyTorch: dynamic_axes)"
        ) from error


def _shape_of(value: Any) -> list[int | str]:
    """Returns the sizes of a tensor; a name or "?" where the size is free."""
    dims = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in dims]


def _in_words(shapes: dict[str, list[int | str]]) -> str:
    texts = (f"{name} of shape ({', '.join(map(str, shape))})" for name, shape in itertools.islice(shapes.items(), 6))
    return ", ".join(texts) or "no input"


def _output_in_words(value: Any) -> str:
    return f"of shape {value.shape}" if isinstance(value, np.ndarray) else f"of type {type(value).__name__}"
