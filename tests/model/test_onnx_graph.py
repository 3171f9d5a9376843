"""The shipped network, disguised as exporters of other libraries write networks, is put right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from digits.errors import ModelFileError
from digits.model.artifact import read, require_input_form
from digits.model.engine import Engine
from digits.model.input_form import example_images
from digits.model.onnx_graph import fit_graph
from digits.recognizer import shipped_model

IMAGES = example_images()[:50]


@pytest.fixture
def model() -> Any:
    import onnx

    return onnx.load_from_string(read(shipped_model()).onnx)


def agrees(onnx_file: bytes, tolerance: float = 1e-4) -> bool:
    return np.allclose(Engine(onnx_file)(IMAGES), Engine(read(shipped_model()).onnx)(IMAGES), atol=tolerance)


def channels_first(model: Any) -> None:
    """Images of shape (1, 1, 28, 28), as PyTorch exports them unless it is told otherwise."""
    from onnx import TensorProto, helper

    (source,) = model.graph.input
    model.graph.initializer.append(helper.make_tensor("own_shape", TensorProto.INT64, [3], [-1, 28, 28]))
    model.graph.node.insert(0, helper.make_node("Reshape", ["image", "own_shape"], [source.name]))
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 28, 28]))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1


def of_type(name: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        from onnx import TensorProto, helper

        (source,) = model.graph.input
        model.graph.node.insert(0, helper.make_node("Cast", ["pixels"], [source.name], to=TensorProto.FLOAT))
        source.name = "pixels"
        source.type.tensor_type.elem_type = getattr(TensorProto, name)

    return change


def log_probabilities(model: Any) -> None:
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    model.graph.node.append(helper.make_node("Log", [output.name], ["log"]))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("log", TensorProto.FLOAT, ["n", 10]))


def two_outputs(model: Any) -> None:
    """The digit beside its probabilities, as classifiers of scikit-learn are exported."""
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    model.graph.node.append(helper.make_node("ArgMax", [output.name], ["label"], axis=1, keepdims=0))
    model.graph.output.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]))


def scores_beside_probabilities(model: Any) -> None:
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    model.graph.node.append(helper.make_node("Log", [output.name], ["scores"]))
    model.graph.output.insert(0, helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10]))


def pixels_left_over(model: Any) -> None:
    """Scores of shape (n, 10, 1, 1), as networks without dense layers give them."""
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    model.graph.initializer.append(helper.make_tensor("wide", TensorProto.INT64, [4], [-1, 10, 1, 1]))
    model.graph.node.append(helper.make_node("Reshape", [output.name, "wide"], ["map"]))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", 10, 1, 1]))


@pytest.mark.parametrize(
    ("disguise", "said"),
    [
        (channels_first, "any number of images at a time, and not 1 alone"),
        (of_type("DOUBLE"), "its input of double is made of the pixels"),
        (of_type("FLOAT16"), "its input of float16 is made of the pixels"),
        (log_probabilities, "a softmax was added"),
        (two_outputs, "of its outputs only"),
        (scores_beside_probabilities, "of its outputs only"),
        (pixels_left_over, ""),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_changes_no_answer_is_put_right_and_said(model: Any, disguise: Callable[[Any], None], said: str) -> None:
    disguise(model)
    onnx_file, changes = fit_graph(model)
    # Pixels in half precision are rounded.
    assert agrees(onnx_file, 1e-2 if "float16" in said else 1e-4)
    assert said in " ".join(changes)
    assert require_input_form(onnx_file).name == "0..1"


def test_a_network_on_whole_numbers_is_read_with_pixels_of_0_to_255(model: Any) -> None:
    from onnx import TensorProto, helper

    (source,) = model.graph.input
    model.graph.initializer.append(helper.make_tensor("full", TensorProto.FLOAT, [], [255.0]))
    model.graph.node.insert(0, helper.make_node("Div", ["float_pixels", "full"], [source.name]))
    model.graph.node.insert(0, helper.make_node("Cast", ["pixels"], ["float_pixels"], to=TensorProto.FLOAT))
    source.name = "pixels"
    source.type.tensor_type.elem_type = TensorProto.UINT8
    onnx_file, _ = fit_graph(model)
    assert require_input_form(onnx_file).name == "0..255"


def test_a_network_of_digits_is_left_as_it_is(model: Any) -> None:
    onnx_file, changes = fit_graph(model)
    assert changes == []
    assert agrees(onnx_file)


def test_an_input_of_another_size_is_refused_with_both_sizes(model: Any) -> None:
    for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]:
        dim.dim_value = 32
    with pytest.raises(ModelFileError, match=r"takes .* of shape \(.*, 32, 32\)\. A digit network takes"):
        fit_graph(model)


def test_two_inputs_are_refused_by_name(model: Any) -> None:
    from onnx import TensorProto, helper

    model.graph.input.append(helper.make_tensor_value_info("age", TensorProto.FLOAT, ["n", 1]))
    with pytest.raises(ModelFileError, match=r"takes 2 inputs \(.*, age of shape \(n, 1\)\)"):
        fit_graph(model)


def test_eleven_classes_are_refused_with_what_was_found(model: Any) -> None:
    from onnx import TensorProto, helper

    (output,) = model.graph.output
    model.graph.initializer.append(helper.make_tensor("pads", TensorProto.INT64, [4], [0, 0, 0, 1]))
    model.graph.node.append(helper.make_node("Pad", [output.name, "pads"], ["eleven"]))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("eleven", TensorProto.FLOAT, ["n", 11]))
    with pytest.raises(ModelFileError, match=r"gives eleven of shape \(8, 11\); none of them has ten numbers"):
        fit_graph(model)


@pytest.mark.parametrize(
    ("kind", "hint"), [("StatelessRandomUniformV2", "layers that change images at random"), ("Frobnicate", "without")]
)
def test_an_operator_that_onnx_does_not_have_is_named(model: Any, kind: str, hint: str) -> None:
    model.graph.node[0].op_type = kind
    with pytest.raises(ModelFileError, match=f"operators that ONNX does not have: {kind}.*{hint}"):
        fit_graph(model)


def test_a_network_whose_answers_depend_on_the_batch_is_refused(model: Any) -> None:
    from onnx import TensorProto, helper

    (source,) = model.graph.input
    model.graph.initializer.append(helper.make_tensor("first_axis", TensorProto.INT64, [1], [0]))
    model.graph.node.insert(0, helper.make_node("Sub", ["pixels", "mean"], [source.name]))
    model.graph.node.insert(0, helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[0]))
    source.name = "pixels"
    if model.opset_import[0].version >= 18:
        model.graph.node[0].CopyFrom(helper.make_node("ReduceMean", ["pixels", "first_axis"], ["mean"]))
    with pytest.raises(ModelFileError, match="another answer beside other images than alone"):
        fit_graph(model)
