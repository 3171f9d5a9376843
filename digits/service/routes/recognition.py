"""The routes that read digits."""

import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from digits.answers import BatchPrediction, PredictionResponse, ReadResponse, warned
from digits.budget import Budget
from digits.errors import (
    CrowdedImageError,
    DigitsError,
    ImageError,
    InkError,
    PatternError,
    SeveralDigitsError,
    TooManyPagesError,
    UnexpectedNumberError,
)
from digits.images.decode import OpenedImage, open_image
from digits.images.formats import starts_a_process
from digits.recognizer import Prediction, Recognizer
from digits.service.compute import jobs
from digits.service.errors import (
    AccessError,
    BatchError,
    MalformedBodyError,
    MalformedFormError,
    MissingFileError,
    OverloadedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    UploadError,
)
from digits.service.limits.computing import compute
from digits.service.limits.concurrency import Room
from digits.service.problems import problem_of
from digits.service.request_context import EXPECTED
from digits.service.responses import model_response
from digits.service.routes.body_schemas import MANY_DIGITS, ONE_DIGIT, body, form, form_or_raw
from digits.service.routes.direct import Endpoint
from digits.service.routes.documented import documented
from digits.service.routes.parameters import (
    EXPECT,
    EXPECT_FIELD,
    PAGE_FIELD,
    PAGE_TO_PREDICT,
    PAGE_TO_READ,
    chosen_page,
    chosen_pattern,
    in_query,
)
from digits.service.routes.uploads import BATCH_FIELD, read_image_files, read_upload
from digits.service.schemas import BatchItem, BatchResponse
from digits.service.state import BATCH_TIMES, READ_ON_THE_SPOT_BYTES, ServiceState, state_of

# The event loop itself reads a plain image of no more pixels and bytes: that takes hardly longer than waking up a
# thread. Any other image goes to a compute process, so that other requests need not wait for it, nor for Python's lock.
_ON_THE_SPOT_PIXELS = 64 * 64


class _Direct(APIRoute):
    """A route whose endpoint takes the request and returns the response itself.

    FastAPI documents it like any other. Its own way, which finds parameters and validates the answer once more, takes
    longer than reading a digit.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def _milliseconds_since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000.0, 3)


async def _predict(request: Request) -> Response:
    """Reads the handwritten digit in an image file.

    Dark ink on light ground or the other way round, photographed, scanned or drawn. The image is sent in field `file`
    of a form, as the body itself with its own Content-Type, which is faster, or in JSON, in base64. JSON may hold
    strokes of a pen instead. Of a file of several pages, the answer says how many there are, and `page` chooses the one
    to read.
    """
    state = state_of(request)
    settings = state.settings
    with Room(state.buffers) as room:
        _refuse_early(state, request)
        upload = await read_upload(request, settings.max_bytes, settings.receive_seconds, room, (PAGE_FIELD,))
        data, page = upload.content, chosen_page(request, upload.texts) or 1
        # Requests whose body is still coming in are not counted.
        with state.concurrency:
            start = time.perf_counter()
            prediction, page_count = await _recognize(state, request, data, page, room.taken)
    if state.metrics:
        state.metrics.prediction(prediction)
    answer = PredictionResponse.timed(prediction, _milliseconds_since(start), page, page_count, upload.warnings)
    response = model_response(answer)
    if state.shadow:
        response.background = state.shadow.after(data, page, prediction)
    return response


def _refuse_early(state: ServiceState, request: Request) -> None:
    """Refuses a large image before its body is read if the queue is too long for it."""
    length = request.headers.get("content-length", "")
    if EXPECTED not in request.scope and (not length.isdecimal() or int(length[:20]) > READ_ON_THE_SPOT_BYTES):
        state.queue.check()
        state.queue.expect()


async def _recognize(
    state: ServiceState, request: Request, data: bytes, page: int, held_bytes: int
) -> tuple[Prediction, int]:
    """Reads the digit on a page of a file; returns it, and how many pages the file has."""
    recognizer = state.models.recognizer
    at_once = len(data) <= READ_ON_THE_SPOT_BYTES and not starts_a_process(data)
    image = open_image(data, recognizer.limits, page) if at_once else None
    budget = Budget(state.settings.compute_seconds)
    if image is not None and image.is_plain and image.width * image.height <= _ON_THE_SPOT_PIXELS:
        first = await _read_on_the_spot(state, recognizer, image)
        if recognizer.may_look_again(first):
            # Other views take too long for the event loop. Where too many requests wait, the first view answers.
            with contextlib.suppress(OverloadedError):
                shown = first if isinstance(first, ImageError) else jobs.without_stages(first)
                again = partial(state.processes.run, jobs.look_again, recognizer, data, shown)
                return await compute(again, request, budget, state.queue, held_bytes), 1
        if isinstance(first, ImageError):
            raise first
        return first, 1

    recognize = partial(state.processes.run, jobs.recognize, recognizer, data, page)
    return await compute(recognize, request, budget, state.queue, held_bytes)


async def _read_on_the_spot(state: ServiceState, recognizer: Recognizer, image: OpenedImage) -> Prediction | ImageError:
    """Reads a small image in the first view; returns why it cannot be answered if it cannot."""
    try:
        return await state.batcher.recognize(recognizer, image)
    except ImageError as error:
        return error


async def _predict_batch(request: Request) -> Response:
    """Reads the digits in many image files, one in each.

    Each file is sent in a field `files` of one form. The answers come in the same order; a file that cannot be read
    gets a problem in its place, and the others their digits. If the problem's status is 503, send that file again.
    """
    state = state_of(request)
    settings, recognizer = state.settings, state.models.recognizer
    with Room(state.buffers) as room:
        state.batch_queue.check()
        received = await read_image_files(
            request, settings.max_batch_files, settings.max_batch_bytes, settings.receive_seconds, room
        )
        start = time.perf_counter()
        with state.concurrency:
            budget = Budget(settings.compute_seconds, BATCH_TIMES * settings.compute_seconds)
            contents = [part.content for part in received.parts]
            read = partial(state.processes.run, jobs.recognize_batch, recognizer, contents)
            answers = await compute(read, request, budget, state.batch_queue, room.taken)
    items = [
        _item(state, part.file or "", answer, page_count)
        for part, (answer, page_count) in zip(received.parts, answers, strict=True)
    ]
    return model_response(
        BatchResponse(results=items, prediction_time_ms=_milliseconds_since(start), **warned(received.warnings))
    )


def _item(state: ServiceState, file: str, answer: Prediction | DigitsError, page_count: int) -> BatchItem:
    """Returns the answer for the first page of one file of a batch."""
    if isinstance(answer, Prediction):
        if state.metrics:
            state.metrics.prediction(answer)
        return BatchItem(file=file, prediction=BatchPrediction.of(answer, 1, page_count), problem=None)
    problem = problem_of(answer)
    if state.metrics:
        state.metrics.problem(problem.name)
    return BatchItem(file=file, prediction=None, problem=problem.details(str(answer)))


async def _read(request: Request) -> Response:
    """Reads all handwritten digits in an image file: a house number, a date, a page of several lines.

    The image is sent as for `/predict/`. Every digit comes with its box, in reading order; other signs, such as a
    minus, come with `accepted: false`: they are in `transcript` and not in `text`. With `expect`, in the query or in
    a field of the form, only what matches its pattern is read. Of a file of several pages, all are read, or the `page`
    that is asked for.
    """
    state = state_of(request)
    settings = state.settings
    with Room(state.buffers) as room:
        _refuse_early(state, request)
        upload = await read_upload(
            request, settings.max_bytes, settings.receive_seconds, room, (EXPECT_FIELD, PAGE_FIELD)
        )
        expect = chosen_pattern(request, upload.texts)
        page = chosen_page(request, upload.texts)
        with state.concurrency:
            start = time.perf_counter()
            recognizer = state.models.recognizer
            budget = Budget(settings.compute_seconds)
            try:
                read = partial(state.processes.run, jobs.read_document, recognizer, upload.content, page, expect)
                document = await compute(read, request, budget, state.queue, room.taken)
            except (PatternError, UnexpectedNumberError) as error:
                # The pattern may have arrived in another form than it was written in.
                error.args = (" ".join((str(error), *upload.warnings)),)
                raise
    if state.metrics:
        state.metrics.reading(document.joined)
    return model_response(ReadResponse.timed(document, _milliseconds_since(start), upload.frame, upload.warnings))


PREDICT, BATCH, READ = "/predict/", "/predict/batch/", "/read/"


def _spellings(path: str) -> tuple[str, str]:
    """Returns a path with its final slash, as it is documented, and without."""
    return path, path.rstrip("/")


ENDPOINTS: Mapping[str, Endpoint] = {
    **dict.fromkeys(_spellings(PREDICT), _predict),
    **dict.fromkeys(_spellings(BATCH), _predict_batch),
    **dict.fromkeys(_spellings(READ), _read),
}

# What every route can answer.
_GROUPS = (UploadError, UnavailableError, AccessError)
# What `/predict/` never answers.
_ONLY_READ = (BatchError, CrowdedImageError, TooManyPagesError, UnexpectedNumberError)
_BATCH_EXAMPLES: dict[type[DigitsError], str] = {
    MalformedFormError: "The multipart form cannot be read (its Content-Type names no boundary). "
    "Let your HTTP client build it, for example: curl -F files=@7.png -F files=@2.png",
    MalformedBodyError: "The body cannot be unpacked as gzip (it is cut short). Send it again.",
    UnsupportedMediaTypeError: "The request has Content-Type 'application/json'. Send the images as "
    "multipart/form-data, each in a field 'files', for example: curl -F files=@7.png -F files=@2.png",
    MissingFileError: "The form has no field 'files', but 'file'. Send each image in one, "
    "for example: curl -F files=@7.png -F files=@2.png",
}


def install(app: FastAPI) -> None:
    """Adds the routes."""
    _add_direct(
        app,
        PREDICT,
        operation_id="predict",
        summary="Read a digit",
        response_model=PredictionResponse,
        response_description="The digit.",
        responses=documented(*_GROUPS, ImageError, InkError, without=_ONLY_READ),
        openapi_extra=form_or_raw(ONE_DIGIT, {PAGE_FIELD: PAGE_TO_PREDICT})
        | {"parameters": [in_query(PAGE_FIELD, PAGE_TO_PREDICT)]},
    )
    _add_direct(
        app,
        BATCH,
        operation_id="predict_batch",
        summary="Read many digits",
        response_model=BatchResponse,
        response_description="The digits.",
        responses=documented(*_GROUPS, examples=_BATCH_EXAMPLES),
        openapi_extra=body(form(BATCH_FIELD, {"type": "array", "items": ONE_DIGIT})),
    )
    _add_direct(
        app,
        READ,
        operation_id="read",
        summary="Read a number",
        response_model=ReadResponse,
        response_description="The digits.",
        responses=documented(*_GROUPS, ImageError, InkError, PatternError, without=(BatchError, SeveralDigitsError)),
        openapi_extra=form_or_raw(MANY_DIGITS, {EXPECT_FIELD: EXPECT, PAGE_FIELD: PAGE_TO_READ})
        | {"parameters": [in_query(EXPECT_FIELD, EXPECT), in_query(PAGE_FIELD, PAGE_TO_READ)]},
    )


def _add_direct(app: FastAPI, path: str, **documentation: Any) -> None:
    for spelling in _spellings(path):
        app.router.add_api_route(
            spelling,
            ENDPOINTS[spelling],
            methods=["POST"],
            tags=["recognition"],
            include_in_schema=spelling == path,
            route_class_override=_Direct,
            **documentation,
        )
