"""The routes for those who run the service."""

from typing import Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import RedirectResponse, Response

from digits.service.errors import NotReadyError, RateLimitedError, UnauthorizedError, UntrustedHostError
from digits.service.problems import documented
from digits.service.schemas import HealthResponse, ModelResponse
from digits.service.state import Service, service_of

_GUARD_PROBLEMS = (UnauthorizedError, RateLimitedError, UntrustedHostError)

_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' format.", "content": {"text/plain": {"schema": {"type": "string"}}}},
    404: {"description": "They are not kept (`DIGITS_METRICS`)."},
}


def install(app: FastAPI) -> None:
    """Adds the routes."""

    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("docs")

    @app.get(
        "/model",
        summary="The model in use",
        tags=["operation"],
        responses=documented(NotReadyError, *_GUARD_PROBLEMS),
    )
    async def model(service: Service = Depends(service_of)) -> ModelResponse:
        """Which model answers, how it was made and how good it is; and which one did before it."""
        models = service.models
        card = models.recognizer.card
        return ModelResponse(
            name=models.in_use.name,
            test_accuracy=card.test_accuracy,
            digest=models.in_use.digest,
            loaded_at=models.in_use.loaded_at,
            previous=models.previous,
            last_reload=models.last_reload,
            card=card.to_json(),
        )

    @app.get("/health/live", summary="Is the process alive?", tags=["operation"])
    async def live() -> HealthResponse:
        """Answers while the process runs: if it does not, restart it."""
        return HealthResponse(status="live")

    # FastAPI's routes, unlike Starlette's, do not answer HEAD, by which some balancers ask.
    app.add_api_route("/health/live", live, methods=["HEAD"], include_in_schema=False)

    @app.get("/health/ready", summary="Can it answer?", tags=["operation"], responses=documented(NotReadyError))
    async def ready(service: Service = Depends(service_of)) -> HealthResponse:
        """Answers 200 while requests may be sent: if it does not, send them elsewhere."""
        if service.draining:
            raise NotReadyError("The server is about to stop. Send requests elsewhere.")
        return HealthResponse(status="ready")

    app.add_api_route("/health/ready", ready, methods=["HEAD"], include_in_schema=False)

    @app.get(
        "/metrics",
        summary="Counts and times",
        tags=["operation"],
        response_class=Response,
        responses=_METRICS | documented(NotReadyError, *_GUARD_PROBLEMS),
    )
    def metrics(service: Service = Depends(service_of)) -> Response:
        """What Prometheus collects; of all workers."""
        if service.metrics is None:
            raise HTTPException(404)
        content, media_type = service.metrics.render()
        return Response(content, media_type=media_type)
