"""The application: its life, its routes."""

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline

from api import problems
from api.problems import MalformedFormError, MissingFileError, NotReadyError, UnsupportedMediaTypeError, documented
from api.schemas import PREDICTION_EXAMPLE, HealthResponse, ModelResponse, PredictionResponse, ProblemDetails
from api.settings import Settings, read_settings
from api.startup import StartupErrors
from api.uploads import FIELD, read_image_file
from digits import __version__
from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageTooLargeError,
    NoInkError,
    UnsupportedFormatError,
)
from digits.recognizer import Recognizer, find_model

# The server's own logger: it is configured by whoever starts the server.
_log = logging.getLogger("uvicorn.error")

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "A PNG, JPEG, WebP, GIF, BMP or TIFF image with one handwritten digit.",
                        }
                    },
                }
            }
        },
    }
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Makes the application; nothing is read or loaded before it starts.

    Args:
        settings: from the environment at start-up, if None.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        chosen = settings or read_settings()
        recognizer = Recognizer.load(chosen.model or find_model(), chosen.limits)
        recognizer.warm_up()
        app.state.recognizer = recognizer
        # Images beyond the cores' number wait: more at a time would only take more memory.
        app.state.slots = anyio.CapacityLimiter(os.cpu_count() or 1)
        _log.info("Serving %s", recognizer.description)
        yield
        app.state.recognizer = None

    # Swagger UI is served from the installation: /docs works on a closed network.
    app: FastAPI = FastAPIOffline(
        title="Digits",
        version=__version__,
        description="Recognizes handwritten digits. Errors are problem details (RFC 9457) with a stable `type`.",
        lifespan=lifespan,
        redoc_url=None,
        redirect_slashes=False,
        openapi_tags=[
            {"name": "recognition", "description": "Images in, digits out."},
            {"name": "operation", "description": "For those who run the service."},
        ],
    )
    problems.install(app)
    app.add_middleware(StartupErrors)
    _add_recognition(app)
    _add_operation(app)
    _add_problem_schema(app)
    return app


async def _recognizer(request: Request) -> Recognizer:
    recognizer: Recognizer | None = getattr(request.app.state, "recognizer", None)
    if recognizer is None:
        raise NotReadyError("The model is not loaded. Try again in a moment.")
    return recognizer


def _add_recognition(app: FastAPI) -> None:
    async def predict(request: Request, recognizer: Recognizer = Depends(_recognizer)) -> PredictionResponse:
        """Reads the handwritten digit in an image file.

        Dark ink on light ground or the other way round, photographed, scanned or drawn.
        """
        data = await read_image_file(request, recognizer.limits.max_bytes)
        start = time.perf_counter()
        prediction = await anyio.to_thread.run_sync(recognizer.recognize, data, limiter=request.app.state.slots)
        return PredictionResponse(
            predicted_digit=prediction.digit,
            confidence=round(prediction.confidence, 6),
            probabilities=[round(float(value), 6) for value in prediction.probabilities],
            prediction_time_ms=round((time.perf_counter() - start) * 1000.0, 3),
        )

    answer = {"description": "The digit.", "content": {"application/json": {"example": PREDICTION_EXAMPLE}}}
    responses = {200: answer} | documented(
        MalformedFormError,
        ImageTooLargeError,
        UnsupportedFormatError,
        UnsupportedMediaTypeError,
        MissingFileError,
        EmptyFileError,
        BrokenImageError,
        NoInkError,
        NotReadyError,
    )
    app.post("/predict/", summary="Read a digit", responses=responses, openapi_extra=_FORM, tags=["recognition"])(
        predict
    )
    app.post("/predict", include_in_schema=False)(predict)


def _add_operation(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("docs")

    @app.get("/model", summary="The model in use", tags=["operation"], responses=documented(NotReadyError))
    async def model(recognizer: Recognizer = Depends(_recognizer)) -> ModelResponse:
        """Which model answers, how it was made and how good it is."""
        card = recognizer.card
        return ModelResponse(name=recognizer.name, test_accuracy=card.test_accuracy, card=card.to_json())

    @app.get("/health/live", summary="Is the process alive?", tags=["operation"])
    async def live() -> HealthResponse:
        """Answers while the process runs: if it does not, restart it."""
        return HealthResponse(status="live")

    @app.get("/health/ready", summary="Can it answer?", tags=["operation"], responses=documented(NotReadyError))
    async def ready(_: Recognizer = Depends(_recognizer)) -> HealthResponse:
        """Answers 200 while predictions can be made: if it does not, send requests elsewhere."""
        return HealthResponse(status="ready")


def _add_problem_schema(app: FastAPI) -> None:
    """Documents `ProblemDetails`, which no route returns, so FastAPI would leave it out."""
    make_schema = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make_schema()
            schema["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
