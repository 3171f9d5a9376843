"""The REST routes of the Open Inference Protocol, version 2, for platforms that speak it.

Images that the client has normalized to 28x28 go in, probabilities come out. Errors have that protocol's own form. Its
text is kserve/open-inference-protocol, specification/protocol/inference_rest.md.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from digits import __version__
from digits.arrays import CLASSES, SIDE
from digits.budget import Budget
from digits.errors import ComputationStoppedError, DigitsError, ImageTooLargeError
from digits.images.limits import too_many_bytes
from digits.recognizer import Recognizer
from digits.service.errors import AccessError, as_unavailable
from digits.service.limits.computing import compute
from digits.service.limits.concurrency import Room
from digits.service.problems import problem_of
from digits.service.responses import client_gone_response, headers_of, model_response, note_problem
from digits.service.routes.documented import documented
from digits.service.routes.inference_request import (
    INFERENCE_REQUEST,
    INPUT,
    OUTPUT,
    RefusedError,
    check_outputs,
    read_images,
    read_request,
)
from digits.service.routes.uploads import read_plain_body
from digits.service.state import state_of

MODEL_NAME = "digits"

TAG = "Open Inference Protocol"


class InferenceError(BaseModel):
    """Why a request of the Open Inference Protocol was not answered."""

    error: str = Field(description="What happened and what to do, for a person.")


class Tensor(BaseModel):
    """A tensor of the model."""

    name: str
    datatype: str
    shape: list[int] = Field(description="-1 where any size fits.")


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(BaseModel):
    """What the model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class ServerLive(BaseModel):
    """Whether the server answers."""

    live: bool


class ModelReady(BaseModel):
    """Whether the model answers."""

    name: str
    ready: bool


class OutputTensor(Tensor):
    """A tensor that the model gave."""

    data: list[float]


class InferenceResponse(BaseModel):
    """What the model gave for the images."""

    model_name: str
    model_version: str
    id: str | None = Field(None, description="The request's own id, if it has one.")
    outputs: list[OutputTensor]


_ERRORS = {
    400: "The request cannot be understood",
    404: "There is no such model or version",
    408: "The body did not arrive in time",
    413: "The request is too large",
    415: "The body's compression is not known",
    503: "Not now",
}


class _ProtocolRoute(APIRoute):
    """A route whose endpoint takes the request, and whose errors have the protocol's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, BaseModel]] = self.endpoint

        async def handle(request: Request) -> Response:
            try:
                return model_response(await endpoint(request))
            except RefusedError as error:
                return _error_response(error, f"http-{error.status}", error.status, {})
            except (ClientDisconnect, ComputationStoppedError):
                return client_gone_response()
            except (DigitsError, OSError, RuntimeError, ImportError) as error:
                answered = as_unavailable(error) or error
                problem = problem_of(answered)
                return _error_response(answered, problem.name, problem.status, headers_of(answered))

        return handle


def _error_response(error: Exception, name: str, status: int, headers: Mapping[str, str]) -> Response:
    """Returns an error in the protocol's form; log and metrics name the problem as on other routes."""
    note_problem(name)
    return model_response(InferenceError(error=str(error)), status, headers)


@dataclass(frozen=True)
class _Operation:
    """A route, with what /docs says of it.

    Args:
        path: of the route.
        name: of the operation, after which client generators name their functions.
        endpoint: answers the request.
        answer: model of the answer.
        summary: of the operation.
        errors: statuses of `_ERRORS` that the endpoint can answer.
        method: HTTP method.
        described: more of the operation, as OpenAPI describes it.
    """

    path: str
    name: str
    endpoint: Callable[[Request], Coroutine[Any, Any, BaseModel]]
    answer: type[BaseModel]
    summary: str
    errors: Collection[int]
    method: str = "GET"
    described: Mapping[str, Any] = field(default_factory=dict)


def install(app: FastAPI) -> None:
    """Adds the routes."""
    model, version = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
    health, named = (503,), (404, 503)
    for operation in (
        _Operation("/v2", "server_metadata", _server, ServerMetadata, "The server", ()),
        _Operation("/v2/health/live", "server_live", _live, ServerLive, "Is the server alive?", health),
        _Operation("/v2/health/ready", "server_ready", _ready, ServerLive, "Can the server answer?", health),
        _Operation(model, "model_metadata", _model, ModelMetadata, "The model", named),
        _Operation(version, "model_version_metadata", _model, ModelMetadata, "A version of the model", named),
        _Operation(f"{model}/ready", "model_ready", _model_ready, ModelReady, "Can the model answer?", named),
        _Operation(f"{version}/ready", "model_version_ready", _model_ready, ModelReady, "Can a version answer?", named),
        *(
            _Operation(
                f"{path}/infer",
                f"{name}_infer",
                _infer,
                InferenceResponse,
                "Read normalized images",
                tuple(_ERRORS),
                "POST",
                INFERENCE_REQUEST,
            )
            for path, name in ((model, "model"), (version, "model_version"))
        ),
    ):
        _add(app, operation)


def _add(app: FastAPI, operation: _Operation) -> None:
    parameters = [
        {"name": parameter, "in": "path", "required": True, "schema": {"type": "string"}}
        for parameter in ("name", "version")
        if f"{{{parameter}}}" in operation.path
    ]
    responses: dict[int | str, dict[str, Any]] = {
        status: {"model": InferenceError, "description": _ERRORS[status]} for status in operation.errors
    }
    if not operation.path.startswith("/v2/health/"):
        # Whoever may not ask is refused before this protocol is known.
        responses |= documented(AccessError)
    app.router.add_api_route(
        operation.path,
        operation.endpoint,
        methods=[operation.method],
        tags=[TAG],
        operation_id=operation.name,
        summary=operation.summary,
        response_model=operation.answer,
        responses=responses,
        openapi_extra={**({"parameters": parameters} if parameters else {}), **operation.described},
        route_class_override=_ProtocolRoute,
    )


async def _server(_request: Request) -> ServerMetadata:
    """What this server is."""
    return ServerMetadata(name="digits", version=__version__, extensions=[])


async def _live(request: Request) -> ServerLive:
    """Answers 200 while requests are answered."""
    state_of(request).check_live()
    return ServerLive(live=True)


async def _ready(request: Request) -> ServerLive:
    """Answers 200 while requests may be sent."""
    state_of(request).check_ready()
    return ServerLive(live=True)


async def _model(request: Request) -> ModelMetadata:
    """The model's tensors: 28x28 images with light strokes on a dark ground, as MNIST has them, and probabilities."""
    recognizer = _asked_for(request)
    return ModelMetadata(
        name=MODEL_NAME,
        versions=[_version(recognizer)],
        platform="onnx_onnxv1",
        inputs=[Tensor(name=INPUT, datatype="FP32", shape=[-1, SIDE, SIDE])],
        outputs=[Tensor(name=OUTPUT, datatype="FP32", shape=[-1, CLASSES])],
    )


async def _model_ready(request: Request) -> ModelReady:
    """Answers 200 while the model may be asked."""
    _asked_for(request)
    state_of(request).check_ready()
    return ModelReady(name=MODEL_NAME, ready=True)


async def _infer(request: Request) -> InferenceResponse:
    """Reads images that the client has normalized: FP32 or FP64 in 0..1, or UINT8 in 0..255.

    No picture is prepared here: for photos, scans and drawings there is `/predict/`. The probabilities are calibrated.
    """
    state = state_of(request)
    recognizer, settings = _asked_for(request), state.settings
    if "inference-header-content-length" in request.headers:
        raise RefusedError(400, "Binary tensors are an extension that is not here. Send the data as JSON.")
    with Room(state.buffers) as room:
        body = await read_plain_body(
            request, settings.max_bytes, ImageTooLargeError(too_many_bytes(settings.max_bytes)),
            settings.receive_seconds, room,
        )  # fmt: skip
        budget = Budget(settings.compute_seconds)
        with state.concurrency:
            return await compute(lambda: _classify(recognizer, body), request, budget, state.queue, room.taken)


def _asked_for(request: Request) -> Recognizer:
    """Returns the model that the path names."""
    recognizer = state_of(request).models.recognizer
    name, version = request.path_params["name"], request.path_params.get("version")
    if name != MODEL_NAME:
        raise RefusedError(404, f"There is no model {name[:60]!r}; there is {MODEL_NAME!r}.")
    if version not in (None, _version(recognizer), recognizer.digest):
        raise RefusedError(
            404, f"There is no version {str(version)[:60]!r} of the model; there is {_version(recognizer)!r}."
        )
    return recognizer


def _version(recognizer: Recognizer) -> str:
    return recognizer.digest[:12]


def _classify(recognizer: Recognizer, body: bytes) -> InferenceResponse:
    asked = read_request(body)
    identity = asked.get("id")
    if not isinstance(identity, str | None):
        raise RefusedError(400, "The request's id is no text. Send a text, or leave it out.")
    check_outputs(asked.get("outputs"))
    probabilities = recognizer.classify(read_images(asked.get("inputs")))
    answer = InferenceResponse(
        model_name=MODEL_NAME,
        model_version=_version(recognizer),
        outputs=[
            OutputTensor(
                name=OUTPUT, datatype="FP32", shape=list(probabilities.shape), data=probabilities.ravel().tolist()
            )
        ],
    )
    if identity is not None:
        # It goes back as it came, without halves of characters, which JSON in UTF-8 cannot hold.
        answer.id = identity.encode("utf-8", "replace").decode()
    return answer
