"""What /docs says of the bodies of requests, with examples."""

from collections.abc import Mapping
from typing import Any

from digits.images.formats import in_words
from digits.service.routes.uploads import FIELD, RAW_TYPES

# A PNG image of 1x1 pixel: the shortest that shows the form.
_TINY = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsVjmFQAAAABJRU5ErkJggg=="
_SEVEN = [[[20, 10], [80, 10], [60, 50], [45, 100]]]

_POINT = {
    "anyOf": [
        {"type": "array", "items": {"type": "number"}, "minItems": 2},
        {
            "type": "object",
            "required": ["x", "y"],
            "properties": {name: {"type": "number"} for name in ("x", "y")},
        },
    ]
}
_STROKE = {
    "anyOf": [
        {"type": "array", "items": _POINT},
        {"type": "object", "required": ["points"], "properties": {"points": {"type": "array", "items": _POINT}}},
        {
            "type": "object",
            "required": ["x", "y"],
            "properties": {name: {"type": "array", "items": {"type": "number"}} for name in ("x", "y")},
        },
    ]
}


def _json_body(others: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the JSON that a route takes, as OpenAPI describes content.

    Args:
        others: schemas of further members, by name.
    """
    image = {
        "type": "string",
        "description": "The image file in base64, or a data URL with base64, as `canvas.toDataURL()` gives it.",
    }
    strokes = {
        "type": "array",
        "items": _STROKE,
        "description": "Strokes of a pen, in any unit, y downwards. Each is a list of points `[x, y]` or "
        '`{"x": 1, "y": 2}`, an object with such `points`, or one with the lists `x` and `y`; times and pressure are '
        "passed over. The service draws them: `box` in an answer is in pixels of its picture, "
        "`strokes_box` in the unit of the strokes.",
    }
    # Many clients write null for what they leave out.
    others = {name: {"anyOf": [schema, {"type": "null"}]} for name, schema in others.items()}
    return {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"type": "object", "required": ["image"], "properties": {"image": image, **others}},
                    {"type": "object", "required": ["strokes"], "properties": {"strokes": strokes, **others}},
                ]
            },
            "examples": {
                "image": {"summary": "An image", "value": {"image": f"data:image/png;base64,{_TINY}"}},
                "strokes": {"summary": "Strokes", "value": {"strokes": _SEVEN}},
                "points": {
                    "summary": "Strokes as objects, with times",
                    "value": {"strokes": [{"points": [{"x": 5, "y": 1, "t": 0}, {"x": 5, "y": 9, "t": 240}]}]},
                },
            },
        }
    }


def _binary(shows: str) -> dict[str, Any]:
    description = f"A {in_words()} file with {shows}."
    return {"type": "string", "format": "binary", "description": description}


# The schemas of an image file.
ONE_DIGIT, MANY_DIGITS = _binary("one handwritten digit"), _binary("any count of handwritten digits")


def form(field: str, schema: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the multipart form that a route takes, as OpenAPI describes content.

    Args:
        field: name of the field that the form must have.
        schema: of that field.
        others: schemas of further fields, by name.
    """
    properties = {field: schema, **(others or {})}
    return {"multipart/form-data": {"schema": {"type": "object", "required": [field], "properties": properties}}}


def body(content: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the body that a request must have, as OpenAPI describes an operation."""
    return {"requestBody": {"required": True, "content": content}}


def form_or_raw(schema: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the body of a route that takes an image as a form, as the body itself, or in JSON.

    Args:
        schema: of the image file.
        others: schemas of further fields of the form, or members of the JSON, by name.
    """
    raw = {media_type: {"schema": schema} for media_type in RAW_TYPES}
    return body(form(FIELD, schema, others) | raw | _json_body(others or {}))
