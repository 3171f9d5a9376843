"""Pydantic models as HTTP responses."""

from collections.abc import Mapping

from pydantic import BaseModel
from starlette.responses import Response


def model_response(
    model: BaseModel,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Returns a response whose body is a model as JSON; fields that were not set are left out."""
    body = model.__pydantic_serializer__.to_json(model, exclude_unset=True)
    return Response(body, status, headers, media_type=media_type)
