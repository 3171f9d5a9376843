"""Requests of the Open Inference Protocol: what they hold, and how they are read."""

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from digits.arrays import SIDE

INPUT, OUTPUT = "images", "probabilities"
# More images at a time are asked for in several requests.
MOST_IMAGES = 256

TYPES = ("FP32", "FP64", "UINT8")
_SHAPES = ([SIDE, SIDE], [SIDE, SIDE, 1], [1, SIDE, SIDE], [SIDE * SIDE])

# What /docs says of such a request.
_EXAMPLE = {
    "id": "42",
    "inputs": [{"name": INPUT, "shape": [1, SIDE, SIDE], "datatype": "UINT8", "data": [0] * (SIDE * SIDE)}],
}
_TENSOR_SCHEMA = {
    "type": "object",
    "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "datatype": {"enum": list(TYPES)},
        "data": {"type": "array", "items": {}, "description": "Flat, or nested as the shape says."},
    },
}
INFERENCE_REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "id": {"type": "string"},
                        "inputs": {"type": "array", "items": _TENSOR_SCHEMA, "minItems": 1, "maxItems": 1},
                        "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
                    },
                },
                "example": _EXAMPLE,
            }
        },
    }
}


class RefusedError(Exception):
    """A request that is answered with an error of the protocol.

    Args:
        status: HTTP status code.
        message: for the person who reads it.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_request(body: bytes) -> dict[str, Any]:
    """Returns the JSON object of a request.

    Raises:
        RefusedError: it is none, or too large.
    """
    if body.count(b",") > 2 * MOST_IMAGES * SIDE * SIDE:
        raise RefusedError(413, f"The tensor has more than {MOST_IMAGES} images of 28x28. Send fewer at a time.")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"The body is no JSON ({str(error)[:100]}). Let your HTTP client write it.") from error
    if not isinstance(asked, dict):
        raise RefusedError(
            400, f"The JSON is no object. Send one with the member 'inputs', a list of one tensor, {INPUT!r}."
        )
    return asked


def check_outputs(outputs: Any) -> None:
    """Checks the outputs that a request asks for; None asks for all.

    Raises:
        RefusedError: there is another than the model's.
    """
    if outputs is None:
        return
    names = [item.get("name") if isinstance(item, dict) else None for item in outputs] if _is_list(outputs) else [None]
    if any(name != OUTPUT for name in names):
        raise RefusedError(400, f"The model has one output, {OUTPUT!r}. Ask for it, or leave out 'outputs'.")


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def read_images(inputs: Any) -> npt.NDArray[np.uint8]:
    """Returns the only input tensor as uint8 images of shape (n, 28, 28).

    Raises:
        RefusedError: it has another name, type, shape or range, or there are others.
    """
    if not (_is_list(inputs) and len(inputs) == 1 and isinstance(inputs[0], dict)):
        raise RefusedError(400, f"The request's 'inputs' are no list of one tensor. Send one, named {INPUT!r}.")
    tensor = inputs[0]
    shape: Any = tensor.get("shape")
    datatype = tensor.get("datatype")
    if tensor.get("name") != INPUT:
        raise RefusedError(400, f"The input's name is not {INPUT!r}, the only input of the model. Name it so.")
    if not isinstance(datatype, str) or datatype not in TYPES:
        raise RefusedError(400, f"The input's datatype is not one of {', '.join(TYPES)}.")
    if not _is_list(shape) or not all(isinstance(side, int) and not isinstance(side, bool) for side in shape):
        raise RefusedError(400, "The input's shape is not a list of whole numbers.")
    if shape[1:] not in _SHAPES or not 1 <= shape[0] <= MOST_IMAGES:
        raise RefusedError(
            400, f"The input's shape is not [n, 28, 28], [n, 28, 28, 1], [n, 1, 28, 28] or [n, 784], n from 1 to "
            f"{MOST_IMAGES}."
        )  # fmt: skip
    try:
        # As objects first: for texts, NumPy would make an array whose every cell is as wide as the longest of them.
        objects = np.asarray(tensor.get("data"), dtype=object)
        are_numbers = set(map(type, objects.ravel().tolist())) <= {int, float}
        values = np.asarray(objects.tolist()) if are_numbers else np.empty(0)
    except (ValueError, OverflowError) as error:
        raise RefusedError(400, "The input's data are not numbers in the shape's order.") from error
    if not are_numbers or values.dtype.kind not in "uif" or values.size != math.prod(shape):
        raise RefusedError(400, f"The input's data are not the {math.prod(shape):,} numbers that its shape asks for.")
    highest = 255 if datatype == "UINT8" else 1
    whole = datatype != "UINT8" or values.dtype.kind in "ui"
    if not whole or not ((values >= 0) & (values <= highest)).all():
        raise RefusedError(
            400, f"The input's data are not {'whole ' if highest == 255 else ''}numbers from 0 to {highest}, as "
            f"{datatype} is taken: light strokes on a dark ground. UINT8 is taken from 0 to 255."
        )  # fmt: skip
    return np.rint(values.astype(np.float64) * (255 // highest)).astype(np.uint8).reshape(-1, SIDE, SIDE)
