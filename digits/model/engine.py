"""Runs the network: 28x28 images in, probabilities out.

It computes in float32, or in int8: there, weights and the images between layers are whole numbers of 8 bits. bfloat16
is not offered: ONNX Runtime has no kernels for it on x86 processors, and OpenVINO, which has, takes 180 MB.
"""

import math
import os
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from digits.arrays import CLASSES, SIDE
from digits.errors import ModelFileError
from digits.model.input_form import USUAL, InputForm

Precision = Literal["float32", "int8"]
FLOAT32: Precision = "float32"
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
# What a user may ask for: a precision, or the faster one of those that cost no accuracy.
PrecisionChoice = Literal["auto", "float32", "int8"]
AUTO: PrecisionChoice = "auto"

# Where Linux names the processor's instructions; and those that multiply and add 8-bit integers at once.
_CPU_INFO = Path("/proc/cpuinfo")
_INT8_INSTRUCTIONS = frozenset({"avx512_vnni", "avx_vnni"})

# So many images go through a network at a time: more take no less time for each, since they leave the processor's
# cache, and more memory, which ONNX Runtime keeps for each thread.
_AT_A_TIME = 16


class Engine:
    """Runs a network with ONNX Runtime on one core.

    It uses one thread, because waking a second one takes longer than a forward pass of these networks. Several threads
    may call one `Engine` at a time.

    Args:
        onnx: bytes of an ONNX file, whose network takes float32 images of shape (n, 28, 28), (n, 28, 28, 1) or
            (n, 784), and returns probabilities of shape (n, 10).
        input_form: the form in which the network takes images.

    Raises:
        ModelFileError: ONNX Runtime cannot load it, or it is not such a network.
    """

    def __init__(self, onnx: bytes, input_form: InputForm = USUAL) -> None:
        self._session = open_session(onnx)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = list(inputs[0].shape[1:]) if len(inputs) == 1 else []
        if (
            len(outputs) != 1
            or not all(isinstance(dim, int) for dim in shape)
            or math.prod(shape) != SIDE * SIDE
            or isinstance(inputs[0].shape[0], int)
            or inputs[0].type != "tensor(float)"
        ):
            raise ModelFileError(
                f"the network takes {[list(item.shape) for item in inputs]}; a digit network takes (n, 28, 28)"
            )
        self._input = inputs[0].name
        self._output = outputs[0].name
        self._shape = (-1, *shape)
        self._input_form = input_form
        blank = self(np.zeros((2, SIDE, SIDE), dtype=np.uint8))
        if blank.shape != (2, CLASSES) or not np.allclose(blank.sum(axis=1), 1.0, atol=1e-3):
            raise ModelFileError(
                f"the network gives an array of shape {blank.shape} for two images; ten probabilities each that "
                "sum to 1 are needed (its last layer has to be a softmax of 10)"
            )

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Computes a forward pass.

        Args:
            images: uint8 of shape (n, 28, 28), white ink on black.

        Returns:
            float32 probabilities of shape (n, 10), not calibrated.
        """
        return self.classify_as(images, self._input_form)

    def classify_as(self, images: npt.NDArray[np.uint8], input_form: InputForm) -> npt.NDArray[np.float32]:
        """Computes a forward pass on images whose pixels become numbers in a given form.

        Args:
            images: uint8 of shape (n, 28, 28), white ink on black.
            input_form: how the network is given its pixels.

        Returns:
            float32 probabilities of shape (n, 10), not calibrated.
        """
        parts = []
        # Once at least: for no images there are no probabilities, of the network's shape.
        for start in range(0, max(1, len(images)), _AT_A_TIME):
            some = input_form.apply(images[start : start + _AT_A_TIME].reshape(self._shape))
            (part,) = self._session.run([self._output], {self._input: some})
            parts.append(np.asarray(part, dtype=np.float32))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def open_session(onnx: bytes) -> Any:
    """Opens an `onnxruntime.InferenceSession` that runs on one core and reports nothing to its makers.

    Args:
        onnx: bytes of an ONNX file.

    Raises:
        ModelFileError: ONNX Runtime cannot load it.
    """
    # ONNX Runtime keeps an id in the home folder and reports its use, unless this is set before it is loaded.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Its own heap would keep, for each network, what the largest pictures took. That of the C library is as fast here
    # and gives memory back.
    options.enable_cpu_mem_arena = False
    # Errors only: users can do nothing about warnings of graph optimization.
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelFileError(f"ONNX Runtime cannot load the network ({error})") from error


def has_int8_instructions() -> bool:
    """Returns whether the processor is known to be faster in int8; False on systems that do not say so."""
    try:
        text = _CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not _INT8_INSTRUCTIONS.isdisjoint(flags.split())
