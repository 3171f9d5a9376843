"""Errors as HTTP answers: RFC 9457 problem details, and the one place that maps one to the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from digits.errors import (
    BrokenImageError,
    DigitsError,
    EmptyFileError,
    ImageTooLargeError,
    NoInkError,
    SeveralDigitsError,
    UnsupportedFormatError,
)

MEDIA_TYPE = "application/problem+json"


class UploadError(DigitsError, ValueError):
    """The request does not carry a file where one is expected."""


class MissingFileError(UploadError):
    """The form has no file in the field where one is expected."""


class MalformedFormError(UploadError):
    """The body is not the multipart form that its header promises."""


class TooManyFilesError(UploadError):
    """The form has more files than are taken at a time."""


class UnsupportedMediaTypeError(UploadError):
    """The body is neither a multipart form nor an image."""


class BodyTooSlowError(UploadError):
    """The body did not arrive in time."""


class OverloadedError(DigitsError, RuntimeError):
    """More requests are being answered than the service takes at a time."""


class NotReadyError(DigitsError, RuntimeError):
    """No model is loaded (yet, or any more)."""


@dataclass(frozen=True)
class Problem:
    """A kind of problem.

    Args:
        name: ends the `type`, which is stable: programs may rely on it.
        status: HTTP status code.
        title: the same for every problem of this kind.
        example: a `detail` as it is really given.
        retry_after: seconds after which the same request may succeed; None if it will not.
    """

    name: str
    status: int
    title: str
    example: str
    retry_after: int | None = None

    @property
    def type(self) -> str:
        """The URI that identifies this kind."""
        return f"urn:digits:problem:{self.name}"

    def body(self, detail: str) -> dict[str, Any]:
        """The problem as JSON's types."""
        return {"type": self.type, "title": self.title, "status": self.status, "detail": detail}


PROBLEMS: Mapping[type[DigitsError], Problem] = {
    MalformedFormError: Problem(
        "malformed-form",
        400,
        "The form cannot be read",
        "The multipart form cannot be read (its Content-Type names no boundary). "
        "Let your HTTP client build it, for example: curl -F file=@7.png",
    ),
    ImageTooLargeError: Problem(
        "image-too-large",
        413,
        "The image is too large",
        "The image has 8,000 x 8,000 pixels, more than the 50,000,000 allowed. Scale it down or crop it to the digit.",
    ),
    UnsupportedFormatError: Problem(
        "unsupported-format",
        415,
        "Not an image of a supported format",
        "This is not an image that can be read. Send a PNG, JPEG, WebP, GIF, BMP or TIFF file; "
        "a HEIC photo from a phone has to be saved as JPEG first.",
    ),
    UnsupportedMediaTypeError: Problem(
        "unsupported-media-type",
        415,
        "Neither a form nor an image",
        "The request has Content-Type 'application/json'. Send the image as multipart/form-data in field 'file', "
        "for example: curl -F file=@7.png; or as the body alone, with a Content-Type such as image/png.",
    ),
    TooManyFilesError: Problem(
        "too-many-files",
        413,
        "Too many files",
        "The form has more than the 100 files allowed. Send fewer at a time.",
    ),
    MissingFileError: Problem(
        "missing-file",
        422,
        "No file was sent",
        "The form has no field 'file'. Send the image in it, for example: curl -F file=@7.png",
    ),
    EmptyFileError: Problem(
        "empty-file",
        422,
        "The file is empty",
        "The file is empty (0 bytes). Choose an image file and send it again.",
    ),
    BrokenImageError: Problem(
        "broken-image",
        422,
        "The image is damaged",
        "The image file is damaged or cut off and cannot be decoded (image file is truncated (2 bytes not processed)). "
        "Save or photograph it again and send the new file.",
    ),
    NoInkError: Problem(
        "no-ink",
        422,
        "No ink was found",
        "No ink was found: the image is blank, too faint or too noisy. "
        "Write the digit with a darker pen, fill more of the picture with it, or give it more light.",
    ),
    SeveralDigitsError: Problem(
        "several-digits",
        422,
        "Several digits were seen",
        "2 digits were seen in this picture, and one is expected. Crop it to the digit that you mean.",
    ),
    BodyTooSlowError: Problem(
        "body-too-slow",
        408,
        "The body came in too slowly",
        "The body did not arrive within 30 seconds. Send a smaller image, or try again over a faster connection.",
    ),
    OverloadedError: Problem(
        "overloaded",
        503,
        "Too many requests at a time",
        "256 requests are being answered, and no more are taken at a time. Try again in a moment.",
        retry_after=1,
    ),
    NotReadyError: Problem(
        "not-ready",
        503,
        "Not ready",
        "The model is not loaded. Try again in a moment.",
        retry_after=1,
    ),
}


def problem_body(error: Exception) -> dict[str, Any]:
    """An error as problem details; raises it if it is none of `PROBLEMS`: the server logs it and answers 500."""
    return _problem_of(error).body(str(error))


def _problem_of(error: Exception) -> Problem:
    problem = next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), None)
    if problem is None:
        raise error
    return problem


def problem_response(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer with a problem's body and status."""
    return JSONResponse(dict(body), body["status"], headers, media_type=MEDIA_TYPE)


def error_response(error: Exception) -> JSONResponse:
    """The answer to a request that ended in an error; raises it if it is none of `PROBLEMS`."""
    problem = _problem_of(error)
    headers = None if problem.retry_after is None else {"Retry-After": str(problem.retry_after)}
    return problem_response(problem.body(str(error)), headers)


def client_gone_response() -> Response:
    """Nobody is left to read an answer, and nothing is wrong with the server."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def documented(
    *errors: type[DigitsError], examples: Mapping[type[DigitsError], str] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can raise these errors, with an example of each, for /docs.

    Args:
        errors: the errors.
        examples: their `detail`, where the route says it otherwise than others.
    """
    responses: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        problem = PROBLEMS[error]
        response = responses.setdefault(
            problem.status,
            {
                "description": "",
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}, "examples": {}}},
            },
        )
        response["content"][MEDIA_TYPE]["examples"][problem.name] = {
            "summary": problem.title,
            "value": problem.body((examples or {}).get(error, problem.example)),
        }
        response["description"] = "; ".join(filter(None, (response["description"], problem.title)))
    return responses


def install(app: FastAPI) -> None:
    """Makes an app answer every error with problem details."""

    async def digits_error(_request: Request, error: Exception) -> JSONResponse:
        return error_response(error)

    async def client_gone(_request: Request, _error: Exception) -> Response:
        return client_gone_response()

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        if not isinstance(error, HTTPException):
            raise error
        # Paths and methods that do not exist: RFC 9457's blank type, which says what the status says.
        title = HTTPStatus(error.status_code).phrase
        detail = f"{request.method} {request.url.path}: {title}. See /docs for what there is."
        return problem_response(
            {"type": "about:blank", "title": title, "status": error.status_code, "detail": detail}, error.headers
        )

    async def unexpected_error(_request: Request, _error: Exception) -> JSONResponse:
        title = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
        detail = "Something went wrong on the server; the operator finds the cause in its log."
        return problem_response({"type": "about:blank", "title": title, "status": 500, "detail": detail})

    app.add_exception_handler(DigitsError, digits_error)
    app.add_exception_handler(ClientDisconnect, client_gone)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected_error)
