"""The application: its life, its routes."""

import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from api import problems
from api.batching import MicroBatcher
from api.direct import DirectRoutes, Endpoint
from api.places import Places
from api.problems import (
    BodyTooSlowError,
    MalformedFormError,
    MissingFileError,
    NotReadyError,
    OverloadedError,
    TooManyFilesError,
    UnsupportedMediaTypeError,
    documented,
    problem_body,
)
from api.schemas import (
    PREDICTION_EXAMPLE,
    BatchResponse,
    HealthResponse,
    ModelResponse,
    PredictionResponse,
    ProblemDetails,
)
from api.settings import Settings, read_settings
from api.startup import StartupErrors
from api.uploads import BATCH_FIELD, FIELD, read_image_file, read_image_files
from digits import __version__
from digits.errors import (
    BrokenImageError,
    DigitsError,
    EmptyFileError,
    ImageError,
    ImageTooLargeError,
    NoInkError,
    SeveralDigitsError,
    UnsupportedFormatError,
)
from digits.image import open_image
from digits.recognizer import Recognizer, find_model

# The server's own logger: it is configured by whoever starts the server.
_log = logging.getLogger("uvicorn.error")

_DESCRIPTION = "A PNG, JPEG, WebP, GIF, BMP or TIFF image with one handwritten digit."
_BINARY = {"type": "string", "format": "binary", "description": _DESCRIPTION}


def _form(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"multipart/form-data": {"schema": {"type": "object", "required": [field], "properties": {field: schema}}}}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


# A plain PNG image of no more pixels and bytes is read on the spot: that takes less time than a thread takes to wake
# up, or not much more. Any other goes to a thread, so that the others need not wait for it.
_ON_THE_SPOT_PIXELS = 64 * 64
_ON_THE_SPOT_BYTES = 16 * 1024


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
        app.state.recognizer, app.state.settings = recognizer, chosen
        app.state.places = Places(chosen.max_in_flight)
        app.state.batcher = MicroBatcher()
        # Images beyond the cores' number wait: more at a time would only take more memory. Batches, which take long,
        # wait for one another, apart from them.
        app.state.batch_slot = anyio.CapacityLimiter(1)
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
    app.add_middleware(DirectRoutes, endpoints=_ENDPOINTS)
    app.add_middleware(StartupErrors)
    _add_recognition(app)
    _add_operation(app)
    _add_problem_schema(app)
    return app


def _loaded(request: Request) -> Recognizer:
    recognizer: Recognizer | None = getattr(request.app.state, "recognizer", None)
    if recognizer is None:
        raise NotReadyError("The model is not loaded. Try again in a moment.")
    return recognizer


class _Direct(APIRoute):
    """A route whose endpoint takes the request and makes the response itself.

    FastAPI documents it like any other. What it would do on the way, finding parameters and checking the answer
    against its schema, takes longer than reading a digit; the tests check the answers instead.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def _milliseconds_since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000.0, 3)


async def _predict(request: Request) -> Response:
    """Reads the handwritten digit in an image file.

    Dark ink on light ground or the other way round, photographed, scanned or drawn. The image is sent in field `file`
    of a form, or as the body itself with its own Content-Type, which is faster.
    """
    recognizer, settings = _loaded(request), request.app.state.settings
    data = await read_image_file(request, recognizer.limits.max_bytes, settings.receive_seconds)
    # A request whose body is still coming in takes no place.
    with request.app.state.places:
        return await _answer_one(request, recognizer, data)


async def _answer_one(request: Request, recognizer: Recognizer, data: bytes) -> Response:
    start = time.perf_counter()
    image = open_image(data, recognizer.limits) if len(data) <= _ON_THE_SPOT_BYTES else None
    if image is not None and image.is_plain and image.width * image.height <= _ON_THE_SPOT_PIXELS:
        prediction = await request.app.state.batcher.recognize(recognizer, image)
    else:
        prediction = await anyio.to_thread.run_sync(
            recognizer.recognize, image or data, limiter=request.app.state.slots
        )
    return JSONResponse(prediction.to_json() | {"prediction_time_ms": _milliseconds_since(start)})


async def _predict_batch(request: Request) -> Response:
    """Reads the digits in many image files, one in each.

    Each file is sent in a field `files` of one form. The answers come in the same order; a file that cannot be read
    gets a problem in its place, and the others their digits.
    """
    recognizer, settings = _loaded(request), request.app.state.settings
    files = await read_image_files(
        request, settings.max_batch_files, settings.max_batch_bytes, settings.receive_seconds
    )

    def read() -> list[dict[str, Any]]:
        answers = recognizer.recognize_many(part.content for part in files)
        return [
            {"file": part.file, "prediction": None, "problem": problem_body(found)}
            if isinstance(found, ImageError)
            else {"file": part.file, "prediction": found.to_json(), "problem": None}
            for part, found in zip(files, answers, strict=True)
        ]

    start = time.perf_counter()
    with request.app.state.places:
        results = await anyio.to_thread.run_sync(read, limiter=request.app.state.batch_slot)
    return JSONResponse({"results": results, "prediction_time_ms": _milliseconds_since(start)})


_PREDICT, _BATCH = "/predict/", "/predict/batch/"


def _spellings(path: str) -> tuple[str, str]:
    """With the slash, as it is documented, and without."""
    return path, path.rstrip("/")


_ENDPOINTS: Mapping[str, Endpoint] = {
    **dict.fromkeys(_spellings(_PREDICT), _predict),
    **dict.fromkeys(_spellings(_BATCH), _predict_batch),
}

_FORM_PROBLEMS = (
    MalformedFormError,
    BodyTooSlowError,
    ImageTooLargeError,
    UnsupportedMediaTypeError,
    MissingFileError,
)
_BATCH_EXAMPLES: dict[type[DigitsError], str] = {
    MalformedFormError: "The multipart form cannot be read (its Content-Type names no boundary). "
    "Let your HTTP client build it, for example: curl -F files=@7.png -F files=@2.png",
    UnsupportedMediaTypeError: "The request has Content-Type 'application/json'. Send the images as "
    "multipart/form-data, each in a field 'files', for example: curl -F files=@7.png -F files=@2.png",
    MissingFileError: "The form has no file in a field 'files'. Send each image in one, "
    "for example: curl -F files=@7.png -F files=@2.png",
    ImageTooLargeError: "The files have more than the 104,857,600 bytes allowed together. Send fewer at a time.",
}
_IMAGE_PROBLEMS = (UnsupportedFormatError, EmptyFileError, BrokenImageError, NoInkError, SeveralDigitsError)


def _add_recognition(app: FastAPI) -> None:
    raw = {media_type: {"schema": _BINARY} for media_type in ("image/*", "application/octet-stream")}
    _add_direct(
        app,
        _PREDICT,
        summary="Read a digit",
        response_model=PredictionResponse,
        response_description="The digit.",
        responses=documented(*_FORM_PROBLEMS, *_IMAGE_PROBLEMS, OverloadedError, NotReadyError),
        openapi_extra=_body(_form(FIELD, _BINARY) | raw),
    )
    _add_direct(
        app,
        _BATCH,
        summary="Read many digits",
        response_model=BatchResponse,
        response_description="The digits.",
        responses=documented(
            *(*_FORM_PROBLEMS, TooManyFilesError, OverloadedError, NotReadyError), examples=_BATCH_EXAMPLES
        ),
        openapi_extra=_body(_form(BATCH_FIELD, {"type": "array", "items": _BINARY})),
    )


def _add_direct(app: FastAPI, path: str, **documentation: Any) -> None:
    for spelling in _spellings(path):
        app.router.add_api_route(
            spelling,
            _ENDPOINTS[spelling],
            methods=["POST"],
            tags=["recognition"],
            include_in_schema=spelling == path,
            route_class_override=_Direct,
            **documentation,
        )


def _add_operation(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("docs")

    @app.get("/model", summary="The model in use", tags=["operation"], responses=documented(NotReadyError))
    async def model(recognizer: Recognizer = Depends(_loaded)) -> ModelResponse:
        """Which model answers, how it was made and how good it is."""
        card = recognizer.card
        return ModelResponse(name=recognizer.name, test_accuracy=card.test_accuracy, card=card.to_json())

    @app.get("/health/live", summary="Is the process alive?", tags=["operation"])
    async def live() -> HealthResponse:
        """Answers while the process runs: if it does not, restart it."""
        return HealthResponse(status="live")

    @app.get("/health/ready", summary="Can it answer?", tags=["operation"], responses=documented(NotReadyError))
    async def ready(_: Recognizer = Depends(_loaded)) -> HealthResponse:
        """Answers 200 while predictions can be made: if it does not, send requests elsewhere."""
        return HealthResponse(status="ready")


def _add_problem_schema(app: FastAPI) -> None:
    """Documents `ProblemDetails`, which no route returns, so FastAPI would leave it out."""
    make_schema = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = make_schema()
            schema["components"]["schemas"]["ProblemDetails"] = ProblemDetails.model_json_schema()
            # FastAPI would leave out what is null in it.
            answer = schema["paths"][_PREDICT]["post"]["responses"]["200"]
            answer["content"]["application/json"]["example"] = PREDICTION_EXAMPLE
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
