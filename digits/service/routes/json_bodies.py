"""What /docs says of JSON bodies, with examples."""

from collections.abc import Mapping
from typing import Any

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


def json_body(others: Mapping[str, Any]) -> dict[str, Any]:
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
