"""Quantizes the graph of a network: weights and the images between layers become whole numbers of 8 bits.

The scale of each is chosen on images that the network is shown (static quantization; Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018).
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.errors import ModelFileError
from digits.model.input_form import InputForm

# Images that go through the network at a time.
_BATCH = 50
# The layers that are computed in int8. The last dense layer stays in float: its ten numbers are the answer.
_KINDS = ("Conv", "Gemm", "MatMul", "MaxPool", "Relu")
_DENSE = frozenset({"Gemm", "MatMul"})


def to_int8(onnx_file: bytes, form: InputForm, images: npt.NDArray[np.uint8]) -> bytes:
    """Quantizes a network.

    The first convolution of a gray image stays in float32: with a single channel it has too little to multiply, and
    is slower in int8. Weights have all 8 bits, which halves the error that 7 make: processors without instructions for
    8-bit sums, where two products may not fit in 16 bits, do not use this form.

    Args:
        onnx_file: the bytes of an ONNX file.
        form: in which the network takes images.
        images: uint8 of shape (n, 28, 28), on which the ranges of values between layers are seen.

    Returns:
        The bytes of an ONNX file that takes and gives the same arrays.

    Raises:
        ModelFileError: the network has no layers that can be computed in int8, or is of an unknown kind.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    model = onnx.load_from_string(onnx_file)
    constants = {item.name for item in model.graph.initializer}
    (source,) = (item for item in model.graph.input if item.name not in constants)
    sizes = {item.name: tuple(item.dims) for item in model.graph.initializer}
    for number, node in enumerate(model.graph.node):
        # Nodes are named to be left out, and exporters leave some without a name.
        node.name = f"{node.op_type}_{number}"
    thin = [
        node.name for node in model.graph.node if node.op_type == "Conv" and sizes.get(node.input[1], (0, 0))[1] == 1
    ]
    last = [node.name for node in model.graph.node if node.op_type in _DENSE][-1:]
    shape = [dim.dim_value for dim in source.type.tensor_type.shape.dim[1:]]
    if not {node.op_type for node in model.graph.node if node.name not in (*thin, *last)} & {"Conv", *_DENSE}:
        raise ModelFileError("The network has no layer that can be computed in int8.")
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        out = Path(folder) / "int8.onnx"
        try:
            quantize_static(
                model,
                out,
                _Images(source.name, form.apply(images).reshape(-1, *shape)),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(_KINDS),
                nodes_to_exclude=thin + last,
                per_channel=True,
                reduce_range=False,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            return out.read_bytes()
        except Exception as error:
            # Networks from elsewhere may have anything in them.
            reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
            raise ModelFileError(f"ONNX Runtime cannot quantize the network ({reason}).") from error


class _Images:
    """Hands images to ONNX Runtime's calibration, which asks for them one batch after the other."""

    def __init__(self, name: str, images: npt.NDArray[np.float32]) -> None:
        self._batches: Iterator[dict[str, Any]] = (
            {name: images[start : start + _BATCH]} for start in range(0, len(images), _BATCH)
        )

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silences the library, which advises to prepare networks in a way that changes nothing in these."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
