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


def install(app: FastAPI) -> None:
    """Adds the routes."""

    @app.get("/", include_in_schema=False)
    async def home(request: Request) -> RedirectResponse:
        return RedirectResponse(request.scope.get("root_path", "") + "/docs")

    @app.get(
        "/model",
        operation_id="model",
        summary="The model in use",
        tags=["operation"],
        responses=documented(NotReadyError, AccessError),
    )
    async def model(state: ServiceState = Depends(state_of)) -> ModelResponse:
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

    async def live(request: Request) -> HealthResponse:
        """Answers 200 while requests are answered: if it does not, restart the process."""
        state: ServiceState | None = getattr(request.app.state, "service", None)
        if state is not None and state.is_stuck:
            raise NotReadyError("Requests wait, and none was answered for longer than any may take.")
        return HealthResponse(status="live")

    async def ready(state: ServiceState = Depends(state_of)) -> HealthResponse:
        """Answers 200 while requests may be sent: if it does not, send them elsewhere."""
        if state.draining:
            raise NotReadyError("The server is about to stop. Send requests elsewhere.")
        return HealthResponse(status="ready")

    for endpoint, summary in ((live, "Is the process alive?"), (ready, "Can it answer?")):
        path, name = f"/health/{endpoint.__name__}", f"health_{endpoint.__name__}"
        described = app.get(
            path, operation_id=name, summary=summary, tags=["operation"], responses=documented(NotReadyError)
        )
        described(endpoint)
        # Some load balancers ask by HEAD, which FastAPI's routes, unlike Starlette's, do not answer.
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)

    @app.get(
        "/metrics",
        operation_id="metrics",
        summary="Counts and times",
        tags=["operation"],
        response_class=Response,
        responses=_METRICS | documented(NotReadyError, AccessError),
    )
    def metrics(state: ServiceState = Depends(state_of)) -> Response:
        """The metrics of all workers, for Prometheus."""
        if state.metrics is None:
            raise HTTPException(404, _OFF)
        content, media_type = state.metrics.render()
        return Response(content, media_type=media_type)
