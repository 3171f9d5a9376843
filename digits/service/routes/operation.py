"""The routes for operators: model, health, metrics."""

from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from digits.service.errors import AccessError, NotReadyError
from digits.service.problems import MEDIA_TYPE
from digits.service.routes.documented import PROBLEM_SCHEMA, documented
from digits.service.schemas import HealthResponse, ModelResponse
from digits.service.state import ServiceState, state_of

_OFF = "This server keeps no metrics: they are off (DIGITS_METRICS), or its disk is full. Its log says which."
_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
    404: {"description": _OFF, "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}},
}


async def _home(request: Request) -> RedirectResponse:
    return RedirectResponse(request.scope.get("root_path", "") + "/docs")


async def _model(state: ServiceState = Depends(state_of)) -> ModelResponse:
    """The model that answers, how it was made and how good it is, and the model before it."""
    models = state.models
    card = models.recognizer.card
    return ModelResponse(
        name=models.in_use.name,
        test_accuracy=card.test_accuracy,
        precision=models.in_use.precision,
        digest=models.in_use.digest,
        loaded_at=models.in_use.loaded_at,
        previous=models.previous,
        last_reload=models.last_reload,
        notes=models.recognizer.notes,
        card=card.to_json(),
    )


async def _live(request: Request) -> HealthResponse:
    """Answers 200 while requests are answered: if it does not, restart the process."""
    state: ServiceState | None = getattr(request.app.state, "service", None)
    if state is not None:
        state.check_live()
    return HealthResponse(status="live")


async def _ready(state: ServiceState = Depends(state_of)) -> HealthResponse:
    """Answers 200 while requests may be sent: if it does not, send them elsewhere."""
    state.check_ready()
    return HealthResponse(status="ready")


def _metrics(state: ServiceState = Depends(state_of)) -> Response:
    """The metrics of all workers, for Prometheus."""
    if state.metrics is None:
        raise HTTPException(404, _OFF)
    content, media_type = state.metrics.render()
    return Response(content, media_type=media_type)


def install(app: FastAPI) -> None:
    """Adds the routes."""
    app.get("/", include_in_schema=False)(_home)
    app.get(
        "/model",
        operation_id="model",
        summary="The model in use",
        tags=["operation"],
        responses=documented(NotReadyError, AccessError),
    )(_model)
    for name, endpoint, summary in (("live", _live, "Is the process alive?"), ("ready", _ready, "Can it answer?")):
        path = f"/health/{name}"
        described = app.get(
            path,
            operation_id=f"health_{name}",
            summary=summary,
            tags=["operation"],
            responses=documented(NotReadyError),
        )
        described(endpoint)
        # Some load balancers ask by HEAD, which FastAPI's routes, unlike Starlette's, do not answer.
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
    app.get(
        "/metrics",
        operation_id="metrics",
        summary="Counts and times",
        tags=["operation"],
        response_class=Response,
        responses=_METRICS | documented(NotReadyError, AccessError),
    )(_metrics)
